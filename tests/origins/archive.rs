//! The archives, and what a configuration says of each: nothing else differs between them.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::configuration::Configuration;
use tests::embedded_origin::{EmbeddedOrigin, Options};
use tests::http;
use tests::instances::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, Instance};
use tests::orthanc::Orthanc;

use crate::curl::{self, curl};

/// A kind of archive: the table that the suite runs over.
pub(crate) struct Kind {
    /// Its column of the page.
    pub(crate) name: &'static str,
    /// Its profile, and the personality of the embedded origin.
    pub(crate) profile: &'static str,
    /// How the bridge proves who it is there; nothing where nobody asks.
    pub(crate) auth: Option<Auth>,
    /// What else `[origin.NAME]` says.
    pub(crate) further: Option<&'static str>,
    /// What else the embedded origin is told.
    pub(crate) arguments: &'static [&'static str],
    /// What its base URL ends in, and what the paths of instances begin with in its place.
    pub(crate) base: (&'static str, &'static str),
    /// Transfer syntaxes in which it does not keep what came in another: from, to.
    pub(crate) re_encoded: &'static [(&'static str, &'static str)],
}

const STANDARD: Kind = Kind {
    name: "standard",
    profile: "standard",
    auth: None,
    further: None,
    arguments: &[],
    base: ("", ""),
    re_encoded: &[],
};

const AZURE: Kind = Kind {
    name: "azure",
    profile: "azure",
    auth: Some(Auth::ClientCredentials),
    re_encoded: &[(IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN)],
    ..STANDARD
};

/// Every archive of the suite.
pub(crate) const KINDS: [Kind; 9] = [
    STANDARD,
    AZURE,
    Kind { name: "azure, v1", further: Some("azure = { version = \"v1\" }"), base: ("/v2", "/v1"), ..AZURE },
    Kind {
        name: "azure, a partition",
        further: Some("azure = { version = \"v2\", partition = \"ward.7\" }"),
        arguments: &["--partitions"],
        base: ("/v2", "/v2/partitions/ward.7"),
        ..AZURE
    },
    Kind { name: "google", profile: "google", auth: Some(Auth::ServiceAccount), ..STANDARD },
    Kind { name: "aws", profile: "aws", auth: Some(Auth::SigV4), ..STANDARD },
    Kind { name: "postdicom", profile: "postdicom", auth: Some(Auth::Basic), ..STANDARD },
    Kind { name: "orthanc", profile: "orthanc", ..STANDARD },
    Kind { name: "dcm4chee", profile: "dcm4chee", ..STANDARD },
];

/// Credentials of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Name and password.
    Basic,
    /// Client credentials of OAuth 2.0.
    ClientCredentials,
    /// Assertions of a service account.
    ServiceAccount,
    /// Signatures of AWS.
    SigV4,
}

/// The kind of a name.
pub(crate) fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).expect("a kind of the table")
}

/// A running archive.
pub(crate) struct Archive {
    kind: &'static Kind,
    server: Server,
    folder: PathBuf,
}

enum Server {
    Embedded(EmbeddedOrigin),
    Orthanc(Orthanc),
}

impl Auth {
    /// `auth.type` of the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::ClientCredentials => "oauth2",
            Self::ServiceAccount => "google-service-account",
            Self::SigV4 => "aws-sigv4",
        }
    }

    /// What `auth` says of an archive; its secret is put into a file of the folder.
    pub(crate) fn table(self, folder: &Path, ready: &Value) -> String {
        let text = |name: &str| ready[name].as_str().unwrap_or_else(|| panic!("no {name} in the ready file"));
        let secret = folder.join("secret");
        let keep = |name: &str| std::fs::write(&secret, text(name)).expect("a secret");
        let secret = secret.display();
        let rest = match self {
            Self::Basic => {
                keep("password");
                format!("username = \"{}\", password_file = \"{secret}\"", text("username"))
            }
            Self::ClientCredentials => {
                keep("client_secret");
                format!(
                    "token_url = \"{}\", client_id = \"{}\", client_secret_file = \"{secret}\", \
                     scope = \"https://dicom.healthcareapis.azure.com/.default\"",
                    text("token_url"),
                    text("client_id")
                )
            }
            Self::ServiceAccount => format!("key_file = \"{}\"", text("key_file")),
            Self::SigV4 => {
                keep("secret_access_key");
                format!(
                    "region = \"{}\", access_key_id = \"{}\", secret_access_key_file = \"{secret}\"",
                    text("region"),
                    text("access_key_id")
                )
            }
        };
        format!("auth = {{ type = \"{}\", {rest} }}", self.name())
    }
}

impl Archive {
    /// Starts one; nothing, and a recorded skip, where its program is missing.
    pub(crate) fn start(kind: &'static Kind, folder: &Path) -> Option<Self> {
        Self::start_with(kind, folder, Options::default())
    }

