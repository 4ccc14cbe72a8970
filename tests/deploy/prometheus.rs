//! A real Prometheus that scrapes what a test started.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tests::dcmtk::free_port;
use tests::http;
use tests::skip;
use tests::wait::eventually;

/// A running Prometheus; killed when dropped.
pub(crate) struct Prometheus {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes the targets, `host:port`, once a second under the job `dimseway`, and
    /// evaluates the rules as often. A skip is recorded where it is not installed.
    pub(crate) fn start(targets: &[String], rules: Option<&Path>) -> Option<Self> {
        let program = skip::program("prometheus")?;
        let folder = tempfile::tempdir().unwrap();
        let rules = rules.map(|path| format!("rule_files: [\"{}\"]\n", path.display())).unwrap_or_default();
        let configuration = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n{rules}\
            scrape_configs: [{{job_name: dimseway, static_configs: [{{targets: {targets:?}}}]}}]\n"
        );
        let file = folder.path().join("prometheus.yaml");
        fs::write(&file, configuration).unwrap();
        let log = folder.path().join("log");
        let port = free_port();
        let mut child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        eventually("Prometheus is ready", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("Prometheus ended with {status}: {}", fs::read_to_string(&log).unwrap());
            }
            (http::get(&format!("{url}/-/ready"))?.status == 200).then_some(())
        });
        Some(Self { child, url, _folder: folder })
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether an expression has a result now.
    pub(crate) fn has(&self, expression: &str) -> bool {
        let query = url_encode(expression);
        let answer =
            http::get(&format!("{}/api/v1/query?query={query}", self.url)).expect("Prometheus answers");
        assert_eq!(answer.status, 200, "{expression}: {}", answer.text());
        !answer.json()["data"]["result"].as_array().expect("a result").is_empty()
    }

    /// Alerts that fire now: names and labels.
    pub(crate) fn firing(&self) -> Vec<Value> {
        let answer = http::get(&format!("{}/api/v1/alerts", self.url)).expect("Prometheus answers").json();
        let alerts = answer["data"]["alerts"].as_array().expect("a list").iter();
        alerts.filter(|alert| alert["state"] == "firing").map(|alert| alert["labels"].clone()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn url_encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
