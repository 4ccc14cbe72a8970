//! A configuration file for one test.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Tables and lines of a configuration, with waits that suit a test.
#[derive(Debug, Clone)]
pub struct Configuration {
    tables: BTreeMap<String, Vec<String>>,
    tail: String,
}

impl Default for Configuration {
    fn default() -> Self {
        Self::new()
    }
}

impl Configuration {
    /// One AE title on port 0 for any caller, no origin yet. A failed delivery comes back at once, so
    /// that a test waits for what happens and not for a clock.
    #[must_use]
    pub fn new() -> Self {
        let empty = Self { tables: BTreeMap::new(), tail: String::new() };
        empty
            .set("dimse", "ae_title = \"DIMSEWAY\"")
            .set("dimse", "listen = \"127.0.0.1:0\"")
            .set("dimse", "unknown_peers = \"accept\"")
            .set("dimse", "drain_delay = \"0s\"")
            .set("spool", "directory = \"spool\"")
            .set("spool", "minimum_free = \"16MiB\"")
            .set("spool", "segment_size = \"8MiB\"")
            .set("forward.back_off", "min = \"50ms\"")
            .set("forward.back_off", "max = \"1s\"")
            .set("forward.breaker", "probe_min = \"50ms\"")
            .set("forward.breaker", "probe_max = \"500ms\"")
            .set("forward.breaker", "credentials = \"100ms\"")
            .set("admin", "listen = \"127.0.0.1:0\"")
            .set("log", "level = \"debug\"")
    }

    /// Adds a line to a table; a line with the same key is replaced.
    #[must_use]
    pub fn set(mut self, table: &str, line: &str) -> Self {
        let key = line.split('=').next().unwrap_or_default().trim().to_owned();
        let lines = self.tables.entry(table.to_owned()).or_default();
        lines.retain(|present| present.split('=').next().unwrap_or_default().trim() != key);
        lines.push(line.to_owned());
        self
    }

    /// Adds an origin with the profile `standard`.
    #[must_use]
    pub fn origin(self, name: &str, url: &str) -> Self {
        self.set(&format!("origin.{name}"), &format!("url = \"{url}\""))
    }

    /// Adds text behind everything, for arrays of tables: `[[route]]`, `[[peer]]`.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.tail.push_str(text);
        self.tail.push('\n');
        self
    }

    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (table, lines) in &self.tables {
            let _ = writeln!(text, "[{table}]\n{}\n", lines.join("\n"));
        }
        text + &self.tail
    }
}
