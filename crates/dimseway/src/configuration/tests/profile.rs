use super::{effective, read};
use dicomweb::{BaseUrl, Profile};
use std::fmt::Write;

/// The only origin of a file with these keys.
fn origin(keys: &str) -> Result<(BaseUrl, Profile), String> {
    let client = read(&format!("[origin.a]\n{keys}"))?.bridge.origins.remove(0).client;
    Ok((client.base_url, client.profile))
}

fn in_partition(mut profile: Profile) -> Profile {
    profile.paths.enter_partition("east-1").unwrap();
    profile
}

/// Whatever a field is, there is a key for it, and the key says all that the field can be.
#[test]
fn any_profile_can_be_written_over_any_other() {
    let known = Profile::BUILT_IN.map(|name| Profile::built_in(name).unwrap());
    let others = [Profile::azure_v1(), in_partition(Profile::azure())];
    for wanted in known.iter().chain(&others) {
        let mut keys = String::new();
        for (key, value) in effective::keys(wanted) {
            let below = if key == "store_response" { "" } else { "capabilities." };
            writeln!(keys, "{below}{key} = {value}").unwrap();
        }
        for base in ["standard", "orthanc", "azure", "google"] {
            let text = format!("url = \"http://127.0.0.1:1\"\nprofile = \"{base}\"\n{keys}");
            let (_, profile) = origin(&text).unwrap();
            let expected = Profile { name: base.to_owned(), ..wanted.clone() };
            assert_eq!(profile, expected, "{} over {base}", wanted.name);
        }
    }
}

#[test]
fn a_service_of_azure_has_a_version_and_perhaps_a_partition() {
    let (v1, v2) = (Profile::azure_v1(), Profile::azure());
    let rows = [
        ("url = \"https://a/v2\"", "https://a/v2", v2.clone()),
        ("url = \"https://a/v1/\"", "https://a/v1/", v1.clone()),
        ("url = \"https://a/v1.0-prerelease\"", "https://a/v1.0-prerelease", v1.clone()),
        ("url = \"https://a/dicom\"", "https://a/dicom", v2.clone()),
        ("url = \"https://a\"\nazure.version = \"v1\"", "https://a/v1", v1),
        ("url = \"https://a/x/\"\nazure.version = \"v2\"", "https://a/x/v2", v2.clone()),
        ("url = \"https://a/v2\"\nazure = { version = \"v2\" }", "https://a/v2", v2.clone()),
        ("url = \"https://a/v2\"\nazure.partition = \"east-1\"", "https://a/v2", in_partition(v2)),
    ];
    for (keys, url, expected) in rows {
        let (base_url, profile) = origin(&format!("profile = \"azure\"\n{keys}\n")).unwrap();
        assert_eq!((base_url.to_string().as_str(), profile), (url, expected), "{keys}");
    }
}

#[test]
fn a_path_that_is_written_stays_out_of_the_partition() {
    let keys = "url = \"https://a/v2\"\nprofile = \"azure\"\nazure.partition = \"east-1\"\n\
                capabilities.paths.studies = \"/all\"\n";
    let (_, profile) = origin(keys).unwrap();
    assert_eq!(profile.paths.studies.as_str(), "/all");
    assert_eq!(profile.paths.store.as_str(), "/partitions/east-1/studies");
    assert_eq!(profile.paths.change_feed.as_str(), "/changefeed", "it spans all partitions");
}

#[test]
fn what_azure_does_not_have_is_refused() {
    let azure = "url = \"https://a/v1\"\nprofile = \"azure\"\n";
    let rows = [
        (
            "url = \"https://a\"\nazure.version = \"v2\"\n".to_owned(),
            "dimseway.toml:3: origin.a.azure: has no meaning with profile `standard`, only with `azure`",
        ),
        (
            format!("{azure}azure.version = \"v2\"\n"),
            "dimseway.toml:4: origin.a.azure.version: is not the version that `url` ends in, v1",
        ),
        (
            format!("{azure}azure.partition = \"a/b\"\n"),
            "dimseway.toml:4: origin.a.azure.partition: `a/b`: the name of a partition has 1 to 64 letters",
        ),
        (
            format!("{azure}azure.version = \"v3\"\n"),
            "dimseway.toml:4: origin.a.azure.version: unknown variant",
        ),
        (
            format!("{azure}capabilities.transfer_syntaxes = \"implicit\"\n"),
            "dimseway.toml:4: origin.a.capabilities.transfer_syntaxes: `implicit`: write \"all\", \"explicit-vr\"",
        ),
        (
            format!("{azure}capabilities.paths.delete_series = \"/studies/{{study}}\"\n"),
            "dimseway.toml:4: origin.a.capabilities.paths.delete_series: without {series} it would delete more",
        ),
        (
            format!("{azure}capabilities.worklist.workitems = [\"PatientID.Nobody\"]\n"),
            "dimseway.toml:4: origin.a.capabilities.worklist.workitems: `PatientID.Nobody`: write a keyword",
        ),
    ];
    for (keys, expected) in rows {
        let problem = origin(&keys).unwrap_err();
        assert!(problem.starts_with(expected), "{problem}");
    }
}
