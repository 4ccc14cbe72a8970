//! Tokens that end, are taken back, and cannot be had for a while.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, StatusCode, header},
    middleware::Next,
    routing::post,
};
use dicomweb::{
    Credentials,
    auth::{ClientProof, OAuthClient},
};
use dimse::Status;
use spool::Listed;
use tokio::net::TcpListener;

use super::{
    origin::FakeOrigin,
    site::{Instance, Site, instance},
};
use crate::config::Config;

/// How a token end point is at the moment.
#[derive(Debug, Clone, Copy)]
enum State {
    /// It gives tokens of this life in seconds.
    Gives(u32),
    /// It answers with this status and a page.
    Answers(u16),
    /// It refuses the secret.
    Refuses,
}

/// A token end point, and who checks its tokens in front of an origin.
#[derive(Clone)]
struct Guard {
    state: Arc<Mutex<State>>,
    good: Arc<Mutex<Vec<String>>>,
    given: Arc<Mutex<usize>>,
    /// Tokens are taken back after so many requests.
    uses_max: Arc<Mutex<usize>>,
    uses: Arc<Mutex<usize>>,
}

impl Guard {
    fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State::Gives(3600))),
            good: Arc::default(),
            given: Arc::default(),
            uses_max: Arc::new(Mutex::new(usize::MAX)),
            uses: Arc::default(),
        }
    }

    fn is(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    fn give(&self) -> Response<Body> {
        let answer = |status: u16, media_type: &str, body: String| {
            let builder = Response::builder().status(status).header(header::CONTENT_TYPE, media_type);
            builder.body(Body::from(body)).unwrap()
        };
        match *self.state.lock().unwrap() {
            State::Answers(status) => answer(status, "text/html", "<html>Sorry</html>".to_owned()),
            State::Refuses => answer(401, "application/json", r#"{"error":"invalid_client"}"#.to_owned()),
            State::Gives(life) => {
                let mut given = self.given.lock().unwrap();
                *given += 1;
                let token = format!("token-{given}");
                self.good.lock().unwrap().push(format!("Bearer {token}"));
                let body = format!(r#"{{"access_token":"{token}","expires_in":{life}}}"#);
                answer(200, "application/json", body)
            }
        }
    }

    fn takes(&self, shown: Option<&str>) -> bool {
        let mut good = self.good.lock().unwrap();
        let taken = shown.is_some_and(|shown| good.iter().any(|good| good == shown));
        let mut uses = self.uses.lock().unwrap();
        *uses += usize::from(taken);
        if *uses >= *self.uses_max.lock().unwrap() {
            *uses = 0;
            good.clear();
        }
        taken
    }

    /// The router of the end point, and of an origin that asks for its tokens.
    fn router(&self, origin: &FakeOrigin) -> Router {
        let (tokens, guard) = (self.clone(), self.clone());
        let check = move |request: Request, next: Next| {
            let guard = guard.clone();
            async move {
                let shown = request.headers().get(header::AUTHORIZATION);
                let shown = shown.and_then(|shown| shown.to_str().ok()).map(ToOwned::to_owned);
                if guard.takes(shown.as_deref()) {
                    return next.run(request).await;
                }
                let _ = axum::body::to_bytes(request.into_body(), usize::MAX).await;
                Response::builder().status(StatusCode::UNAUTHORIZED).body(Body::empty()).unwrap()
            }
        };
        let guarded = origin.router().layer(axum::middleware::from_fn(check));
        guarded.route("/token", post(move || async move { tokens.give() }))
    }
}

/// A bridge, an origin, and who gives the tokens for it.
async fn site(guard: &Guard, change: impl FnOnce(&mut Config)) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let origin = FakeOrigin::default();
    let router = guard.router(&origin);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Site::with_origin(origin, address, |config| {
        config.origins[0].client.credentials = Credentials::OAuthClient(OAuthClient {
            token_url: format!("http://{address}/token").parse().unwrap(),
            client_id: "dimseway".to_owned(),
            proof: ClientProof::SecretInBody("secret".to_owned().into()),
            scope: None,
            parameters: BTreeMap::new(),
        });
        change(config);
    })
    .await
}

async fn send(site: &Site, numbers: std::ops::Range<usize>) {
    let mut modality = site.modality().await;
    for number in numbers {
        let instance: Instance = instance(number, 1000);
        assert_eq!(modality.store(&instance).await.status, Status::SUCCESS);
    }
    modality.association.release().await.unwrap();
}

fn attempts(lines: &[Listed]) -> Vec<u32> {
    lines.iter().map(|line| line.attempts).collect()
}

#[tokio::test]
async fn while_there_is_no_token_deliveries_wait_and_use_no_attempt_up() {
    let cases = [
        (State::Answers(503), "no_token", "gives no token", "it answered 503"),
        (State::Answers(200), "no_token", "gives no token", "HTML"),
        (State::Refuses, "token_refused", "refuses our credentials", "invalid_client"),
    ];
    for (state, reason, words, fault) in cases {
        let guard = Guard::new();
        guard.is(state);
        let site = site(&guard, |_| {}).await;
        send(&site, 0..20).await;
        let down =
            format!("dimseway_destination_down_reason{{destination=\"archive\",reason=\"{reason}\"}} 1");
        site.metric(&down).await;
        site.metric("dimseway_destination_probes_total{destination=\"archive\",outcome=\"failed\"}").await;
        let waits = site.bridge.waits_for(&"archive".parse().unwrap()).unwrap();
        assert!(waits.contains("token end point") && waits.contains(words), "{waits}");
        let lines = site.deliveries().await;
        assert!(lines.iter().all(|line| line.attempts <= 1), "{:?}", attempts(&lines));
        let told = lines.iter().filter_map(|line| line.reason.as_deref()).collect::<Vec<_>>();
        assert!(told.iter().any(|reason| reason.contains("/token") && reason.contains(fault)), "{told:?}");
        assert_eq!(site.origin.requests(), 0, "nothing goes to the origin without one");

        guard.is(State::Gives(3600));
        let lines = site.delivered(20).await;
        assert!(lines.iter().all(|line| line.attempts <= 1), "{:?}", attempts(&lines));
        site.metric("dimseway_destination_down{destination=\"archive\"} 0").await;
        assert_eq!(site.bridge.waits_for(&"archive".parse().unwrap()), None);
        assert_eq!(*guard.given.lock().unwrap(), 1, "one token for all");
        assert!(!site.bridge.metrics().to_text().unwrap().contains(reason), "the reason is gone");
    }
}

#[tokio::test]
async fn tokens_that_are_taken_back_in_mid_transfer_fail_no_instance() {
    let guard = Guard::new();
    *guard.uses_max.lock().unwrap() = 3;
    let site = site(&guard, |config| config.forward.batch_instances = 1).await;
    send(&site, 0..30).await;
    let lines = site.delivered(30).await;
    assert!(lines.iter().all(|line| line.attempts <= 1), "{:?}", attempts(&lines));
    assert_eq!(site.origin.stored().len(), 30);
    assert!(*guard.given.lock().unwrap() >= 10, "every third request ends a token");
    site.metric("dimseway_token_requests_total{origin=\"archive\",outcome=\"fetched\"}").await;
}

#[tokio::test]
async fn tokens_that_end_at_once_are_no_obstacle() {
    let guard = Guard::new();
    guard.is(State::Gives(0));
    let site = site(&guard, |config| config.forward.batch_instances = 1).await;
    send(&site, 0..10).await;
    let lines = site.delivered(10).await;
    assert!(lines.iter().all(|line| line.attempts <= 1), "{:?}", attempts(&lines));
}

#[tokio::test]
async fn an_end_point_that_fails_while_tokens_are_taken_back_holds_the_origin() {
    let guard = Guard::new();
    let site = site(&guard, |_| {}).await;
    send(&site, 0..1).await;
    site.delivered(1).await;
    guard.is(State::Answers(500));
    guard.good.lock().unwrap().clear();
    send(&site, 1..5).await;
    site.metric("dimseway_destination_down_reason{destination=\"archive\",reason=\"no_token\"} 1").await;
    guard.is(State::Gives(3600));
    let lines = site.delivered(5).await;
    assert!(lines.iter().all(|line| line.attempts <= 1), "{:?}", attempts(&lines));
    site.metric("dimseway_token_requests_total{origin=\"archive\",outcome=\"failed\"}").await;
}
