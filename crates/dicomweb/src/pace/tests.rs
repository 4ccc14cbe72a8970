use std::sync::Arc;

use futures::FutureExt as _;
use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn pace(rates: Rates) -> Pace {
    // A full minute ahead of the next window, and a clock that stands still.
    Pace::with_clock(RateLimit { rates, ..RateLimit::default() }, Box::new(|| Timestamp::UNIX_EPOCH))
}

fn requests(per_second: f64, burst: u32) -> Rates {
    Rates { requests_per_second: Some(per_second), burst: Some(burst), ..Rates::default() }
}

fn concurrent(most: u32) -> Rates {
    Rates { concurrent: Some(most), ..Rates::default() }
}

/// How many requests begin without waiting.
fn at_once(pace: &Pace, precedence: Precedence) -> Vec<Admission> {
    std::iter::from_fn(|| pace.admit(precedence).now_or_never()).take(100).collect()
}

#[tokio::test(start_paused = true)]
async fn without_limits_nobody_waits() {
    let pace = Pace::default();
    assert_eq!(at_once(&pace, Precedence::Bulk).len(), 100);
    assert!(pace.bytes(Precedence::Bulk, usize::MAX).now_or_never().is_some());
    assert_eq!(pace.bulk_ready_at(), None);
    assert_eq!(pace.waited(Precedence::Bulk), Waited::default());
}

#[tokio::test(start_paused = true)]
async fn requests_follow_each_other_at_their_rate_after_a_burst() {
    let pace = pace(requests(2.0, 3));
    let began = Instant::now();
    let mut begun = Vec::new();
    for _ in 0..6 {
        drop(pace.admit(Precedence::Bulk).await);
        begun.push(began.elapsed().as_millis());
    }
    assert_eq!(begun, [0, 0, 0, 500, 1000, 1500]);
    assert_eq!(pace.waited(Precedence::Bulk).requests, SECOND * 3 / 2);
    assert_eq!(pace.waited(Precedence::Interactive), Waited::default());
    assert_eq!(pace.bulk_ready_at(), Some(Instant::now() + SECOND / 2));
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(pace.bulk_ready_at(), None);
    assert_eq!(at_once(&pace, Precedence::Bulk).len(), 3, "no more than the burst is kept");
}

