//! What only several fields of a configuration together show to be wrong.

mod mpps;
mod pull;
mod worklist;

use std::{collections::BTreeSet, time::Duration};

use spool::Destination;

use super::{Acknowledge, Config, Duplicate, Route};

/// One fault of a configuration, with the key that must change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct ConfigError {
    /// The key as the file writes it, elements of arrays counted from 0: `route.2.store`.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Longest name of an origin or a source of the worklist: it is part of keys in the spool and of metric labels.
const NAME_LENGTH_MAX: usize = 64;

/// Smallest memory budget, in bytes: its quarter for sending is two requests.
const MEMORY_BUDGET_MIN: u64 = 8 * 1024 * 1024;

/// Bounds of the largest PDU, in bytes: PS3.8 §D.1 leaves it open; below 4 KiB every object costs
/// thousands of PDUs, above 4 MiB one PDU is a relevant part of the memory budget.
const MAX_PDU: std::ops::RangeInclusive<u32> = 4 * 1024..=4 * 1024 * 1024;

impl Config {
    /// Checks what only several fields together show.
    ///
    /// # Errors
    /// The first fault, in the order of the fields.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_application_entities()?;
        self.check_limits()?;
        self.check_origins()?;
        self.check_routes()?;
        self.check_query()?;
        self.check_forward()?;
        self.check_pulls()?;
        self.check_retrieve()?;
        self.check_mpps()?;
        self.check_worklist()
    }

    /// Whether `destination` is one that deliveries can be made to.
    #[must_use]
    pub fn knows(&self, destination: &Destination) -> bool {
        match destination {
            Destination::Origin(name) => self.origins.iter().any(|origin| origin.name == *name),
            Destination::Peer(title) => {
                self.peers.iter().any(|peer| peer.ae_title == *title && peer.address.is_some())
            }
        }
    }

    /// Every destination that deliveries can be made to: the origins, and the peers that have an address.
    #[must_use]
    pub fn destinations(&self) -> Vec<Destination> {
        let origins = self.origins.iter().map(|origin| Destination::Origin(origin.name.clone()));
        let peers = self.peers.iter().filter(|peer| peer.address.is_some());
        origins.chain(peers.map(|peer| Destination::Peer(peer.ae_title.clone()))).collect()
    }

    fn check_application_entities(&self) -> Result<(), ConfigError> {
        if self.served.is_empty() {
            return fault("ae", "at least one AE title must be served");
        }
        let mut titles = BTreeSet::new();
        for (index, served) in self.served.iter().enumerate() {
            if !titles.insert(&served.title) {
                return fault(format!("ae.{index}.title"), format!("{} is served twice", served.title));
            }
        }
        titles.clear();
        for (index, peer) in self.peers.iter().enumerate() {
            if !titles.insert(&peer.ae_title) {
                return fault(format!("peer.{index}.ae_title"), format!("{} is there twice", peer.ae_title));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        at_least_one("dimse.max_associations", limits.max_associations)?;
        at_least_one("dimse.max_silent_connections", limits.max_silent_connections)?;
        at_least_one("dimse.max_operations_invoked", limits.max_operations_invoked.into())?;
        if !MAX_PDU.contains(&limits.max_pdu) {
            return fault("dimse.max_pdu", "the largest PDU must be between 4 KiB and 4 MiB");
        }
        if limits.memory_budget < MEMORY_BUDGET_MIN.max(u64::from(limits.max_pdu) * 4) {
            return fault("memory_budget", "at least 8 MiB and four PDUs of the largest size are needed");
        }
        let timers = [
            ("dimse.artim_timeout", self.timers.artim),
            ("dimse.idle_timeout", self.timers.idle),
            ("dimse.message_timeout", self.timers.message),
            ("dimse.stored_timeout", self.timers.stored),
            ("forward.lease", self.forward.lease),
        ];
        if let Some((key, _)) = timers.into_iter().find(|(_, timer)| timer.is_zero()) {
            return fault(key, "a time-out of zero would end everything at once");
        }
        // A peer that waits for its answer sends nothing.
        let waits = self.routes.iter().any(|route| route.acknowledge == Acknowledge::Stored);
        if waits && self.timers.idle <= self.timers.stored {
            return fault("dimse.idle_timeout", "it must be longer than dimse.stored_timeout");
        }
        Ok(())
    }

    fn check_origins(&self) -> Result<(), ConfigError> {
        let mut names = BTreeSet::new();
        for origin in &self.origins {
            let name = &origin.name;
            check_name(name, &format!("origin.{name}"))?;
            if !names.insert(name) {
                return fault(format!("origin.{name}"), "the name is there twice");
            }
            if origin.duplicate == Duplicate::Overwrite && !origin.client.profile.overwrites() {
                return fault(
                    format!("origin.{name}.duplicate"),
                    "to overwrite, instances must be replaced or deleted, which the profile does not offer",
                );
            }
            if origin.workers == Some(0) {
                return fault(format!("origin.{name}.workers"), "at least 1 is needed");
            }
            if let Some(postdicom) = &origin.postdicom {
                at_least_one(&format!("origin.{name}.postdicom.patients_max"), postdicom.patients_max)?;
                at_least_one(
                    &format!("origin.{name}.postdicom.patients_at_once"),
                    postdicom.patients_at_once,
                )?;
            }
        }
        Ok(())
    }

    fn check_routes(&self) -> Result<(), ConfigError> {
        if self.routes.is_empty() {
            return match self.origins.len() {
                1 => Ok(()),
                0 if self.offers_steps() => Ok(()),
                0 => fault(
                    "origin",
                    "without a route there must be one origin that everything goes to, or a worklist or [mpps], \
                     and then nothing is stored",
                ),
                _ => fault("route", "there are several origins, so routes must tell what goes where"),
            };
        }
        self.routes.iter().enumerate().try_for_each(|(index, route)| self.check_route(index, route))
    }

    /// Whether modalities are told what to do, or tell what they did: a bridge may be for that alone.
    fn offers_steps(&self) -> bool {
        !self.worklist.sources.is_empty() || self.mpps.is_some()
    }

    fn check_route(&self, index: usize, route: &Route) -> Result<(), ConfigError> {
        let key = || format!("route.{index}.store");
        if route.store.is_empty() {
            return fault(key(), "at least one destination is needed");
        }
        for destination in &route.store {
            if self.knows(destination) {
                continue;
            }
            let message = match destination {
                Destination::Origin(name) => format!("there is no [origin.{name}]"),
                Destination::Peer(title) if self.peers.iter().any(|peer| peer.ae_title == *title) => {
                    format!("the peer {title} needs an address to be sent to")
                }
                Destination::Peer(title) => format!("there is no [[peer]] with ae_title {title}"),
            };
            return fault(key(), message);
        }
        Ok(())
    }

    fn check_query(&self) -> Result<(), ConfigError> {
        let query = &self.query;
        let own = self.served.iter().enumerate().map(|(index, ae)| (format!("ae.{index}.query"), &ae.query));
        for (key, names) in std::iter::once(("query.origins".to_owned(), &query.origins)).chain(own) {
            for (position, name) in names.iter().enumerate() {
                if !self.origins.iter().any(|origin| origin.name == *name) {
                    return fault(key, format!("there is no [origin.{name}]"));
                }
                if names[..position].contains(name) {
                    return fault(key, format!("{name} is there twice"));
                }
            }
        }
        let limits = [
            ("query.results_max", query.results_max),
            ("query.rows_max", query.rows_max),
            ("query.requests_max", query.requests_max),
            ("query.identifier_max", query.identifier_max),
        ];
        limits.into_iter().try_for_each(|(key, limit)| at_least_one(key, limit))
    }

    fn check_forward(&self) -> Result<(), ConfigError> {
        let forward = &self.forward;
        at_least_one("forward.workers", forward.workers)?;
        at_least_one("forward.batch_instances", forward.batch_instances)?;
        if forward.batch_bytes == 0 {
            return fault("forward.batch_bytes", "at least 1 is needed");
        }
        let back_off = &forward.back_off;
        if !(0.0..=1.0).contains(&back_off.jitter) {
            return fault("forward.back_off.jitter", "the random part is between 0 and 1");
        }
        ascending("forward.back_off.max", back_off.min, back_off.max)?;
        ascending("forward.breaker.probe_max", forward.breaker.probe_min, forward.breaker.probe_max)?;
        at_least_one("forward.breaker.failures", forward.breaker.failures as usize)
    }

    fn check_retrieve(&self) -> Result<(), ConfigError> {
        let retrieve = &self.retrieve;
        at_least_one("retrieve.requests", retrieve.requests)?;
        at_least_one("retrieve.associations", retrieve.associations)?;
        at_least_one("retrieve.instances_max", retrieve.instances_max)?;
        let transcode = &retrieve.transcode_limits;
        at_least_one("retrieve.transcode_limits.children_max", transcode.children_max)?;
        let lengths = [
            ("retrieve.transcode_limits.memory_max", transcode.memory_max),
            ("retrieve.transcode_limits.frame_length_max", transcode.frame_length_max),
            ("retrieve.transcode_limits.length_max", transcode.length_max),
        ];
        if let Some((key, _)) = lengths.into_iter().find(|(_, length)| *length == 0) {
            return fault(
                key,
                "nothing could be transcoded; to switch it off, write retrieve.transcode = false",
            );
        }
        if transcode.processor_time_max < Duration::from_secs(1) {
            return fault("retrieve.transcode_limits.processor_time_max", "at least 1 s is needed");
        }
        let timers = [
            ("retrieve.stall", retrieve.stall),
            ("retrieve.response", retrieve.response),
            ("retrieve.pending_interval", retrieve.pending_interval),
            ("retrieve.transcode_limits.stall_max", transcode.stall_max),
        ];
        if let Some((key, _)) = timers.into_iter().find(|(_, timer)| timer.is_zero()) {
            return fault(key, "a time of zero would end everything at once");
        }
        for (index, peer) in self.peers.iter().enumerate() {
            if peer.retrieve.associations == Some(0) {
                return fault(format!("peer.{index}.retrieve.associations"), "at least 1 is needed");
            }
            if peer.retrieve.stall.is_some_and(|stall| stall.is_zero()) {
                return fault(format!("peer.{index}.retrieve.stall"), "it must be longer than zero");
            }
        }
        Ok(())
    }
}

/// Whether a name fits keys in the spool and labels of metrics.
fn check_name(name: &str, key: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || !name.chars().all(allowed) {
        return fault(key, "a name has 1 to 64 letters, digits, dots, dashes and underscores");
    }
    Ok(())
}

fn fault<T>(key: impl Into<String>, message: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError { key: key.into(), message: message.into() })
}

fn at_least_one(key: &str, value: usize) -> Result<(), ConfigError> {
    if value == 0 { fault(key, "at least 1 is needed") } else { Ok(()) }
}

fn ascending(key: &str, min: Duration, max: Duration) -> Result<(), ConfigError> {
    if min.is_zero() || max < min {
        fault(key, "the longest wait is below the shortest, or that is zero")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
