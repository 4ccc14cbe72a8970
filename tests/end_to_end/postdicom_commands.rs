//! The commands for a PostDICOM account, as a person runs them, against the stand-in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::dcmtk;
use tests::embedded_origin::{EmbeddedOrigin, Options};
use tests::skip;
use tests::wait::eventually;

const UNKNOWN: &str = "d1c05e00-0009-4000-8000-000000000009";
const NAME: &str = "YAMADA^TARO=山田^太郎";

/// A configuration with the stand-in's account.
struct Site {
    home: Home,
    account: Value,
    _origin: EmbeddedOrigin,
}

impl Site {
    fn new() -> Self {
        let home = Home::new(&Configuration::new());
        let directory = home.path().join("archive");
        let origin =
            EmbeddedOrigin::start_with(&directory, Options { profile: "postdicom", ..Options::default() });
        let ready = fs::read_to_string(directory.with_extension("ready.json")).unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        fs::write(home.path().join("password"), text("password")).unwrap();
        let auth = format!(
            "auth = {{ type = \"basic\", username = \"{}\", password_file = \"password\" }}",
            text("username")
        );
        let institution = ready["account"]["institutions"][0]["uuid"].as_str().unwrap();
        home.configure(
            &Configuration::new()
                .origin("cloud", origin.url())
                .set("origin.cloud", "profile = \"postdicom\"")
                .set("origin.cloud", &auth)
                .set("origin.cloud.postdicom", &format!("institutions = [\"{institution}\"]")),
        );
        Self { home, account: ready["account"].clone(), _origin: origin }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.home.run(arguments)
    }

    /// What a command prints that ends well.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.said(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Exit code and message of a command that fails.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn order(&self) -> String {
        let made = self.json(&CREATE);
        assert_eq!(made["outcome"], "created");
        made["order"].as_str().unwrap().to_owned()
    }

    fn first(&self, list: &str) -> String {
        self.account[list][0]["uuid"].as_str().unwrap().to_owned()
    }
}

const CREATE: [&str; 16] = [
    "orders",
    "create",
    "--patient-name",
    NAME,
    "--patient-id",
    "4711",
    "--birthdate",
    "1980-01-02",
    "--modality",
    "CT",
    "--accession-number",
    "A100",
    "--scheduled",
    "2026-11-23 10:30",
    "--study-description",
    "say \"hi\"\r\nX-Evil: 1",
];

#[test]
fn an_order_is_made_once_and_found_with_every_letter() {
    let site = Site::new();
    let order = site.order();
    let again = site.json(&CREATE);
    assert_eq!((&again["outcome"], again["order"].as_str()), (&"existed".into(), Some(order.as_str())));
    let found = site.json(&["orders", "search", "--patient-id", "4711"]);
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["patient_name"], NAME);
    let shown = site.json(&["orders", "show", &order]);
    assert_eq!(shown["study_description"], "say \"hi\"\r\nX-Evil: 1");
    assert_eq!(shown["scheduled"], "2026-11-23 10:30");
    let lines = site.said(&["orders", "search"]);
    assert_eq!(lines.lines().count(), 2, "a line break in a description makes no line: {lines}");
    assert!(lines.contains("山田^太郎"), "{lines}");
    let none = site.said(&["orders", "search", "--from", "2001-01-01", "--to", "2001-01-02"]);
    assert_eq!(none, "nothing\n");
}

