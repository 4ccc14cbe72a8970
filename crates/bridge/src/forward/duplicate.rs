//! What it means that an origin already has an instance of this UID.

mod content;

use dicomweb::{BoxError, Client, Error, StoreAnswer, StorePart, profile::StoreMethod};
use futures::StreamExt;
use instance::Identity;
use spool::{Deliveries, Destination, Lease};

pub(crate) use self::content::Content;
use self::content::{as_one_encoding, hashes};
use super::verdict::failure_in_words;
use crate::{config::Duplicate, snapshot::Origin};

/// Whether what the origin has is replaced, so that it never reports a duplicate: the policy is to overwrite,
/// and it has PUT for that.
pub(crate) fn are_replaced(origin: &Origin) -> bool {
    let profile = origin.client.profile();
    origin.duplicate == Duplicate::Overwrite
        && (profile.put_replaces || profile.store_method == StoreMethod::Put)
}

/// Whether the origin calls an instance stored whose UID it has already, and the policy is to know.
pub(crate) fn go_unreported(origin: &Origin) -> bool {
    let profile = origin.client.profile();
    match origin.duplicate {
        Duplicate::Success => false,
        Duplicate::Overwrite => profile.duplicates_unreported && !are_replaced(origin),
        Duplicate::Verify | Duplicate::Reject => {
            profile.duplicates_unreported || profile.store_method == StoreMethod::Put
        }
    }
}

/// Whether the policy needs an instance to be there when the answer is, or before it is sent: to be sent a
/// second time, or to be held back.
pub(crate) fn need_the_spool(origin: &Origin) -> bool {
    match origin.duplicate {
        Duplicate::Success => false,
        Duplicate::Overwrite => !are_replaced(origin),
        Duplicate::Verify | Duplicate::Reject => origin.client.profile().store_method == StoreMethod::Put,
    }
}

/// Sends instances as the policy has it.
pub(crate) async fn store(
    origin: &Origin,
    client: &Client,
    parts: Vec<StorePart>,
) -> Result<StoreAnswer, Error> {
    if are_replaced(origin) { client.replace(parts).await } else { client.store(parts).await }
}

/// What comparing with the copy at the destination gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The same content; how that is known, in words.
    Equal(&'static str),
    /// Other content.
    Different,
    /// It could not be compared now; why, in words.
    NotNow(String),
}

/// Compares a data set with what the destination has: with the newest delivery of this UID on record,
/// and where that does not settle it, with the origin's own copy. One that left in another encoding is
/// compared element by element, since the origin may have got the same in the encoding that it takes.
///
/// The record is enough where it is equal: this very content was confirmed by this destination, and nothing else was
/// delivered under the UID since. It may be stale. Where the copy was deleted, the origin reports no duplicate and
/// stores it anew. Where somebody else replaced the copy, the origin keeps that, whatever is found here: a second
/// delivery of the old content is no reason to call a correction at the archive into question, and to read back
/// every instance of a study that a modality sends twice would cost the archive the study. A record that is not equal
/// decides nothing: it may be the record that is stale.
pub(crate) async fn compare(
    identity: &Identity,
    content: Content<'_>,
    destination: &Destination,
    deliveries: &dyn Deliveries,
    client: &Client,
) -> Comparison {
    let uid = std::slice::from_ref(&identity.sop_instance_uid);
    match deliveries.delivered_content(destination, uid).await {
        Ok(delivered) if delivered == [Some(*content.sha256)] => {
            return Comparison::Equal("equal to what was delivered before");
        }
        Ok(_) => {}
        Err(error) => return Comparison::NotNow(format!("the delivery record cannot be read: {error}")),
    }
    compare_with_copy(identity, content, client).await
}

/// Compares a data set with the origin's own copy alone, where that may have been replaced by others.
pub(crate) async fn compare_with_copy(
    identity: &Identity,
    content: Content<'_>,
    client: &Client,
) -> Comparison {
    let copy = match client.retrieve_instance(identity).await {
        Ok(Some(copy)) => copy,
        Ok(None) => return Comparison::NotNow("called a duplicate, but not there to be compared".to_owned()),
        Err(error) => return Comparison::NotNow(format!("called a duplicate; {}", failure_in_words(&error))),
    };
    let copy = copy.map(|chunk| chunk.map_err(BoxError::from));
    let (sha256, elements) = match hashes(copy, content.changed_from.is_some()).await {
        Ok(hashes) => hashes,
        Err(words) => return Comparison::NotNow(format!("called a duplicate; its copy {words}")),
    };
    if sha256 == *content.sha256 {
        return Comparison::Equal("equal to the copy of the origin");
    }
    let Some(original) = content.changed_from else { return Comparison::Different };
    match as_one_encoding(original).await {
        Ok(own) if own.is_some() && own == elements => {
            Comparison::Equal("equal to the copy of the origin but for the encoding")
        }
        Ok(_) => Comparison::Different,
        Err(error) => Comparison::NotNow(format!("called a duplicate; the spool could not be read: {error}")),
    }
}

/// Whether the newest delivery on record had other content, for each lease of one destination: of its UID,
/// to that destination.
pub(crate) async fn delivered_other_content(
    leases: impl Iterator<Item = &Lease> + Clone + Send,
    deliveries: &dyn Deliveries,
) -> Result<Vec<bool>, spool::Error> {
    let Some(destination) = leases.clone().next().map(|lease| &lease.token.destination) else {
        return Ok(Vec::new());
    };
    let uids: Vec<_> =
        leases.clone().map(|lease| lease.entry.trailer.identity.sop_instance_uid.clone()).collect();
    let delivered = deliveries.delivered_content(destination, &uids).await?;
    let differs = |(lease, delivered): (&Lease, Option<[u8; 32]>)| {
        delivered.is_some_and(|delivered| delivered != lease.entry.sha256)
    };
    Ok(leases.zip(delivered).map(differs).collect())
}
