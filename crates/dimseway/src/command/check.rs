//! `dimseway check`.

mod account;
mod certificate;
mod origin;
mod profile;
mod pull;
mod query;
mod settings;
mod worklist;

use super::{echo::join, send::reachable};
use crate::{
    cli::Check,
    configuration::Configuration,
    exit::{Exit, OrExit, fail, in_one_line},
    requestor::{self, Callee},
};
use anyhow::Context;
use dicomweb::Remedy;
use std::{collections::BTreeSet, path::Path, time::Duration};

/// Longest wait for the daemon's word on its readiness: below the time-out of a container probe.
const READY_TIMEOUT: Duration = Duration::from_secs(5);

/// One verdict, in words that say what to do where it is not good.
enum Verdict {
    Good(String),
    /// It works, but should not stay as it is.
    Warned(String),
    Bad(String),
    Untested(String),
}

impl Verdict {
    /// The word that a line begins with, and the rest of it.
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Good(words) => ("ok", words),
            Self::Warned(words) => ("warn", words),
            Self::Bad(words) => ("FAILED", words),
            Self::Untested(words) => ("skipped", words),
        }
    }

    #[cfg(test)]
    fn in_one_line(&self) -> String {
        let (word, words) = self.parts();
        format!("{word} {words}")
    }
}

/// Validates the configuration and, if asked to, what it names.
///
/// # Errors
/// The configuration is wrong ([`Exit::Configuration`]), or something does not answer as it should
/// ([`Exit::Unavailable`]).
pub(crate) async fn run(path: &Path, arguments: &Check) -> anyhow::Result<()> {
    let configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
    if arguments.ready {
        return ready(&configuration).await;
    }
    configuration.check_clients().or_exit(Exit::Configuration)?;
    println!("ok       configuration {}", path.display());
    if !arguments.connect {
        return Ok(());
    }
    let mut bad = 0;
    let mut tell = |subject: String, verdict: Verdict| {
        let (word, words) = verdict.parts();
        println!("{word:<8} {subject}: {words}");
        bad += usize::from(matches!(verdict, Verdict::Bad(_)));
    };
    let spool = &configuration.spool;
    tell(format!("spool {}", spool.directory.display()), disk(&spool.directory, spool.minimum_free_bytes));
    let mut silent = BTreeSet::new();
    for origin in &configuration.bridge.origins {
        for line in profile::lines(origin) {
            println!("{line}");
        }
        let (verdicts, answers) = origin::verdicts(origin).await;
        for (subject, verdict) in verdicts {
            tell(subject, verdict);
        }
        if !answers {
            silent.insert(origin.name.as_str());
        }
        if let Some((account, client)) = origin.postdicom.as_ref().zip(origin.account()) {
            let verdict = match answers {
                false => Verdict::Untested("the origin itself does not answer as it should".to_owned()),
                true => account::verdict(account, client).await,
            };
            tell(format!("account of origin {}", origin.name), verdict);
        }
    }
    for (subject, verdict) in query::verdicts(&configuration, &silent).await {
        tell(subject, verdict);
    }
    for (subject, verdict) in pull::verdicts(&configuration, &silent).await {
        tell(subject, verdict);
    }
    for (subject, verdict) in worklist::verdicts(&configuration).await {
        tell(subject, verdict);
    }
    for peer in &configuration.bridge.peers {
        tell(format!("peer {}", peer.ae_title), verify(&configuration, peer).await);
    }
    match bad {
        0 => Ok(()),
        _ => Err(fail(Exit::Unavailable, format!("{bad} checks failed"))),
    }
}

/// The running daemon's own word.
async fn ready(configuration: &Configuration) -> anyhow::Result<()> {
    let url = format!("http://{}/readyz", reachable(configuration.admin.listen));
    let client = reqwest::Client::builder().timeout(READY_TIMEOUT).no_proxy().build()?;
    let answer = client
        .get(&url)
        .send()
        .await
        .with_context(|| format!("{url} does not answer"))
        .or_exit(Exit::Unavailable)?;
    let ready = answer.status().is_success();
    let word = answer.text().await.unwrap_or_default();
    println!("{}", word.trim());
    if ready { Ok(()) } else { Err(fail(Exit::Unavailable, "the daemon is not ready")) }
}

/// Whether the spool's directory can be written to, or be made, and has room for more than `free_min` bytes.
fn disk(directory: &Path, free_min: u64) -> Verdict {
    let Ok(directory) = std::path::absolute(directory) else {
        return Verdict::Bad("the directory that it is relative to cannot be told".to_owned());
    };
    let Some(existing) = directory.ancestors().find(|ancestor| ancestor.is_dir()) else {
        return Verdict::Bad("no part of the path exists".to_owned());
    };
    if let Err(error) = rustix::fs::access(existing, rustix::fs::Access::WRITE_OK) {
        return Verdict::Bad(format!("{} cannot be written to by this user: {error}", existing.display()));
    }
    let free = match rustix::fs::statvfs(existing) {
        Ok(figures) => figures.f_bavail.saturating_mul(figures.f_frsize),
        Err(error) => return Verdict::Bad(format!("the free space cannot be told: {error}")),
    };
    if free < free_min {
        return Verdict::Bad(format!(
            "{} MB are free, below `spool.minimum_free`: C-STORE would be answered A700; free space or move the spool",
            free / 1_000_000
        ));
    }
    Verdict::Good(format!("can be written to, {} MB are free", free / 1_000_000))
}

/// An error of an origin, and what to look at.
fn refused(error: &dicomweb::Error) -> String {
    let status = match error {
        dicomweb::Error::Refused { status, .. } => status.as_u16(),
        _ => 0,
    };
    let advice = match (status, error.remedy()) {
        (300..=399 | 404 | 405 | 410 | 501, _) => {
            "is `url` that of the DICOMweb service, up to what stands before /studies?"
        }
        (_, Remedy::FixCredentials) => "look at `auth`, `headers` and `tls` of this origin",
        (_, Remedy::Retry { .. }) => "is it up, and is `url` right?",
        (_, Remedy::Reject | Remedy::Unknown) => "look at `url` and `profile` of this origin",
    };
    format!("{error}; {advice}")
}

async fn verify(configuration: &Configuration, peer: &bridge::config::Peer) -> Verdict {
    let Some(address) = &peer.address else {
        return Verdict::Untested(
            "has no `address`, so it only calls and is no destination of C-MOVE".to_owned(),
        );
    };
    let Some(served) = configuration.bridge.served.first() else {
        return Verdict::Untested("no AE title of our own".to_owned());
    };
    let callee = Callee {
        called: peer.ae_title.clone(),
        address: join(&address.host, address.port),
        calling: served.title.clone(),
    };
    match requestor::echo(&callee).await {
        Ok(took) => Verdict::Good(format!("C-ECHO answered in {took:.1?}")),
        Err(error) => Verdict::Bad(format!(
            "{}; is `address` right, and does the peer know {}?",
            in_one_line(&error),
            served.title
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_that_is_still_to_be_made_is_looked_at_where_it_would_be() {
        let directory = tempfile::tempdir().unwrap();
        for path in [Path::new("spool-to-be"), &directory.path().join("a/b")] {
            let said = disk(path, 0).in_one_line();
            assert!(said.starts_with("ok can be written to"), "{said}");
            let said = disk(path, u64::MAX).in_one_line();
            assert!(said.starts_with("FAILED") && said.contains("`spool.minimum_free`"), "{said}");
        }
    }
}
