//! Whether the origins that are searched can be.

use super::{Verdict, refused};
use crate::configuration::Configuration;
use dicomweb::{Client, Error, Level, Search, SearchLimits};
use futures::StreamExt;
use instance::Tag;
use std::{collections::BTreeSet, time::Instant};

/// One result is asked for, of the results that a server has.
const LIMITS: SearchLimits = SearchLimits { rows_max: 1, page: 1, ahead: 1, item_bytes_max: 256 * 1024 };

/// Searches every origin that some AE title searches, for one study, but for those that did not even
/// answer a probe. The lines to print.
pub(super) async fn verdicts(
    configuration: &Configuration,
    silent: &BTreeSet<&str>,
) -> Vec<(String, Verdict)> {
    let config = &configuration.bridge;
    let names: BTreeSet<&str> =
        config.served.iter().flat_map(|served| config.query_origins(served)).collect();
    let mut verdicts = Vec::new();
    for served in &config.served {
        if config.query_origins(served).is_empty() {
            let words = "no origin is searched, so C-FIND, C-MOVE and C-GET are not offered; write `origin` in [query]";
            verdicts.push((format!("query under {}", served.title), Verdict::Untested(words.to_owned())));
        }
    }
    for origin in config.origins.iter().filter(|origin| names.contains(origin.name.as_str())) {
        let verdict = match Client::new(origin.client.clone()) {
            _ if silent.contains(origin.name.as_str()) => {
                Verdict::Untested("the origin itself does not answer as it should".to_owned())
            }
            Ok(client) => search(&client).await,
            Err(error) => Verdict::Bad(error.to_string()),
        };
        verdicts.push((format!("query of origin {}", origin.name), verdict));
    }
    verdicts
}

/// A search for studies as C-FIND makes it, and whether what is found can be used.
async fn search(client: &Client) -> Verdict {
    let mut search = Search::new(Level::Study);
    search.include = vec![Tag::PATIENT_ID, Tag::PATIENT_NAME, Tag::STUDY_DATE];
    let key_required = client.profile().search.key_required;
    if key_required {
        // A study that nobody has.
        search.matching = vec![(vec![Tag::STUDY_INSTANCE_UID], "2.25.0".into())];
    }
    let started = Instant::now();
    let mut results = client.search(search, LIMITS);
    let first = results.next().await;
    let took = started.elapsed();
    match first {
        Some(Ok(_)) => Verdict::Good(format!("a search for studies finds some in {took:.1?}")),
        None if key_required => {
            Verdict::Good(format!("a search for a study that nobody has is answered in {took:.1?}"))
        }
        None => Verdict::Good(format!("a search for studies is answered in {took:.1?}, and finds none yet")),
        Some(Err(Error::Profile(why))) => Verdict::Bad(format!(
            "its profile has no search for studies: {why}; look at `capabilities.search`"
        )),
        Some(Err(Error::Unreadable(why))) => Verdict::Bad(format!(
            "the answer cannot be read: {why}; is `url` that of the DICOMweb service, up to what stands before /studies?"
        )),
        Some(Err(error)) => Verdict::Bad(refused(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_file::{Document, File};
    use axum::{Router, http::StatusCode, response::IntoResponse};

    /// Serves one answer to everything, and gives the base URL.
    async fn serve(status: u16, media_type: &'static str, body: &'static str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = move || async move { (status, [("content-type", media_type)], body).into_response() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/dicom-web", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        url
    }

    fn configuration(text: String) -> Configuration {
        let (file, document) = File::parse(Document::new("dimseway.toml".into(), text)).unwrap();
        Configuration::from_file(&file, document).unwrap()
    }

    /// The lines as they are printed, times left out.
    fn printed(verdicts: Vec<(String, Verdict)>) -> Vec<String> {
        let line = |(subject, verdict): (String, Verdict)| {
            let (word, words) = verdict.parts();
            format!("{word} {subject}: {words}")
        };
        verdicts.into_iter().map(line).collect()
    }

    #[tokio::test]
    async fn an_answer_to_a_search_tells_what_to_look_at() {
        const JSON: &str = "application/dicom+json";
        let study = r#"[{"0020000D":{"vr":"UI","Value":["1.2.3"]}}]"#;
        let rows = [
            (200, JSON, study, "ok query of origin a: a search for studies finds some in "),
            (204, JSON, "", "ok query of origin a: a search for studies is answered in "),
            (200, JSON, "[{}]", "FAILED query of origin a: the answer cannot be read: "),
            (
                200,
                "text/html",
                "<html>",
                "FAILED query of origin a: the answer cannot be read: it is an HTML",
            ),
            (404, JSON, "", "FAILED query of origin a: the origin answered 404 Not Found; is `url` that of"),
            (403, JSON, "", "FAILED query of origin a: the origin answered 403 Forbidden; look at `auth`"),
            (
                400,
                JSON,
                "",
                "FAILED query of origin a: the origin answered 400 Bad Request; look at `url` and",
            ),
        ];
        for (status, media_type, body, expected) in rows {
            let url = serve(status, media_type, body).await;
            let configuration = configuration(format!("[origin.a]\nurl = \"{url}\"\n"));
            let lines = printed(verdicts(&configuration, &BTreeSet::new()).await);
            assert!(lines.len() == 1 && lines[0].starts_with(expected), "{status} {body}: {lines:?}");
        }
    }

    #[tokio::test]
    async fn who_must_be_asked_by_a_key_is() {
        let url = serve(200, "application/json", "[]").await;
        let text = format!("[origin.a]\nurl = \"{url}\"\nprofile = \"postdicom\"\n");
        let lines = printed(verdicts(&configuration(text), &BTreeSet::new()).await);
        let expected = "ok query of origin a: a search for a study that nobody has is answered in ";
        assert!(lines.len() == 1 && lines[0].starts_with(expected), "{lines:?}");
    }

    #[tokio::test]
    async fn only_what_queries_go_to_and_answers_at_all_is_searched() {
        let url = serve(204, "application/dicom+json", "").await;
        let text = format!(
            "[origin.a]\nurl = \"{url}\"\n[origin.b]\nurl = \"{url}\"\n[origin.c]\nurl = \"{url}\"\n\
             [[route]]\nstore = [\"a\"]\n[[ae]]\ntitle = \"X\"\n[[ae]]\ntitle = \"Y\"\nquery = [\"a\", \"b\"]\n"
        );
        let lines = printed(verdicts(&configuration(text), &BTreeSet::from(["b"])).await);
        let expected =
            ["skipped query under X: no origin", "ok query of origin a: ", "skipped query of origin b: "];
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}");
        }
    }
}
