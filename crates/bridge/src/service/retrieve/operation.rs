//! One C-MOVE or C-GET under way: what is asked for, what is sent, and how it is counted.
//!
//! Requests to origins and sub-operations go on side by side: answers that have begun wait in `ready`
//! until an association is free, and are read ahead meanwhile.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use dicomweb::retrieve::{Accept, Retrieve};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use instance::Uid;
use tokio::{sync::oneshot, time::Instant};

use super::{
    counts::{Counts, Outcome},
    data_set::DataSet,
    environment::Environment,
    failures::{Cause, Failures},
    fetch::{self, NotFetched},
    instances::{Instances, Task, Wanted, Whole, Work},
    keys::Level,
    outlined::Outlined,
    read_ahead::Head,
    source::{Request, Source},
    sub_operation::{self, End, Performed},
};
use crate::service::query::{ListedInstance, QueryError};

/// What is under way.
pub(super) struct Operation {
    environment: Arc<Environment>,
    /// Instances that are still to be sent, without those that are being sent.
    wanted: HashMap<Uid, Wanted>,
    /// Those of which only the number is known.
    outlined: Option<Outlined>,
    todo: VecDeque<Task>,
    fetches: FuturesUnordered<BoxFuture<'static, Fetched>>,
    ready: VecDeque<Ready>,
    sends: FuturesUnordered<BoxFuture<'static, Performed>>,
    /// Answers whose instance is being sent; nothing comes back where they cannot be read further.
    lent: FuturesUnordered<BoxFuture<'static, (Whole, Option<Source>)>>,
    /// Requests for studies and series that are open.
    wholes: usize,
    /// Answers that may be open and not being sent yet; falls when the recipient is slow.
    window: usize,
    window_max: usize,
    pub(super) counts: Counts,
    failures: Failures,
    given_up: bool,
    /// Sub-operations that were cut short.
    aborted: usize,
}

/// An instance whose first bytes are at hand, and what it came with.
struct Ready {
    data_set: DataSet,
    whole: Option<Whole>,
    since: Instant,
}

/// What became of a request, or of an answer that is read further.
enum Fetched {
    /// One instance.
    Single(Uid, Result<DataSet, NotFetched>),
    /// The next instance of a study or series, `None` behind the last one.
    Next(Whole, Result<Option<(Source, Head)>, NotFetched>),
    /// Its first bytes.
    Begun(Whole, Uid, Result<DataSet, NotFetched>),
    /// Which instances there are beside those that were given, and how many were to be expected.
    Listed(usize, Result<Vec<ListedInstance>, QueryError>),
}

impl Operation {
    pub(super) fn new(
        environment: Arc<Environment>,
        wanted: HashMap<Uid, Wanted>,
        outlined: Option<Outlined>,
        tasks: Vec<Task>,
        requests: usize,
    ) -> Self {
        Self {
            environment,
            wanted,
            outlined,
            todo: tasks.into(),
            fetches: FuturesUnordered::new(),
            ready: VecDeque::new(),
            sends: FuturesUnordered::new(),
            lent: FuturesUnordered::new(),
            wholes: 0,
            window: requests,
            window_max: requests,
            counts: Counts::default(),
            failures: Failures::default(),
            given_up: false,
            aborted: 0,
        }
    }

    /// Sub-operations that have not ended.
    pub(super) fn remaining(&self) -> usize {
        let unnamed = self.outlined.as_ref().map_or(0, Outlined::unnamed);
        self.wanted.len() + unnamed + self.sends.len() + self.aborted
    }

    /// What the requestor is told when nothing succeeded.
    pub(super) fn cause(&self) -> Cause {
        self.failures.cause()
    }

