//! C-FIND as service class provider (PS3.4 §C.4.1.3).

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use dataset::{json::Item, matching::Keys};
use dicomweb::search::Level as Search;
use dimse::{Status, command::CFindRq};
use futures::{SinkExt, StreamExt, channel::mpsc, future::try_join_all, stream};
use instance::Tag;

use super::{
    Budget, QueryError, Request,
    above::Above,
    answer::Answers,
    level::{Level, MODALITIES_IN_STUDY},
    origins::origins,
    pending::Pending,
    related::Related,
    searched::Searched,
    seen::Seen,
    untold::Untold,
};
use crate::{
    config::Query,
    mapping::status,
    service::{Invocation, Replies, Reply},
};

/// Replies that are made before the first of them is taken: enough that reading goes on while one is
/// written.
const AHEAD: usize = 16;

/// Results that are counted at the same time. More requests at once would be refused by many origins.
const COUNTED_AT_ONCE: usize = 8;

/// C-FIND: the matches as pending replies, as they are read, and the final one.
pub(crate) fn find(invocation: Invocation, _request: CFindRq, identifier: Bytes) -> Replies {
    let peer = invocation.peer().map(|peer| peer.query.clone()).unwrap_or_default();
    let encoding = invocation.presentation_context.transfer_syntax.encoding();
    let (model, options) = (invocation.class.model, invocation.options);
    let request = match Request::read(&identifier, encoding, model, options, &peer) {
        Ok(request) => request,
        Err(error) => {
            tracing::warn!(message_id = invocation.message_id, cause = %error, "query refused");
            return Reply::new(status::request_refused(invocation.response(Status::SUCCESS), &error)).alone();
        }
    };
    let answers = Answers::new(request.level, invocation.called(), encoding, &peer);
    let (sender, replies) = mpsc::channel(AHEAD);
    let finding = Finding { invocation, request, answers, replies: sender, seen: Seen::default(), found: 0 };
    // One stream that is both: what it yields, and the work that makes it.
    stream::select(replies, stream::once(finding.run()).filter_map(|()| async { None })).boxed()
}

/// A query being answered.
struct Finding {
    invocation: Invocation,
    request: Request,
    answers: Answers,
    replies: mpsc::Sender<Reply>,
    seen: Seen,
    found: usize,
}

/// Why no more is found.
enum Stop {
    /// One origin cannot be searched; others may be.
    Origin(QueryError),
    /// The query as a whole has come to an end.
    Query(QueryError),
    /// Nobody takes replies any more.
    Abandoned,
}

impl Finding {
    async fn run(mut self) {
        let (began, budget) = (Instant::now(), Budget::new(&self.invocation.context.snapshot.config.query));
        let outcome = self.find(&budget).await;
        let response = self.invocation.response(Status::SUCCESS);
        let response = match outcome {
            Ok(()) => {
                let level = self.request.level.as_str();
                let (rows, searches) = budget.used();
                let duration = began.elapsed();
                tracing::info!(
                    message_id = self.invocation.message_id,
                    level,
                    found = self.found,
                    rows,
                    searches,
                    ?duration,
                    "query answered"
                );
                response
            }
            Err(Stop::Abandoned) => return,
            Err(Stop::Origin(error) | Stop::Query(error)) => {
                tracing::warn!(
                    message_id = self.invocation.message_id,
                    found = self.found,
                    cause = %error,
                    "query not answered to the end"
                );
                status::query_failed(response, &error)
            }
        };
        // Who does not take the final reply has gone.
        let _ = self.replies.send(Reply::new(response)).await;
    }

