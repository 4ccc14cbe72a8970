//! The file that tells others where this program serves.

use anyhow::Context;
use origin::postdicom::{Account, Entity};
use serde::Serialize;
use std::{io::ErrorKind, net::SocketAddr, path::Path};

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
    /// Who and what is in the PostDICOM account of the embedded origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Members>,
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
    /// can read it at once.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        std::fs::write(&name, text)
            .and_then(|()| std::fs::rename(&name, path))
            .with_context(|| format!("cannot write the ready file {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
