use std::collections::VecDeque;

use futures::FutureExt as _;
use http::HeaderValue;
use tokio::sync::Semaphore;

use super::*;
use crate::error::{Remedy, Unreadable};

/// A token end point that gives tokens `1`, `2` and so on, each as long as the script says, or fails.
#[derive(Clone)]
struct EndPoint {
    script: Arc<Mutex<VecDeque<Result<u64, TokenFault>>>>,
    asked: Arc<Mutex<u32>>,
    /// A permit for each answer.
    answers: Arc<Semaphore>,
}

impl EndPoint {
    fn new(script: impl IntoIterator<Item = Result<u64, TokenFault>>) -> (Self, Arc<TokenCache<Self>>) {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        let answers = Arc::new(Semaphore::new(1000));
        let end_point = Self { script, asked: Arc::default(), answers };
        (end_point.clone(), Arc::new(TokenCache::new(end_point)))
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }

    fn hold(&self) {
        self.answers.forget_permits(self.answers.available_permits());
    }
}

impl Issuer for EndPoint {
    type Token = HeaderValue;

    fn end_point(&self) -> String {
        "http://h/token".to_owned()
    }

    async fn fetch(&self) -> Result<Granted<HeaderValue>, TokenError> {
        let number = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        self.answers.acquire().await.unwrap().forget();
        let next = self.script.lock().unwrap().pop_front().expect("it is asked as often as the script says");
        next.map(|life| Granted {
            token: HeaderValue::from_str(&number.to_string()).unwrap(),
            life: Duration::from_secs(life),
        })
        .map_err(|fault| TokenError { end_point: self.end_point(), fault })
    }
}

fn number(held: &Result<Arc<Held>, TokenError>) -> &str {
    held.as_ref().unwrap().token().to_str().unwrap()
}

