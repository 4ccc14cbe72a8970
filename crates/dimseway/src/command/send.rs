//! `dimseway send`.

mod document;
mod files;
mod folder;
mod stand_in;

use crate::{
    account::Account,
    cli::{PeerAddress, Send},
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    requestor::{self, Callee},
};
use bridge::config::Service;
use dimse::{Category, requestor::PRESENTATION_CONTEXTS_MAX};
use files::{DicomFile, Found, Study};
use indicatif::{ProgressBar, ProgressStyle};
use instance::AeTitle;
use stand_in::StandIn;
use std::{collections::BTreeSet, net::SocketAddr, path::Path, time::Instant};
use tokio_util::sync::CancellationToken;

/// Files of one association at most, which bounds what is kept of them in memory.
const FILES_MAX: usize = 1000;

/// Failures that are told one by one.
const FAILURES_SHOWN: usize = 20;

/// What became of the files.
#[derive(Debug, Default)]
struct Tally {
    stored: usize,
    warned: usize,
    skipped: usize,
    failed: usize,
    bytes: u64,
    /// Studies that were stored, where they are asked for.
    studies: Option<BTreeSet<Study>>,
}

/// Stores files and folders.
///
/// # Errors
/// A file that was named is no DICOM file, or was not stored ([`Exit::Data`]); the association broke
/// ([`Exit::Unavailable`]).
pub(crate) async fn run(path: &Path, arguments: &Send) -> anyhow::Result<()> {
    let mut callee = callee(path, arguments.to.as_ref(), arguments.from.as_ref())?;
    let account = match arguments.folder.is_some() || arguments.document {
        true => Some(Account::open(path, arguments.origin.as_deref())?),
        false => None,
    };
    let named = arguments.paths.clone();
    let paths = match (&account, &arguments.order) {
        (Some(account), Some(order)) => {
            document::wrap(account, order, arguments.institution.as_ref(), named).await?
        }
        _ => tokio::task::spawn_blocking(move || files::walk(&named)).await?.or_exit(Exit::Data)?,
    };
    let stand_in = match arguments.to {
        Some(_) => None,
        None => Box::pin(StandIn::start_unless_served(path, &mut callee)).await?,
    };
    // Without a bridge in this process a signal ends it where it stands.
    let stop = stand_in.as_ref().map(StandIn::told_to_stop).unwrap_or_default();
    let mut sent = send_all(&callee, paths, &stop, arguments.folder.is_some()).await;
    if let (Ok(studies), Some(account), Some(folder)) = (&sent, &account, &arguments.folder) {
        // A stand-in delivers only while it runs, and an order is there once the study is delivered.
        let target = folder::Target { path: folder, order: arguments.order.as_ref(), wait: arguments.wait.0 };
        let added = stop.run_until_cancelled(folder::add(account, &target, studies)).await;
        if let Err(error) = added.unwrap_or_else(|| Err(interrupted())) {
            sent = Err(error);
        }
    }
    if let Some(stand_in) = stand_in {
        Box::pin(stand_in.finish()).await?;
    }
    sent.map(drop)
}

/// Sends all files, and tells which studies they were of where that is asked for.
async fn send_all(
    callee: &Callee,
    mut paths: Vec<Found>,
    stop: &CancellationToken,
    tell_studies: bool,
) -> anyhow::Result<BTreeSet<Study>> {
    let bar = ProgressBar::new(paths.len() as u64).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} files  {per_sec}  {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let started = Instant::now();
    let mut tally = Tally { studies: tell_studies.then(BTreeSet::new), ..Tally::default() };
    let sending = async {
        while let Some(batch) = next_batch(&mut paths, &mut tally, &bar).await {
            send_batch(callee, batch, &mut tally, &bar).await?;
        }
        Ok(())
    };
    let sent = stop.run_until_cancelled(sending).await.unwrap_or_else(|| Err(interrupted()));
    bar.finish_and_clear();
    // Also when the association broke or was given up: what was answered is stored.
    let Tally { stored, warned, skipped, failed, bytes, studies } = tally;
    println!(
        "{stored} stored at {callee} ({} MB in {:.1?}), {warned} of them with a warning, {failed} failed, {skipped} skipped",
        bytes / 1_000_000,
        started.elapsed()
    );
    sent?;
    match failed {
        0 if stored == 0 => Err(fail(Exit::Data, "there was no DICOM file to send")),
        0 => Ok(studies.unwrap_or_default()),
        _ => Err(fail(Exit::Data, format!("{failed} files were not stored"))),
    }
}

fn interrupted() -> anyhow::Error {
    fail(Exit::Unavailable, "told to stop before every file was sent")
}

