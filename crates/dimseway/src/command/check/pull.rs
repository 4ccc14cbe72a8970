//! Whether what is new at an origin can be asked for.

use super::{Verdict, refused};
use crate::configuration::Configuration;
use bridge::config::{Pull, PullMethod};
use dicomweb::{Client, Level, Search, SearchLimits, change_feed::Changes};
use futures::StreamExt;
use instance::Tag;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeSet,
    time::{Instant, SystemTime},
};

/// (0020,1208) Number of Study Related Instances.
const STUDY_INSTANCES: Tag = Tag(0x0020, 0x1208);

/// One result is asked for.
const LIMITS: SearchLimits = SearchLimits { rows_max: 1, page: 1, ahead: 1, item_bytes_max: 256 * 1024 };

/// How much of the list of changes is asked for: an hour.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(1);

/// Asks each origin of a pull what is new, but for those that did not even answer a probe. The lines to print.
pub(super) async fn verdicts(
    configuration: &Configuration,
    silent: &BTreeSet<&str>,
) -> Vec<(String, Verdict)> {
    let config = &configuration.bridge;
    let mut verdicts = Vec::new();
    for pull in &config.pulls {
        let origin = config.origins.iter().find(|origin| origin.name == pull.origin);
        let verdict = match origin.map(|origin| Client::new(origin.client.clone())) {
            _ if silent.contains(pull.origin.as_str()) => {
                Verdict::Untested("the origin itself does not answer as it should".to_owned())
            }
            Some(Ok(client)) => ask(&client, pull).await,
            Some(Err(error)) => Verdict::Bad(error.to_string()),
            None => Verdict::Bad(format!("there is no [origin.{}]", pull.origin)),
        };
        verdicts.push((format!("pull {} from origin {}", pull.name, pull.origin), verdict));
    }
    verdicts
}

async fn ask(client: &Client, pull: &Pull) -> Verdict {
    let began = Instant::now();
    match pull.method {
        PullMethod::ChangeFeed { .. } => {
            let until = Timestamp::now();
            let since = until.saturating_sub(LOOKED_BACK).unwrap_or(until);
            let changes = Changes { since, until, offset: 0, limit: 1, with_modality: false };
            match client.changes(&changes).await {
                Ok(page) => {
                    let found = if page.entries == 0 { "no change" } else { "changes" };
                    let took = began.elapsed();
                    Verdict::Good(format!(
                        "the list of changes is answered in {took:.1?}, with {found} of the last hour"
                    ))
                }
                Err(error) => Verdict::Bad(refused(&error)),
            }
        }
        PullMethod::Search { days } => {
            let first = SystemTime::now()
                .checked_sub(std::time::Duration::from_secs(u64::from(days) * 24 * 60 * 60))
                .and_then(|first| Timestamp::try_from(first).ok())
                .unwrap_or(Timestamp::UNIX_EPOCH);
            let range = format!("{}-", first.strftime("%Y%m%d"));
            let search = Search {
                matching: vec![(vec![Tag::STUDY_DATE], range.into())],
                include: vec![STUDY_INSTANCES],
                ..Search::new(Level::Study)
            };
            match client.search(search, LIMITS).next().await {
                None => Verdict::Good(format!("there is no study of the last {days} days yet")),
                Some(Ok(study)) if study.integer(STUDY_INSTANCES).is_none() => Verdict::Warned(
                    "the origin does not count the instances of studies, so each is listed again for a day"
                        .to_owned(),
                ),
                Some(Ok(_)) => Verdict::Good(format!(
                    "studies of the last {days} days are found in {:.1?}",
                    began.elapsed()
                )),
                Some(Err(dicomweb::Error::TooManyRows(_))) => Verdict::Good("studies are found".to_owned()),
                Some(Err(error)) => Verdict::Bad(refused(&error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, extract::Request, response::IntoResponse};
    use dicomweb::{ClientConfig, Profile, profile::ChangeFeed};

    /// A server that answers so.
    async fn client(status: u16, body: &'static str) -> Client {
        let router = Router::new().fallback(move |_: Request| async move {
            let status = http::StatusCode::from_u16(status).unwrap();
            (status, [("content-type", "application/json")], body).into_response()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let profile = Profile { change_feed: ChangeFeed::ByTime, ..Profile::standard() };
        Client::new(ClientConfig::new(url.parse().unwrap(), profile)).unwrap()
    }

    fn pull(method: PullMethod) -> Pull {
        Pull::new("back", "cloud", vec!["archive".parse().unwrap()], method)
    }

    #[tokio::test]
    async fn each_way_of_asking_has_its_verdict() {
        const FEED: PullMethod = PullMethod::ChangeFeed { settle: Pull::SETTLE };
        const SEARCH: PullMethod = PullMethod::Search { days: 7 };
        const STUDY: &str = r#"[{"0020000D": {"vr": "UI", "Value": ["1.2"]}}]"#;
        const COUNTED: &str =
            r#"[{"0020000D": {"vr": "UI", "Value": ["1.2"]}, "00201208": {"vr": "IS", "Value": [7]}}]"#;
        for (method, status, body, expected) in [
            (FEED, 200, "[]", "ok the list of changes"),
            (FEED, 200, "[{}]", "with changes of the last hour"),
            (FEED, 404, "", "FAILED"),
            (FEED, 401, "", "look at `auth`"),
            (SEARCH, 200, "[]", "ok there is no study"),
            (SEARCH, 200, STUDY, "warn the origin does not count"),
            (SEARCH, 200, COUNTED, "ok studies of the last 7 days"),
            (SEARCH, 400, "", "FAILED"),
        ] {
            let verdict = ask(&client(status, body).await, &pull(method.clone())).await.in_one_line();
            assert!(verdict.contains(expected), "{method:?} {status} {body}: {verdict}");
        }
    }
}