fn down() -> Result<u64, TokenFault> {
    Err(TokenFault::Unreachable("refused".to_owned()))
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// Lets a request in the background come to its end.
async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_used_until_five_minutes_before_its_end() {
    let (end_point, cache) = EndPoint::new([Ok(3600), Ok(3600)]);
    assert_eq!(number(&cache.current().await), "1");
    pass(3600 - 301).await;
    assert_eq!((number(&cache.current().await), end_point.asked()), ("1", 1));
    pass(2).await;
    assert_eq!(number(&cache.current().await), "1", "nobody waits for the new one");
    settle().await;
    assert_eq!((number(&cache.current().await), end_point.asked()), ("2", 2));
    let state = cache.state().unwrap();
    assert_eq!((state.life.as_secs(), state.end_point.as_str()), (3600, "http://h/token"));
}

#[tokio::test(start_paused = true)]
async fn a_short_lived_one_until_half_its_life() {
    let (end_point, cache) = EndPoint::new([Ok(8), Ok(8)]);
    cache.current().await.unwrap();
    pass(3).await;
    assert_eq!(number(&cache.current().await), "1");
    pass(2).await;
    cache.current().await.unwrap();
    settle().await;
    assert_eq!((number(&cache.current().await), end_point.asked()), ("2", 2));
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_get_the_same() {
    let (end_point, cache) = EndPoint::new([Ok(3600)]);
    end_point.hold();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move { cache.current().await })
        })
        .collect();
    settle().await;
    end_point.answers.add_permits(1);
    for waiting in waiting {
        assert_eq!(number(&waiting.await.unwrap()), "1");
    }
    assert_eq!(end_point.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_on_when_who_wanted_it_has_gone() {
    let (end_point, cache) = EndPoint::new([Ok(3600)]);
    end_point.hold();
    assert!(cache.current().now_or_never().is_none());
    settle().await;
    end_point.answers.add_permits(1);
    assert_eq!(number(&cache.current().await), "1");
    assert_eq!(end_point.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_the_answer_to_all_for_a_while() {
    let (end_point, cache) = EndPoint::new([down(), down(), down(), Ok(3600)]);
    for (asked, pause) in [(1, 1), (2, 2), (3, 4)] {
        for _ in 0..10 {
            let error = cache.current().await.unwrap_err();
            assert_eq!(error.remedy(), Remedy::Retry { after: None });
        }
        assert_eq!(end_point.asked(), asked);
        pass(pause).await;
    }
    assert_eq!(number(&cache.current().await), "4");
    assert!(cache.current().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_longer_pause_that_is_asked_for_is_kept_to() {
    let busy = TokenFault::Refused {
        status: http::StatusCode::TOO_MANY_REQUESTS,
        code: None,
        retry_after: Some(Duration::from_secs(60)),
    };
    let (end_point, cache) = EndPoint::new([Err(busy), Ok(3600)]);
    assert!(cache.current().await.is_err());
    pass(59).await;
    assert!(cache.current().await.is_err());
    assert_eq!(end_point.asked(), 1);
    pass(1).await;
    assert_eq!(number(&cache.current().await), "2");
}

#[tokio::test(start_paused = true)]
async fn what_is_good_serves_on_while_there_is_nothing_new() {
    let (end_point, cache) =
        EndPoint::new([Ok(600), down(), Err(TokenFault::Unreadable(Unreadable::Html)), down()]);
    cache.current().await.unwrap();
    pass(400).await;
    for _ in 0..3 {
        assert_eq!(number(&cache.current().await), "1");
        settle().await;
    }
    assert_eq!(end_point.asked(), 2);
    pass(195).await;
    assert_eq!(number(&cache.current().await), "1", "nearly over, and nothing else to be had");
    assert_eq!(end_point.asked(), 3);
    pass(5).await;
    assert!(cache.current().await.is_err());
    assert_eq!(cache.state(), None);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_for_all() {
    let (end_point, cache) = EndPoint::new([Ok(3600), Ok(3600)]);
    let first = cache.current().await.unwrap();
    first.accepted();
    for _ in 0..3 {
        assert!(cache.instead_of(&first).await.unwrap());
    }
    assert_eq!((number(&cache.current().await), end_point.asked()), ("2", 2));
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_refuses_them_all_has_one_now_and_then() {
    let (end_point, cache) = EndPoint::new([Ok(3600), Ok(3600), Ok(3600)]);
    let first = cache.current().await.unwrap();
    assert!(cache.instead_of(&first).await.unwrap());
    let second = cache.current().await.unwrap();
    for _ in 0..3 {
        assert!(!cache.instead_of(&second).await.unwrap(), "it is not the token's fault");
    }
    assert_eq!(end_point.asked(), 2);
    pass(15).await;
    assert!(cache.instead_of(&second).await.unwrap());
    assert_eq!(end_point.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_accepted_may_be_refused_at_any_time() {
    let (end_point, cache) = EndPoint::new([Ok(3600), Ok(3600), Ok(3600)]);
    for asked in [1, 2] {
        let held = cache.current().await.unwrap();
        held.accepted();
        assert!(cache.instead_of(&held).await.unwrap());
        assert_eq!(end_point.asked(), asked + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_takes_some_requests_and_refuses_others_has_few() {
    let (end_point, cache) = EndPoint::new(std::iter::repeat_n(Ok(3600), 8));
    for _ in 0..20 {
        let held = cache.current().await.unwrap();
        held.accepted();
        let _ = cache.instead_of(&held).await.unwrap();
    }
    assert_eq!(end_point.asked(), 1 + REPLACED_MAX, "it is not the token's fault");
    pass(15).await;
    let held = cache.current().await.unwrap();
    held.accepted();
    assert!(cache.instead_of(&held).await.unwrap(), "this one may have been revoked since");
    assert_eq!(end_point.asked(), 2 + REPLACED_MAX);
}

#[tokio::test(start_paused = true)]
async fn late_answers_to_an_older_token_change_nothing() {
    let (end_point, cache) = EndPoint::new([Ok(3600), Ok(3600)]);
    let first = cache.current().await.unwrap();
    assert!(cache.instead_of(&first).await.unwrap());
    let second = cache.current().await.unwrap();
    second.accepted();
    // Requests with the first one are answered in any order.
    first.accepted();
    assert!(cache.instead_of(&first).await.unwrap(), "there is another one by now");
    assert_eq!((number(&cache.current().await), end_point.asked()), ("2", 2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_that_cannot_be_replaced_is_a_failure() {
    let (end_point, cache) = EndPoint::new([Ok(3600), down(), Ok(3600)]);
    let first = cache.current().await.unwrap();
    for _ in 0..2 {
        let error = cache.instead_of(&first).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::Retry { after: None });
    }
    assert_eq!(end_point.asked(), 2);
    pass(1).await;
    assert!(cache.instead_of(&first).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn tokens_that_have_ended_already_are_not_asked_for_by_every_request() {
    let (end_point, cache) = EndPoint::new([Ok(0), Ok(0)]);
    for _ in 0..5 {
        assert_eq!(number(&cache.current().await), "1");
    }
    assert_eq!(end_point.asked(), 1);
    pass(2).await;
    assert_eq!(number(&cache.current().await), "2");
}

#[tokio::test(start_paused = true)]
async fn every_request_is_told_of() {
    let (_, cache) = EndPoint::new([down(), Ok(60)]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    cache.observe(TokenObserver::new(move |request| {
        log.lock().unwrap().push(request.outcome.map_err(|error| error.fault.clone()));
    }));
    assert!(cache.current().await.is_err());
    pass(1).await;
    assert!(cache.current().await.is_ok());
    let told = told.lock().unwrap();
    assert_eq!(*told, [Err(down().unwrap_err()), Ok(Duration::from_secs(60))]);
}
