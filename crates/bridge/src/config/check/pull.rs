//! Pulls that contradict the rest of the configuration, or themselves.

use std::collections::BTreeSet;

use dicomweb::profile::ChangeFeed;
use spool::Destination;

use super::{ConfigError, at_least_one, check_name, fault};
use crate::config::{Config, Pull, PullMethod};

/// Most pulls: each has a task, a cursor and its metrics.
const PULLS_MAX: usize = 64;

/// Most instances of one pull that are retrieved at the same time.
const CONCURRENT_MAX: usize = 64;

impl Config {
    pub(super) fn check_pulls(&self) -> Result<(), ConfigError> {
        if self.pulls.len() > PULLS_MAX {
            return fault("pull", format!("there are {}, {PULLS_MAX} are allowed", self.pulls.len()));
        }
        let mut names = BTreeSet::new();
        for (index, pull) in self.pulls.iter().enumerate() {
            let key = |name: &str| format!("pull.{index}.{name}");
            check_name(&pull.name, &key("name"))?;
            if !names.insert(&pull.name) {
                return fault(key("name"), "the name is there twice");
            }
            self.check_pull(pull, key)?;
        }
        Ok(())
    }

    fn check_pull(&self, pull: &Pull, key: impl Fn(&str) -> String) -> Result<(), ConfigError> {
        let Some(origin) = self.origins.iter().find(|origin| origin.name == pull.origin) else {
            return fault(key("origin"), format!("there is no [origin.{}]", pull.origin));
        };
        if pull.to.is_empty() {
            return fault(key("to"), "at least one destination is needed");
        }
        for (index, destination) in pull.to.iter().enumerate() {
            if *destination == Destination::Origin(pull.origin.clone()) {
                return fault(key("to"), "what is pulled from an origin cannot be sent back to it");
            }
            if !self.knows(destination) {
                let message = format!("there is no {destination} in the configuration, or it has no address");
                return fault(key("to"), message);
            }
            if pull.to[..index].contains(destination) {
                return fault(key("to"), format!("{destination} is there twice"));
            }
        }
        let profile = &origin.client.profile;
        match pull.method {
            PullMethod::ChangeFeed { .. } if profile.change_feed != ChangeFeed::ByTime => fault(
                key("method"),
                format!(
                    "the profile of [origin.{}] has no list of changes by time; use \"search\"",
                    pull.origin
                ),
            ),
            PullMethod::Search { .. } if profile.search.key_required => fault(
                key("method"),
                format!(
                    "[origin.{}] cannot be searched by date, so nothing tells what is new there",
                    pull.origin
                ),
            ),
            PullMethod::Search { days: 0 } => fault(key("days"), "at least 1 is needed"),
            _ if pull.interval.is_zero() => fault(key("interval"), "it must be longer than zero"),
            _ if pull.backlog_max == 0 => fault(key("backlog_max"), "nothing could ever be pulled"),
            _ if pull.concurrent > CONCURRENT_MAX => {
                fault(key("concurrent"), format!("at most {CONCURRENT_MAX} are allowed"))
            }
            _ => at_least_one(&key("concurrent"), pull.concurrent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Origin, Peer, PeerAddress};
    use dicomweb::{ClientConfig, Profile};

    fn config() -> Config {
        let client = |profile| ClientConfig::new("http://127.0.0.1:9/".parse().unwrap(), profile);
        let mut feed = Profile::standard();
        feed.change_feed = ChangeFeed::ByTime;
        let mut peer = Peer::new("PACS".parse().unwrap());
        peer.address = Some(PeerAddress::new("127.0.0.1", 104));
        Config {
            origins: vec![
                Origin::new("cloud", client(feed)),
                Origin::new("archive", client(Profile::standard())),
                Origin::new("keyed", client(Profile::postdicom())),
            ],
            routes: vec![crate::config::Route::everything(vec!["archive".parse().unwrap()])],
            peers: vec![peer, Peer::new("CT1".parse().unwrap())],
            ..Config::default()
        }
    }

    fn pull(origin: &str, to: &[&str], method: PullMethod) -> Pull {
        Pull::new("back", origin, to.iter().map(|name| name.parse().unwrap()).collect(), method)
    }

    const FEED: PullMethod = PullMethod::ChangeFeed { settle: Pull::SETTLE };
    const SEARCH: PullMethod = PullMethod::Search { days: Pull::DAYS };

    #[test]
    fn a_pull_fits_the_rest_of_the_configuration() {
        for pull in [
            pull("cloud", &["peer:PACS", "archive"], FEED),
            pull("cloud", &["archive"], SEARCH),
            pull("archive", &["cloud"], SEARCH),
        ] {
            let config = Config { pulls: vec![pull], ..config() };
            assert_eq!(config.check(), Ok(()));
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let changed = |change: fn(&mut Pull)| {
            let mut pull = pull("cloud", &["archive"], FEED);
            change(&mut pull);
            pull
        };
        for (pull, key, message) in [
            (pull("nowhere", &["archive"], FEED), "origin", "no [origin.nowhere]"),
            (pull("cloud", &[], FEED), "to", "at least one"),
            (pull("cloud", &["archive", "cloud"], FEED), "to", "sent back"),
            (pull("cloud", &["peer:CT1"], FEED), "to", "no address"),
            (pull("cloud", &["archive", "archive"], FEED), "to", "twice"),
            (pull("archive", &["cloud"], FEED), "method", "no list of changes"),
            (pull("cloud", &["archive"], PullMethod::Search { days: 0 }), "days", "at least 1"),
            (pull("keyed", &["archive"], SEARCH), "method", "by date"),
            (changed(|pull| pull.concurrent = 0), "concurrent", "at least 1"),
            (changed(|pull| pull.concurrent = 1000), "concurrent", "at most"),
            (changed(|pull| pull.interval = std::time::Duration::ZERO), "interval", "longer"),
            (changed(|pull| pull.name = "a b".to_owned()), "name", "letters"),
        ] {
            let error = Config { pulls: vec![pull], ..config() }.check().unwrap_err();
            assert_eq!(error.key, format!("pull.0.{key}"));
            assert!(error.message.contains(message), "{error}");
        }
        let twice = vec![changed(|_| ()), changed(|_| ())];
        assert_eq!(Config { pulls: twice, ..config() }.check().unwrap_err().key, "pull.1.name");
    }
}
