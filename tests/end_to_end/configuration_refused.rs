//! A configuration that is wrong: one line with file, line and key, exit 78, no port opened.

use tests::configuration::Configuration;
use tests::daemon::Home;

#[test]
fn the_fault_is_named_in_one_line() {
    let good = Configuration::new().origin("archive", "http://127.0.0.1:9/dicom-web");
    let table = [
        ("unknown key", good.clone().set("dimse", "max_asociations = 3"), "max_asociations"),
        ("unknown table", good.clone().set("dimze", "listen = 1"), "dimze"),
        ("wrong type", good.clone().set("dimse", "max_associations = \"many\""), "max_associations"),
        ("size without unit", good.clone().set("spool", "minimum_free = 7"), "minimum_free"),
        ("bad AE title", good.clone().set("dimse", "ae_title = \"A_TITLE_THAT_IS_TOO_LONG\""), "ae_title"),
        ("bad URL", good.clone().set("origin.archive", "url = \"archive\""), "url"),
        ("bad profile", good.clone().set("origin.archive", "profile = \"nonesuch\""), "profile"),
        ("route to nowhere", good.clone().with("[[route]]\nstore = [\"nowhere\"]"), "store"),
        ("not TOML", good.with("[["), ""),
    ];
    for (name, configuration, key) in table {
        let home = Home::new(&configuration);
        for command in ["serve", "check"] {
            let output = home.run(&[command]);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(78), "{name}, {command}: {text}");
            let line = text.lines().find(|line| line.contains("dimseway.toml:")).unwrap_or_default();
            assert!(line.contains(key), "{name}, {command}: {text}");
            let number = line.split("dimseway.toml:").nth(1).and_then(|rest| rest.split(':').next());
            assert!(
                number.is_some_and(|number| number.parse::<usize>().is_ok()),
                "{name}, {command}: {text}"
            );
        }
        assert!(!home.path().join("spool").exists(), "{name}: nothing was opened");
    }
}

#[test]
fn the_example_is_accepted() {
    let home = Home::new(&Configuration::new());
    let example = home.run(&["config", "example"]);
    assert!(example.status.success());
    std::fs::write(home.path().join("dimseway.toml"), &example.stdout).unwrap();
    let output = home.run(&["check"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
