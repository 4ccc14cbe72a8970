//! Keys that belong to Dimseway's configuration and that this version does not serve yet. They are
//! refused by name: to ignore them would promise a service that is not there.

use super::{Document, KeyPath, Problem};

const TABLES: [(&str, &str); 1] = [("dimse.tls", "DIMSE over TLS")];

/// Refuses the first key of a later version.
///
/// # Errors
/// Such a key is written.
pub(super) fn refuse(document: &Document) -> Result<(), Problem> {
    for (key, service) in TABLES {
        let path = KeyPath::from(key);
        if document.holds(&path) {
            return Err(
                document.problem(&path, format!("this version does not serve {service}; remove the key"))
            );
        }
    }
    Ok(())
}
