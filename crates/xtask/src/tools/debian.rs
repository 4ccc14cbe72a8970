//! Debian packages, through `apt-get`, where that is possible.

use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::command;

/// The packages, with what each is for.
const PACKAGES: &[(&str, &str)] = &[
    ("curl", "the user agent that retrieves are compared with"),
    ("dcmtk", "storescu, dcmsend, echoscu and storescp as independent peers"),
    ("fuse3", "fusermount3, to mount the file system of the power-cut test"),
    ("orthanc", "an independent DICOMweb origin server"),
    ("orthanc-dicomweb", "its DICOMweb plug-in"),
    ("prometheus", "promtool, which checks the metrics"),
    ("python3-venv", "the environment for pydicom and pynetdicom"),
    ("sqlite3", "the index as an operator would read it"),
    ("strace", "the order of system calls around an acknowledgement"),
    ("systemd", "systemd-analyze, which checks the unit"),
];

/// Debian's switch for package scripts that would start a service.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs the packages that are missing; what could not be installed is returned by name.
pub(super) fn install(log: &mut impl Write) -> anyhow::Result<Vec<String>> {
    let wanted: Vec<_> = PACKAGES.iter().filter(|(package, _)| !is_installed(package)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let named = |why: &str| {
        wanted.iter().map(|(package, purpose)| format!("{package} ({purpose}): {why}")).collect::<Vec<_>>()
    };
    if !command::is_on_path("apt-get") {
        return Ok(named("this system has no apt-get"));
    }
    if !is_root()? {
        return Ok(named("installing needs root"));
    }
    for (package, purpose) in &wanted {
        writeln!(log, "installing {package}: {purpose}")?;
    }
    let policy = ServicePolicy::deny()?;
    let update = apt_get(&["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(wanted.iter().map(|(package, _)| *package));
    let installed = apt_get(&arguments)?;
    drop(policy);
    Ok(if update && installed {
        Vec::new()
    } else {
        wanted
            .iter()
            .filter(|(package, _)| !is_installed(package))
            .map(|(package, purpose)| format!("{package} ({purpose}): apt-get failed"))
            .collect()
    })
}

fn is_installed(package: &str) -> bool {
    let answer =
        Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    answer.is_ok_and(|answer| answer.status.success() && answer.stdout == b"installed")
}

fn is_root() -> anyhow::Result<bool> {
    Ok(command::output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<bool> {
    command::succeeds(
        Command::new("apt-get").arg("--quiet").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// Keeps package scripts from starting services, as long as it lives. A policy that is there already stays.
struct ServicePolicy {
    ours: bool,
}

impl ServicePolicy {
    fn deny() -> anyhow::Result<Self> {
        let path = Path::new(SERVICE_POLICY);
        if path.exists() {
            return Ok(Self { ours: false });
        }
        std::fs::write(path, "#!/bin/sh\nexit 101\n")?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
        Ok(Self { ours: true })
    }
}

impl Drop for ServicePolicy {
    fn drop(&mut self) {
        if self.ours {
            // A policy that stays behind only keeps services from being started: no reason to fail.
            let _ = std::fs::remove_file(SERVICE_POLICY);
        }
    }
}
