//! The embedded origin server, as a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::daemon;
use crate::http::{self, Answer};
use crate::instances::Instance;
use crate::wait::eventually;

/// A running origin; killed when dropped. What it stored stays in the directory.
pub struct EmbeddedOrigin {
    child: Child,
    url: String,
    ready: Value,
}

/// How an origin is started.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Personality, as `--profile` names it.
    pub profile: &'a str,
    /// `host:port`; port 0 for any free one.
    pub listen: &'a str,
    /// Time that passes before every answer, with its unit.
    pub answer_delay: &'a str,
    /// Further arguments.
    pub arguments: &'a [&'a str],
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { profile: "standard", listen: "127.0.0.1:0", answer_delay: "0s", arguments: &[] }
    }
}

impl EmbeddedOrigin {
    /// Starts one on a free port.
    #[must_use]
    pub fn start(directory: &Path) -> Self {
        Self::start_at(directory, "127.0.0.1:0")
    }

    /// Starts one where the last one listened.
    #[must_use]
    pub fn start_at(directory: &Path, listen: &str) -> Self {
        Self::start_with(directory, Options { listen, ..Options::default() })
    }

    /// Starts one on a directory that holds these generated instances, which it has not had before.
    ///
    /// # Panics
    /// Where they cannot be put there, or it does not start.
    #[must_use]
    pub fn start_filled(
        directory: &Path,
        options: Options<'_>,
        files: impl IntoIterator<Item = origin::synthetic::archive::File>,
    ) -> Self {
        let filled = origin::Origin::open(directory, origin::Personality::Standard).expect("a folder");
        filled.add_all(files).expect("instances that are new");
        drop(filled);
        Self::start_with(directory, options)
    }

    /// Starts one.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start_with(directory: &Path, options: Options<'_>) -> Self {
        fs::create_dir_all(directory).expect("the directory of the origin");
        let ready_file = directory.with_extension("ready.json");
        if ready_file.exists() {
            fs::remove_file(&ready_file).expect("the ready file of the last process");
        }
        let log = fs::File::create(directory.with_extension("log")).expect("the log");
        let mut child = Command::new(daemon::program())
            .args(["origin", "--profile", options.profile, "--listen", options.listen])
            .args(["--answer-delay", options.answer_delay, "--directory"])
            .arg(directory)
            .arg("--ready-file")
            .arg(&ready_file)
            .args(options.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the origin starts");
        let addresses: Value = eventually("the origin writes its ready file", || {
            if let Some(status) = child.try_wait().expect("a child") {
                let log = fs::read_to_string(directory.with_extension("log")).unwrap_or_default();
                panic!("the origin ended with {status} instead of serving:\n{log}");
            }
            serde_json::from_str(&fs::read_to_string(&ready_file).ok()?).ok()
        });
        Self { child, url: addresses["origin"].as_str().expect("a base URL").to_owned(), ready: addresses }
    }

    /// What its ready file says under a name: of its token end point, its keys or its account.
    ///
    /// # Panics
    /// Where it does not say.
    #[must_use]
    pub fn says(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_else(|| panic!("the ready file has no {name}"))
    }

    /// All that its ready file says.
    #[must_use]
    pub const fn ready(&self) -> &Value {
        &self.ready
    }

    /// Base URL of its DICOMweb service.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`.
    ///
    /// # Panics
    /// Where the base URL has another form.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.split('/').nth(2).expect("http://AUTHORITY/")
    }

    /// `GET` below the base URL.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        http::get(&format!("{}{path}", self.url)).expect("the origin answers")
    }

    /// How many instances it has.
    #[must_use]
    pub fn count(&self) -> usize {
        let answer = self.get("/instances?limit=100000");
        if answer.status == 204 { 0 } else { answer.json().as_array().map_or(0, Vec::len) }
    }

    /// Bytes of the data set it keeps for an instance; nothing where it has none.
    ///
    /// # Panics
    /// Where the answer is not one Part 10 file.
    #[must_use]
    pub fn data_set(&self, instance: &Instance) -> Option<Vec<u8>> {
        let file = self.file(instance)?;
        let (_, start) = instance::part10::read(&file).expect("a Part 10 file");
        Some(file[start..].to_vec())
    }

    /// The Part 10 file it keeps for an instance, in its own transfer syntax; nothing where it has none.
    ///
    /// # Panics
    /// Where the answer is not one part.
    #[must_use]
    pub fn file(&self, instance: &Instance) -> Option<Vec<u8>> {
        let url = format!(
            "{}/studies/{}/series/{}/instances/{}",
            self.url, instance.study, instance.series, instance.sop_instance
        );
        let accept = [("accept", "multipart/related; type=\"application/dicom\"; transfer-syntax=*")];
        let answer = http::request("GET", &url, &accept, Vec::new()).expect("the origin answers");
        if answer.status == 404 {
            return None;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        Some(http::only_part(&answer).expect("one part"))
    }

    /// Deletes a study; true where it was there.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn delete(&self, study: &str) -> bool {
        let url = format!("{}/studies/{study}", self.url);
        http::request("DELETE", &url, &[], Vec::new()).expect("the origin answers").status < 300
    }

    /// Ends the process; what it stored stays.
    pub fn stop(self) {
        drop(self);
    }

    /// Ends the process before another one takes its place.
    ///
    /// # Panics
    /// Where it cannot be waited for.
    pub fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("a process to wait for");
    }
}

impl Drop for EmbeddedOrigin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
