//! Which destinations an instance has, decided once, when it is accepted.

use instance::{AeTitle, Uid};
use spool::Destination;

use crate::config::{Acknowledge, Config, Match, Pattern, Route, Unrouted};

/// What routes look at. What the command does not tell is not known until the data set was scanned.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Calling AE title of the association.
    pub calling_ae: &'a AeTitle,
    /// Called AE title of the association.
    pub called_ae: &'a AeTitle,
    /// (0000,0002) Affected SOP Class UID.
    pub sop_class: &'a Uid,
    /// (0008,0060) Modality.
    pub modality: Modality<'a>,
}

/// What is known of (0008,0060) Modality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modality<'a> {
    /// The data set has not been looked at.
    NotYetKnown,
    /// Its value; empty where the data set has none.
    Known(&'a str),
}

/// Where an instance goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Destinations without repetition, in the order of the routes. Empty only with `held`.
    pub destinations: Vec<Destination>,
    /// Those that must have confirmed the instance before it is acknowledged.
    pub confirmed_by: Vec<Destination>,
    /// Whether no route matched, so that the instance is kept for a person to decide.
    pub held: bool,
}

/// The outcome of looking through the routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// All is known.
    Resolved(Resolved),
    /// A route in question looks at the modality. `may_pass_through` tells whether the answer may
    /// be that the instance passes through, so that looking ahead is worth while.
    NeedsModality {
        /// Whether a route that may match acknowledges only what is stored.
        may_pass_through: bool,
    },
    /// No route matches, and such instances are refused.
    Refused,
}

/// The routes of a configuration.
#[derive(Debug, Clone)]
pub struct RoutingTable {
    routes: Vec<Route>,
    unrouted: Unrouted,
}

#[derive(PartialEq, Eq)]
enum Matched {
    Yes,
    No,
    Unknown,
}

impl RoutingTable {
    /// The routes of `config`; without any, one for everything to the only origin.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut routes = config.routes.clone();
        if let ([], [origin]) = (config.routes.as_slice(), config.origins.as_slice()) {
            routes.push(Route::everything(vec![Destination::Origin(origin.name.clone())]));
        }
        Self { routes, unrouted: config.unrouted }
    }

    /// Whether there is no route at all, hence nothing to store anything for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Looks through the routes in order.
    #[must_use]
    pub fn resolve(&self, facts: &Facts<'_>) -> Decision {
        let mut resolved = Resolved { destinations: Vec::new(), confirmed_by: Vec::new(), held: false };
        for (index, route) in self.routes.iter().enumerate() {
            match matches(&route.matches, facts) {
                Matched::No => {}
                Matched::Unknown => {
                    // Any route from here on may turn out to be the one, and so may those before.
                    let may_pass_through = !resolved.confirmed_by.is_empty()
                        || self.routes[index..].iter().any(|route| {
                            route.acknowledge == Acknowledge::Stored
                                && matches(&route.matches, facts) != Matched::No
                        });
                    return Decision::NeedsModality { may_pass_through };
                }
                Matched::Yes => {
                    resolved.add(route);
                    if !route.continues {
                        return Decision::Resolved(resolved);
                    }
                }
            }
        }
        match (resolved.destinations.is_empty(), self.unrouted) {
            (false, _) => Decision::Resolved(resolved),
            (true, Unrouted::Hold) => Decision::Resolved(Resolved { held: true, ..resolved }),
            (true, Unrouted::Reject) => Decision::Refused,
        }
    }

    /// Destinations that instances of an association between these AE titles may have, whatever
    /// they are; some more than once.
    pub fn reachable<'a>(
        &'a self,
        calling_ae: &'a AeTitle,
        called_ae: &'a AeTitle,
    ) -> impl Iterator<Item = &'a Destination> {
        let open = |route: &&Route| {
            one_of(&route.matches.calling_ae, calling_ae.as_str())
                && one_of(&route.matches.called_ae, called_ae.as_str())
        };
        self.routes.iter().filter(open).flat_map(|route| &route.store)
    }
}

impl Resolved {
    fn add(&mut self, route: &Route) {
        for destination in &route.store {
            if !self.destinations.contains(destination) {
                self.destinations.push(destination.clone());
            }
            if route.acknowledge == Acknowledge::Stored && !self.confirmed_by.contains(destination) {
                self.confirmed_by.push(destination.clone());
            }
        }
    }
}

fn matches(conditions: &Match, facts: &Facts<'_>) -> Matched {
    let command = one_of(&conditions.calling_ae, facts.calling_ae.as_str())
        && one_of(&conditions.called_ae, facts.called_ae.as_str())
        && one_of(&conditions.sop_class, facts.sop_class.as_str());
    match facts.modality {
        _ if !command => Matched::No,
        _ if conditions.modality.is_empty() => Matched::Yes,
        Modality::NotYetKnown => Matched::Unknown,
        Modality::Known(modality) if one_of(&conditions.modality, modality) => Matched::Yes,
        Modality::Known(_) => Matched::No,
    }
}

fn one_of(patterns: &[Pattern], value: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(value))
}

#[cfg(test)]
mod tests;