#[tokio::test(start_paused = true)]
async fn a_rate_below_one_in_a_second_is_kept_to() {
    let pace = pace(Rates { requests_per_second: Some(0.1), ..Rates::default() });
    assert_eq!(at_once(&pace, Precedence::Interactive).len(), 1);
    let began = Instant::now();
    pace.admit(Precedence::Interactive).await;
    assert_eq!(began.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn bytes_pass_at_their_rate_in_pieces() {
    let pace = pace(Rates { bytes_per_second: Some(100_000), ..Rates::default() });
    let body = stream::iter([Ok::<_, ()>(Bytes::from(vec![7; 250_000])), Ok(Bytes::from_static(b"end"))]);
    let began = Instant::now();
    let pieces: Vec<Bytes> =
        pace.body(Precedence::Bulk, &Waits::default(), body).try_collect().await.unwrap();
    assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), 250_003);
    assert!(pieces.iter().all(|piece| piece.len() <= 25_000), "a quarter of a second each");
    assert!(pieces.concat().ends_with(b"end"));
    // The first 100,000 bytes are free, and a piece may overdraw.
    assert!((SECOND * 5 / 4..=SECOND * 8 / 5).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(pace.waited(Precedence::Bulk).bytes, began.elapsed());
    assert!(pace.bulk_ready_at().is_some(), "a delivery would wait for its bytes");
}

#[tokio::test(start_paused = true)]
async fn one_slot_is_left_to_those_who_wait() {
    let pace = pace(concurrent(3));
    let mut bulk = at_once(&pace, Precedence::Bulk);
    assert_eq!(bulk.len(), 2);
    assert_eq!(at_once(&pace, Precedence::Interactive).len(), 1);
    let alone = self::pace(concurrent(1));
    assert_eq!(at_once(&alone, Precedence::Bulk).len(), 1, "the only one is for both");

    let waits = tokio::spawn({
        let pace = pace.clone();
        async move { pace.admit(Precedence::Bulk).await }
    });
    tokio::task::yield_now().await;
    drop(bulk.pop());
    let began = Instant::now();
    waits.await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO, "the end of a request wakes who waits for it");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_locks_nobody_up() {
    let pace = pace(concurrent(1));
    let unread = pace.admit(Precedence::Interactive).await;
    let kept = pace.admit(Precedence::Interactive).now_or_never();
    assert!(kept.is_none());
    unread.is_left();
    let began = Instant::now();
    let second = pace.admit(Precedence::Interactive).await;
    assert_eq!(began.elapsed(), SECOND);
    drop(second);
    unread.is_used();
    assert!(pace.admit(Precedence::Interactive).now_or_never().is_none(), "it counts again");
}

/// Has so many requests of each precedence wait, and gives the order in which they began.
async fn order(pace: &Pace, bulk: usize, interactive: usize) -> Vec<Precedence> {
    let begun = Arc::new(Mutex::new(Vec::new()));
    let all = std::iter::repeat_n(Precedence::Bulk, bulk)
        .chain(std::iter::repeat_n(Precedence::Interactive, interactive));
    let waiting: Vec<_> = all
        .map(|precedence| {
            let (pace, begun) = (pace.clone(), Arc::clone(&begun));
            tokio::spawn(async move {
                let admission = pace.admit(precedence).await;
                begun.lock().unwrap().push(precedence);
                drop(admission);
            })
        })
        .collect();
    for one in waiting {
        one.await.unwrap();
    }
    Arc::try_unwrap(begun).unwrap().into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_is_waited_for_goes_first_and_starves_nobody() {
    let pace = pace(requests(10.0, 1));
    drop(pace.admit(Precedence::Bulk).await);
    let order = order(&pace, 30, 30).await;
    let at = |wanted| {
        let of = order.iter().enumerate().filter(move |(_, precedence)| **precedence == wanted);
        of.map(|(position, _)| position).collect::<Vec<_>>()
    };
    let (interactive, bulk) = (at(Precedence::Interactive), at(Precedence::Bulk));
    assert!(*interactive.last().unwrap() < 36, "{interactive:?}");
    assert!(bulk.iter().filter(|position| **position < 32).count() >= 3, "{bulk:?}");
}

#[tokio::test(start_paused = true)]
async fn bulk_requests_without_a_slot_keep_nobody_back() {
    let pace = pace(concurrent(2));
    let _uploads = at_once(&pace, Precedence::Bulk);
    let waits = tokio::spawn({
        let pace = pace.clone();
        async move { pace.admit(Precedence::Bulk).await }
    });
    tokio::task::yield_now().await;
    for _ in 0..50 {
        assert!(pace.admit(Precedence::Interactive).now_or_never().is_some());
    }
    waits.abort();
    assert!(waits.await.unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_no_trace() {
    let pace = pace(requests(1.0, 1));
    drop(pace.admit(Precedence::Bulk).await);
    let given_up = tokio::time::timeout(SECOND / 2, pace.admit(Precedence::Interactive)).await;
    assert!(given_up.is_err());
    let began = Instant::now();
    drop(pace.admit(Precedence::Bulk).await);
    assert_eq!(began.elapsed(), SECOND / 2);
}

#[tokio::test(start_paused = true)]
async fn other_limits_count_at_once() {
    let pace = pace(requests(0.001, 1));
    drop(pace.admit(Precedence::Bulk).await);
    let waits = tokio::spawn({
        let pace = pace.clone();
        async move { pace.admit(Precedence::Bulk).await }
    });
    tokio::task::yield_now().await;
    let began = Instant::now();
    pace.configure(RateLimit::default());
    waits.await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(pace.limit().is_none());
}

/// A clock that begins at this time of day and goes with that of the test.
fn clock(begins: &str) -> Clock {
    let (begins, began) = (begins.parse::<Timestamp>().unwrap(), Instant::now());
    Box::new(move || begins + began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn other_times_of_day_have_other_limits() {
    let night =
        Window { days: Vec::new(), from: time(18, 0, 0, 0), to: time(7, 0, 0, 0), rates: Rates::default() };
    let limit = RateLimit {
        rates: Rates { deliveries: false, ..requests(1.0, 1) },
        windows: vec![night],
        time_zone: TimeZone::UTC,
    };
    let pace = Pace::with_clock(limit, clock("2026-11-22T17:58:30Z"));
    let began = Instant::now();
    assert!(pace.is_closed_for_deliveries());
    assert_eq!(pace.bulk_ready_at(), Some(began + 30 * SECOND), "the next minute");
    assert_eq!(at_once(&pace, Precedence::Interactive).len(), 1, "queries go on at their pace");
    tokio::time::advance(30 * SECOND).await;
    assert_eq!(pace.bulk_ready_at(), Some(began + 90 * SECOND));
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(pace.bulk_ready_at(), None);
    assert_eq!(at_once(&pace, Precedence::Bulk).len(), 100);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_judged_by_the_time_of_day_that_has_begun() {
    let window =
        Window { days: Vec::new(), from: time(18, 0, 0, 0), to: time(19, 0, 0, 0), rates: Rates::default() };
    let limit = RateLimit { rates: requests(0.001, 1), windows: vec![window], time_zone: TimeZone::UTC };
    let pace = Pace::with_clock(limit, clock("2026-11-22T17:59:50Z"));
    drop(pace.admit(Precedence::Bulk).await);
    let began = Instant::now();
    drop(pace.admit(Precedence::Bulk).await);
    assert_eq!(began.elapsed(), 10 * SECOND);
}

#[test]
fn windows_are_times_of_day_in_their_zone() {
    let zone = TimeZone::fixed(jiff::tz::offset(1));
    let window = |days: &[Weekday], from, to| RateLimit {
        windows: vec![Window { days: days.to_vec(), from, to, rates: concurrent(1) }],
        time_zone: zone.clone(),
        ..RateLimit::default()
    };
    let day = window(&[], time(7, 0, 0, 0), time(18, 30, 0, 0));
    let friday_night = window(&[Weekday::Friday], time(22, 0, 0, 0), time(6, 0, 0, 0));
    let whole_sunday = window(&[Weekday::Sunday], time(0, 0, 0, 0), time(0, 0, 0, 0));
    let rows = [
        (&day, "2026-11-22T05:59:59Z", false),
        (&day, "2026-11-22T06:00:00Z", true),
        (&day, "2026-11-22T17:29:59Z", true),
        (&day, "2026-11-22T17:30:00Z", false),
        // 2026-11-20 is a Friday.
        (&friday_night, "2026-11-20T20:59:00Z", false),
        (&friday_night, "2026-11-20T21:00:00Z", true),
        (&friday_night, "2026-11-21T04:59:00Z", true),
        (&friday_night, "2026-11-21T05:00:00Z", false),
        (&friday_night, "2026-11-21T21:00:00Z", false),
        (&whole_sunday, "2026-11-21T22:59:00Z", false),
        (&whole_sunday, "2026-11-21T23:00:00Z", true),
        (&whole_sunday, "2026-11-22T22:59:00Z", true),
        (&whole_sunday, "2026-11-22T23:00:00Z", false),
    ];
    for (limit, moment, inside) in rows {
        assert_eq!(limit.at(moment.parse().unwrap()).concurrent.is_some(), inside, "{moment}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_waited_for_the_pace_is_not_the_time_of_a_transfer() {
    let pace = pace(Rates { bytes_per_second: Some(100_000), ..Rates::default() });
    let transfer = |bytes: usize, idle: Duration| {
        let (pace, waits) = (pace.clone(), Waits::default());
        async move {
            let body = stream::iter([Ok::<_, ()>(Bytes::from(vec![7; bytes]))]);
            let body = pace.body(Precedence::Bulk, &waits, body);
            let work = async {
                let sent = body.try_fold(0, |sent, piece| async move { Ok(sent + piece.len()) }).await;
                tokio::time::sleep(idle).await;
                sent
            };
            waits.within(2 * SECOND, work).await
        }
    };
    let began = Instant::now();
    assert_eq!(transfer(6_000_000, SECOND).await, Some(Ok(6_000_000)));
    assert!(began.elapsed() > 50 * SECOND, "it was paced: {:?}", began.elapsed());
    let began = Instant::now();
    assert_eq!(transfer(1_000_000, 3600 * SECOND).await, None);
    assert!(began.elapsed() < 20 * SECOND, "what stands still is given up: {:?}", began.elapsed());
}
