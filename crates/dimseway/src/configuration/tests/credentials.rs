//! Who Dimseway is at an origin, as it is written.

use dicomweb::{
    Credentials, Proxy,
    auth::{ClientProof, ManagedIdentityHost},
};

use super::*;

const ORIGIN: &str = "[origin.a]\nurl = \"http://127.0.0.1:8042\"\n";
const AZURE: &str = "https://login.microsoftonline.com/t/oauth2/v2.0/token";

/// A private key and a key file of Google beside the configuration.
fn with_keys(auth: &str) -> Result<dicomweb::ClientConfig, String> {
    let directory = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let account = serde_json::json!({ "type": "service_account", "client_email": "a@p", "private_key": key,
        "token_uri": "https://oauth2.googleapis.com/token" });
    let files = [
        ("secret", "s\n"),
        ("key.pem", key.as_str()),
        ("account.json", &account.to_string()),
        ("token", "t"),
    ];
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let text = format!("{ORIGIN}{auth}\n");
    let document = Document::new(directory.path().join("dimseway.toml"), text);
    let result = File::parse(document).and_then(|(file, document)| Configuration::from_file(&file, document));
    let within = format!("{}/", directory.path().display());
    result
        .map(|configuration| configuration.bridge.origins[0].client.clone())
        .map_err(|problem| problem.to_string().replace(&within, ""))
}

fn credentials(auth: &str) -> Credentials {
    with_keys(&format!("auth = {{ {auth} }}")).unwrap().credentials
}

#[test]
fn a_client_has_a_secret_or_a_key() {
    let client = |more: &str| {
        let auth = format!("type = \"oauth2\", token_url = \"{AZURE}\", client_id = \"c\", {more}");
        let Credentials::OAuthClient(client) = credentials(&auth) else { panic!("{more}") };
        client
    };
    let in_body =
        client("client_secret_file = \"secret\", scope = \"s/.default\", parameters = { audience = \"a\" }");
    assert_eq!((in_body.client_id.as_str(), in_body.scope.as_deref()), ("c", Some("s/.default")));
    assert_eq!(
        (in_body.token_url.to_string().as_str(), in_body.parameters["audience"].as_str()),
        (AZURE, "a")
    );
    assert!(matches!(in_body.proof, ClientProof::SecretInBody(_)));
    let in_header = client("client_secret_file = \"secret\", client_secret_in = \"header\"");
    assert!(matches!(in_header.proof, ClientProof::SecretInHeader(_)));
    let with_key = client("key_file = \"key.pem\", algorithm = \"ES256\", key_id = \"k\"");
    assert!(matches!(with_key.proof, ClientProof::Assertion(_)));
}

#[test]
fn identities_of_clouds_need_no_more_than_their_kind() {
    let Credentials::AzureManagedIdentity(identity) = credentials("type = \"azure-managed-identity\"") else {
        panic!()
    };
    assert_eq!(identity.resource, "https://dicom.healthcareapis.azure.com");
    let ManagedIdentityHost::InstanceMetadata(url) = identity.host else { panic!() };
    assert_eq!(url.to_string(), ManagedIdentityHost::INSTANCE_METADATA);

    let written =
        "type = \"azure-workload-identity\", tenant = \"t\", client_id = \"c\", token_file = \"token\"";
    let Credentials::AzureWorkloadIdentity(identity) = credentials(written) else { panic!() };
    assert_eq!(identity.token_url.to_string(), AZURE);
    assert_eq!(identity.scope, "https://dicom.healthcareapis.azure.com/.default");

    let Credentials::GoogleMetadataServer(server) = credentials("type = \"google-metadata\"") else {
        panic!()
    };
    assert!(server.token_url.to_string().starts_with("http://metadata.google.internal/"));
    assert_eq!(server.scope, None);
}

