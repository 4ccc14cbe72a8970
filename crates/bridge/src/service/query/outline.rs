//! How many instances the series below the unique keys of a retrieve have, without a list of them.
//!
//! Archives read every instance to list them and keep the counts at hand: a list of 300 takes some of them
//! as long as giving all 300, their count no time.

use std::{collections::HashSet, sync::Arc};

use dicomweb::search::Level;
use instance::{Tag, Uid};

use super::{
    Budget, QueryError, Scope, level::SERIES_RELATED_INSTANCES, searched::Searched, undelivered::Undelivered,
};
use crate::{association::Context, snapshot::Origin};

/// A series as its origin counts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutlinedSeries {
    /// Study Instance UID.
    pub(crate) study_instance_uid: Uid,
    /// Series Instance UID.
    pub(crate) series_instance_uid: Uid,
    /// (0020,1209) Number of Series Related Instances.
    pub(crate) instances: usize,
}

/// The series within `scope` at `origin`; none where only a list tells what there is: for a patient, for
/// single instances, where instances wait in the spool, and at origins that do not count.
///
/// # Errors
/// The origin or the spool cannot tell, or that would cost too much.
pub(crate) async fn outline(
    context: &Arc<Context>,
    origin: &Arc<Origin>,
    scope: &Scope,
) -> Result<Option<Vec<OutlinedSeries>>, QueryError> {
    let is_outlined = scope.patient_id.is_none() && scope.instances.is_empty() && !scope.studies.is_empty();
    if !is_outlined || waits(context, origin, scope).await? {
        return Ok(None);
    }
    let searched = Searched { origin: Arc::clone(origin), metrics: Arc::clone(&context.core.metrics) };
    let budget = Budget::new(&context.snapshot.config.query);
    let keys = scope.keys();
    let mut rows = searched.rows(Level::Series, &keys, &[SERIES_RELATED_INSTANCES]);
    let (mut outlined, mut seen) = (Vec::new(), HashSet::new());
    while let Some(row) = rows.next(&budget).await? {
        if !keys.matches_assuming(&row, |_| true) {
            continue;
        }
        let count = row.integer(SERIES_RELATED_INSTANCES).and_then(|count| usize::try_from(count).ok());
        let uids = (row.uid(Tag::STUDY_INSTANCE_UID), row.uid(Tag::SERIES_INSTANCE_UID));
        let ((Some(study_instance_uid), Some(series_instance_uid)), Some(instances)) = (uids, count) else {
            return Ok(None);
        };
        if seen.insert(series_instance_uid.clone()) {
            outlined.push(OutlinedSeries { study_instance_uid, series_instance_uid, instances });
        }
    }
    Ok(Some(outlined))
}

/// Whether instances of the studies wait for delivery to `origin`.
async fn waits(context: &Context, origin: &Origin, scope: &Scope) -> Result<bool, QueryError> {
    let Some(undelivered) = Undelivered::of(context, &origin.name) else { return Ok(false) };
    for study in &scope.studies {
        if undelivered.instances(study).next().await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