    /// Fails the instances of SOP Classes that the recipient does not take at all, before they are asked
    /// for.
    pub(super) fn refuse_classes(&mut self) {
        let recipient = &self.environment.recipient;
        let refused =
            |wanted: &&Wanted| wanted.sop_class.as_ref().is_some_and(|class| !recipient.may_take(class));
        let refused = self.wanted.values().filter(refused);
        let refused: Vec<Uid> = refused.map(|wanted| wanted.sop_instance_uid.clone()).collect();
        if !refused.is_empty() {
            tracing::warn!(instances = refused.len(), "the recipient does not take their SOP Class");
            self.failures.not_accepted();
            self.fail(refused);
        }
    }

    /// Goes on until the next sub-operation or request has ended; `false` where none is left. Cancel
    /// safe.
    pub(super) async fn step(&mut self) -> bool {
        self.fetch();
        self.send();
        tokio::select! {
            Some(performed) = self.sends.next() => self.performed(&performed),
            Some((whole, source)) = self.lent.next() => self.given_back(whole, source),
            Some(fetched) = self.fetches.next() => self.fetched(fetched),
            else => {
                // What was begun may have been sent already, and have left no room for the next task.
                if !self.todo.is_empty() {
                    return true;
                }
                // The answers did not hold as many as there should be.
                if let Some(outlined) = self.outlined.take().filter(|outlined| outlined.unnamed() > 0) {
                    let listing = outlined.list(Arc::clone(&self.environment.context));
                    self.fetches.push(listing.map(|(count, listed)| Fetched::Listed(count, listed)).boxed());
                    return true;
                }
                // A task may have named what was sent with another one; nothing else is left then.
                let left: Vec<Uid> = self.wanted.keys().cloned().collect();
                self.fail(left);
                return false;
            }
        }
        true
    }

    /// Waits for the sub-operations under way and begins no other.
    pub(super) async fn finish(&mut self) {
        self.begin_nothing();
        while let Some(performed) = self.sends.next().await {
            self.count(&performed);
        }
    }

    /// Gives up the answers that the recipient has not got to for too long, so that neither origins nor
    /// other retrieves wait for it. What they hold is asked for again once it takes something.
    pub(super) fn give_up_stalled(&mut self) {
        let stall = self.environment.stall;
        let (stalled, ready): (VecDeque<_>, _) =
            self.ready.drain(..).partition(|ready| ready.since.elapsed() >= stall);
        self.ready = ready;
        for Ready { data_set, whole, .. } in stalled.into_iter().rev() {
            let is_named_elsewhere = whole.as_ref().is_some_and(|whole| !whole.is_outlined());
            if let Some(whole) = whole {
                self.one_by_one(whole);
            }
            if !is_named_elsewhere {
                self.todo.push_front(Task::Single(data_set.meta().sop_instance_uid.clone()));
            }
            self.window = 0;
        }
    }

    /// Makes the requests that may be made.
    fn fetch(&mut self) {
        let lanes = self.environment.recipient.window();
        let window = if self.sends.is_empty() { self.window.max(1) } else { self.window };
        while self.fetches.len() + self.ready.len() < window {
            // Another study would only wait until this one is sent.
            let is_whole = matches!(self.todo.front(), Some(Task::Whole(_)));
            if is_whole && self.wholes >= lanes {
                return;
            }
            let environment = Arc::clone(&self.environment);
            match self.todo.pop_front() {
                Some(Task::Single(uid)) => {
                    let Some(wanted) = self.wanted.get(&uid).cloned() else { continue };
                    let fetch = async move {
                        let data_set = fetch::instance(&environment, &wanted, None).await;
                        Fetched::Single(uid, data_set)
                    };
                    self.fetches.push(fetch.boxed());
                }
                Some(Task::Whole(whole)) => {
                    if !whole.is_outlined() && !whole.members.iter().any(|uid| self.wanted.contains_key(uid))
                    {
                        continue;
                    }
                    self.wholes += 1;
                    let fetch = async move {
                        match fetch::whole(&environment, &whole).await {
                            Ok(source) => next(whole, source).await,
                            Err(error) => Fetched::Next(whole, Err(error)),
                        }
                    };
                    self.fetches.push(fetch.boxed());
                }
                None => return,
            }
        }
    }

