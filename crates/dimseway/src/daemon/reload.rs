//! Reading the configuration again: on SIGHUP, and when it or a file that it names changes, because
//! Kubernetes sends no signal.

use super::Daemon;
use crate::{
    config_file::{File, Problem},
    configuration::Configuration,
    service_unit,
    telemetry::LevelHandle,
};
use bridge::{Bridge, Metrics};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

/// Between two looks at the files: short for a person who waits, long for a disk.
const INTERVAL: Duration = Duration::from_secs(5);

/// Bytes of a file that are compared with those of the last look: more than the longest configuration
/// that is accepted has.
const LENGTH_LOOKED_AT_MAX: u64 = 8 << 20;

/// Watches over the configuration of `daemon` until `stop`; `hangup` asks for a look at once.
pub(crate) fn watch(
    path: &Path,
    configuration: &Configuration,
    daemon: &Daemon,
    level: LevelHandle,
    mut hangup: Signal,
    stop: CancellationToken,
) {
    let mut watched = Watched {
        path: path.to_owned(),
        files: configuration.files.clone(),
        fingerprint: 0,
        file: configuration.file.clone(),
        bridge: daemon.bridge.clone(),
        shared: Arc::clone(&daemon.shared),
        web: daemon.web_shared.clone(),
        level,
    };
    watched.fingerprint = watched.fingerprint_now();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => true,
                _ = interval.tick() => false,
            };
            // Files are read on a thread that may wait for a disk.
            watched = match tokio::task::spawn_blocking(move || watched.look(asked)).await {
                Ok(watched) => watched,
                Err(error) => {
                    tracing::error!(%error, "the configuration is not watched any more");
                    return;
                }
            };
        }
    });
}

struct Watched {
    path: PathBuf,
    /// Secrets and certificates that the configuration in force names.
    files: Vec<PathBuf>,
    fingerprint: u64,
    /// The configuration in force.
    file: File,
    bridge: Bridge,
    shared: Arc<crate::admin::Shared>,
    web: Option<Arc<crate::web::Shared>>,
    level: LevelHandle,
}

impl Watched {
    fn look(mut self, asked: bool) -> Self {
        let fingerprint = self.fingerprint_now();
        if asked || fingerprint != self.fingerprint {
            service_unit::reloading();
            let files = self.files.clone();
            self.reload();
            // Also where the old configuration stays: it is served.
            service_unit::ready();
            // Also after a failure, which would otherwise be told every few seconds. It is that of what
            // was there before the files were read: what is written meanwhile is read next time.
            self.fingerprint = if self.files == files { fingerprint } else { self.fingerprint_now() };
        }
        self
    }

    fn reload(&mut self) {
        // A pipe has nothing more to give, or would be waited for.
        if std::fs::metadata(&self.path).is_ok_and(|metadata| !metadata.is_file()) {
            let message = "is no file that can be read again".to_owned();
            let problem = Problem { file: self.path.clone(), line: None, key: String::new(), message };
            return rejected(&self.shared.metrics, &problem);
        }
        let read = Configuration::read(&self.path).and_then(|new| new.check_clients().map(|()| new));
        let new = match read {
            Ok(new) => new,
            Err(problem) => return rejected(&self.shared.metrics, &problem),
        };
        // The bridge counts this one itself, either way.
        if let Err(error) = self.bridge.reload(new.bridge.clone()) {
            let problem = new.start_problem(&error);
            return tracing::error!(%problem, "the configuration is invalid; the old one stays in force");
        }
        self.level.set(&new.log);
        self.shared.set_token(new.admin.token.clone());
        if let (Some(shared), Some(web)) = (&self.web, &new.web) {
            shared.configure(web);
        }
        let restart = needs_restart(&self.file, &new.file);
        if restart.is_empty() {
            tracing::info!("a new configuration is in force");
        } else {
            tracing::warn!(
                keys = restart.join(", "),
                "a new configuration is in force, but for keys that need a restart"
            );
        }
        self.files = new.files;
        self.file = new.file;
    }

    /// A number that changes with the content of the files. Names that are links, as Kubernetes
    /// makes them, are followed.
    fn fingerprint_now(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for path in std::iter::once(&self.path).chain(&self.files) {
            match read_start(path) {
                Ok(content) => content.hash(&mut hasher),
                Err(error) => error.kind().hash(&mut hasher),
            }
        }
        hasher.finish()
    }
}

/// What is looked at of a file: all of any that is accepted.
fn read_start(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    // To open a named pipe is to wait for somebody who writes to it.
    if std::fs::metadata(path)?.is_file() {
        std::fs::File::open(path)?.take(LENGTH_LOOKED_AT_MAX).read_to_end(&mut content)?;
    }
    Ok(content)
}

fn rejected(metrics: &Metrics, problem: &Problem) {
    metrics.reloads.with_label_values(&["rejected"]).inc();
    tracing::error!(%problem, "the configuration is invalid; the old one stays in force");
}

/// Keys that differ and are only read at start.
fn needs_restart(old: &File, new: &File) -> Vec<&'static str> {
    let mut keys = Vec::new();
    if written(&old.dimse.listen) != written(&new.dimse.listen) {
        keys.push("dimse.listen");
    }
    if written(&old.admin.listen) != written(&new.admin.listen) {
        keys.push("admin.listen");
    }
    if written(&old.web.listen) != written(&new.web.listen) {
        keys.push("web.listen");
    }
    if written(&old.spool) != written(&new.spool) {
        keys.push("spool");
    }
    if old.log.format != new.log.format {
        keys.push("log.format");
    }
    if written(&old.log.traces) != written(&new.log.traces) {
        keys.push("log.traces");
    }
    keys
}

/// A value as it would stand in a file.
fn written(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_needs_a_restart() {
        let old = File::default();
        let mut new = File::default();
        new.dimse.max_associations = 1;
        assert_eq!(needs_restart(&old, &new), [""; 0]);
        new.dimse.listen.0.clear();
        new.spool.spare_segments = 1;
        new.log.format = crate::config_file::LogFormat::Json;
        new.log.traces.sample_ratio = 0.5;
        assert_eq!(needs_restart(&old, &new), ["dimse.listen", "spool", "log.format", "log.traces"]);
    }
}