#[test]
fn what_is_missing_or_too_much_is_named() {
    let oauth2 = format!("type = \"oauth2\", token_url = \"{AZURE}\", client_id = \"c\"");
    let cases = [
        ("type = \"oauth2\"".to_owned(), ": `oauth2` needs `token_url`"),
        (format!("type = \"oauth2\", token_url = \"{AZURE}\""), ": `oauth2` needs `client_id`"),
        ("type = \"oauth2\", token_url = \"login\", client_id = \"c\"".to_owned(), ".token_url: not a URL"),
        (oauth2.clone(), ": `oauth2` needs `client_secret_file`, `client_secret_env` or `key_file`"),
        (
            format!("{oauth2}, client_secret_file = \"secret\", key_file = \"key.pem\""),
            ": `key_file` and a client secret exclude each other",
        ),
        (
            format!("{oauth2}, client_secret_file = \"secret\", key_id = \"k\""),
            ".key_id: has no meaning without `key_file`",
        ),
        (format!("{oauth2}, key_file = \"secret\""), ".key_file: it holds no private key"),
        (format!("{oauth2}, key_file = \"key.pem\""), ".key_file: the private key does not fit"),
        (
            format!("{oauth2}, key_file = \"key.pem\", algorithm = \"ES256\", certificate_file = \"secret\""),
            ".certificate_file: it holds no certificate",
        ),
        (
            format!("{oauth2}, key_file = \"key.pem\", client_secret_in = \"header\""),
            ".client_secret_in: has no meaning with `key_file`",
        ),
        (
            format!("type = \"azure-workload-identity\", tenant = \"t\", token_url = \"{AZURE}\""),
            ".tenant: has no meaning with `token_url`",
        ),
        (format!("{oauth2}, username = \"u\""), ".username: has no meaning with type = \"oauth2\""),
        ("resource = \"r\"".to_owned(), ".resource: has no meaning with type = \"none\""),
        (
            "type = \"azure-workload-identity\", client_id = \"c\", token_file = \"token\"".to_owned(),
            ": `azure-workload-identity` needs `tenant` or AZURE_TENANT_ID in the environment",
        ),
        (
            "type = \"google-service-account\", key_file = \"secret\"".to_owned(),
            ".key_file: it is not the JSON key file of a service account",
        ),
        // An account of Google signs with RSA.
        (
            "type = \"google-service-account\", key_file = \"account.json\"".to_owned(),
            ".key_file: its private_key: the private key does not fit",
        ),
    ];
    for (auth, expected) in cases {
        let problem = with_keys(&format!("auth = {{ {auth} }}")).unwrap_err();
        let start = format!("dimseway.toml:3: origin.a.auth{expected}");
        assert!(problem.starts_with(&start), "{auth}: {problem}");
    }
}

#[test]
fn the_way_out_is_that_of_the_environment_unless_written() {
    let proxy = |written: &str| with_keys(written).map(|client| client.proxy);
    assert_eq!(proxy(""), Ok(Proxy::Environment));
    assert_eq!(proxy("proxy = \"none\""), Ok(Proxy::None));
    let named = proxy("proxy = \"http://proxy.example.org:3128\"").unwrap();
    assert_eq!(named, Proxy::Url("http://proxy.example.org:3128".parse().unwrap()));
    let problem = proxy("proxy = \"http://u:p@proxy\"").unwrap_err();
    assert!(problem.starts_with("dimseway.toml:3: origin.a.proxy: neither"), "{problem}");
    assert!(!problem.contains("u:p"));
}

/// To open a pipe is to wait for somebody who writes to it, for ever perhaps.
#[test]
fn a_pipe_is_no_file_with_a_secret() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("token");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let text = format!("{ORIGIN}auth = {{ type = \"bearer\", token_file = \"token\" }}\n");
    let document = Document::new(directory.path().join("dimseway.toml"), text);
    let read = File::parse(document).and_then(|(file, document)| Configuration::from_file(&file, document));
    let problem = read.unwrap_err().to_string();
    assert!(problem.contains("origin.a.auth.token_file") && problem.ends_with("not a file"), "{problem}");
}
