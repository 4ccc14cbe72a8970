//! A DICOMweb origin server and what its answers mean.

use std::sync::Arc;

use dicomweb::Precedence;
use postdicom::pace::{Admission, Pending};

use super::PostDicom;

/// A DICOMweb origin server of the configuration.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its name in routes, queues, logs and metrics.
    pub name: String,
    /// How it is reached: URL, profile, credentials, TLS, time-outs. The profile also says what an
    /// answer means that does not name the instance (`store_response`).
    pub client: dicomweb::ClientConfig,
    /// What a duplicate means. Default: verify.
    pub duplicate: Duplicate,
    /// Deliveries in flight at the same time; none: [`Forward::workers`](super::Forward::workers).
    pub workers: Option<usize>,
    /// The vendor's own end points, where this is PostDICOM. Default: none, and then what its QIDO cannot be
    /// asked cannot be answered. Their clients are made of [`Self::account`].
    pub postdicom: Option<PostDicom>,
}

impl Origin {
    /// An origin with the default policies.
    #[must_use]
    pub fn new(name: impl Into<String>, client: dicomweb::ClientConfig) -> Self {
        Self { name: name.into(), client, duplicate: Duplicate::default(), workers: None, postdicom: None }
    }

    /// How the vendor's own end points are reached, where this is PostDICOM: the way out that its DICOMweb takes,
    /// and at one pace with it.
    #[must_use]
    pub fn account(&self) -> Option<postdicom::ClientConfig> {
        let client = self.postdicom.as_ref()?.client.clone();
        let proxy = match &self.client.proxy {
            dicomweb::Proxy::Environment => postdicom::Proxy::Environment,
            dicomweb::Proxy::None => postdicom::Proxy::None,
            dicomweb::Proxy::Url(address) => postdicom::Proxy::Url(address.to_string()),
        };
        let pace = Arc::new(AtOnePace(self.client.pace.clone()));
        Some(postdicom::ClientConfig { proxy, pace: Some(pace), ..client })
    }
}

/// The limits of an origin for calls to the vendor's own end points. Somebody waits for each: a query, a
/// worklist, a command.
#[derive(Debug)]
struct AtOnePace(dicomweb::Pace);

impl postdicom::Pace for AtOnePace {
    fn admit(&self) -> Pending<'_, Admission> {
        Box::pin(async {
            let admission: Admission = Box::new(self.0.admit(Precedence::Interactive).await);
            admission
        })
    }

    fn bytes(&self, count: usize) -> Pending<'_, ()> {
        Box::pin(self.0.bytes(Precedence::Interactive, count))
    }
}

/// What it means that an origin says it has the SOP Instance already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicate {
    /// The content decides: equal to what was delivered before, or to the origin's own copy, is
    /// delivered; different is held. The default, since both other answers can lose an image.
    #[default]
    Verify,
    /// It counts as delivered.
    Success,
    /// It is held, or refused with 0111 on a pass-through route.
    Reject,
    /// The origin's copy is replaced: by PUT where the profile has that, otherwise it is deleted and the
    /// instance sent again.
    Overwrite,
}