    /// Searches one origin after the other. One that fails does not keep the others from being
    /// searched, but the query does not succeed then.
    async fn find(&mut self, budget: &Budget) -> Result<(), Stop> {
        let context = Arc::clone(&self.invocation.context);
        let origins = origins(&context);
        let config = context.snapshot.config.query.clone();
        if origins.is_empty() {
            return Err(Stop::Query(QueryError::NoOrigin));
        }
        let several = origins.len() > 1;
        // The spool is looked at before the origins: what is delivered meanwhile is then seen at least once.
        let tags = self.request.tags();
        let mut pending = Pending::look(&context, &origins, &self.request, &tags).await?;
        let counted = if config.count_related { tags.as_slice() } else { &[] };
        let (mut failed, mut searchable) = (Ok(()), Vec::new());
        for origin in origins {
            let searched = Searched { origin, metrics: Arc::clone(&context.core.metrics) };
            let counts = Budget::for_counts(&config);
            let related = Related::new(self.request.level, counted, &self.request.keys, counts);
            match self.show_found(&searched, &config, budget, several, &related, &mut pending).await {
                Err(Stop::Origin(error)) => {
                    tracing::warn!(cause = %error, "what else there is is shown all the same");
                    failed = failed.and(Err(Stop::Origin(error)));
                }
                other => {
                    other?;
                    searchable.push(searched);
                }
            }
        }
        let Some(pending) = pending else { return failed };
        let related =
            Related::new(self.request.level, counted, &self.request.keys, Budget::for_counts(&config));
        // What waits for an origin that fails is shown too, as far as the spool knows it.
        self.show_undelivered(pending, &related, &searchable, &config, budget).await.and(failed)
    }

    /// Shows what the origin has, together with what waits for it of the same.
    async fn show_found(
        &mut self,
        searched: &Searched,
        config: &Query,
        budget: &Budget,
        several: bool,
        related: &Related,
        pending: &mut Option<Pending>,
    ) -> Result<(), Stop> {
        let level = self.request.level;
        let tags = self.request.tags();
        let mut above = Above::new(level, &tags, &self.request.keys);
        let (keys, at_once) = (self.request.keys.clone(), at_once(&self.request.keys, related));
        let mut rows = searched.rows(search_level(level), &self.request.keys, &include(level, &tags));
        let may_repeat = several || rows.may_repeat || level == Level::Patient || pending.is_some();
        let capabilities = &searched.origin.client.profile().search;
        let collected_there = capabilities.studies.has(MODALITIES_IN_STUDY);
        // What no result of this kind has is no key that is supported, and matches (PS3.4 §C.2.2.1.3).
        let assumed =
            |tag| tag == MODALITIES_IN_STUDY && collected_there || Level::of_attribute(tag).is_none();
        let mut untold = Untold::new(level, &self.request.keys, searched, config);
        let shown_before = self.found;
        let (mut ended, mut unreadable) = (false, false);
        while !ended {
            let mut counting: Vec<Item> = Vec::new();
            while counting.last().is_none_or(|row| related.is_lacking(row) || untold.is_lacking(row))
                && counting.len() < COUNTED_AT_ONCE
            {
                let Some(mut row) = rows.next(budget).await? else {
                    ended = true;
                    break;
                };
                above.complete(&mut row, searched, budget).await?;
                untold.note(&mut row);
                unreadable |= lacks_path(level, &row, &tags);
                let repeats = may_repeat && self.seen.contains(level, &row);
                let may_match = |tag| assumed(tag) || untold.may_match(tag);
                counting.extend((!repeats && at_once.matches_assuming(&row, may_match)).then_some(row));
            }
            // Counting takes the way to the origin and back, so several results do it together.
            let lacking = counting.iter_mut().filter(|row| related.is_lacking(row) || untold.is_lacking(row));
            try_join_all(lacking.map(|row| complete(row, related, &untold, searched))).await?;
            for mut row in counting {
                if let Some(pending) = pending.as_mut() {
                    pending.merge_into(&mut row, searched, budget).await?;
                }
                let may_match = |tag| assumed(tag) || untold.may_match(tag);
                let matches = keys.matches_assuming(&row, may_match);
                if matches && (!may_repeat || self.seen.insert(level, &row)) {
                    let incomplete = rows.incomplete_keys || untold.is_lacking(&row);
                    self.show(row, incomplete, config).await?;
                }
            }
        }
        let origin = &searched.origin.name;
        match rows.incomplete_keys && shown_before == self.found {
            _ if unreadable => Err(Stop::Origin(QueryError::unreadable(origin))),
            // There is no result that could say so.
            true => Err(Stop::Origin(QueryError::Origin {
                origin: origin.clone(),
                source: dicomweb::Error::Incomplete,
            })),
            false => Ok(()),
        }
    }

