//! How many instances go in one request, and how a refused batch is divided.

use dicomweb::profile::{Profile, StoreForm};

use crate::config::Forward;

/// The limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most instances.
    pub instances: usize,
    /// Most bytes of data sets; one larger instance goes alone.
    pub bytes: u64,
}

/// Bytes that framing adds to an instance in a request: File Meta Information, part header and
/// boundary take about 600.
const FRAMING: u64 = 1024;

impl Limits {
    /// What both the configuration and the profile of the destination allow.
    #[must_use]
    pub fn of(forward: &Forward, profile: &Profile) -> Self {
        let instances = match profile.store_form {
            StoreForm::SinglePart => 1,
            StoreForm::Multipart => forward.batch_instances.min(profile.request_instances_max).max(1),
        };
        let framing = FRAMING * u64::try_from(instances).unwrap_or(u64::MAX);
        let request = profile.request_bytes_max.unwrap_or(u64::MAX).saturating_sub(framing);
        Self { instances, bytes: forward.batch_bytes.min(request).max(1) }
    }
}

/// From this attempt on an instance goes alone: a batch that fails again and again as a whole, with
/// nothing said about any instance, may hold one that the server cannot survive.
pub const ALONE_FROM_ATTEMPT: u32 = 4;

/// What an instance counts for in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Attempts so far.
    pub attempts: u32,
    /// Bytes of the data set as it leaves, which is longer than the one that arrived where it is re-encoded.
    pub bytes: u64,
}

/// Divides leased instances into the requests of one attempt, in order: as many in each as its limits allow,
/// and those that have failed often each on their own, behind all others, so that they keep nobody back.
pub fn plan<T>(leased: Vec<T>, limits: Limits, share: impl Fn(&T) -> Share) -> Vec<Vec<T>> {
    let (alone, together): (Vec<T>, Vec<T>) =
        leased.into_iter().partition(|instance| share(instance).attempts >= ALONE_FROM_ATTEMPT);
    let mut requests: Vec<Vec<T>> = Vec::new();
    let mut left = 0;
    for instance in together {
        let bytes = share(&instance).bytes;
        match requests.last_mut() {
            Some(request) if bytes <= left && request.len() < limits.instances => {
                left -= bytes;
                request.push(instance);
            }
            _ => {
                left = limits.bytes.saturating_sub(bytes);
                requests.push(vec![instance]);
            }
        }
    }
    requests.extend(alone.into_iter().map(|instance| vec![instance]));
    requests
}

/// The two halves of a batch that was refused as a whole, in order.
///
/// # Errors
/// The batch itself, where the culprit stands alone.
pub fn halves<T>(mut batch: Vec<T>) -> Result<(Vec<T>, Vec<T>), Vec<T>> {
    if batch.len() < 2 {
        return Err(batch);
    }
    let second = batch.split_off(batch.len() / 2);
    Ok((batch, second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_stricter_of_configuration_and_profile_holds() {
        let forward = Forward { batch_instances: 50, batch_bytes: 1_000_000, ..Forward::default() };
        let mut profile = Profile::standard();
        profile.request_instances_max = 100;
        profile.request_bytes_max = None;
        assert_eq!(Limits::of(&forward, &profile), Limits { instances: 50, bytes: 1_000_000 });
        profile.request_instances_max = 10;
        profile.request_bytes_max = Some(500_000);
        assert_eq!(Limits::of(&forward, &profile), Limits { instances: 10, bytes: 500_000 - 10 * 1024 });
        profile.store_form = StoreForm::SinglePart;
        assert_eq!(Limits::of(&forward, &profile).instances, 1);
    }

    const LIMITS: Limits = Limits { instances: 3, bytes: 100 };

    /// The bytes of the instances of each request; each instance is its attempts and its bytes.
    fn planned(instances: &[(u32, u64)]) -> Vec<Vec<u64>> {
        let share = |(attempts, bytes): &(u32, u64)| Share { attempts: *attempts, bytes: *bytes };
        let requests = plan(instances.to_vec(), LIMITS, share);
        requests.into_iter().map(|request| request.into_iter().map(|(_, bytes)| bytes).collect()).collect()
    }

    #[test]
    fn what_failed_often_goes_alone_and_last() {
        assert_eq!(planned(&[(1, 1), (9, 2), (2, 3), (4, 4)]), [vec![1, 3], vec![2], vec![4]]);
        assert_eq!(planned(&[(9, 2)]), [[2]]);
        assert!(planned(&[]).is_empty());
    }

    #[test]
    fn a_request_keeps_to_its_limits_whatever_was_leased() {
        assert_eq!(planned(&[(1, 1); 7]), [vec![1; 3], vec![1; 3], vec![1]]);
        assert_eq!(planned(&[(1, 60), (1, 40), (1, 1), (1, 99)]), [vec![60, 40], vec![1, 99]]);
        assert_eq!(
            planned(&[(1, 60), (1, 500), (1, 60)]),
            [[60], [500], [60]],
            "one above the limit goes alone"
        );
    }

    /// Sends everything in batches to a server that refuses each batch with a culprit in it.
    fn send_all(count: usize, culprits: &[usize]) -> (Vec<usize>, Vec<usize>, usize) {
        let (mut stored, mut held, mut requests) = (Vec::new(), Vec::new(), 0);
        let mut waiting = vec![(0..count).collect::<Vec<_>>()];
        while let Some(batch) = waiting.pop() {
            requests += 1;
            if !batch.iter().any(|instance| culprits.contains(instance)) {
                stored.extend(batch);
                continue;
            }
            match halves(batch) {
                Ok((first, second)) => waiting.extend([second, first]),
                Err(culprit) => held.extend(culprit),
            }
        }
        (stored, held, requests)
    }

    #[test]
    fn one_culprit_of_fifty_costs_a_dozen_requests() {
        let (stored, held, requests) = send_all(50, &[17]);
        assert_eq!((stored.len(), held), (49, vec![17]));
        assert!(requests <= 13, "{requests} requests");
    }

    proptest! {
        #[test]
        fn only_culprits_are_held_and_order_is_kept(
            count in 1_usize..70,
            culprits in proptest::collection::btree_set(0_usize..70, 0..6),
        ) {
            let culprits: Vec<_> = culprits.into_iter().filter(|culprit| *culprit < count).collect();
            let (stored, held, _) = send_all(count, &culprits);
            let expected: Vec<_> = (0..count).filter(|instance| !culprits.contains(instance)).collect();
            prop_assert_eq!(stored, expected);
            prop_assert_eq!(held, culprits);
        }
    }
}
