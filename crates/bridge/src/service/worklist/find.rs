//! C-FIND of the worklist (PS3.4 §K.4.1): local state first, and one look-up where that has nothing.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use dataset::matching::Options;
use dimse::Status;
use futures::{SinkExt, StreamExt, channel::mpsc, stream};
use tokio::task::yield_now;

use super::{answer::Answers, request::Request};
use crate::{
    mapping::status,
    service::{Invocation, Replies, Reply},
    worklist::{Entry, LookUpError, StepStatus, Wanted, Worklist},
};

/// Replies that are made before the first of them is taken: enough that a group of PDUs is written at once.
const AHEAD: usize = 16;

/// Entries that are looked at before other associations have their turn. 256 take less than a millisecond.
pub(super) const AT_ONCE: usize = 256;

/// Why a query did not come to its end. What it means to a DIMSE peer stands in
/// [`mapping::status`](crate::mapping::status).
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorklistError {
    /// A source has given no list, or none that is young enough.
    #[error("there is no list of {0} that could be served")]
    NoList(Arc<str>),
    /// What is not kept could not be looked up.
    #[error("it could not be looked up: {0}")]
    LookUp(#[from] LookUpError),
    /// More results than [`results_max`](crate::config::Worklist::results_max).
    #[error("there are more than {0} results")]
    TooManyResults(usize),
}

/// C-FIND: the matches as pending replies and the final one.
pub(crate) fn find(invocation: Invocation, identifier: Bytes) -> Replies {
    let peer = invocation.peer().map(|peer| peer.query.clone()).unwrap_or_default();
    let encoding = invocation.presentation_context.transfer_syntax.encoding();
    let worklist = invocation.context.core.worklist.clone();
    let setup = worklist.setup();
    let config = &setup.config;
    let matching = Options {
        combined_date_time: config.combined_date_time,
        fuzzy: invocation.options.fuzzy,
        ..Options::default()
    };
    let request = match Request::read(&identifier, encoding, matching, &peer) {
        Ok(request) => request,
        Err(error) => {
            tracing::warn!(message_id = invocation.message_id, cause = %error, "worklist query refused");
            let response = invocation.response(Status::SUCCESS);
            return Reply::new(status::worklist_request_refused(response, &error)).alone();
        }
    };
    let answers = Answers::new(invocation.calling().clone(), encoding, peer);
    let (sender, replies) = mpsc::channel(AHEAD);
    let finding = Finding {
        invocation,
        worklist,
        request,
        answers,
        replies: sender,
        results_max: config.results_max,
        orders_max: config.orders_max,
        patience: config.look_up_timeout,
        found: 0,
    };
    // One stream that is both: what it yields, and the work that makes it.
    stream::select(replies, stream::once(finding.run()).filter_map(|()| async { None })).boxed()
}

/// A query being answered.
struct Finding {
    invocation: Invocation,
    worklist: Worklist,
    request: Request,
    answers: Answers,
    replies: mpsc::Sender<Reply>,
    results_max: usize,
    orders_max: usize,
    patience: std::time::Duration,
    found: usize,
}

/// Why no more is found.
enum Stop {
    /// The query ends so.
    Failed(WorklistError),
    /// Nobody takes replies any more.
    Abandoned,
}

impl From<WorklistError> for Stop {
    fn from(error: WorklistError) -> Self {
        Self::Failed(error)
    }
}

impl Finding {
    async fn run(mut self) {
        let began = Instant::now();
        let outcome = self.find().await;
        let response = self.invocation.response(Status::SUCCESS);
        let (message_id, found, duration) = (self.invocation.message_id, self.found, began.elapsed());
        let response = match outcome {
            Ok(()) => {
                tracing::info!(message_id, found, ?duration, "worklist answered");
                response
            }
            Err(Stop::Abandoned) => return,
            Err(Stop::Failed(error)) => {
                tracing::warn!(message_id, found, cause = %error, "worklist not answered to the end");
                status::worklist_failed(response, &error)
            }
        };
        // Who does not take the final reply has gone.
        let _ = self.replies.send(Reply::new(response)).await;
    }

    async fn find(&mut self) -> Result<(), Stop> {
        let index = self.worklist.index_within(Some(self.invocation.called()), self.patience).await;
        for (number, place) in index.candidates(&self.request.narrowing()).into_iter().enumerate() {
            if number % AT_ONCE == AT_ONCE - 1 {
                yield_now().await;
            }
            if let Some(entry) = index.get(place) {
                self.show_matching(entry).await?;
            }
        }
        if self.found == 0
            && let Some(wanted) = self.request.wanted(self.orders_max)
        {
            self.look_up(&wanted).await?;
        }
        match index.missing.first() {
            Some(source) => Err(WorklistError::NoList(Arc::clone(source)).into()),
            None => Ok(()),
        }
    }

    /// Asks the sources, once, where what they know may go beyond what is kept. That they cannot be asked is an
    /// answer only where days are concerned of which nothing is kept: a patient who is not on the list of the
    /// window is most likely not there, and a modality at work shall not notice an outage.
    async fn look_up(&mut self, wanted: &Wanted) -> Result<(), Stop> {
        let has_days = wanted.from.is_some() || wanted.to.is_some();
        if self.patience.is_zero() || self.worklist.keeps(wanted) {
            return Ok(());
        }
        let (entries, failure) = self.worklist.look_up(Some(self.invocation.called()), wanted).await;
        for entry in &entries {
            self.show_matching(entry).await?;
        }
        match failure {
            Some(error) if has_days && self.found == 0 => Err(WorklistError::LookUp(error).into()),
            Some(error) => {
                tracing::info!(cause = %error, "not everything could be looked up");
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Sends a pending reply where the entry matches and its step is still to be done.
    async fn show_matching(&mut self, entry: &Entry) -> Result<(), Stop> {
        let status = self.worklist.status(entry);
        if self.worklist.hides(status).is_some() {
            return Ok(());
        }
        let status = status.map_or(StepStatus::Scheduled, |(status, _)| status).shown();
        if !self.request.matches(entry, status) {
            return Ok(());
        }
        if self.found == self.results_max {
            return Err(WorklistError::TooManyResults(self.results_max).into());
        }
        self.found += 1;
        let answer = self.answers.answer(&self.request, entry, status);
        let status = if answer.warns { Status::PENDING_WITH_WARNING } else { Status::PENDING };
        let reply = Reply::with_identifier(self.invocation.response(status), answer.identifier);
        self.replies.feed(reply).await.map_err(|_| Stop::Abandoned)
    }
}
