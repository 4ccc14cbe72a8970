//! The program as a person calls it: `demo`, `send`, `echo`, `queue`.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tests::configuration::Configuration;
use tests::daemon::{self, Home};
use tests::dcmtk::{self, free_port};
use tests::embedded_origin::EmbeddedOrigin;
use tests::instances::Instance;
use tests::wait::eventually;

use crate::site::said;

/// Output of a command that has to succeed.
fn run(home: &Home, arguments: &[&str]) -> String {
    let output = home.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Exit code and output of a command that has to fail.
fn refused(home: &Home, arguments: &[&str]) -> (i32, String) {
    let output = home.run(arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", said(&output));
    (output.status.code().unwrap(), said(&output))
}

#[test]
fn the_demonstration_tells_each_step_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let demo = |directory: &Path| -> Output {
        let any = "127.0.0.1:0";
        Command::new(daemon::program())
            .args(["demo", "--instances", "12", "--exit-after-send", "--listen", any, "--admin", any])
            .args(["--origin", any, "--directory"])
            .arg(directory)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    for _ in 0..2 {
        let output = demo(folder.path());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let steps = [
            "1. A synthetic CT study: 12 instances",
            "2. Association",
            "3. Acknowledged 12 instances",
            "4. Delivered to the archive by STOW-RS",
            "5. Verified: 12 data sets",
        ];
        let mut rest = text.as_str();
        for step in steps {
            let Some((_, behind)) = rest.split_once(step) else { panic!("no `{step}` in:\n{text}") };
            rest = behind;
        }
    }
}

#[test]
fn the_demonstration_serves_dcmtk_until_it_is_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0";
    let ready = folder.path().join("ready.json");
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut child = Command::new(daemon::program())
        .args(["demo", "--instances", "3", "--listen", any, "--admin", any, "--origin", any, "--directory"])
        .arg(folder.path().join("demo"))
        .arg("--ready-file")
        .arg(&ready)
        .stdin(Stdio::null())
        .stdout(log)
        .spawn()
        .unwrap();
    let text = eventually("the demonstration invites", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        let text = std::fs::read_to_string(folder.path().join("log")).ok()?;
        text.contains("Ctrl-C ends it").then_some(text)
    });
    let addresses: serde_json::Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    let metrics = format!("http://{}/metrics", addresses["admin"].as_str().unwrap());
    assert!(text.contains(&metrics), "{text}");
    assert_eq!(tests::http::get(&metrics).unwrap().status, 200);
    let instance = Instance::ct(1, 1, 1000);
    let path = folder.path().join("one.dcm");
    instance.write(&path);
    let address = addresses["dimse"].as_str().unwrap().parse().unwrap();
    if let Some(output) = dcmtk::run("storescu", address, &[], &[path]) {
        assert!(output.status.success(), "{}", said(&output));
        let url = format!("{}/instances?limit=10", addresses["origin"].as_str().unwrap());
        eventually("the instance is in the archive", || {
            (tests::http::get(&url)?.json().as_array()?.len() == 4).then_some(())
        });
    }
    assert!(Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap().success());
    let status = eventually("the demonstration ends", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_folder_is_sent_and_what_is_no_dicom_file_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let listen = format!("listen = \"127.0.0.1:{}\"", free_port());
    let home = Home::new(&Configuration::new().set("dimse", &listen).origin("archive", origin.url()));
    let daemon = home.start();
    assert!(!run(&home, &["echo"]).is_empty());
    let study = folder.path().join("study/series");
    std::fs::create_dir_all(&study).unwrap();
    let instances = Instance::study(1, 6, 100_000);
    for (number, instance) in instances.iter().enumerate() {
        instance.write(&study.join(format!("IM{number}")));
    }
    std::fs::write(study.join("README.txt"), "not an image").unwrap();
    // No --to: the daemon of the configuration.
    let text = run(&home, &["send", folder.path().join("study").to_str().unwrap()]);
    assert!(text.contains("6 stored") && text.contains("0 failed, 1 skipped"), "{text}");
    daemon.settle();
    for instance in &instances {
        assert!(origin.data_set(instance).as_ref() == Some(&instance.data_set), "{}", instance.sop_instance);
    }
    let (code, text) = refused(&home, &["send", study.join("README.txt").to_str().unwrap()]);
    assert_eq!(code, 65, "{text}");
    daemon.kill();
    assert_eq!(refused(&home, &["echo"]).0, 69);
    // With no daemon it goes into the spool, and on its way once there is one again.
    let further = Instance::ct(2, 1, 1000);
    let path = folder.path().join("further.dcm");
    further.write(&path);
    let text = run(&home, &["send", path.to_str().unwrap()]);
    assert!(text.contains("1 stored"), "{text}");
    let _daemon = home.start();
    eventually("it is in the archive", || origin.data_set(&further));
}

#[test]
fn the_queue_as_a_person_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let nobody = format!("http://127.0.0.1:{}/dicom-web", free_port());
    let configuration = Configuration::new()
        .set("dimse", &format!("listen = \"127.0.0.1:{}\"", free_port()))
        .set("admin", &format!("listen = \"127.0.0.1:{}\"", free_port()))
        .origin("down", &nobody)
        .origin("archive", origin.url())
        .with("[[route]]\nstore = [\"down\"]");
    let home = Home::new(&configuration);
    let daemon = home.start();
    assert_eq!(run(&home, &["queue", "list"]), "nothing\n");
    let study = folder.path().join("study");
    std::fs::create_dir(&study).unwrap();
    let instances = Instance::study(1, 4, 20_000);
    for (number, instance) in instances.iter().enumerate() {
        instance.write(&study.join(format!("{number}.dcm")));
    }
    run(&home, &["send", study.to_str().unwrap()]);
    eventually("the dead archive was tried", || {
        daemon.queue("destination=down").iter().any(|line| line["reason"].is_string()).then_some(())
    });

    let list = run(&home, &["queue", "list"]);
    assert_eq!(list.lines().count(), 5, "{list}");
    let entry = list.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let shown = run(&home, &["queue", "show", &entry]);
    for fact in ["MODALITY", "down", &instances[0].study] {
        let expected = if fact == "MODALITY" { "called DIMSEWAY" } else { fact };
        assert!(shown.contains(expected), "no {expected} in:\n{shown}");
    }

    // Held, one by its number and the rest by study; nothing is tried while it is held.
    assert!(run(&home, &["queue", "hold", &entry, "--reason", "ask the site"]).contains("1 deliveries"));
    let held = run(&home, &["queue", "list", "--state", "held"]);
    assert!(held.contains("ask the site"), "{held}");
    eventually("all are held", || {
        run(&home, &["queue", "hold", "--study", &instances[0].study]);
        (run(&home, &["queue", "list", "--state", "held"]).lines().count() == 5).then_some(())
    });
    let rescue = folder.path().join("rescue");
    let told = run(&home, &["queue", "export", &entry, "--to", rescue.to_str().unwrap()]);
    assert!(told.contains("1 file"), "{told}");
    let exported = std::fs::read_dir(&rescue).unwrap().next().unwrap().unwrap().path();
    let exported = std::fs::read(exported).unwrap();
    let (meta, start) = instance::part10::read(&exported).unwrap();
    let original = instances.iter().find(|instance| instance.sop_instance == meta.sop_instance_uid.as_str());
    assert!(exported[start..] == original.unwrap().data_set);

    // One is given up; the others go elsewhere.
    assert_eq!(refused(&home, &["queue", "discard", &entry]).0, 64);
    run(&home, &["queue", "discard", &entry, "--yes"]);
    assert!(run(&home, &["queue", "reroute", "--state", "held", "--to", "archive"]).contains("3 deliveries"));
    run(&home, &["queue", "release", "--destination", "archive"]);
    eventually("three are in the other archive", || (origin.count() == 3).then_some(()));
    daemon.settle();
    assert_eq!(run(&home, &["queue", "list"]), "nothing\n");
    let everything = run(&home, &["queue", "list", "--all"]);
    assert!(everything.contains("delivered"), "{everything}");

    // Mistakes.
    assert_eq!(refused(&home, &["queue", "retry"]).0, 64);
    assert_ne!(refused(&home, &["queue", "show", "nonsense"]).0, 0);
    // With the daemon gone the same commands work on the spool.
    drop(daemon);
    assert_eq!(run(&home, &["queue", "list"]), "nothing\n");
    let json: serde_json::Value = serde_json::from_str(&run(&home, &["queue", "list", "--json"])).unwrap();
    assert_eq!(json["deliveries"].as_array().unwrap().len(), 3, "{json}");
}
