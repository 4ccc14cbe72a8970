//! pynetdicom's `storescu`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tests::skip;

use crate::site::said;

/// What it prints where its own threads race: the one that waits for nothing takes the answer from
/// the one that waits for it, which then gives up. The answer did arrive, and in order.
const RACE: &str = "Received unexpected C-STORE service message";

/// Folders sent again at most because of that.
const ATTEMPTS: usize = 6;

/// Lets it send a folder, and tells what it printed; nothing where it is not installed.
pub(crate) fn store_folder(address: SocketAddr, folder: &Path, options: &[&str]) -> Option<String> {
    let python = skip::python()?;
    let mut printed = String::new();
    for _ in 0..ATTEMPTS {
        let output = Command::new(&python)
            .args(["-m", "pynetdicom", "storescu", "-v", "--dimse-timeout", "10"])
            .args(["-aet", "MODALITY", "-aec", "DIMSEWAY"])
            .args(options)
            .arg(address.ip().to_string())
            .arg(address.port().to_string())
            .arg(folder)
            .output()
            .expect("Python starts");
        printed = said(&output);
        if !printed.contains(RACE) {
            break;
        }
    }
    Some(printed)
}
