//! Which destinations are down, for those who ask what a delivery waits for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use spool::Destination;

use super::breaker::Cause;

/// The destinations whose circuit breaker is open or on trial, and why. Bounded by the destinations
/// of the configuration. Cloning is cheap; all clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions(Arc<Mutex<BTreeMap<Destination, Cause>>>);

impl Conditions {
    /// Takes in that a destination is down, or that it is not any more.
    pub(crate) fn set(&self, destination: &Destination, down: Option<Cause>) {
        let mut conditions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match down {
            Some(cause) => _ = conditions.insert(destination.clone(), cause),
            None => _ = conditions.remove(destination),
        }
    }

    /// What a delivery to `destination` waits for, in words; none where it is served.
    pub(crate) fn in_words(&self, destination: &Destination) -> Option<&'static str> {
        let conditions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.get(destination).map(|cause| cause.in_words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_down_is_waited_for() {
        let conditions = Conditions::default();
        let archive: Destination = "archive".parse().unwrap();
        assert_eq!(conditions.in_words(&archive), None);
        conditions.set(&archive, Some(Cause::Credentials));
        assert!(conditions.in_words(&archive).is_some_and(|words| words.contains("credentials")));
        assert_eq!(conditions.in_words(&"peer:PACS".parse().unwrap()), None);
        conditions.set(&archive, None);
        assert_eq!(conditions.in_words(&archive), None);
    }
}