    /// Begins the sub-operations that may begin.
    fn send(&mut self) {
        while self.sends.len() < self.environment.recipient.window() {
            let Some(Ready { data_set, whole, .. }) = self.ready.pop_front() else { return };
            let Some(wanted) = self.wanted.remove(&data_set.meta().sop_instance_uid) else {
                if let Some(whole) = whole {
                    self.fetches.push(next(whole, data_set.into_source()).boxed());
                }
                continue;
            };
            let (back, lent) = oneshot::channel();
            let performing = sub_operation::perform(Arc::clone(&self.environment), wanted, data_set, back);
            self.sends.push(performing.boxed());
            self.lent.extend(whole.map(|whole| lent.map(|source| (whole, source.ok())).boxed()));
        }
    }

    fn fetched(&mut self, fetched: Fetched) {
        match fetched {
            Fetched::Single(_, Ok(data_set)) => self.begun(data_set, None),
            Fetched::Single(uid, Err(error)) => self.not_fetched(uid, error),
            Fetched::Next(whole, Ok(Some((source, head)))) if whole.is_outlined() => {
                self.begin_unnamed(whole, source, head);
            }
            Fetched::Next(whole, Ok(Some((source, head)))) => {
                let uid = head.0.sop_instance_uid.clone();
                let Some(wanted) = self.wanted.get(&uid) else {
                    // It came after the listing, or twice.
                    return self.fetches.push(next(whole, source).boxed());
                };
                let again = fetch::again(&self.environment, wanted, Accept::Any);
                let begin = DataSet::begin(source, head, again);
                self.fetches.push(
                    begin.map(|begun| Fetched::Begun(whole, uid, begun.map_err(NotFetched::from))).boxed(),
                );
            }
            Fetched::Next(whole, Ok(None)) => self.one_by_one(whole),
            Fetched::Next(whole, Err(error)) => {
                let Whole { origin, retrieve, .. } = &whole;
                tracing::warn!(
                    origin = origin.name,
                    study = %retrieve.study,
                    series = retrieve.series.as_ref().map(tracing::field::display),
                    cause = %error,
                    "what is missing is asked for one by one"
                );
                self.one_by_one(whole);
            }
            Fetched::Begun(whole, _, Ok(data_set)) => {
                let outlined = self.outlined.as_mut().filter(|_| whole.is_outlined());
                if let Some(wanted) = outlined.and_then(|outlined| outlined.name(&whole, data_set.meta())) {
                    self.wanted.insert(wanted.sop_instance_uid.clone(), wanted);
                }
                self.begun(data_set, Some(whole));
            }
            Fetched::Listed(expected, listed) => self.listed(expected, listed),
            Fetched::Begun(whole, uid, Err(error)) => {
                self.not_fetched(uid, error);
                self.one_by_one(whole);
            }
        }
    }

    /// Begins with an instance that only its data set names.
    fn begin_unnamed(&self, whole: Whole, source: Source, head: Head) {
        let uid = head.0.sop_instance_uid.clone();
        let again = Request {
            core: Arc::clone(&self.environment.core),
            origin: Arc::clone(&whole.origin),
            retrieve: Retrieve { instance: Some(uid.clone()), ..whole.retrieve.clone() },
            stall: self.environment.stall,
        };
        let begin = DataSet::begin(source, head, again).map(|begun| begun.map_err(NotFetched::from));
        self.fetches.push(begin.map(|begun| Fetched::Begun(whole, uid, begun)).boxed());
    }

