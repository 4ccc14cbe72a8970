//! The file that tells others where this program serves.

use crate::private_file;
use anyhow::Context;
use origin::postdicom::{Account, Entity};
use serde::Serialize;
use std::{
    io::ErrorKind,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Removes the file of an earlier run, so that nobody takes it for this one's.
///
/// # Errors
/// It is there and cannot be removed.
pub(crate) fn clear(path: Option<&Path>) -> anyhow::Result<()> {
    match path.map(std::fs::remove_file) {
        Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
            Err(error).context("the ready file of an earlier run cannot be removed")
        }
        _ => Ok(()),
    }
}

/// Addresses that are bound, and what a client of the embedded origin needs.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Addresses {
    /// First DIMSE address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dimse: Option<SocketAddr>,
    /// Admin HTTP address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admin: Option<SocketAddr>,
    /// Address of MWL-RS and MPPS-RS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) web: Option<SocketAddr>,
    /// Base URL of the embedded origin, as an origin's `url` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<String>,
    /// User name for the embedded origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// Password for the embedded origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<String>,
    /// Who may sign requests to the embedded origin.
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    pub(crate) access_keys: Option<AccessKeys>,
    /// Where the embedded origin gives tokens.
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    pub(crate) tokens: Option<Tokens>,
    /// Who and what is in the PostDICOM account of the embedded origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Members>,
}

/// Access keys of AWS, and where there are more of them, as the file has them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AccessKeys {
    /// Region that requests are signed for.
    pub(crate) region: String,
    /// Identifier of the key that does not end.
    pub(crate) access_key_id: String,
    /// Its secret.
    pub(crate) secret_access_key: String,
    /// The Security Token Service.
    pub(crate) token_url: String,
    /// The role that a web identity may assume.
    pub(crate) role_arn: String,
    /// Its token.
    pub(crate) web_identity_token: String,
    /// The agent of a container.
    pub(crate) container_credentials_url: String,
    /// What it expects in the Authorization header field.
    pub(crate) container_token: String,
}

/// Token end points and who may use them, as the file has them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tokens {
    /// Token end point.
    pub(crate) token_url: String,
    /// Client that may use it.
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: String,
    /// `http://host:port` of the metadata end points of virtual machines.
    pub(crate) metadata_host: String,
    /// End point of App Service, and what it expects in `X-IDENTITY-HEADER`.
    pub(crate) identity_endpoint: String,
    /// See `identity_endpoint`.
    pub(crate) identity_header: String,
    /// Key file of the service account, of Google alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_file: Option<PathBuf>,
}

/// An account, as the file has it.
#[derive(Debug, Serialize)]
pub(crate) struct Members {
    institutions: Vec<Member>,
    users: Vec<Member>,
    user_groups: Vec<Member>,
    equipment: Vec<Member>,
}

#[derive(Debug, Serialize)]
struct Member {
    uuid: String,
    name: String,
}

impl From<&Account> for Members {
    fn from(account: &Account) -> Self {
        let members = |entities: &[Entity]| {
            let member = |one: &Entity| Member { uuid: one.uuid.clone(), name: one.name.clone() };
            entities.iter().map(member).collect()
        };
        Self {
            institutions: members(&account.institutions),
            users: members(&account.users),
            user_groups: members(&account.user_groups),
            equipment: members(&account.equipment),
        }
    }
}

impl Addresses {
    /// Writes the file under its final name only when it is whole, so that who waits for the name
    /// can read it at once. Nobody else can read it, since it may hold secrets.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        private_file::write(Path::new(&name), &text)
            .and_then(|()| std::fs::rename(&name, path))
            .with_context(|| format!("cannot write the ready file {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn holds_what_is_bound_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ready.json");
        let addresses = Addresses {
            dimse: Some("127.0.0.1:11112".parse().unwrap()),
            origin: Some("http://127.0.0.1:8081/dicom-web".to_owned()),
            ..Addresses::default()
        };
        addresses.write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\"dimse\":\"127.0.0.1:11112\",\"origin\":\"http://127.0.0.1:8081/dicom-web\"}\n"
        );
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        clear(Some(&path)).unwrap();
        clear(Some(&path)).unwrap();
        assert!(!path.exists());
    }
}
