//! `dimseway delete`.

use crate::{
    cli::{Delete, DeleteLevel},
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
};
use anyhow::anyhow;
use dicomweb::{Client, Deleted, Error, Level, Remedy};
use std::{
    io::{BufRead, IsTerminal, Write},
    path::Path,
};

/// What a person has to type.
const CONSENT: &str = "delete";

/// Asks, and deletes a study, a series or an instance at an origin for good.
///
/// # Errors
/// Nobody agreed, or it is not said where ([`Exit::Usage`]); the origin does not delete, or refuses us
/// ([`Exit::Configuration`]); it has nothing of the kind ([`Exit::Data`]); it cannot be reached
/// ([`Exit::Unavailable`]).
pub(crate) async fn run(path: &Path, arguments: &Delete) -> anyhow::Result<()> {
    let delete = wanted(&arguments.level);
    let (name, client) = origin(path, arguments.origin.as_deref())?;
    let word = word(delete.level());
    if !client.profile().deletes(delete.level()) {
        let message = format!(
            "origin {name}: its profile ({}) deletes no {word}; where the server does, say so with \
             `capabilities.delete` of [origin.{name}]",
            client.profile().name
        );
        return Err(fail(Exit::Configuration, message));
    }
    let what = format!("{word} {}", uid(&delete));
    agree(arguments.yes, &format!("{what} at origin {name} is deleted permanently.")).await?;
    match client.delete(&delete).await {
        Ok(Deleted::Done) if arguments.json => {
            println!("{}", serde_json::json!({ "outcome": "deleted", "level": word, "uid": uid(&delete) }));
            Ok(())
        }
        Ok(Deleted::Done) => {
            println!("deleted {what} permanently");
            Ok(())
        }
        Ok(Deleted::Absent) => Err(fail(Exit::Data, format!("origin {name} has no {what}"))),
        Err(error) => Err(told(&name, &error)),
    }
}

fn wanted(level: &DeleteLevel) -> dicomweb::Delete {
    let (study, series, instance) = match level.clone() {
        DeleteLevel::Study { study } => (study, None, None),
        DeleteLevel::Series { study, series } => (study, Some(series), None),
        DeleteLevel::Instance { study, series, instance } => (study, Some(series), Some(instance)),
    };
    dicomweb::Delete { study, series, instance }
}

fn uid(delete: &dicomweb::Delete) -> &str {
    delete.instance.as_ref().or(delete.series.as_ref()).unwrap_or(&delete.study).as_str()
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Study => "study",
        Level::Series => "series",
        Level::Instance => "instance",
    }
}

/// The origin of this name, or the only one.
fn origin(path: &Path, name: Option<&str>) -> anyhow::Result<(String, Client)> {
    let configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
    let mut origins = configuration.bridge.origins.into_iter();
    let origin = match name {
        Some(name) => origins
            .find(|origin| origin.name == name)
            .ok_or_else(|| fail(Exit::Usage, format!("--origin {name}: there is no [origin.{name}]")))?,
        None => match (origins.next(), origins.next()) {
            (Some(only), None) => only,
            _ => return Err(fail(Exit::Usage, "--origin NAME is needed: there is not exactly one")),
        },
    };
    let client = Client::new(origin.client)
        .map_err(|error| anyhow!("origin {}: {error}", origin.name))
        .or_exit(Exit::Configuration)?;
    Ok((origin.name, client))
}

/// Goes on only where a person agrees.
async fn agree(yes: bool, what: &str) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(fail(Exit::Usage, format!("{what} There is no trash; say --yes if that is meant")));
    }
    let question = format!("{what} There is no trash to bring it back from.\nType `{CONSENT}` to go on: ");
    let agreed = tokio::task::spawn_blocking(move || ask(&question)).await??;
    if agreed { Ok(()) } else { Err(fail(Exit::Usage, "nothing was deleted")) }
}

fn ask(question: &str) -> anyhow::Result<bool> {
    let mut to = std::io::stderr().lock();
    write!(to, "{question}").and_then(|()| to.flush()).or_exit(Exit::Usage)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).or_exit(Exit::Usage)?;
    Ok(answer.trim() == CONSENT)
}