/// Where to, and who we say that we are.
///
/// # Errors
/// No peer was named and the configuration cannot be read.
pub(crate) fn callee(
    path: &Path,
    to: Option<&PeerAddress>,
    from: Option<&AeTitle>,
) -> anyhow::Result<Callee> {
    if let (Some(to), Some(from)) = (to, from) {
        return Ok(Callee {
            called: to.ae_title.clone(),
            address: to.address.clone(),
            calling: from.clone(),
        });
    }
    let configuration = Configuration::read(path);
    let Some(to) = to else {
        let configuration = configuration.or_exit(Exit::Configuration)?;
        let called = configuration.bridge.served.first().map(|ae| ae.title.clone());
        let (Some(called), Some(address)) = (called, configuration.listen.first()) else {
            return Err(fail(Exit::Configuration, "the configuration serves no AE title"));
        };
        let calling = from.cloned().unwrap_or_else(|| own_title(&configuration));
        return Ok(Callee { called, address: reachable(*address).to_string(), calling });
    };
    // With --to the configuration only lends a name.
    let calling =
        configuration.map_or_else(|_| default_title(), |configuration| served_title(&configuration));
    Ok(Callee { called: to.ae_title.clone(), address: to.address.clone(), calling })
}

/// The title to call the own daemon with: that of the first peer that may store from here.
pub(crate) fn own_title(configuration: &Configuration) -> AeTitle {
    let here = configuration
        .listen
        .first()
        .map_or_else(|| [127, 0, 0, 1].into(), |address| reachable(*address).ip());
    let may_store =
        |peer: &&bridge::config::Peer| peer.allow.contains(Service::Store) && peer.may_call_from(here);
    let peer = configuration.bridge.peers.iter().find(may_store);
    peer.map_or_else(|| served_title(configuration), |peer| peer.ae_title.clone())
}

fn served_title(configuration: &Configuration) -> AeTitle {
    configuration.bridge.served.first().map_or_else(default_title, |ae| ae.title.clone())
}

fn default_title() -> AeTitle {
    bridge::config::ServedAe::default().title
}

/// The address to connect to for one that is listened on.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => [127, 0, 0, 1].into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        other => other.ip(),
    };
    SocketAddr::new(ip, address.port())
}

/// The next files that fit into one association.
async fn next_batch(paths: &mut Vec<Found>, tally: &mut Tally, bar: &ProgressBar) -> Option<Vec<DicomFile>> {
    let mut batch: Vec<DicomFile> = Vec::new();
    let mut contexts = BTreeSet::new();
    while batch.len() < FILES_MAX {
        let Some(found) = paths.pop() else { break };
        match DicomFile::open(&found).await {
            Ok(file) if file.is_media_directory() && !found.named => {
                tally.skipped += 1;
                bar.inc(1);
            }
            Ok(file) => {
                let context = (file.meta.sop_class_uid.clone(), file.meta.transfer_syntax.uid().clone());
                if contexts.len() == PRESENTATION_CONTEXTS_MAX && !contexts.contains(&context) {
                    paths.push(found);
                    break;
                }
                contexts.insert(context);
                batch.push(file);
            }
            // In a folder there is much besides DICOM files; what was named by hand must be one.
            Err(files::Unreadable::NotDicom(_) | files::Unreadable::NotRegular) if !found.named => {
                tally.skipped += 1;
                bar.inc(1);
            }
            Err(error) => failed(&found.path, &error.to_string(), tally, bar),
        }
    }
    (!batch.is_empty()).then_some(batch)
}

async fn send_batch(
    callee: &Callee,
    batch: Vec<DicomFile>,
    tally: &mut Tally,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut contexts: Vec<_> = batch
        .iter()
        .map(|file| (file.meta.sop_class_uid.clone(), file.meta.transfer_syntax.clone()))
        .collect();
    contexts.sort_by(|a, b| (&a.0, a.1.uid()).cmp(&(&b.0, b.1.uid())));
    contexts.dedup();
    let mut association = requestor::open(callee, &contexts).await?;
    for (file, number) in batch.iter().zip((1_u16..).cycle()) {
        let data_set = match file.data_set().await {
            Ok(data_set) => data_set,
            Err(error) => {
                failed(&file.path, &error.to_string(), tally, bar);
                continue;
            }
        };
        let response = requestor::store(&mut association, number, &file.meta, data_set).await;
        match response.map_err(anyhow::Error::new).or_exit(Exit::Unavailable)? {
            None => {
                failed(&file.path, "the peer does not take its SOP class in its transfer syntax", tally, bar)
            }
            Some(response) => match response.status.category() {
                category @ (Category::Success | Category::Warning) => {
                    tally.stored += 1;
                    tally.warned += usize::from(category == Category::Warning);
                    tally.bytes += file.length;
                    if let Some(studies) = &mut tally.studies {
                        studies.insert(file.study().await.or_exit(Exit::Data)?);
                    }
                    bar.inc(1);
                }
                _ => {
                    let comment = response.error_comment.as_deref().unwrap_or("no comment");
                    failed(&file.path, &format!("status {}: {comment}", response.status), tally, bar);
                }
            },
        }
    }
    // Every answer is there; how the association ends changes none of them.
    let _ = association.release().await;
    Ok(())
}

fn failed(path: &Path, why: &str, tally: &mut Tally, bar: &ProgressBar) {
    tally.failed += 1;
    bar.inc(1);
    if tally.failed <= FAILURES_SHOWN {
        bar.suspend(|| eprintln!("{}: {why}", path.display()));
    }
}
