//! Settings of an origin that do not go together with what it can do, or are not safe.

use super::Verdict;
use bridge::config::{Duplicate, Origin};
use dicomweb::{
    RateLimit,
    auth::TokenUrl,
    profile::{AzureVersion, Lookup, StoreMethod, StoreResponse},
};

/// What is to be said about the settings of one origin, a line for each that should be another.
pub(super) fn verdicts(origin: &Origin) -> Vec<Verdict> {
    let profile = &origin.client.profile;
    let put = profile.store_method == StoreMethod::Put;
    let findings = [
        (
            put && !profile.put_replaces,
            "requests are sent with PUT, which the profile says replaces nothing; set `capabilities.put_replaces` \
             if the server knows it, or leave `capabilities.store_method` out",
        ),
        (
            put && profile.put_replaces && origin.duplicate != Duplicate::Overwrite,
            "with PUT whatever is there is replaced, so `duplicate` decides nothing; write `duplicate = \
             \"overwrite\"` if that is meant, or leave `capabilities.store_method` out",
        ),
        (
            origin.duplicate == Duplicate::Success && profile.duplicates_unreported,
            "`duplicate = \"success\"` with a server that keeps the first content without a word: another content \
             of the same UID would be given up; `verify` finds out",
        ),
        (
            profile.lookup == Lookup::None && profile.store_response == StoreResponse::Verify,
            "`store_response = \"verify\"`, but there is no `capabilities.lookup`: what is not confirmed is held for \
             a person",
        ),
        (
            profile.lookup == Lookup::Metadata && !profile.retrieve.instance_metadata,
            "`capabilities.lookup = \"metadata\"`, but `capabilities.retrieve.instance_metadata` is off: no instance \
             is ever found",
        ),
        (
            profile.name == "azure" && AzureVersion::of_url(&origin.client.base_url).is_none(),
            "`url` does not end in a version of the service, which answers only below one; add /v2, or write \
             `azure.version`",
        ),
        (
            origin.client.credentials.token_url().is_some_and(TokenUrl::is_in_the_clear),
            "what proves who we are goes to the token end point without TLS, and the token comes back so; write \
             `auth.token_url` with https",
        ),
        (
            has_one_turn(&origin.client.pace.limit()),
            "`rate_limit.concurrent` is 1, so that a query waits for the delivery under way, and is given up after \
             `unavailable_timeout`; allow 2 or more where somebody queries",
        ),
    ];
    let found = findings.into_iter().filter(|(found, _)| *found);
    found.map(|(_, words)| Verdict::Warned(words.to_owned())).collect()
}

/// Whether at some time of day one request alone may be under way.
fn has_one_turn(limit: &RateLimit) -> bool {
    let windows = limit.windows.iter().map(|window| &window.rates);
    windows.chain([&limit.rates]).any(|rates| rates.concurrent == Some(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config_file::{Document, File},
        configuration::Configuration,
    };

    /// What is said about an origin with these keys.
    fn said(keys: &str) -> Vec<String> {
        let text = format!("[origin.a]\nurl = \"http://a\"\n{keys}");
        let (file, document) = File::parse(Document::new("dimseway.toml".into(), text)).unwrap();
        let configuration = Configuration::from_file(&file, document).unwrap();
        let verdicts = verdicts(&configuration.bridge.origins[0]);
        let words = |verdict| match verdict {
            Verdict::Warned(words) => words,
            _ => panic!("only warnings are expected"),
        };
        verdicts.into_iter().map(words).collect()
    }

    #[test]
    fn a_secret_does_not_go_over_a_network_without_tls() {
        let auth = |url: &str| {
            let auth = "type = \"oauth2\", client_id = \"c\", client_secret_env = \"PATH\"";
            said(&format!("auth = {{ {auth}, token_url = \"{url}\" }}\n"))
        };
        assert!(auth("http://tokens.example.org/t")[0].contains("without TLS"));
        assert!(auth("https://tokens.example.org/t").is_empty() && auth("http://[::1]:1/t").is_empty());
    }

    #[test]
    fn contradictions_are_named() {
        let put = "capabilities.store_method = \"put\"\n";
        let rows = [
            (String::new(), None),
            ("profile = \"orthanc\"\n".to_owned(), None),
            (put.to_owned(), Some("replaces nothing")),
            (format!("{put}capabilities.put_replaces = true\n"), Some("decides nothing")),
            (format!("{put}capabilities.put_replaces = true\nduplicate = \"overwrite\"\n"), None),
            ("profile = \"orthanc\"\nduplicate = \"success\"\n".to_owned(), Some("given up")),
            ("duplicate = \"success\"\n".to_owned(), None),
            ("capabilities.lookup = \"none\"\n".to_owned(), Some("held for a person")),
            ("capabilities.lookup = \"none\"\nstore_response = \"hold\"\n".to_owned(), None),
            (
                "capabilities = { lookup = \"metadata\", retrieve.instance_metadata = false }\n".to_owned(),
                Some("no instance is ever found"),
            ),
            ("profile = \"azure\"\n".to_owned(), Some("add /v2")),
            ("profile = \"azure\"\nazure.version = \"v1\"\n".to_owned(), None),
            ("rate_limit.concurrent = 1\n".to_owned(), Some("given up after")),
            ("rate_limit.concurrent = 2\n".to_owned(), None),
            (
                "rate_limit.windows = [{ from = \"07:00\", to = \"18:00\", concurrent = 1 }]\n".to_owned(),
                Some("given up after"),
            ),
        ];
        for (keys, expected) in rows {
            let said = said(&keys);
            match expected {
                None => assert!(said.is_empty(), "{keys}: {said:?}"),
                Some(expected) => assert!(said.len() == 1 && said[0].contains(expected), "{keys}: {said:?}"),
            }
        }
    }
}
