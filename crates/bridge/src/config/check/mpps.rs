//! Whether steps can be taken and go where they are told to.

use std::collections::BTreeSet;

use super::{Config, ConfigError, NAME_LENGTH_MAX, at_least_one, fault};
use crate::{
    config::{MppsSink, MppsSinkKind},
    service::performed_procedure::WORKLIST,
};

/// Bounds of the longest data set, in bytes. Below 64 KiB an examination of some hundred images has no place;
/// what is above 2 MiB may not fit a document of the spool.
const DATA_SET_MAX: std::ops::RangeInclusive<usize> = 64 * 1024..=2 * 1024 * 1024;

/// The shortest lease: below that a slow answer is taken for a dead process.
const LEASE_MIN: std::time::Duration = std::time::Duration::from_secs(1);

impl Config {
    pub(super) fn check_mpps(&self) -> Result<(), ConfigError> {
        let Some(mpps) = &self.mpps else { return Ok(()) };
        at_least_one("mpps.workers", mpps.workers)?;
        if !DATA_SET_MAX.contains(&mpps.data_set_max) {
            return fault("mpps.data_set_max", "the longest data set must be between 64 KiB and 2 MiB");
        }
        if mpps.lease < LEASE_MIN {
            return fault("mpps.lease", "at least 1 s is needed");
        }
        let mut names = BTreeSet::new();
        for (index, sink) in mpps.sinks.iter().enumerate() {
            let key = |key: &str| format!("mpps.sink.{index}.{key}");
            // The name stands before a slash in the keys of calls.
            if sink.name.is_empty() || sink.name.len() > NAME_LENGTH_MAX || sink.name.contains('/') {
                return fault(key("name"), "1 to 64 characters without a slash are needed");
            }
            if sink.name == WORKLIST || !names.insert(&sink.name) {
                return fault(key("name"), format!("{} is taken", sink.name));
            }
            self.check_sink(sink, key)?;
        }
        Ok(())
    }

    fn check_sink(&self, sink: &MppsSink, key: impl Fn(&str) -> String) -> Result<(), ConfigError> {
        let origin = |name: &str| self.origins.iter().find(|origin| origin.name == *name);
        match &sink.kind {
            MppsSinkKind::MppsRs { origin: name, .. } => match origin(name) {
                Some(_) => Ok(()),
                None => fault(key("origin"), format!("there is no origin {name}")),
            },
            MppsSinkKind::PostDicom { origin: name, .. } => {
                let postdicom = origin(name).and_then(|origin| origin.postdicom.as_ref());
                match postdicom.map(|postdicom| postdicom.institutions.as_slice()) {
                    None => fault(key("origin"), format!("there is no [origin.{name}.postdicom]")),
                    Some([]) => fault(
                        key("origin"),
                        format!("origin.{name}.postdicom needs an institution for orders"),
                    ),
                    Some(_) => Ok(()),
                }
            }
            MppsSinkKind::Dimse { peer } => {
                match self.peers.iter().find(|known| known.ae_title == *peer).map(|known| &known.address) {
                    Some(Some(_)) => Ok(()),
                    Some(None) => fault(key("peer"), format!("the peer {peer} needs an address")),
                    None => fault(key("peer"), format!("there is no [[peer]] with ae_title {peer}")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Mpps, Origin, Peer, PeerAddress, PostDicom};

    fn config(sinks: Vec<(&str, MppsSinkKind)>) -> Config {
        let client = dicomweb::ClientConfig::new(
            "http://127.0.0.1:1/dicom-web".parse().unwrap(),
            dicomweb::Profile::standard(),
        );
        let mut ris = Peer::new("RIS".parse().unwrap());
        ris.address = Some(PeerAddress::new("127.0.0.1", 104));
        let account = postdicom::ClientConfig::new("http://127.0.0.1:1".parse().unwrap(), None);
        let mut cloud = Origin::new("cloud", client.clone());
        cloud.postdicom = Some(PostDicom::new(account));
        let sinks = sinks.into_iter().map(|(name, kind)| MppsSink { name: name.into(), kind }).collect();
        Config {
            origins: vec![Origin::new("archive", client), cloud],
            peers: vec![ris, Peer::new("CT1".parse().unwrap())],
            mpps: Some(Mpps { sinks, ..Mpps::default() }),
            routes: vec![],
            ..Config::default()
        }
    }

    fn rs(origin: &str) -> MppsSinkKind {
        let (update, payload) = Default::default();
        MppsSinkKind::MppsRs { origin: origin.into(), update, payload }
    }

    fn to(peer: &str) -> MppsSinkKind {
        MppsSinkKind::Dimse { peer: peer.parse().unwrap() }
    }

    #[test]
    fn sinks_are_what_they_say() {
        let orders = |origin: &str| MppsSinkKind::PostDicom {
            origin: origin.into(),
            birth_date: Default::default(),
            look_up_after: std::time::Duration::from_secs(60),
        };
        let cases = [
            (vec![("a", rs("archive")), ("b", to("RIS"))], None),
            (vec![], None),
            (vec![("a", rs("other"))], Some("mpps.sink.0.origin")),
            (vec![("a", rs("archive")), ("a", to("RIS"))], Some("mpps.sink.1.name")),
            (vec![("worklist", to("RIS"))], Some("mpps.sink.0.name")),
            (vec![("a/b", to("RIS"))], Some("mpps.sink.0.name")),
            (vec![("a", to("CT1"))], Some("mpps.sink.0.peer")),
            (vec![("a", to("CT2"))], Some("mpps.sink.0.peer")),
            (vec![("a", orders("archive"))], Some("mpps.sink.0.origin")),
            (vec![("a", orders("cloud"))], Some("mpps.sink.0.origin")),
        ];
        for (sinks, expected) in cases {
            let found = config(sinks.clone()).check_mpps().err().map(|error| error.key);
            assert_eq!(found.as_deref(), expected, "{sinks:?}");
        }
        let mut with_institution = config(vec![("a", orders("cloud"))]);
        let account = with_institution.origins[1].postdicom.as_mut().unwrap();
        account.institutions.push("uuid-1".parse().unwrap());
        assert_eq!(with_institution.check_mpps(), Ok(()));
    }
}