    /// Shows what waits and was not among the results of the origins. Those in `searched` are asked for its
    /// attributes.
    async fn show_undelivered(
        &mut self,
        mut pending: Pending,
        related: &Related,
        searched: &[Searched],
        config: &Query,
        budget: &Budget,
    ) -> Result<(), Stop> {
        let tags = self.request.tags();
        for entry_id in pending.remaining() {
            let result = pending.result(entry_id, searched, &tags, budget).await?;
            let Some((mut row, origin)) = result else { continue };
            if let Some(searched) = origin {
                related.complete(&mut row, searched).await?;
            }
            pending.add_counts(&mut row, origin, budget).await?;
            let level = self.request.level;
            if self.request.keys.matches(&row)
                && !self.seen.contains_of_any_issuer(level, &row)
                && self.seen.insert(level, &row)
            {
                self.show(row, false, config).await?;
            }
        }
        Ok(())
    }

    /// Sends a pending reply.
    async fn show(&mut self, found: Item, incomplete: bool, config: &Query) -> Result<(), Stop> {
        if self.found == config.results_max {
            return Err(Stop::Query(QueryError::TooManyResults(config.results_max)));
        }
        self.found += 1;
        let answer = self.answers.answer(&self.request, found, incomplete);
        let status = if answer.warns { Status::PENDING_WITH_WARNING } else { Status::PENDING };
        let reply = Reply::with_identifier(self.invocation.response(status), answer.identifier);
        self.replies.feed(reply).await.map_err(|_| Stop::Abandoned)
    }
}

/// Keys that can be held against a row as it comes: not those whose attribute must be counted before.
fn at_once(keys: &Keys, related: &Related) -> Keys {
    let mut at_once = keys.clone();
    at_once.retain(|tag, _| !related.gives(tag));
    at_once
}

/// Adds to a row what the origin's search did not give.
async fn complete(
    row: &mut Item,
    related: &Related,
    untold: &Untold,
    searched: &Searched,
) -> Result<(), QueryError> {
    // Never closed. What has it waits for no other one.
    let _turn = searched.origin.look_ups.acquire().await;
    related.complete(row, searched).await?;
    untold.complete(row, searched).await;
    Ok(())
}

/// Whether a result does not say to what it belongs, where that was asked for.
fn lacks_path(level: Level, row: &Item, tags: &[Tag]) -> bool {
    let above = [(Level::Series, Tag::STUDY_INSTANCE_UID), (Level::Image, Tag::SERIES_INSTANCE_UID)];
    let lacks = |(from, tag): (Level, Tag)| level >= from && tags.contains(&tag) && row.uid(tag).is_none();
    above.into_iter().any(lacks)
}

/// Patients are found by their studies.
const fn search_level(level: Level) -> Search {
    match level {
        Level::Patient | Level::Study => Search::Study,
        Level::Series => Search::Series,
        Level::Image => Search::Instance,
    }
}

/// What answers of the origin should hold: what is shown and matched, and what tells patients apart.
fn include(level: Level, tags: &[Tag]) -> Vec<Tag> {
    let mut include = tags.to_vec();
    if level == Level::Patient {
        include.extend([Tag::PATIENT_ID, Tag::ISSUER_OF_PATIENT_ID, Tag::PATIENT_NAME]);
    }
    include.sort_unstable();
    include.dedup();
    include
}

impl From<QueryError> for Stop {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Origin { .. } | QueryError::Orders { .. } => Self::Origin(error),
            error => Self::Query(error),
        }
    }
}
