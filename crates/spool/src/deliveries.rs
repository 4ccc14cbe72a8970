//! The port for the state of deliveries.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use instance::Uid;
use tokio::sync::watch;

use crate::{
    Cursor, Destination, Details, Entry, EntryId, Error, Filter, HeldReason, LeaseRequest, Leased, Outcome,
    Page, Statistics, Token,
};

/// Lines of a page at most; a higher `limit` is cut to it.
pub const PAGE_LINES_MAX: usize = 1000;

/// Entries that a look-up by SOP Instance UID returns at most, the newest ones.
pub const FOUND_MAX: usize = 100;

/// How often something may have become due to each destination since the backend was opened, other than by the
/// passing of time: too often rather than once too few. One without a number was never announced.
pub type BecameDue = HashMap<Destination, u64>;

/// Knows where each delivery stands, and hands out the due ones.
///
/// Per destination and SOP Instance UID deliveries run one at a time, in the order of acceptance. A
/// held or quarantined one does not keep the later ones back.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Leases what is due. The attempt is counted and its next attempt time is durable before the call
    /// returns, so a crash loop never hammers.
    ///
    /// # Errors
    /// [`Error::Index`], [`Error::Full`], [`Error::Closed`].
    async fn lease(&self, request: LeaseRequest) -> Result<Leased, Error>;

    /// Extends a lease to `ttl` from now; for uploads that take long.
    ///
    /// # Errors
    /// [`Error::StaleToken`] where it is not held any more.
    async fn renew(&self, token: &Token, ttl: Duration) -> Result<(), Error>;

    /// Records what became of an attempt; durable when the call returns.
    ///
    /// # Errors
    /// [`Error::StaleToken`] where the delivery was leased again or moved by a person. A Delivered
    /// outcome is taken even if the delivery was held meanwhile.
    async fn record(&self, token: &Token, outcome: Outcome) -> Result<(), Error>;

    /// Records what became of many attempts, each as [`Self::record`] would, and gives a result for each in
    /// their order; durable when the call returns. They share what makes them durable.
    ///
    /// # Errors
    /// [`Error::Index`], [`Error::Full`], [`Error::Closed`]: none of them is recorded.
    async fn record_all(&self, outcomes: Vec<(Token, Outcome)>) -> Result<Vec<Result<(), Error>>, Error>;

    /// One page of deliveries, oldest entries first, from `cursor` on.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn list(&self, filter: &Filter, cursor: Option<Cursor>, limit: usize) -> Result<Page, Error>;

    /// Everything known of an entry.
    ///
    /// # Errors
    /// [`Error::NotFound`] also where its records have been purged.
    async fn show(&self, entry_id: EntryId) -> Result<Details, Error>;

    /// Makes deliveries due now: deferred, quarantined and held ones. Like the next four, for one
    /// destination or for all of the entry; returns how many deliveries changed, and durable then.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::PayloadGone`] where the bytes are not kept any more.
    async fn retry(&self, entry_id: EntryId, destination: Option<&Destination>) -> Result<usize, Error>;

    /// Holds deliveries that are pending. One that is under way is not interrupted; should it succeed
    /// it is recorded as Delivered.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn hold(
        &self,
        entry_id: EntryId,
        destination: Option<&Destination>,
        reason: HeldReason,
    ) -> Result<usize, Error>;

    /// Makes held deliveries due now.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn release(&self, entry_id: EntryId, destination: Option<&Destination>) -> Result<usize, Error>;

    /// Ends deliveries without delivering, whatever their state, but for delivered ones. When none is left the bytes
    /// are recycled; the record of the entry remains for the retention time.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn discard(&self, entry_id: EntryId, destination: Option<&Destination>) -> Result<usize, Error>;

    /// Gives the entry another destination: the deliveries to `from` (or, without it, all that are not
    /// delivered; also an entry that has none) are replaced by one to `to`, due now.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::PayloadGone`].
    async fn reroute(
        &self,
        entry_id: EntryId,
        from: Option<&Destination>,
        to: &Destination,
    ) -> Result<usize, Error>;

    /// The entries of a SOP Instance, newest first, at most [`FOUND_MAX`].
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn find_by_sop_instance(&self, sop_instance_uid: &Uid) -> Result<Vec<Details>, Error>;

    /// What `destination` was given last under each of these SOP Instance UIDs, as far as records are kept: the
    /// SHA-256 of the newest entry that is Delivered there, in the order of the UIDs.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn delivered_content(
        &self,
        destination: &Destination,
        sop_instance_uids: &[Uid],
    ) -> Result<Vec<Option<[u8; 32]>>, Error>;

    /// Studies of which something is accepted for `destination` and not delivered, in the order of their
    /// UIDs as text, those behind `after`, at most `limit`: each by its newest such entry. Pending and
    /// held deliveries count; quarantined ones do not, since their bytes are damaged. What was committed
    /// before the call is known.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn undelivered_studies(
        &self,
        destination: &Destination,
        after: Option<&Uid>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error>;

    /// SOP Instances of a study that are accepted for `destination` and not delivered, as
    /// [`Self::undelivered_studies`]: in the order of their UIDs, each by its newest such entry.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn undelivered_instances(
        &self,
        destination: &Destination,
        study_instance_uid: &Uid,
        after: Option<&Uid>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error>;

    /// Changes whenever something became due other than by the passing of time: subscribe, lease until
    /// nothing is left, wait for `changed()` or [`crate::Left::next_due`].
    fn notified(&self) -> watch::Receiver<BecameDue>;

    /// Gauges and counters, kept incrementally.
    ///
    /// # Errors
    /// [`Error::Index`].
    async fn statistics(&self) -> Result<Statistics, Error>;
}
