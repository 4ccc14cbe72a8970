//! The container image, without Docker: its Dockerfile, the scripts that it calls, and what they make.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tests::daemon;
use tests::dcmtk::free_port;
use tests::skip;
use tests::wait::eventually;

use crate::repository::{path, python_program, said, succeed, text};

const DOCKERFILE: &str = "deploy/Dockerfile";

/// An instruction of the Dockerfile with its arguments, its lines joined; the last of several.
fn instruction(name: &str) -> String {
    let joined = text(DOCKERFILE).replace("\\\n", " ");
    let found = joined.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).next_back();
    found.unwrap_or_else(|| panic!("no {name}")).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of an instruction in the form of a JSON array.
fn words(array: &str) -> Vec<String> {
    serde_json::from_str(array).unwrap_or_else(|error| panic!("{array}: {error}"))
}

#[test]
fn hadolint_finds_no_fault() {
    let Some(mut hadolint) = python_program("hadolint") else { return };
    succeed(hadolint.arg(DOCKERFILE));
}

#[test]
fn the_dockerfile_leaves_the_steps_to_the_scripts() {
    let build = instruction("RUN");
    let (_, steps) = build.split_once(" deploy/").expect("the mounts, then the scripts");
    assert_eq!(
        format!("deploy/{steps}"),
        "deploy/container/build.sh && deploy/container/assemble.sh target/release/dimseway /image"
    );
    let build = text("deploy/container/build.sh");
    assert!(build.contains("--locked") && build.contains("--release"), "{build}");
}

#[test]
fn image_and_chart_agree() {
    let user = instruction("USER");
    let (number, group) = user.split_once(':').unwrap();
    assert_eq!(number, group);
    assert!(text("deploy/container/assemble.sh").contains(&format!("user={number}\n")));
    let set = text("deploy/helm/dimseway/templates/statefulset.yaml");
    for key in ["runAsUser", "runAsGroup", "fsGroup"] {
        assert!(set.contains(&format!("{key}: {number}\n")), "{key}");
    }
    for port in instruction("EXPOSE").split(' ') {
        assert!(set.contains(&format!("containerPort: {port}\n")), "{port}");
    }
    let (_, configuration) =
        instruction("ENV").split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(set.contains(&format!("value: {configuration}\n")));
    assert!(set.contains(&format!("mountPath: {}\n", words(&instruction("VOLUME"))[0])));
}

/// What a container runtime makes of the image: its root read-only, its own user, no capabilities.
struct Image {
    folder: PathBuf,
}

impl Image {
    /// Puts the image together around the program under test, with a configuration.
    fn assemble(folder: &Path, configuration: &str) -> Self {
        let image = folder.join("image");
        succeed(Command::new(path("deploy/container/assemble.sh")).arg(daemon::program()).arg(&image));
        fs::create_dir(folder.join("etc")).unwrap();
        fs::write(folder.join("etc/dimseway.toml"), configuration).unwrap();
        let user = instruction("USER");
        succeed(Command::new("chown").args(["-R", &user]).arg(image.join("state")));
        Self { folder: folder.to_owned() }
    }

    /// A command in the container: a mount namespace of its own, then the image as root.
    fn run(&self, words: &[String]) -> Command {
        let script = "set -e
            root=image/root
            mount --make-rprivate /
            mount --bind $root $root
            mount -o remount,bind,ro $root
            mount --bind image/state $root/var/lib/dimseway
            mount --bind etc $root/etc/dimseway
            mount -t tmpfs tmpfs $root/tmp
            user=$1
            shift
            exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+setgid,+setuid,+sys_chroot \
                chroot --userspec=$user $root \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh", &instruction("USER")]).args(words);
        let (name, value) =
            instruction("ENV").split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env(name, value);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }
}

/// Ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_image_serves_read_only_and_without_rights() {
    let is_root = succeed(Command::new("id").arg("-u")).trim() == "0";
    if !is_root || skip::program("unshare").is_none() {
        skip::skip("mounting the image needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let admin = free_port();
    let configuration = format!(
        "[dimse]\nlisten = \"127.0.0.1:0\"\ndrain_delay = \"0s\"\n\
        [origin.archive]\nurl = \"http://127.0.0.1:9/dicom-web\"\n\
        [spool]\ndirectory = \"/var/lib/dimseway/spool\"\nminimum_free = \"16MiB\"\n\
        [admin]\nlisten = \"127.0.0.1:{admin}\"\n"
    );
    let image = Image::assemble(folder.path(), &configuration);
    let entry = words(&instruction("ENTRYPOINT"));
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let serve = [entry.clone(), words(&instruction("CMD"))].concat();
    let mut running = Running(image.run(&serve).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    let (_, health) =
        instruction("HEALTHCHECK").split_once(" CMD ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    eventually("the health check of the image is content", || {
        if let Some(status) = running.0.try_wait().unwrap() {
            panic!("it ended with {status}: {}", fs::read_to_string(folder.path().join("log")).unwrap());
        }
        image.run(&words(&health)).output().unwrap().status.success().then_some(())
    });
    assert!(folder.path().join("image/state/spool/lock").is_file(), "the spool is on the volume");
    // The same program as the user of the image, where it may not write.
    let elsewhere = ["origin", "--listen", "127.0.0.1:0", "--directory", "/archive"].map(str::to_owned);
    let output = image.run(&[entry, elsewhere.to_vec()].concat()).output().unwrap();
    assert!(!output.status.success(), "{}", said(&output));
    let status = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(status.success());
    let status = eventually("it drains", || running.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}
