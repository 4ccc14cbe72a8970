//! An instance in a transfer syntax that its recipient takes (PS3.4 §C.4.2.3.1).

use std::sync::Arc;

use dicomweb::retrieve::Accept;
use instance::{TransferSyntax, Uid};

use super::{
    data_set::DataSet,
    environment::Environment,
    fetch::{self, NotFetched},
    instances::Wanted,
};

/// Why an instance cannot be had in a transfer syntax that its recipient takes.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTranscoded {
    /// The recipient takes no instance of the SOP Class at all.
    #[error("the recipient accepts no presentation context for the SOP Class")]
    SopClassNotAccepted,
    /// Nobody can change it into one of those accepted.
    #[error("the recipient does not accept transfer syntax {0}, and it cannot be transcoded")]
    NotPossible(Uid),
    /// The origin did not give it in the other transfer syntax.
    #[error("the origin did not transcode the instance: {0}")]
    ByOrigin(#[from] NotFetched),
}

/// A way to get an instance in a transfer syntax that its recipient takes.
#[derive(Debug)]
pub(super) enum Way {
    /// The origin gives it in one of these.
    ByOrigin(Vec<TransferSyntax>),
}

/// The way to get `data_set` in one of `accepted`.
pub(super) fn way(
    environment: &Environment,
    wanted: &Wanted,
    data_set: &DataSet,
    accepted: &[TransferSyntax],
) -> Result<Way, NotTranscoded> {
    if accepted.is_empty() {
        return Err(NotTranscoded::SopClassNotAccepted);
    }
    let offered = &wanted.origin().client.profile().retrieve.transcodes_to;
    let both: Vec<_> = accepted.iter().filter(|syntax| offered.contains(syntax)).cloned().collect();
    if !environment.transcode || both.is_empty() {
        return Err(NotTranscoded::NotPossible(data_set.meta().transfer_syntax.uid().clone()));
    }
    Ok(Way::ByOrigin(both))
}

/// Goes that way: the instance in another transfer syntax, with its first bytes.
pub(super) async fn transcode(
    environment: &Arc<Environment>,
    wanted: &Wanted,
    data_set: DataSet,
    way: Way,
) -> Result<DataSet, NotTranscoded> {
    let Way::ByOrigin(transfer_syntaxes) = way;
    let request = fetch::again(environment, wanted, Accept::These(transfer_syntaxes));
    let mut source = data_set.into_source();
    source.replace(&request).await.map_err(|error| NotFetched::Interrupted(error.into()))?;
    Ok(fetch::begin(source, request, &wanted.sop_instance_uid).await?)
}
