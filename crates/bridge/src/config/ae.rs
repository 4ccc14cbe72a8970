//! Application entities: those that are served, and those that call or are called.

use std::{net::IpAddr, time::Duration};

use dimse::acse::{InformationModel, QueryRetrieveClass, QueryRetrieveOperation};
use instance::AeTitle;
use ipnet::IpNet;

/// An AE title under which the bridge answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedAe {
    /// The title that peers call. Default: `DIMSEWAY`.
    pub title: AeTitle,
    /// Services offered under it. Default: all that the bridge has.
    pub services: Services,
    /// Calling AE titles that may call it; empty: any that may call at all. Default: empty.
    pub callers: Vec<super::Pattern>,
    /// Names of the origins that are searched under this title, merged in this order. Default: those of
    /// [`Query::origins`](super::Query::origins).
    pub query: Vec<String>,
    /// Names of the sources whose entries are shown under this title, merged in this order. Default: all of
    /// [`Worklist::sources`](super::Worklist::sources).
    pub worklist: Vec<String>,
}

impl Default for ServedAe {
    fn default() -> Self {
        // INVARIANT: the literal is an AE title.
        #[expect(clippy::expect_used, reason = "a literal")]
        let title = "DIMSEWAY".parse().expect("an AE title");
        Self { title, services: Services::ALL, callers: Vec::new(), query: Vec::new(), worklist: Vec::new() }
    }
}

/// A DIMSE peer of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its AE title.
    pub ae_title: AeTitle,
    /// Where it listens; needed to send anything to it. Default: none.
    pub address: Option<PeerAddress>,
    /// Addresses it may call from; empty: any. Default: empty.
    pub from: Vec<IpNet>,
    /// Services it may use. Default: all. A storage request without `store` is answered 0124
    /// (PS3.4 §B.2.3).
    pub allow: Services,
    /// What it needs in Query/Retrieve. Default: what the standard says.
    pub query: super::PeerQuery,
    /// What differs for it in C-MOVE and C-GET. Default: nothing.
    pub retrieve: super::PeerRetrieve,
}

impl Peer {
    /// A peer that may call from anywhere and use everything.
    #[must_use]
    pub fn new(ae_title: AeTitle) -> Self {
        Self {
            ae_title,
            address: None,
            from: Vec::new(),
            allow: Services::ALL,
            query: super::PeerQuery::default(),
            retrieve: super::PeerRetrieve::NONE,
        }
    }

    /// Whether the peer may call from `address`. An IPv4 address that arrived at a dual-stack
    /// socket counts as IPv4.
    #[must_use]
    pub fn may_call_from(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.from.is_empty() || self.from.iter().any(|network| network.contains(&address))
    }
}

/// Where a peer listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerAddress {
    /// Host name or IP address, resolved anew for each association.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How long connecting may take. Default: 10 s; a peer in the same hospital answers in
    /// milliseconds or not at all.
    pub connect_timeout: Duration,
}

impl PeerAddress {
    /// `host` and `port` with the default time-out.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, connect_timeout: Duration::from_secs(10) }
    }
}

/// What a calling AE title gets that no [`Peer`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownPeers {
    /// A-ASSOCIATE-RJ, calling-AE-title-not-recognized (PS3.8 §9.3.4).
    #[default]
    Reject,
    /// All services, from any address.
    Accept,
}

/// A DIMSE service as the configuration names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// `echo`: Verification (PS3.4 §A).
    Echo,
    /// `store`: Storage (PS3.4 §B).
    Store,
    /// `query`: C-FIND (PS3.4 §C.4.1).
    Query,
    /// `retrieve`: C-MOVE and C-GET (PS3.4 §C.4.2).
    Retrieve,
    /// `worklist`: Modality Worklist (PS3.4 §K).
    Worklist,
    /// `mpps`: Modality Performed Procedure Step (PS3.4 §F).
    PerformedProcedure,
    /// `commitment`: Storage Commitment (PS3.4 §J).
    StorageCommitment,
}

impl Service {
    /// All services in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Echo,
        Self::Store,
        Self::Query,
        Self::Retrieve,
        Self::Worklist,
        Self::PerformedProcedure,
        Self::StorageCommitment,
    ];

    /// The service that a SOP Class of Query/Retrieve or of the worklist belongs to.
    #[must_use]
    pub const fn of(class: QueryRetrieveClass) -> Self {
        match (class.model, class.operation) {
            (InformationModel::ModalityWorklist, _) => Self::Worklist,
            (_, QueryRetrieveOperation::Find) => Self::Query,
            (_, QueryRetrieveOperation::Move | QueryRetrieveOperation::Get) => Self::Retrieve,
        }
    }

    /// The name in the configuration file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Store => "store",
            Self::Query => "query",
            Self::Retrieve => "retrieve",
            Self::Worklist => "worklist",
            Self::PerformedProcedure => "mpps",
            Self::StorageCommitment => "commitment",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl std::str::FromStr for Service {
    type Err = UnknownService;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|service| service.name() == name).ok_or(UnknownService)
    }
}

/// A name that is no service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a service; known are echo, store, query, retrieve, worklist, mpps and commitment")]
pub struct UnknownService;

/// A set of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Services(u8);

impl Services {
    /// Every service.
    pub const ALL: Self = Self(0x7F);
    /// No service.
    pub const NONE: Self = Self(0);

    /// Whether `service` is in the set.
    #[must_use]
    pub const fn contains(self, service: Service) -> bool {
        self.0 & service.bit() != 0
    }

    /// The services in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<Service> for Services {
    fn from_iter<I: IntoIterator<Item = Service>>(services: I) -> Self {
        Self(services.into_iter().fold(0, |bits, service| bits | service.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_as_in_the_file() {
        for service in Service::ALL {
            assert_eq!(service.name().parse(), Ok(service));
            assert!(Services::ALL.contains(service));
            assert!(!Services::NONE.contains(service));
            assert!(Services::from_iter([service]).contains(service));
        }
        assert_eq!("storage".parse::<Service>(), Err(UnknownService));
        assert!(!Services::from_iter([Service::Echo]).contains(Service::Store));
    }

    #[test]
    fn a_peer_calls_from_its_networks_only() {
        let mut peer = Peer::new("CT1".parse().unwrap());
        assert!(peer.may_call_from("203.0.113.9".parse().unwrap()));
        peer.from = vec!["10.0.0.0/24".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let cases = [
            ("10.0.0.200", true),
            ("::ffff:10.0.0.200", true),
            ("10.0.1.1", false),
            ("fd12::1", true),
            ("fe80::1", false),
        ];
        for (address, expected) in cases {
            assert_eq!(peer.may_call_from(address.parse().unwrap()), expected, "{address}");
        }
    }
}
