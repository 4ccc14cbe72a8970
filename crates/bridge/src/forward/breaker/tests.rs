use super::*;

const DOWN: Health = Health::Failed(Cause::Unavailable);

fn breaker() -> CircuitBreaker {
    CircuitBreaker::new(Settings {
        failures: 3,
        probe_min: Duration::from_secs(1),
        probe_max: Duration::from_secs(30),
        credentials: Duration::from_secs(60),
    })
}

fn opened(now: Instant) -> CircuitBreaker {
    let mut breaker = breaker();
    (0..3).for_each(|_| breaker.observe(DOWN, now));
    breaker
}

fn wait(breaker: &CircuitBreaker, now: Instant) -> u64 {
    match breaker.permitted(now) {
        Permitted::NotBefore(at) => (at - now).as_secs(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn opens_after_failures_in_a_row_only() {
    let now = Instant::now();
    let mut breaker = breaker();
    for health in [DOWN, DOWN, Health::Answered, DOWN, Health::Unclear, DOWN] {
        breaker.observe(health, now);
        assert_eq!(breaker.permitted(now), Permitted::All);
    }
    breaker.observe(DOWN, now);
    assert_eq!(breaker.down(), Some(Cause::Unavailable));
    assert_eq!(wait(&breaker, now), 1);
}

#[tokio::test(start_paused = true)]
async fn probes_ever_more_seldom_and_comes_back_by_itself() {
    let mut breaker = opened(Instant::now());
    let mut waits = Vec::new();
    for _ in 0..7 {
        let seconds = wait(&breaker, Instant::now());
        waits.push(seconds);
        assert!(!breaker.probe_due(Instant::now()));
        tokio::time::advance(Duration::from_secs(seconds)).await;
        assert!(breaker.probe_due(Instant::now()));
        breaker.probed(DOWN, Instant::now());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    breaker.probed(Health::Answered, Instant::now());
    assert_eq!(breaker.permitted(Instant::now()), Permitted::One, "on trial");
    assert!(breaker.down().is_some());
    breaker.observe(Health::Answered, Instant::now());
    assert_eq!(breaker.permitted(Instant::now()), Permitted::All);
    assert_eq!(breaker.down(), None);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_fails_opens_it_again_for_longer() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.probed(Health::Answered, now);
    breaker.observe(DOWN, now);
    assert_eq!(wait(&breaker, now), 2);
    breaker.probed(Health::Answered, now);
    breaker.observe(DOWN, now);
    assert_eq!(wait(&breaker, now), 4);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_open_it_at_once_and_are_probed_slowly() {
    let now = Instant::now();
    let mut breaker = breaker();
    breaker.observe(Health::Failed(Cause::Credentials), now);
    assert_eq!(breaker.down(), Some(Cause::Credentials));
    assert_eq!(wait(&breaker, now), 60);
    breaker.probed(Health::Failed(Cause::Credentials), now);
    assert_eq!(wait(&breaker, now), 60);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_had_opens_it_at_once() {
    let cases = [(Cause::NoToken, [1, 2, 4]), (Cause::TokenRefused, [60, 60, 60])];
    for (cause, waits) in cases {
        let now = Instant::now();
        let mut breaker = breaker();
        breaker.observe(Health::Failed(cause), now);
        for expected in waits {
            assert_eq!((breaker.down(), wait(&breaker, now)), (Some(cause), expected));
            breaker.probed(Health::Failed(cause), now);
        }
        // It gives tokens again, but the destination itself is down.
        breaker.probed(DOWN, now);
        assert_eq!(breaker.down(), Some(Cause::Unavailable));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_asked_for_ends_by_itself() {
    let now = Instant::now();
    let mut breaker = breaker();
    breaker.observe(Health::Pause(Duration::from_secs(20)), now);
    assert_eq!(wait(&breaker, now), 20);
    assert_eq!(breaker.down(), None);
    assert!(!breaker.probe_due(now + Duration::from_secs(21)));
    assert_eq!(breaker.permitted(now + Duration::from_secs(20)), Permitted::All);
    breaker.observe(Health::Pause(Duration::from_secs(1_000_000)), now);
    assert_eq!(wait(&breaker, now), 3600, "no pause is longer than an hour");
    let mut breaker = self::breaker();
    breaker.observe(Health::Pause(Duration::ZERO), now);
    assert_eq!(wait(&breaker, now), 1, "nor is it none, or a backlog storms");
}

#[tokio::test(start_paused = true)]
async fn what_requests_begun_before_tell_does_not_end_a_pause() {
    let now = Instant::now();
    let mut breaker = breaker();
    breaker.observe(Health::Pause(Duration::from_secs(20)), now);
    for health in [Health::Answered, DOWN] {
        breaker.observe(health, now);
        assert_eq!(wait(&breaker, now), 20, "{health:?}");
    }
}