/// What a failure means to a person.
fn told(name: &str, error: &Error) -> anyhow::Error {
    let status = match error {
        Error::Refused { status, .. } => status.as_u16(),
        _ => 0,
    };
    let hint = match status {
        400 => " (the origin does not take these UIDs for any)".to_owned(),
        401 => format!(" (look at `auth` of [origin.{name}])"),
        403 => " (the credentials lack the right to delete: with Azure the role DICOM Data Owner)".to_owned(),
        405 | 501 => format!(" (the server does not delete; `capabilities.delete` of [origin.{name}])"),
        409 => " (something else is at work on it; try again later)".to_owned(),
        424 => " (the storage behind the origin is out of reach; look at its own pages)".to_owned(),
        429 | 503 => " (it is busy; try again later)".to_owned(),
        _ => String::new(),
    };
    let exit = match error.remedy() {
        Remedy::FixCredentials => Exit::Configuration,
        Remedy::Retry { .. } => Exit::Unavailable,
        Remedy::Reject => Exit::Data,
        Remedy::Unknown => {
            let message = format!(
                "origin {name}: {error}; it may have been deleted all the same. The same command can be run \
                 again: what is gone by then is reported as not there"
            );
            return fail(Exit::Unavailable, message);
        }
    };
    fail(exit, format!("origin {name}: {error}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Failure;
    use axum::{Router, extract::Request};
    use std::sync::{Arc, Mutex};

    /// A configuration with an origin that answers every request so, and what it was asked.
    async fn site(status: u16, capabilities: &str) -> (tempfile::TempDir, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&asked);
        let router = Router::new().fallback(move |request: Request| async move {
            keep.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
            http::StatusCode::from_u16(status).unwrap()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let directory = tempfile::tempdir().unwrap();
        let text = format!("[origin.archive]\nurl = \"http://{address}\"\n{capabilities}\n");
        std::fs::write(directory.path().join("dimseway.toml"), text).unwrap();
        (directory, asked)
    }

    fn delete(origin: Option<&str>, yes: bool, level: DeleteLevel) -> Delete {
        Delete { origin: origin.map(str::to_owned), yes, json: false, level }
    }

    fn study() -> DeleteLevel {
        DeleteLevel::Study { study: "1.2".parse().unwrap() }
    }

    const ALL: &str = "capabilities.delete = [\"study\", \"series\", \"instance\"]";

    async fn ends(directory: &tempfile::TempDir, arguments: &Delete) -> Option<(u8, String)> {
        let done = run(&directory.path().join("dimseway.toml"), arguments).await;
        done.err().map(|error| (Failure::exit_of(&error).code(), error.to_string()))
    }

    #[tokio::test]
    async fn each_level_is_deleted_at_the_origin() {
        let uid = |text: &str| text.parse().unwrap();
        let (directory, asked) = site(204, ALL).await;
        let series = DeleteLevel::Series { study: uid("1.2"), series: uid("1.3") };
        let instance = DeleteLevel::Instance { study: uid("1.2"), series: uid("1.3"), instance: uid("1.4") };
        for level in [study(), series, instance] {
            assert_eq!(ends(&directory, &delete(Some("archive"), true, level)).await, None);
        }
        let paths = ["/studies/1.2", "/studies/1.2/series/1.3", "/studies/1.2/series/1.3/instances/1.4"];
        assert_eq!(*asked.lock().unwrap(), paths.map(|path| format!("DELETE {path}")));
    }

    #[tokio::test]
    async fn every_answer_is_explained() {
        for (status, exit, words) in [
            (400, 65, "UIDs"),
            (401, 78, "`auth` of [origin.archive]"),
            (403, 78, "right to delete"),
            (404, 65, "has no study 1.2"),
            (503, 69, "try again later"),
            (424, 69, "storage behind"),
        ] {
            let (directory, _) = site(status, ALL).await;
            let (code, message) = ends(&directory, &delete(None, true, study())).await.unwrap();
            assert!(message.contains(words), "{status}: {message}");
            assert_eq!(code, exit, "{status}: {message}");
        }
    }

    #[tokio::test]
    async fn nothing_is_asked_for_before_all_is_clear() {
        let (directory, asked) = site(204, "").await;
        let (code, message) = ends(&directory, &delete(None, true, study())).await.unwrap();
        assert_eq!(code, 78);
        assert!(message.contains("capabilities.delete"), "{message}");
        let (directory, more) = site(204, ALL).await;
        assert_eq!(ends(&directory, &delete(Some("other"), true, study())).await.unwrap().0, 64);
        if !std::io::stdin().is_terminal() {
            let (code, message) = ends(&directory, &delete(None, false, study())).await.unwrap();
            assert_eq!(code, 64);
            assert!(message.contains("--yes"), "{message}");
        }
        assert!(asked.lock().unwrap().is_empty() && more.lock().unwrap().is_empty());
    }
}
