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
    let started = Instant::now();
    let mut results = client.search(search, LIMITS);
    let first = results.next().await;
    let took = started.elapsed();
    match first {
        Some(Ok(_)) => Verdict::Good(format!("a search for studies finds some in {took:.1?}")),
        None => Verdict::Good(format!("a search for studies is answered in {took:.1?}, and finds none yet")),
        Some(Err(Error::Profile(why))) => {
            Verdict::Bad(format!("its profile has no search for studies: {why}; look at `override.search`"))
        }
        Some(Err(Error::Unreadable(why))) => Verdict::Bad(format!(
            "the answer cannot be read: {why}; is `url` that of the DICOMweb service, up to what stands before /studies?"
        )),
        Some(Err(error)) => Verdict::Bad(refused(&error)),
    }
}
