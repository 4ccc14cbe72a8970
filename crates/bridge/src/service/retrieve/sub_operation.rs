//! One C-STORE sub-operation, from the first bytes of its instance to the recipient's response.

use std::sync::Arc;

use dimse::{Status, association::PresentationContext};
use instance::{Uid, part10::FileMeta};
use tokio::sync::oneshot;

use super::{
    counts::Outcome,
    data_set::{DataSet, GiveBack, Sending},
    environment::Environment,
    fetch::{self, NotFetched},
    instances::Wanted,
    recipient::{Lane, NotAnswered},
    transcode::{self, NotTranscoded},
};

/// How a sub-operation ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// The recipient answered.
    #[error("the recipient answered {0}")]
    Answered(Status),
    /// The instance could not be had.
    #[error("{0}")]
    NotFetched(#[from] NotFetched),
    /// Nor in a transfer syntax that the recipient takes.
    #[error("{0}")]
    NotTranscoded(#[from] NotTranscoded),
    /// The recipient did not answer.
    #[error("{0}")]
    NotAnswered(#[from] NotAnswered),
}

impl End {
    /// How it counts; `None` where it was cut short by the end of the retrieve.
    pub(super) const fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Answered(status) => Some(Outcome::of_status(*status)),
            Self::NotAnswered(NotAnswered::Aborted) => None,
            _ => Some(Outcome::Failed),
        }
    }

    /// Whether the instance may be taken when it is sent anew, on another association.
    const fn may_be_repeated(&self) -> bool {
        matches!(
            self,
            Self::NotAnswered(
                NotAnswered::AssociationEnded(_) | NotAnswered::SourceFailed { changed: true, .. }
            )
        )
    }
}

/// A sub-operation that has ended.
pub(super) struct Performed {
    pub(super) sop_instance_uid: Uid,
    pub(super) end: End,
}

/// Performs the sub-operation for `wanted`, whose first bytes are at hand, and gives its source `back` where
/// that was read to the end of the instance. Where the association ends in the middle the instance is sent
/// anew on another one, once.
pub(super) async fn perform(
    environment: Arc<Environment>,
    wanted: Wanted,
    data_set: DataSet,
    back: GiveBack,
) -> Performed {
    let room = data_set.room();
    let mut end = attempt(&environment, &wanted, data_set, back).await;
    if end.may_be_repeated()
        && environment.recipient.has_other_associations()
        && !environment.aborting.is_cancelled()
    {
        let sop_instance_uid = &wanted.sop_instance_uid;
        tracing::warn!(%sop_instance_uid, cause = %end, "sending the instance anew");
        let fetched = tokio::select! {
            biased;
            () = environment.aborting.cancelled() => Err(NotAnswered::Aborted.into()),
            fetched = fetch::instance(&environment, &wanted, Some(room)) => fetched.map_err(End::from),
        };
        // It came by a request of its own, which nothing else is read from.
        let (back, _) = oneshot::channel();
        end = match fetched {
            Ok(data_set) => attempt(&environment, &wanted, data_set, back).await,
            Err(end) => end,
        };
    }
    let sop_instance_uid = wanted.sop_instance_uid;
    if end.outcome() == Some(Outcome::Failed) {
        tracing::warn!(%sop_instance_uid, cause = %end, "sub-operation failed");
    }
    Performed { sop_instance_uid, end }
}

async fn attempt(environment: &Arc<Environment>, wanted: &Wanted, data_set: DataSet, back: GiveBack) -> End {
    store(environment, wanted, data_set, back).await.unwrap_or_else(|end| end)
}

async fn store(
    environment: &Arc<Environment>,
    wanted: &Wanted,
    data_set: DataSet,
    back: GiveBack,
) -> Result<End, End> {
    // Nothing is begun at the recipient yet, so the end of the retrieve need not wait for any of this.
    let begun = tokio::select! {
        biased;
        () = environment.aborting.cancelled() => Err(NotAnswered::Aborted.into()),
        begun = begin(environment, wanted, data_set, back) => begun,
    };
    let (lane, (context, meta, data_set)) = begun?;
    let request = environment.store_request(&meta);
    let response = lane.store(&context, request, data_set, &environment.aborting).await?;
    Ok(End::Answered(response.status))
}

/// An association, and what is to be sent on it.
async fn begin(
    environment: &Arc<Environment>,
    wanted: &Wanted,
    mut data_set: DataSet,
    back: GiveBack,
) -> Result<(Lane, Fitting), End> {
    if !environment.recipient.has_other_associations() {
        data_set.keep_back().await.map_err(NotFetched::from)?;
    }
    let meta = data_set.meta();
    let foreseen = &environment.foreseen;
    let lane = environment.recipient.lane(&meta.sop_class_uid, &meta.transfer_syntax, foreseen).await?;
    match fitting(environment, wanted, &lane, data_set, back).await {
        Ok(fitting) => Ok((lane, fitting)),
        Err(error) => {
            lane.give_back();
            Err(error.into())
        }
    }
}

/// A data set that the recipient takes, and where it takes it.
type Fitting = (PresentationContext, FileMeta, Sending);

/// The data set as it is or transcoded, and the presentation context that was accepted for it.
async fn fitting(
    environment: &Arc<Environment>,
    wanted: &Wanted,
    lane: &Lane,
    data_set: DataSet,
    back: GiveBack,
) -> Result<Fitting, NotTranscoded> {
    let of = |meta: &FileMeta| lane.presentation_context(&meta.sop_class_uid, &meta.transfer_syntax);
    let stored = data_set.meta().clone();
    if let Some(context) = of(&stored) {
        return Ok((context, stored, data_set.into_stream(back)));
    }
    let accepted = lane.accepted_transfer_syntaxes(&stored.sop_class_uid);
    let ways = match transcode::ways(environment, wanted, &data_set, accepted) {
        Ok(ways) => ways,
        Err(error) => {
            // The rest of a study can still be read.
            let _ = back.send(data_set.into_source());
            return Err(error);
        }
    };
    let (meta, sending) = transcode::transcode(environment, wanted, data_set, back, ways).await?;
    let not_possible = || NotTranscoded::NotPossible(stored.transfer_syntax.uid().clone());
    let context = of(&meta).ok_or_else(not_possible)?;
    Ok((context, meta, sending))
}
