//! `dimseway queue`: through the admin API of a running daemon, else on the spool itself.

mod backend;
mod table;

use crate::{
    cli::{self, Queue, QueueAction},
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    queue::model::{Action, ActionKind, Changed, LIMIT_MAX, Query, Selection, WAITING},
};
use anyhow::Context;
use backend::Backend;
use clap::ValueEnum;
use futures::TryStreamExt;
use std::path::Path;
use tokio::io::AsyncWriteExt;

/// Does what was asked and prints the outcome.
///
/// # Errors
/// No such entry, nothing selected ([`Exit::Data`], [`Exit::Usage`]); neither daemon nor spool
/// ([`Exit::Unavailable`]).
pub(crate) async fn run(path: &Path, arguments: Queue) -> anyhow::Result<()> {
    let configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
    if let QueueAction::Discard { yes: false, .. } = arguments.action {
        return Err(fail(
            Exit::Usage,
            "discard deletes the only copy that Dimseway has; say --yes if that is meant",
        ));
    }
    let change = !matches!(
        arguments.action,
        QueueAction::List { .. } | QueueAction::Show { .. } | QueueAction::Export { .. }
    );
    let backend = Backend::open(&configuration, change).await?;
    let done = dispatch(&backend, arguments).await;
    backend.close().await?;
    done
}

async fn dispatch(backend: &Backend, arguments: Queue) -> anyhow::Result<()> {
    let json = arguments.json;
    match arguments.action {
        QueueAction::List { selection, all, limit, cursor } => {
            let limit = usize::try_from(limit).unwrap_or(LIMIT_MAX);
            let query = Query { selection: selection.into(), cursor, limit: Some(limit) };
            list(backend, query, all, json).await
        }
        QueueAction::Show { entry } => {
            let details = backend.show(&entry).await?;
            print_or_json(json, &details, table::details)
        }
        QueueAction::Retry(selection) => act(backend, ActionKind::Retry, selection, None, None, json).await,
        QueueAction::Hold { selection, reason } => {
            act(backend, ActionKind::Hold, selection, Some(reason), None, json).await
        }
        QueueAction::Release(selection) => {
            act(backend, ActionKind::Release, selection, None, None, json).await
        }
        QueueAction::Discard { selection, .. } => {
            act(backend, ActionKind::Discard, selection, None, None, json).await
        }
        QueueAction::Reroute { selection, to } => {
            act(backend, ActionKind::Reroute, selection, None, Some(to), json).await
        }
        QueueAction::Export { selection, to } => export(backend, selection.into(), &to).await,
    }
}

impl From<cli::Selection> for Selection {
    fn from(from: cli::Selection) -> Self {
        let cli::Selection { entries, destination, state, study, instance } = from;
        let state =
            state.and_then(|state| state.to_possible_value()).map(|value| value.get_name().to_owned());
        Self { entries, destination, state, study, instance }
    }
}

async fn list(backend: &Backend, mut query: Query, all: bool, json: bool) -> anyhow::Result<()> {
    if !query.selection.entries.is_empty() {
        return Err(fail(Exit::Usage, "list takes no entries; `queue show ENTRY` tells about one"));
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&backend.list(&query).await?)?);
        return Ok(());
    }
    if !all {
        // Records of deliveries outnumber what waits by far.
        query.selection.state.get_or_insert_with(|| WAITING.to_owned());
    }
    print!("{}", table::page(&backend.list(&query).await?));
    Ok(())
}

async fn act(
    backend: &Backend,
    kind: ActionKind,
    selection: cli::Selection,
    reason: Option<String>,
    to: Option<String>,
    json: bool,
) -> anyhow::Result<()> {
    let mut action = Action { kind, selection: selection.into(), reason, to, cursor: None };
    if action.selection.is_empty() {
        return Err(fail(
            Exit::Usage,
            format!(
                "{}: name entries, or select with --destination, --state, --study or --instance",
                kind.as_str()
            ),
        ));
    }
    let mut changed = backend.act(&action).await?;
    while changed.next.is_some() {
        action.cursor = changed.next.take();
        let more = backend.act(&action).await?;
        changed = Changed { deliveries: changed.deliveries + more.deliveries, next: more.next };
    }
    print_or_json(json, &changed, |changed| format!("{}: {} deliveries\n", kind.as_str(), changed.deliveries))
}

fn print_or_json<T: serde::Serialize>(
    json: bool,
    value: &T,
    table: impl Fn(&T) -> String,
) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(value)?);
    } else {
        print!("{}", table(value));
    }
    Ok(())
}

/// Writes each selected entry once, whatever the number of its deliveries.
async fn export(backend: &Backend, selection: Selection, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)
        .with_context(|| format!("{} cannot be made", to.display()))
        .or_exit(Exit::Data)?;
    if selection.is_empty() {
        return Err(fail(
            Exit::Usage,
            "export: name entries, or select with --destination, --state or --study",
        ));
    }
    let mut count = 0;
    if selection.entries.is_empty() {
        let mut query = Query { selection, cursor: None, limit: Some(LIMIT_MAX) };
        loop {
            let page = backend.list(&query).await?;
            let mut last = String::new();
            for line in page.deliveries {
                // Deliveries of one entry stand together.
                if line.entry != last {
                    count += usize::from(export_one(backend, &line.entry, to).await?);
                }
                last = line.entry;
            }
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
    } else {
        for entry in &selection.entries {
            count += usize::from(export_one(backend, entry, to).await?);
        }
    }
    println!("{count} files written to {}", to.display());
    Ok(())
}

/// Writes one entry under a name that ends in `.part` until it is whole. False where it was there
/// before.
async fn export_one(backend: &Backend, entry: &str, to: &Path) -> anyhow::Result<bool> {
    let mut file = backend.file(entry).await?;
    // Entries with the same SOP Instance UID may differ, so the number of the entry is in the name.
    let path = to.join(format!("{}-{entry}.dcm", file.name));
    if path.exists() {
        return Ok(false);
    }
    let unfinished = path.with_extension("part");
    let unwritable = || format!("{} cannot be written", unfinished.display());
    let mut output =
        tokio::fs::File::create(&unfinished).await.with_context(unwritable).or_exit(Exit::Data)?;
    while let Some(chunk) =
        file.bytes.try_next().await.with_context(|| format!("entry {entry}")).or_exit(Exit::Data)?
    {
        output.write_all(&chunk).await.with_context(unwritable)?;
    }
    output.sync_all().await.with_context(unwritable)?;
    tokio::fs::rename(&unfinished, &path).await.with_context(unwritable)?;
    Ok(true)
}
