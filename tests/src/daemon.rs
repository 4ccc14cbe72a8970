//! The program under test, as a process of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::configuration::Configuration;
use crate::http::{self, Answer};
use crate::metrics::Metrics;
use crate::wait::{self, eventually};

/// Lines of a daemon's log that a failing test shows.
const LOG_LINES_SHOWN: usize = 60;

/// The program: named by `DIMSEWAY_BIN`, or where cargo put it beside this test.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("DIMSEWAY_BIN") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("the path of the test");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = profile.join("dimseway");
    assert!(program.is_file(), "{} is not built: cargo build --package dimseway", program.display());
    program
}

/// A directory with configuration, spool and logs, which outlives the processes started in it.
pub struct Home {
    directory: TempDir,
}

impl Home {
    /// A new directory with a configuration.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn new(configuration: &Configuration) -> Self {
        let home = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        home.configure(configuration);
        home
    }

    /// Writes another configuration over the present one.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn configure(&self, configuration: &Configuration) {
        fs::write(self.path().join("dimseway.toml"), configuration.text()).expect("the configuration");
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A command of the program, with this configuration.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.path()).args(arguments).stdin(Stdio::null());
        command.env("DIMSEWAY_CONFIG", self.path().join("dimseway.toml")).env("NO_COLOR", "1");
        command
    }

    /// Runs a command of the program to its end.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Starts the daemon and waits until it serves.
    ///
    /// # Panics
    /// Where it ends instead; with its log.
    #[must_use]
    pub fn start(&self) -> Daemon {
        self.start_under(None)
    }

    /// Starts the daemon under another program, such as `strace`, with that one's arguments before it.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_under(&self, wrapper: Option<&[&str]>) -> Daemon {
        let log = self.log_file();
        self.start_with(wrapper, log.try_clone().expect("the log").into(), log)
    }

    /// Starts the daemon with its log elsewhere than in the file that [`Daemon::log`] reads.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_logging_to(&self, errors: impl Into<Stdio>) -> Daemon {
        self.start_with(None, errors.into(), self.log_file())
    }

    fn log_file(&self) -> File {
        File::options().create(true).append(true).open(self.path().join("log")).expect("the log")
    }

    fn start_with(&self, wrapper: Option<&[&str]>, errors: Stdio, output: File) -> Daemon {
        let ready_file = self.path().join("ready.json");
        if ready_file.exists() {
            fs::remove_file(&ready_file).expect("the ready file of the last process");
        }
        let serve = self.command(&["serve", "--ready-file", "ready.json"]);
        let mut command = match wrapper {
            None => serve,
            Some(words) => wrapped(words, &serve),
        };
        let child =
            command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().expect("the daemon starts");
        let mut daemon = Daemon { child, log: self.path().join("log"), dimse: None, admin: None };
        daemon.wait_until_ready(&ready_file);
        daemon
    }
}

fn wrapped(words: &[&str], inner: &Command) -> Command {
    let mut outer = Command::new(words[0]);
    outer.args(&words[1..]).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    if let Some(directory) = inner.get_current_dir() {
        outer.current_dir(directory);
    }
    outer
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    child: Child,
    log: PathBuf,
    dimse: Option<SocketAddr>,
    admin: Option<SocketAddr>,
}

impl Daemon {
    fn wait_until_ready(&mut self, ready_file: &Path) {
        let addresses: Value = eventually("the daemon writes its ready file", || {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the daemon ended with {status} instead of serving:\n{}", self.log());
            }
            serde_json::from_str(&fs::read_to_string(ready_file).ok()?).ok()
        });
        let address = |key: &str| addresses[key].as_str().map(|text| text.parse().expect("an address"));
        self.dimse = address("dimse");
        self.admin = address("admin");
    }

    /// Where it listens for associations.
    ///
    /// # Panics
    /// Where the ready file did not say.
    #[must_use]
    pub fn dimse(&self) -> SocketAddr {
        self.dimse.expect("the ready file names the DIMSE address")
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logged so far, all processes of the same home.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until a line of the log has these words: it is written beside what it tells of.
    ///
    /// # Panics
    /// Where none has.
    pub fn wait_for_line(&self, words: &str) {
        eventually(&format!("a line of the log with {words:?}"), || {
            self.log().lines().any(|line| line.contains(words)).then_some(())
        });
    }

    /// `GET` of its admin address.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        let admin = self.admin.expect("the ready file names the admin address");
        http::get(&format!("http://{admin}{path}"))
            .unwrap_or_else(|| panic!("no answer to {path}:\n{}", self.log()))
    }

    /// Any request to its admin address.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, body: &Value) -> Answer {
        let admin = self.admin.expect("the ready file names the admin address");
        let headers = [("content-type", "application/json")];
        http::request(method, &format!("http://{admin}{path}"), &headers, body.to_string().into_bytes())
            .unwrap_or_else(|| panic!("no answer to {path}"))
    }

    /// Its metrics now.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics::parse(&self.get("/metrics").text())
    }

    /// Deliveries that the admin API lists for a query such as `state=held`; the first thousand.
    ///
    /// # Panics
    /// Where it does not answer with a page.
    #[must_use]
    pub fn queue(&self, query: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/v1/queue?limit=1000&{query}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["deliveries"].as_array().expect("a page of deliveries").clone()
    }

    /// Waits until so many deliveries are in a state, and lists them.
    #[must_use]
    pub fn wait_for(&self, state: &str, count: usize) -> Vec<Value> {
        eventually(&format!("{count} deliveries are {state}"), || {
            let found = self.queue(&format!("state={state}"));
            (found.len() >= count).then_some(found)
        })
    }

    /// `SIGKILL`, and waits until the process is gone.
    ///
    /// # Panics
    /// Where the process cannot be waited for.
    pub fn kill(mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("a process to wait for");
    }

    /// Sends a signal by name, `TERM` or `HUP`.
    ///
    /// # Panics
    /// Where the process is gone.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(sent.expect("kill starts").success(), "the daemon is gone:\n{}", self.log());
    }

    /// Waits until the process ends by itself.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn wait(mut self) -> ExitStatus {
        eventually("the daemon ends", || self.child.try_wait().expect("a child"))
    }

    /// True while the process runs.
    ///
    /// # Panics
    /// Where the process cannot be looked at.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Largest resident memory so far, in KiB (`VmHWM`).
    ///
    /// # Panics
    /// Where the process is gone.
    #[must_use]
    pub fn memory_peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a running process");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line for the peak");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number of KiB")
    }

    /// Waits until nothing is due, on its way or deferred: what is left is delivered or held.
    pub fn settle(&self) {
        eventually("the queue has nothing left to try", || {
            let metrics = self.metrics();
            let open: f64 = ["due", "delivering", "deferred"]
                .iter()
                .map(|state| metrics.sum("dimseway_spool_entries", &[("state", state)]))
                .sum();
            (open == 0.0).then_some(())
        });
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let skipped = log.lines().count().saturating_sub(LOG_LINES_SHOWN);
            let shown: Vec<_> = log.lines().skip(skipped).collect();
            println!("the end of the daemon's log:\n{}", shown.join("\n"));
        }
        if wait::within(std::time::Duration::ZERO, || self.child.try_wait().ok().flatten()).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