#[test]
fn parameters_come_from_a_file_and_a_like_order_is_not_made_twice() {
    let site = Site::new();
    let file = r#"{"PatientName":"MÜLLER^JÜRGEN","PatientID":"4712","PatientsBirthDate":"1975-05-06","OrderModality":"MR"}"#;
    fs::write(site.home.path().join("order.json"), file).unwrap();
    let create = ["orders", "create", "--parameters", "order.json"];
    assert_eq!(site.json(&create)["outcome"], "created");
    let (code, said) = site.refused(&create);
    assert!(code == 65 && said.contains("--again"), "{code} {said}");
    assert_eq!(site.json(&[&create[..], &["--again"]].concat())["outcome"], "created");
    assert_eq!(site.json(&["orders", "search", "--patient-id", "4712"]).as_array().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_is_told_under_the_name_of_its_option() {
    let site = Site::new();
    let order = site.order();
    let table: [(&[&str], i32, &str); 9] = [
        (&["orders", "create", "--birthdate", "2.1.1980"], 64, "--birthdate"),
        (&["orders", "create", "--patient-id", "1"], 64, "--patient-name: a value is needed"),
        (&["orders", "search", "--from", "2026-02-02", "--to", "2026-02-01"], 64, "--to: the range ends"),
        (&["orders", "share", &order, "--expires", "2020-01-01"], 64, "--expires"),
        (&["orders", "share", &order, "--expires", "30d", "--password-file", "gone"], 64, "--password-file"),
        (&["orders", "delete", &order], 64, "--yes"),
        (&["orders", "show", UNKNOWN], 65, "there is no such thing"),
        (&["folders", "add", &order, "--folder", "Nowhere"], 65, "there is no folder `Nowhere`"),
        (&["orders", "search", "--origin", "elsewhere"], 64, "--origin elsewhere"),
    ];
    for (arguments, code, message) in table {
        let (found, said) = site.refused(arguments);
        assert!(found == code && said.contains(message), "{arguments:?}: {found} {said}");
    }
    fs::write(site.home.path().join("password"), "wrong").unwrap();
    let (code, said) = site.refused(&["orders", "search"]);
    assert!(code == 78 && said.contains("401") && said.contains("auth"), "{code} {said}");
}

#[test]
fn orders_are_assigned_shared_and_deleted() {
    let site = Site::new();
    let order = site.order();
    site.said(&["orders", "assign", &order, "--user", &site.first("users")]);
    site.said(&["orders", "assign", &order, "--group", &site.first("user_groups")]);
    let (code, _) = site.refused(&["orders", "assign", &order, "--user", UNKNOWN]);
    assert_eq!(code, 65);
    fs::write(site.home.path().join("link"), "hunter2\n").unwrap();
    for function in ["share", "link"] {
        let link = ["orders", function, &order, "--expires", "30d", "--password-file", "link"];
        assert!(site.said(&link).starts_with("http"), "{function}");
    }
    site.said(&["orders", "delete", &order, "--yes"]);
    assert_eq!(site.said(&["orders", "search"]), "nothing\n");
}

#[test]
fn folders_are_made_once_along_their_path_and_filled() {
    let site = Site::new();
    let order = site.order();
    let create = ["folders", "create", "Tumorkonferenz/会議/2026"];
    let made = site.json(&create);
    assert_eq!((&made["outcome"], &made["made"]), (&"created".into(), &3.into()));
    let again = site.json(&create);
    assert_eq!((&again["outcome"], &again["folder"]), (&"existed".into(), &made["folder"]));
    site.said(&["folders", "add", &order, "--folder", create[2]]);
    let folder = made["folder"].as_str().unwrap();
    let inside = site.json(&["folders", "search", "--parent", folder, "--orders"]);
    assert_eq!(inside["orders"][0]["order"], order.as_str());
    assert!(site.said(&["folders", "share", "--folder", create[2], "--expires", "30d"]).starts_with("http"));
}

/// A document of each kind that can be made here.
fn documents(folder: &Path) -> Vec<String> {
    let pdf = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n%%EOF\n";
    // A BMP of 2 x 2 pixels, 24 bits each, rows padded to 4 bytes.
    let mut bmp = b"BM".to_vec();
    for number in [70_u32, 0, 54, 40, 2, 2] {
        bmp.extend(number.to_le_bytes());
    }
    bmp.extend([1, 0, 24, 0]);
    bmp.extend([0; 24]);
    bmp.extend([1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0]);
    fs::write(folder.join("report.pdf"), pdf).unwrap();
    fs::write(folder.join("photo.bmp"), bmp).unwrap();
    vec!["report.pdf".to_owned(), "photo.bmp".to_owned()]
}

#[test]
fn documents_belong_to_their_order_and_folder() {
    let site = Site::new();
    let order = site.order();
    let files = documents(site.home.path());
    fs::create_dir_all(site.home.path().join("spool")).unwrap();
    let send = ["send", "--document", &files[0], &files[1], "--order", &order, "--folder", "Reports"];
    let said = site.said(&send);
    assert!(said.contains("2 stored") && said.contains("1 order is in folder"), "{said}");
    // What the short-lived bridge of `send` did not deliver, the daemon does.
    let daemon = site.home.start();
    let instances = site.home.path().join("archive/instances");
    let stored = eventually("both documents are in the archive", || {
        let stored = dicom_files(&instances);
        (stored.len() == files.len()).then_some(stored)
    });
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    let shown = site.json(&["orders", "show", &order]);
    assert!(shown["study_instance_uid"].as_str().unwrap().starts_with("2.25."), "{shown}");
    assert_eq!(site.json(&["folders", "search", "Reports"])["folders"][0]["orders"], 1);
    check_with_dcmtk(&stored, site.home.path());
    check_with_pydicom(&stored);
}

fn dicom_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => dicom_files(&path),
            false => path.extension().is_some_and(|end| end == "dcm").then_some(path).into_iter().collect(),
        })
        .collect()
}

/// The PDF comes out as it went in, and the picture with its colours.
fn check_with_dcmtk(stored: &[PathBuf], folder: &Path) {
    let run = |name: &str, file: &Path, to: &Path| {
        let mut command = dcmtk::program(name)?;
        Some(command.arg(file).arg(to).output().expect("it starts").status.success())
    };
    let (pdf, ppm) = (folder.join("out.pdf"), folder.join("out.ppm"));
    let mut good = 0;
    for file in stored {
        let (Some(is_pdf), Some(is_picture)) = (run("dcm2pdf", file, &pdf), run("dcmj2pnm", file, &ppm))
        else {
            skip::skip("DCMTK is absent");
            return;
        };
        good += usize::from(is_pdf) + usize::from(is_picture);
    }
    assert_eq!(good, 2, "one of them is a PDF, the other a picture");
    assert_eq!(fs::read(&pdf).unwrap(), fs::read(folder.join("report.pdf")).unwrap());
    let picture = fs::read(&ppm).unwrap();
    // A BMP begins at the bottom, with blue before green before red.
    assert!(picture.ends_with(&[9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4]), "{picture:?}");
}

fn check_with_pydicom(stored: &[PathBuf]) {
    let Some(python) = skip::python() else {
        skip::skip("pydicom is absent");
        return;
    };
    let script = "import sys, pydicom\nfor f in sys.argv[1:]:\n d = pydicom.dcmread(f)\n \
                  print(d.PatientName, d.PatientID, d.AccessionNumber, len(d.to_json()) > 0)";
    let output = Command::new(python)
        .env("PYTHONIOENCODING", "utf-8")
        .args(["-c", script])
        .args(stored)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = format!("{NAME} 4711 A100 True");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(said.lines().filter(|found| **found == line).count() == 2, "{said}{error}");
}
