//! What is wrong with the worklist and its sources.

use std::collections::BTreeSet;

use dicomweb::profile::{Profile, WorklistKeys};
use spool::Destination;

use super::{ConfigError, at_least_one, check_name, fault};
use crate::config::{Config, WorklistSource, WorklistSourceKind};

impl Config {
    pub(super) fn check_worklist(&self) -> Result<(), ConfigError> {
        let worklist = &self.worklist;
        let mut names = BTreeSet::new();
        for source in &worklist.sources {
            let key = format!("worklist_source.{}", source.name);
            check_name(&source.name, &key)?;
            if !names.insert(&source.name) {
                return fault(key, "the name is there twice");
            }
            self.check_worklist_source(source, &key)?;
        }
        self.check_worklists_of_titles()?;
        at_least_one("worklist.orders_max", worklist.orders_max)?;
        at_least_one("worklist.results_max", worklist.results_max)?;
        let timers = [
            ("worklist.refresh", worklist.refresh),
            ("worklist.refresh_timeout", worklist.refresh_timeout),
            ("worklist.max_age", worklist.max_age),
        ];
        match timers.into_iter().find(|(_, timer)| timer.is_zero()) {
            Some((key, _)) => fault(key, "it must be longer than zero"),
            None => Ok(()),
        }
    }

    /// Whether what is shown under each title is a part of the worklist.
    fn check_worklists_of_titles(&self) -> Result<(), ConfigError> {
        for (index, served) in self.served.iter().enumerate() {
            for (position, name) in served.worklist.iter().enumerate() {
                let key = || format!("ae.{index}.worklist");
                if !self.worklist.sources.iter().any(|source| source.name == *name) {
                    return fault(key(), format!("{name} is not among the sources of [worklist]"));
                }
                if served.worklist[..position].contains(name) {
                    return fault(key(), format!("{name} is there twice"));
                }
            }
        }
        Ok(())
    }

    fn check_worklist_source(&self, source: &WorklistSource, key: &str) -> Result<(), ConfigError> {
        if source.refresh.is_some_and(|refresh| refresh.is_zero()) {
            return fault(format!("{key}.refresh"), "it must be longer than zero");
        }
        match &source.kind {
            WorklistSourceKind::Folder { .. } => Ok(()),
            WorklistSourceKind::PostDicom { origin, .. } => {
                let known = self.origins.iter().find(|known| known.name == *origin);
                if known.is_some_and(|known| known.postdicom.is_some()) {
                    return Ok(());
                }
                fault(format!("{key}.origin"), format!("there is no [origin.{origin}.postdicom]"))
            }
            WorklistSourceKind::MwlRs { origin } => {
                self.check_worklist_origin(origin, key, |profile| &profile.worklist.scheduled_steps)
            }
            WorklistSourceKind::UpsRs { origin, .. } => {
                self.check_worklist_origin(origin, key, |profile| &profile.worklist.workitems)
            }
            WorklistSourceKind::Dimse { peer } if self.knows(&Destination::Peer(peer.clone())) => Ok(()),
            WorklistSourceKind::Dimse { peer } => fault(
                format!("{key}.peer"),
                format!("there is no [[peer]] {peer} with an address to be asked at"),
            ),
        }
    }

    /// Whether there is the origin and its profile has the worklist.
    fn check_worklist_origin(
        &self,
        origin: &str,
        key: &str,
        worklist: impl Fn(&Profile) -> &WorklistKeys,
    ) -> Result<(), ConfigError> {
        let Some(known) = self.origins.iter().find(|known| known.name == *origin) else {
            return fault(format!("{key}.origin"), format!("there is no origin {origin}"));
        };
        let profile = &known.client.profile;
        if worklist(profile).is_present() {
            return Ok(());
        }
        let why = format!("the profile {} of {origin} has no such worklist", profile.name);
        fault(format!("{key}.origin"), why)
    }
}