    /// Asks for what the answers did not hold, now that it is known.
    fn listed(&mut self, expected: usize, listed: Result<Vec<ListedInstance>, QueryError>) {
        let missing = match listed {
            Ok(missing) => missing,
            Err(error) => {
                tracing::warn!(cause = %error, instances = expected, "what is missing cannot be listed");
                self.failures.not_listed();
                self.counts.add_unnamed(expected);
                (0..expected).for_each(|_| self.environment.count(Outcome::Failed));
                return;
            }
        };
        tracing::warn!(expected, instances = missing.len(), "what is missing is asked for one by one");
        let mut instances = Instances::default();
        missing.into_iter().for_each(|one| instances.add(one));
        let Work { wanted, .. } = instances.plan(Level::Image, 1);
        self.todo.extend(wanted.keys().cloned().map(Task::Single));
        self.wanted.extend(wanted);
        if self.given_up {
            self.todo.clear();
            let left: Vec<Uid> = self.wanted.keys().cloned().collect();
            self.fail(left);
        }
    }

    fn begun(&mut self, data_set: DataSet, whole: Option<Whole>) {
        self.failures.fetched();
        // What is left of a study comes before what is read ahead.
        let ready = Ready { data_set, whole, since: Instant::now() };
        if ready.whole.is_some() { self.ready.push_front(ready) } else { self.ready.push_back(ready) }
    }

    /// Asks for what a study or series has not given.
    fn one_by_one(&mut self, whole: Whole) {
        self.wholes = self.wholes.saturating_sub(1);
        let missing = whole.members.into_iter().filter(|uid| self.wanted.contains_key(uid));
        let missing: Vec<_> = missing.map(Task::Single).collect();
        missing.into_iter().rev().for_each(|task| self.todo.push_front(task));
    }

    fn not_fetched(&mut self, uid: Uid, error: NotFetched) {
        if !self.wanted.contains_key(&uid) {
            return;
        }
        tracing::warn!(sop_instance_uid = %uid, cause = %error, "the instance cannot be had");
        self.failures.not_fetched(&error);
        self.fail([uid]);
        self.give_up_if_hopeless();
    }

    fn performed(&mut self, performed: &Performed) {
        self.count(performed);
        if matches!(performed.end, End::Answered(_)) {
            self.window = (self.window + 1).min(self.window_max);
        }
        self.give_up_if_hopeless();
    }

    /// Goes on with an answer whose instance was read to its end.
    fn given_back(&mut self, whole: Whole, source: Option<Source>) {
        match source {
            Some(source) => self.fetches.push(next(whole, source).boxed()),
            None => self.one_by_one(whole),
        }
    }

    fn count(&mut self, performed: &Performed) {
        let Performed { sop_instance_uid, end, .. } = performed;
        match end.outcome() {
            Some(outcome) => {
                self.failures.ended(end);
                self.counts.add(sop_instance_uid, outcome);
                self.environment.count(outcome);
            }
            None => self.aborted += 1,
        }
    }

    /// Begins nothing any more where that would be in vain; what is under way goes on.
    fn give_up_if_hopeless(&mut self) {
        if self.given_up || !self.failures.are_too_many() {
            return;
        }
        tracing::warn!(cause = ?self.failures.cause(), instances = self.wanted.len(), "the rest is given up");
        self.given_up = true;
        self.begin_nothing();
        let left: Vec<Uid> = self.wanted.keys().cloned().collect();
        self.fail(left);
    }

    fn begin_nothing(&mut self) {
        self.todo.clear();
        self.fetches.clear();
        self.lent.clear();
        self.ready.clear();
    }

    fn fail(&mut self, uids: impl IntoIterator<Item = Uid>) {
        for uid in uids {
            if self.wanted.remove(&uid).is_some() {
                self.counts.add(&uid, Outcome::Failed);
                self.environment.count(Outcome::Failed);
            }
        }
    }
}

/// The next instance of an answer.
async fn next(whole: Whole, mut source: Source) -> Fetched {
    match source.next_instance().await {
        Ok(Some(head)) => Fetched::Next(whole, Ok(Some((source, head)))),
        Ok(None) => Fetched::Next(whole, Ok(None)),
        Err(error) => Fetched::Next(whole, Err(error.into())),
    }
}