    /// Starts one with these options.
    pub(crate) fn start_with(kind: &'static Kind, folder: &Path, options: Options<'_>) -> Option<Self> {
        let server = if kind.profile == "orthanc" {
            Server::Orthanc(Orthanc::start()?)
        } else {
            let arguments = [kind.arguments, options.arguments].concat();
            let options = Options { profile: kind.profile, arguments: &arguments, ..options };
            Server::Embedded(EmbeddedOrigin::start_with(&folder.join("archive"), options))
        };
        Some(Self { kind, server, folder: folder.to_owned() })
    }

    /// Base URL of its DICOMweb service, as it is configured: of Azure without the version where that is
    /// configured as well.
    pub(crate) fn url(&self) -> String {
        match &self.server {
            Server::Embedded(origin) => self.host(origin).to_owned(),
            Server::Orthanc(orthanc) => orthanc.url(),
        }
    }

    fn host<'a>(&self, origin: &'a EmbeddedOrigin) -> &'a str {
        origin.url().strip_suffix(self.kind.base.0).expect("the end of the base URL")
    }

    /// What its ready file says; nothing of Orthanc.
    pub(crate) fn ready(&self) -> Value {
        match &self.server {
            Server::Embedded(origin) => origin.ready().clone(),
            Server::Orthanc(_) => Value::Null,
        }
    }

    /// Adds it as the origin `archive`.
    pub(crate) fn configured(&self, configuration: Configuration) -> Configuration {
        let table = "origin.archive";
        let ready = self.ready();
        let mut configuration = configuration
            .origin("archive", &self.url())
            .set(table, &format!("profile = \"{}\"", self.kind.profile));
        if let Some(auth) = self.kind.auth {
            configuration = configuration.set(table, &auth.table(&self.folder, &ready));
        }
        if let Some(institution) = ready["account"]["institutions"][0]["uuid"].as_str() {
            let line = format!("institutions = [\"{institution}\"]");
            configuration = configuration.set("origin.archive.postdicom", &line);
        }
        match self.kind.further {
            Some(line) => configuration.set(table, line),
            None => configuration,
        }
    }

    /// What it keeps for an instance: transfer syntax and data set, by a request of its own that has nothing
    /// to do with the bridge.
    pub(crate) fn kept(&self, instance: &Instance) -> Option<(String, Vec<u8>)> {
        let file = match &self.server {
            Server::Orthanc(orthanc) => orthanc.file(&instance.sop_instance)?,
            Server::Embedded(origin) => self.retrieved(origin, instance)?,
        };
        Some(split(&file))
    }

    fn retrieved(&self, origin: &EmbeddedOrigin, instance: &Instance) -> Option<Vec<u8>> {
        let Instance { study, series, sop_instance, .. } = instance;
        let path = match self.kind.profile {
            "postdicom" => format!("/studies/series/instances/{sop_instance}"),
            _ => format!("/studies/{study}/series/{series}/instances/{sop_instance}"),
        };
        let accept = match self.kind.profile {
            "aws" => "Accept: application/dicom; transfer-syntax=*",
            _ => "Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*",
        };
        let url = format!("{}{}{path}", self.host(origin), self.kind.base.1);
        let authorization = self.authorization();
        let mut arguments: Vec<&str> = authorization.iter().map(String::as_str).collect();
        arguments.extend(["--header", accept, &url]);
        let answer = curl(&self.folder, &arguments);
        if answer.status == 404 {
            return None;
        }
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        Some(http::only_part(&answer).expect("one part"))
    }

    /// How `curl` proves who it is.
    pub(crate) fn authorization(&self) -> Vec<String> {
        let ready = self.ready();
        let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
        let bearer = |token: String| vec!["--header".to_owned(), format!("Authorization: Bearer {token}")];
        let user =
            |name: &str, secret: &str| vec!["--user".to_owned(), format!("{}:{}", text(name), text(secret))];
        match self.kind.auth {
            None => Vec::new(),
            Some(Auth::Basic) => user("username", "password"),
            Some(Auth::ClientCredentials) => bearer(curl::azure_token(&self.folder, &ready)),
            Some(Auth::ServiceAccount) => bearer(curl::google_token(&self.folder, &ready)),
            Some(Auth::SigV4) => {
                let scope = format!("aws:amz:{}:medical-imaging", text("region"));
                [vec!["--aws-sigv4".to_owned(), scope], user("access_key_id", "secret_access_key")].concat()
            }
        }
    }
}

/// Transfer syntax and data set of a Part 10 file.
pub(crate) fn split(file: &[u8]) -> (String, Vec<u8>) {
    let (meta, start) = instance::part10::read(file).expect("a Part 10 file");
    (meta.transfer_syntax.uid().as_str().to_owned(), file[start..].to_vec())
}
