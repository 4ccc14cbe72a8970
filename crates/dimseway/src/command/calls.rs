//! `dimseway calls`: through the admin API of a running daemon, else on the spool itself.

use super::{api::Api, spool_owner};
use crate::{
    calls::{self, ActionKind, Call, Changed, Page, Question, Selection},
    cli::{self, Calls, CallsAction},
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    queue::Error,
    table::{columns, fact},
};
use anyhow::Context;
use spool::{
    CallId,
    local::{LocalSpool, ReadOnlyDocuments},
};
use std::{fmt::Write, path::Path};

/// Longest reason in a list; `show` has it whole.
const REASON_LENGTH: usize = 60;

/// Does what was asked and prints the outcome.
///
/// # Errors
/// No such call, nothing selected ([`Exit::Data`], [`Exit::Usage`]); neither daemon nor spool
/// ([`Exit::Unavailable`]).
pub(crate) async fn run(path: &Path, arguments: Calls) -> anyhow::Result<()> {
    let configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
    let json = arguments.json;
    match arguments.action {
        CallsAction::List { state, limit, after } => {
            let state = state.map(|state| match state {
                cli::CallState::Waiting => calls::CallState::Waiting,
                cli::CallState::Held => calls::CallState::Held,
            });
            let question = Question { state, after, limit: usize::try_from(limit).ok() };
            print_or_json(json, &list(&configuration, &question).await?, page)
        }
        CallsAction::Show { call } => print_or_json(json, &show(&configuration, call).await?, details),
        CallsAction::Retry(selection) => act(&configuration, ActionKind::Retry, selection, json).await,
        CallsAction::Discard { yes: false, .. } => {
            Err(fail(Exit::Usage, "discard means that nobody is told; say --yes if that is meant"))
        }
        CallsAction::Discard { selection, .. } => {
            act(&configuration, ActionKind::Discard, selection, json).await
        }
    }
}

async fn list(configuration: &Configuration, question: &Question) -> anyhow::Result<Page> {
    let api = Api::new(configuration)?;
    if api.answers().await {
        return api.json(api.get("calls").query(question)).await;
    }
    let (failed, after, limit) = question.read();
    let listed = kept(configuration, &api).await?.list_calls(failed, after, limit).await;
    Ok(Page::new(listed.or_exit(Exit::Unavailable)?, limit))
}

async fn show(configuration: &Configuration, call: u64) -> anyhow::Result<Call> {
    let api = Api::new(configuration)?;
    if api.answers().await {
        return api.json(api.get(&format!("calls/{call}"))).await;
    }
    let found = kept(configuration, &api).await?.call(CallId(call)).await.or_exit(Exit::Unavailable)?;
    found.map(Call::from).ok_or_else(|| refused(&Error::NoCall(call)))
}

async fn act(
    configuration: &Configuration,
    kind: ActionKind,
    selection: cli::CallsSelection,
    json: bool,
) -> anyhow::Result<()> {
    let selection = Selection { calls: selection.calls, held: selection.held };
    let api = Api::new(configuration)?;
    let changed: Changed = if api.answers().await {
        let request = api.client.post(api.url(&format!("calls/{}", kind.as_str())));
        api.json(api.authorized(request).json(&selection)).await?
    } else {
        let config = configuration.spool.clone();
        let nowhere = nowhere(configuration, &api);
        if !config.directory.is_dir() {
            return Err(fail(Exit::Unavailable, nowhere));
        }
        spool_owner::ensure_ours(&config.directory)?;
        let opened = tokio::task::spawn_blocking(move || LocalSpool::open(config)).await?;
        let (spool, _) = opened.context(nowhere).or_exit(Exit::Unavailable)?;
        let changed = calls::act(&spool, kind, &selection).await;
        tokio::task::spawn_blocking(move || spool.close()).await??;
        changed.map_err(|error| refused(&error))?
    };
    print_or_json(json, &changed, |changed| format!("{}: {} calls\n", kind.as_str(), changed.calls))
}

/// The calls of the spool, without its lock.
async fn kept(configuration: &Configuration, api: &Api) -> anyhow::Result<ReadOnlyDocuments> {
    let directory = configuration.spool.directory.clone();
    let opened = tokio::task::spawn_blocking(move || ReadOnlyDocuments::open(&directory)).await?;
    opened.with_context(|| nowhere(configuration, api)).or_exit(Exit::Unavailable)
}

fn nowhere(configuration: &Configuration, api: &Api) -> String {
    let directory = configuration.spool.directory.display();
    format!("no daemon answers at {}, and nothing is kept in {directory}", api.base)
}

/// Gives a refusal the exit code that tells a script what to do.
fn refused(error: &Error) -> anyhow::Error {
    let exit = match error {
        Error::Invalid(_) => Exit::Usage,
        Error::Spool(_) => Exit::Unavailable,
        _ => Exit::Data,
    };
    fail(exit, error.to_string())
}

fn print_or_json<T: serde::Serialize>(
    json: bool,
    value: &T,
    in_words: impl Fn(&T) -> String,
) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(value)?);
    } else {
        print!("{}", in_words(value));
    }
    Ok(())
}

/// One line for each call.
fn page(page: &Page) -> String {
    if page.calls.is_empty() {
        return "nothing\n".to_owned();
    }
    let mut rows = vec![["CALL", "TO", "STATE", "ATTEMPTS", "DUE", "ABOUT", "REASON"].map(str::to_owned)];
    rows.extend(page.calls.iter().map(|call| {
        let reason = call.reason.as_deref().unwrap_or_default();
        let mut short: String = reason.chars().take(REASON_LENGTH).collect();
        if short.len() < reason.len() {
            short.push('…');
        }
        [
            call.call.to_string(),
            call.to.clone(),
            call.state.as_str().to_owned(),
            call.attempts.to_string(),
            calls::when(call).to_owned(),
            call.about.clone(),
            short,
        ]
    }));
    let mut text = columns(&rows);
    if let Some(next) = page.next {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "more: --after {next}");
    }
    text
}

/// Everything about one call.
fn details(call: &Call) -> String {
    let mut text = String::new();
    let facts = [
        ("call", call.call.to_string()),
        ("says", call.says.clone().unwrap_or_default()),
        ("to", call.to.clone()),
        ("about", call.about.clone()),
        ("state", call.state.as_str().to_owned()),
        ("attempts", call.attempts.to_string()),
        ("due", calls::when(call).to_owned()),
        ("reason", call.reason.clone().unwrap_or_default()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        fact(&mut text, name, value);
    }
    text
}
