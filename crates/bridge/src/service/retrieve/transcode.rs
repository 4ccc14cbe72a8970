//! An instance in a transfer syntax that its recipient takes (PS3.4 §C.4.2.3.1).

use std::sync::Arc;

use dicomweb::retrieve::Accept;
use instance::{TransferSyntax, Uid, part10::FileMeta};
use tokio::sync::oneshot;

use super::{
    data_set::{DataSet, GiveBack, Sending},
    environment::Environment,
    fetch::{self, NotFetched},
    instances::Wanted,
    read_ahead::Interruption,
    source::{Room, Source},
};
use crate::transcode::TranscodeError;

/// Why an instance cannot be had in a transfer syntax that its recipient takes.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTranscoded {
    /// The recipient takes no instance of the SOP Class at all.
    #[error("the recipient accepts no presentation context for the SOP Class")]
    SopClassNotAccepted,
    /// Nobody can change it into one of those accepted, or it is not wanted.
    #[error("the recipient does not accept transfer syntax {0}, and it cannot be transcoded")]
    NotPossible(Uid),
    /// It could not be changed here, and the origin does not change it.
    #[error("the recipient does not accept the transfer syntax: {0}")]
    Here(#[from] TranscodeError),
    /// The origin did not give it in the other transfer syntax.
    #[error("the origin did not transcode the instance: {0}")]
    ByOrigin(#[from] NotFetched),
}

/// The ways to an instance in a transfer syntax that its recipient takes.
#[derive(Debug)]
pub(super) struct Ways {
    accepted: Vec<TransferSyntax>,
    /// Whether it can be changed here.
    here: bool,
    /// The transfer syntaxes in which the origin may give it.
    by_origin: Vec<TransferSyntax>,
}

/// The ways to `data_set` in one of `accepted`; at least one of them.
pub(super) fn ways(
    environment: &Environment,
    wanted: &Wanted,
    data_set: &DataSet,
    accepted: Vec<TransferSyntax>,
) -> Result<Ways, NotTranscoded> {
    if accepted.is_empty() {
        return Err(NotTranscoded::SopClassNotAccepted);
    }
    let stored = &data_set.meta().transfer_syntax;
    let here = environment.core.transcoder.target(stored, &accepted).is_ok();
    let offered = &wanted.origin().client.profile().retrieve.transcodes_to;
    let by_origin: Vec<_> = accepted.iter().filter(|syntax| offered.contains(syntax)).cloned().collect();
    if !environment.transcode || !here && by_origin.is_empty() {
        return Err(NotTranscoded::NotPossible(stored.uid().clone()));
    }
    Ok(Ways { accepted, here, by_origin })
}

/// Goes one way after the other: the instance in another transfer syntax, with its first bytes.
pub(super) async fn transcode(
    environment: &Arc<Environment>,
    wanted: &Wanted,
    data_set: DataSet,
    back: GiveBack,
    ways: Ways,
) -> Result<(FileMeta, Sending), NotTranscoded> {
    let room = data_set.room();
    if ways.here {
        match here(environment, data_set, back, &ways.accepted).await {
            Ok(transcoded) => return Ok(transcoded),
            Err(error) if ways.by_origin.is_empty() => return Err(error.into()),
            Err(error) => {
                let sop_instance_uid = &wanted.sop_instance_uid;
                tracing::info!(%sop_instance_uid, cause = %error, "asking the origin to transcode");
            }
        }
    }
    by_origin(environment, wanted, room, ways.by_origin).await
}

async fn here(
    environment: &Arc<Environment>,
    data_set: DataSet,
    back: GiveBack,
    accepted: &[TransferSyntax],
) -> Result<(FileMeta, Sending), TranscodeError> {
    let (meta, length) = (data_set.meta().clone(), data_set.length());
    let data_set = data_set.into_stream(back);
    let transcoded = environment.core.transcoder.transcode(&meta, length, data_set, accepted).await?;
    let meta = FileMeta { transfer_syntax: transcoded.transfer_syntax, ..meta };
    Ok((meta, transcoded.data_set))
}

async fn by_origin(
    environment: &Arc<Environment>,
    wanted: &Wanted,
    room: Room,
    transfer_syntaxes: Vec<TransferSyntax>,
) -> Result<(FileMeta, Sending), NotTranscoded> {
    let request = fetch::again(environment, wanted, Accept::These(transfer_syntaxes));
    let source = Source::request(&request, Some(room)).await;
    let source = source.map_err(|error| NotFetched::Interrupted(Interruption::from(error)))?;
    let data_set = fetch::begin(source, request, &wanted.sop_instance_uid).await?;
    // This answer holds one instance alone, so nobody waits for it. What the study is read from was given back
    // already where it was read to the end of the instance here; elsewhere it is dropped, and the rest of the study
    // asked for one by one.
    let (back, _) = oneshot::channel();
    let meta = data_set.meta().clone();
    Ok((meta, data_set.into_stream(back)))
}
