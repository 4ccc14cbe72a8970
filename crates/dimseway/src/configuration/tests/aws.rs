//! How requests to AWS are signed, as it is written.

use dicomweb::{
    Credentials,
    auth::aws::{AccessKeySource, AwsSigV4, ContainerToken, StreamedBody},
};

use super::*;

/// How the requests of an origin are signed, with the files `secret` and `token` beside the configuration.
fn signing(auth: &str) -> Result<AwsSigV4, String> {
    let directory = tempfile::tempdir().unwrap();
    for name in ["secret", "token"] {
        std::fs::write(directory.path().join(name), "hidden\n").unwrap();
    }
    let text = format!(
        "[origin.a]\nurl = \"http://127.0.0.1:8042/datastore/1\"\nprofile = \"aws\"\n\
         auth = {{ type = \"aws-sigv4\"{auth} }}\n"
    );
    let document = Document::new(directory.path().join("dimseway.toml"), text);
    let read = File::parse(document).and_then(|(file, document)| Configuration::from_file(&file, document));
    let client = read.map_err(|problem| problem.to_string())?.bridge.origins[0].client.clone();
    match client.credentials {
        Credentials::AwsSigV4(signing) => Ok(signing),
        other => panic!("{other:?}"),
    }
}

const REGION: &str = ", region = \"eu-west-1\"";

#[test]
fn a_key_that_stays_needs_its_secret() {
    let signing = |more: &str| signing(&format!("{REGION}, access_key_id = \"AKIA1\"{more}"));
    let fixed = signing(", secret_access_key_file = \"secret\"").unwrap();
    assert_eq!((fixed.region.as_str(), fixed.service.as_str()), ("eu-west-1", "medical-imaging"));
    assert_eq!(fixed.streamed, StreamedBody::Chunks);
    let AccessKeySource::Fixed(key) = &fixed.source else { panic!("{fixed:?}") };
    assert_eq!(key.id, "AKIA1");
    assert!(!format!("{fixed:?}").contains("hidden"));
    let error = signing("").unwrap_err();
    assert!(error.contains("`secret_access_key_file` or `secret_access_key_env` is needed"), "{error}");
    let plain = signing(", secret_access_key_file = \"secret\", streamed_body = \"plain\", service = \"s3\"");
    let plain = plain.unwrap();
    assert_eq!((plain.streamed, plain.service.as_str()), (StreamedBody::Plain, "s3"));
}

#[test]
fn a_role_is_assumed_at_the_service_of_the_region() {
    let role = ", role_arn = \"arn:aws:iam::1:role/r\", token_file = \"token\"";
    let AccessKeySource::WebIdentity { url, role_arn, session_name, token_file } =
        signing(&format!("{REGION}{role}")).unwrap().source
    else {
        panic!()
    };
    assert_eq!(url.to_string(), "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!((role_arn.as_str(), session_name.as_str()), ("arn:aws:iam::1:role/r", "dimseway"));
    assert!(token_file.ends_with("token"));
    let china = signing(&format!(", region = \"cn-north-1\"{role}")).unwrap();
    assert!(format!("{china:?}").contains("https://sts.cn-north-1.amazonaws.com.cn/"), "{china:?}");
    let own = signing(&format!("{REGION}{role}, token_url = \"http://127.0.0.1:1/\", session_name = \"x\""));
    assert!(format!("{own:?}").contains("http://127.0.0.1:1/"), "{own:?}");
}

#[test]
fn the_agent_of_a_container_is_asked_where_it_is_named() {
    let container = ", token_url = \"http://127.0.0.1:1/v2\", token_file = \"token\"";
    let signing = signing(&format!("{REGION}{container}")).unwrap();
    assert!(matches!(
        signing.source,
        AccessKeySource::Container { token: Some(ContainerToken::File(_)), .. }
    ));
}

#[test]
fn what_is_missing_or_means_nothing_is_named() {
    let rows = [
        ("", "AWS_REGION"),
        (REGION, "`access_key_id`, `role_arn` or `token_url`"),
        (", region = \"r\", role_arn = \"a\"", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        (", region = \"r\", role_arn = \"a\", token_file = \"nowhere\"", "token_file"),
        (", region = \"r\", username = \"u\"", "has no meaning with type = \"aws-sigv4\""),
        (", region = \"r\", token_url = \"ftp://h\"", "token_url"),
        (
            ", region = \"r\", secret_access_key_file = \"secret\"",
            ".secret_access_key_file: has no meaning without `access_key_id`",
        ),
        (
            ", region = \"r\", access_key_id = \"a\", secret_access_key_file = \"secret\", role_arn = \"a\"",
            ".role_arn: has no meaning beside `access_key_id`",
        ),
        (
            ", region = \"r\", token_url = \"http://127.0.0.1:1\", session_name = \"s\"",
            ".session_name: has no meaning without `role_arn`",
        ),
    ];
    for (auth, words) in rows {
        let error = signing(auth).unwrap_err();
        assert!(error.contains(words), "{auth}: {error}");
    }
}
