//! `dimseway check --connect` looks at the account's own end points, too.

use tests::configuration::Configuration;

use crate::Site;

const UNAVAILABLE: i32 = 69;

#[test]
fn what_an_account_has_beside_dicomweb_is_tried() {
    let site = Site::new();
    let ran = site.run(&["check", "--connect"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("ok       account of origin cloud: folders and orders can be searched"),
        "{ran:?}"
    );
    assert!(ran.out.contains("ok       query of origin cloud"), "{ran:?}");
}

#[test]
fn an_institution_that_is_not_there_is_told() {
    let site = Site::new();
    let other = site.account.configured(Configuration::new(), site.folder());
    site.home.configure(&other.set("origin.cloud.postdicom", "institutions = [\"inst-9\"]"));
    let ran = site.run(&["check", "--connect"]);
    assert_eq!(ran.code, UNAVAILABLE, "{ran:?}");
    let line = ran.out.lines().find(|line| line.starts_with("FAILED   account of origin cloud")).unwrap();
    assert!(
        line.contains("InstitutionUuidList: there is no such thing; look at `postdicom.institutions`"),
        "{line}"
    );
}

#[test]
fn a_wrong_password_is_told_once() {
    let site = Site::new();
    std::fs::write(site.folder().join("postdicom-password"), "wrong").unwrap();
    let ran = site.run(&["check", "--connect"]);
    assert_eq!(ran.code, UNAVAILABLE, "{ran:?}");
    assert!(ran.out.contains("FAILED   origin cloud: ") && ran.out.contains("401"), "{ran:?}");
    assert!(ran.out.contains("skipped  account of origin cloud"), "{ran:?}");
}
