//! A daemon between real peers and the embedded origin.

use std::path::Path;
use std::process::Output;

use tempfile::TempDir;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::embedded_origin::EmbeddedOrigin;
use tests::instances::Instance;

/// A running daemon with an archive behind it.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    _home: Home,
    pub(crate) origin: EmbeddedOrigin,
    folder: TempDir,
}

impl Site {
    /// One for any caller.
    pub(crate) fn start() -> Self {
        Self::start_with(Configuration::new())
    }

    /// One with a configuration, to which the origin `archive` is added.
    pub(crate) fn start_with(configuration: Configuration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
        let home = Home::new(&configuration.origin("archive", origin.url()));
        let daemon = home.start();
        Self { daemon, _home: home, origin, folder }
    }

    /// A folder for this test, which goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Empties the archive of what these instances may have left in it.
    pub(crate) fn clear<'a>(&self, instances: impl IntoIterator<Item = &'a Instance>) {
        let mut studies: Vec<_> = instances.into_iter().map(|instance| instance.study.as_str()).collect();
        studies.sort_unstable();
        studies.dedup();
        for study in studies {
            let _ = self.origin.delete(study);
        }
        assert_eq!(self.origin.count(), 0, "the archive was not emptied");
    }

    /// Waits until everything is delivered, and holds each instance in the archive against what was
    /// sent.
    pub(crate) fn expect(&self, instances: &[Instance]) {
        self.daemon.settle();
        for instance in instances {
            let kept = self.origin.data_set(instance);
            assert!(
                kept.is_some(),
                "{} is not in the archive:\n{}",
                instance.sop_instance,
                self.daemon.log()
            );
            assert!(kept.as_ref() == Some(&instance.data_set), "{} has other bytes", instance.sop_instance);
        }
        assert_eq!(self.origin.count(), instances.len());
    }
}

/// Everything a program printed.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
