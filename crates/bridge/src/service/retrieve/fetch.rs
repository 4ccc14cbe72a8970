//! Asking for instances.

use std::sync::Arc;

use dicomweb::retrieve::Accept;
use instance::{Uid, part10::FileMeta};

use super::{
    back_off,
    data_set::{Broken, DataSet},
    environment::Environment,
    instances::{Wanted, Whole},
    read_ahead::Interruption,
    source::{Request, Room, Source},
};
use crate::service::query;

/// Attempts to get one instance: a search has just found it, so what fails is the line or the load.
const ATTEMPTS: u32 = 3;

/// Why an instance could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFetched {
    /// The origin, the line or the spool.
    #[error("{0}")]
    Interrupted(#[from] Interruption),
    /// The answer has no instance, or another one.
    #[error("the answer does not hold the instance")]
    Absent,
    /// The data set could not even be begun.
    #[error("{0}")]
    Broken(#[from] Broken),
}

impl NotFetched {
    /// What the origin said, if it was the origin.
    pub(super) const fn of_origin(&self) -> Option<&dicomweb::Error> {
        match self {
            Self::Interrupted(Interruption::Origin(error))
            | Self::Broken(Broken::Interrupted(Interruption::Origin(error))) => Some(error),
            _ => None,
        }
    }

    /// Whether it says something of the origin rather than of the instance.
    pub(super) fn concerns_the_origin(&self) -> bool {
        let of_instance = |status: u16| matches!(status, 400 | 404 | 406 | 410);
        match self.of_origin() {
            Some(dicomweb::Error::Refused { status, .. }) => !of_instance(status.as_u16()),
            Some(error) => !matches!(error, dicomweb::Error::Unreadable(_)),
            None => false,
        }
    }
}

/// An instance alone, with its first bytes, in `room` or once there is some.
pub(super) async fn instance(
    environment: &Arc<Environment>,
    wanted: &Wanted,
    room: Option<Room>,
) -> Result<DataSet, NotFetched> {
    let mut repetitions = 0;
    loop {
        let error = match attempt(environment, wanted, room.clone()).await {
            Ok(data_set) => return Ok(data_set),
            Err(error) => error,
        };
        let repeated = error.of_origin().filter(|error| back_off::is_worth_repeating(error));
        match repeated {
            Some(cause) if repetitions + 1 < ATTEMPTS => {
                tokio::time::sleep(back_off::pause(cause, repetitions)).await;
                repetitions += 1;
            }
            _ => return Err(error),
        }
    }
}

async fn attempt(
    environment: &Arc<Environment>,
    wanted: &Wanted,
    room: Option<Room>,
) -> Result<DataSet, NotFetched> {
    let again = again(environment, wanted, Accept::Any);
    let known = (&wanted.source, &wanted.sop_class, &wanted.transfer_syntax);
    let source = if let (query::Source::Spool { entry_id, length, .. }, Some(class), Some(syntax)) = known {
        let meta = FileMeta {
            sop_class_uid: class.clone(),
            sop_instance_uid: wanted.sop_instance_uid.clone(),
            transfer_syntax: syntax.clone(),
        };
        Source::entry(&environment.core, *entry_id, *length, meta, room).await
    } else {
        Source::request(&again, room).await.map_err(Interruption::from)?
    };
    begin(source, again, &wanted.sop_instance_uid).await
}

/// The instance that `source` consists of.
pub(super) async fn begin(
    mut source: Source,
    again: Request,
    sop_instance_uid: &Uid,
) -> Result<DataSet, NotFetched> {
    let head = source.next_instance().await?.ok_or(NotFetched::Absent)?;
    let data_set = DataSet::begin(source, head, again).await?;
    if data_set.is(sop_instance_uid) { Ok(data_set) } else { Err(NotFetched::Absent) }
}

/// The request for an instance alone.
pub(super) fn again(environment: &Environment, wanted: &Wanted, accept: Accept) -> Request {
    Request {
        core: Arc::clone(&environment.core),
        origin: Arc::clone(wanted.origin()),
        retrieve: wanted.retrieve(accept),
        stall: environment.stall,
    }
}

/// The answer to the request for a study or series.
pub(super) async fn whole(environment: &Arc<Environment>, whole: &Whole) -> Result<Source, NotFetched> {
    let request = Request {
        core: Arc::clone(&environment.core),
        origin: Arc::clone(&whole.origin),
        retrieve: whole.retrieve.clone(),
        stall: environment.stall,
    };
    Ok(Source::request(&request, None).await.map_err(Interruption::from)?)
}
