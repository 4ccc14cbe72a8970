//! Servers that refuse, break, stand still and send elsewhere.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::samples::{of, order};
use crate::conventions::{EmptyAnswer, ReasonOnSuccess};
use crate::request::*;
use crate::testing::{Play, Server, answer, json};
use crate::*;

fn listing() -> GetPatientOrderList {
    GetPatientOrderList { patient_id: Some(of("PID1")), ..GetPatientOrderList::default() }
}

#[tokio::test]
async fn what_never_left_is_told_from_what_may_have_been_done() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let nobody = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(ClientConfig::new(nobody.parse().unwrap(), None)).unwrap();
    let error = client.create_patient_order(order("DOE")).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error}");
    assert_eq!(error.delivery(), Delivery::NeverLeft);

    let halfway = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Success\":";
    for play in [Play::Hang, Play::Answer(halfway.into()), Play::Answer(b"nonsense\r\n\r\n".to_vec())] {
        let server = Server::start([play.clone(), play]).await;
        let error = server.client().create_patient_order(order("DOE^JOHN")).await.unwrap_err();
        assert_eq!(error.delivery(), Delivery::OutcomeUnknown, "{error}");
        assert_eq!(error.remedy(SideEffect::Searchable), Remedy::OutcomeUnknown);
        assert_eq!(server.seen().len(), 1, "a call with side effects is sent once");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("DOE") && !shown.contains("127.0.0.1"), "{shown}");
    }
}

#[tokio::test]
async fn a_server_that_stands_still_is_given_up() {
    let server = Server::start([Play::Silence]).await;
    let timeouts = Timeouts { total: Duration::from_millis(50), ..Timeouts::default() };
    let client = Client::new(ClientConfig { timeouts, ..server.config() }).unwrap();
    let error = client.create_patient_order(order("DOE")).await.unwrap_err();
    assert!(matches!(error, Error::Timeout), "{error}");
    assert_eq!((error.delivery(), server.seen().len()), (Delivery::OutcomeUnknown, 1));
}

#[tokio::test]
async fn a_call_that_only_reads_is_sent_once_more() {
    let server = Server::start([Play::Hang, json(&json!([{"PatientOrderUuid": "a"}]))]).await;
    let list = server.client().get_patient_order_list(listing()).await.unwrap();
    assert_eq!((list.orders.len(), server.seen().len()), (1, 2));
    let server = Server::start([Play::Hang, Play::Hang]).await;
    let error = server.client().get_patient_order_list(listing()).await.unwrap_err();
    assert_eq!(error.remedy(SideEffect::None), Remedy::Retry { after: None });
    assert_eq!(server.seen().len(), 2);
}

/// Lets one call go at a time, and writes down what was asked of it.
#[derive(Debug, Default)]
struct Counting {
    calls: AtomicUsize,
    bytes: AtomicUsize,
    under_way: Arc<()>,
}

impl Pace for Counting {
    fn admit(&self) -> pace::Pending<'_, pace::Admission> {
        Box::pin(async {
            assert_eq!(Arc::strong_count(&self.under_way), 1, "the call before is under way");
            self.calls.fetch_add(1, Ordering::Relaxed);
            let admission: pace::Admission = Box::new(Arc::clone(&self.under_way));
            admission
        })
    }

    fn bytes(&self, count: usize) -> pace::Pending<'_, ()> {
        Box::pin(async move {
            assert_eq!(Arc::strong_count(&self.under_way), 2, "the answer belongs to the call");
            self.bytes.fetch_add(count, Ordering::Relaxed);
        })
    }
}

#[tokio::test]
async fn every_call_asks_for_its_turn_and_its_answer_for_its_bytes() {
    let body = json!([{"PatientOrderUuid": "a"}]);
    let plays = [json(&body), Play::Hang, json(&body), answer(503, "", ""), answer(200, "", "")];
    let server = Server::start(plays).await;
    let counting = Arc::new(Counting::default());
    let pace: Arc<dyn Pace> = Arc::clone(&counting) as _;
    let client = Client::new(ClientConfig { pace: Some(pace), ..server.config() }).unwrap();
    for expected in [true, true, false, true] {
        assert_eq!(client.get_patient_order_list(listing()).await.is_ok(), expected);
    }
    let counted = [&counting.calls, &counting.bytes].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counted, [5, 2 * body.to_string().len()], "one was sent again");
    assert_eq!((server.seen().len(), Arc::strong_count(&counting.under_way)), (5, 1));
}

/// Never lets a call go: the only one that may be under way does not end.
#[derive(Debug)]
struct Taken;

impl Pace for Taken {
    fn admit(&self) -> pace::Pending<'_, pace::Admission> {
        Box::pin(std::future::pending())
    }

    fn bytes(&self, _: usize) -> pace::Pending<'_, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_for_its_turn_for_ever() {
    let server = Server::start([]).await;
    let client = Client::new(ClientConfig { pace: Some(Arc::new(Taken)), ..server.config() }).unwrap();
    let calls = async {
        let reading = client.get_patient_order_list(listing()).await.unwrap_err();
        (reading, client.create_patient_order(order("DOE")).await.unwrap_err())
    };
    let day = Duration::from_secs(24 * 60 * 60);
    let (reading, changing) = tokio::time::timeout(day, calls).await.expect("they are given up");
    for (error, side_effect) in [(reading, SideEffect::None), (changing, SideEffect::Searchable)] {
        let told = error.to_string();
        assert!(told.contains("`rate_limit`") && told.contains("`unavailable_timeout`"), "{told}");
        assert_eq!(error.delivery(), Delivery::NeverLeft);
        assert_eq!(error.remedy(side_effect), Remedy::Retry { after: None });
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn calls_go_through_the_proxy_that_is_configured() {
    let (server, proxy) = (Server::start([json(&json!([]))]).await, Server::start([json(&json!([]))]).await);
    let address = proxy.base_url.to_string();
    let client = Client::new(ClientConfig { proxy: Proxy::Url(address), ..server.config() }).unwrap();
    client.get_patient_order_list(listing()).await.unwrap();
    assert!(server.seen().is_empty());
    assert!(proxy.seen()[0].line.contains(&server.base_url.to_string()), "{}", proxy.seen()[0].line);
    let client = Client::new(ClientConfig { proxy: Proxy::None, ..server.config() }).unwrap();
    client.get_patient_order_list(listing()).await.unwrap();
    assert_eq!((server.seen().len(), proxy.seen().len()), (1, 1));
    let wrong = Proxy::Url("http://".to_owned());
    assert!(matches!(
        Client::new(ClientConfig { proxy: wrong, ..server.config() }),
        Err(Error::Credentials(_))
    ));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start([answer(200, "", "{}")]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}/createpatientorder\r\n", elsewhere.base_url);
        let server = Server::start([answer(status, &location, "")]).await;
        let error = server.client().create_patient_order(order("DOE")).await.unwrap_err();
        assert_eq!(error.remedy(SideEffect::Searchable), Remedy::FixCredentials, "{status}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn refusals_carry_the_vendors_reason_for_whoever_asks() {
    let fields = "X-Error-Reason: DOE^JOHN has no institution\r\nRetry-After: 7\r\n";
    let server =
        Server::start([answer(400, fields, "x"), answer(503, fields, "x"), answer(401, "", "")]).await;
    let client = server.client();
    let error = client.create_patient_order(order("DOE")).await.unwrap_err();
    assert_eq!(error.reason().unwrap().expose(), "DOE^JOHN has no institution");
    assert_eq!(error.to_string(), "PostDICOM answered 400 Bad Request, and gives a reason");
    assert!(!format!("{error:?}").contains("DOE"));
    assert_eq!((error.delivery(), error.remedy(SideEffect::Searchable)), (Delivery::Refused, Remedy::Reject));
    let error = client.get_patient_order_list(listing()).await.unwrap_err();
    assert_eq!(error.remedy(SideEffect::None), Remedy::Retry { after: Some(Duration::from_secs(7)) });
    let error = client.get_patient_order_list(listing()).await.unwrap_err();
    assert_eq!((error.reason(), error.remedy(SideEffect::None)), (None, Remedy::FixCredentials));
}

#[tokio::test]
async fn success_that_says_it_failed_is_none() {
    let said = json(&json!({"Success": false, "Message": "no such institution"}));
    let server =
        Server::start([said, answer(200, "X-Error-Reason: no\r\n", "{}"), answer(200, "", "<html>")]).await;
    let client = server.client();
    for expected in ["no such institution", "no"] {
        let error = client.create_patient_order(order("DOE")).await.unwrap_err();
        assert!(matches!(error, Error::Failed { .. }), "{error}");
        assert_eq!(error.reason().unwrap().expose(), expected);
    }
    let error = client.create_patient_order(order("DOE")).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable(Unreadable::Html)), "{error}");
    assert_eq!(error.delivery(), Delivery::OutcomeUnknown);

    let server = Server::start([answer(200, "X-Error-Reason: no\r\n", "{}")]).await;
    let conventions = Conventions { reason_on_success: ReasonOnSuccess::Ignored, ..Conventions::default() };
    server.client_with(conventions).create_patient_order(order("DOE")).await.unwrap();
}

#[tokio::test]
async fn answers_have_limits_and_an_empty_one_a_meaning() {
    let large = json(&json!({"SearchResultList": ["x".repeat(2000)]}));
    let server =
        Server::start([large, answer(200, "", ""), answer(204, "", ""), answer(200, "", "DOE")]).await;
    let client = server.client_with(Conventions { answer_bytes_max: 1000, ..Conventions::default() });
    let error = client.get_patient_order_list(listing()).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable(Unreadable::TooLarge)), "{error}");
    assert!(client.get_patient_order_list(listing()).await.unwrap().orders.is_empty());
    assert!(client.get_patient_order_list(listing()).await.unwrap().orders.is_empty());
    let error = client.get_patient_order_list(listing()).await.unwrap_err();
    assert_eq!(error.to_string(), "PostDICOM's answer cannot be read: it is not JSON");

    let server = Server::start([answer(200, "", "")]).await;
    let conventions = Conventions { empty_answer: EmptyAnswer::Unreadable, ..Conventions::default() };
    let error = server.client_with(conventions).get_patient_order_list(listing()).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable(Unreadable::Empty)), "{error}");
}

#[tokio::test]
async fn every_convention_can_be_another() {
    let route = Route {
        path: Some("/v2/orders/create".parse().unwrap()),
        header: Some(HeaderName::from_static("x-parameters")),
        method: Some(Method::POST),
    };
    let mut conventions = Conventions { booleans: BooleanStyle::Capitalised, ..Conventions::default() };
    conventions.routes.insert(Function::CreatePatientOrder, route);
    conventions.headers = vec![
        (HeaderName::from_static("accept"), HeaderValue::from_static("text/plain")),
        (HeaderName::from_static("contenttype"), HeaderValue::from_static("application/json")),
        (HeaderName::from_static("cache-control"), HeaderValue::from_static("max-age=60")),
    ];
    let server = Server::start([answer(200, "", "OK"), answer(200, "", "OK")]).await;
    let client = server.client_with(conventions);
    client.create_patient_order(order("DOE")).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.line, "POST /dicomweb/v2/orders/create HTTP/1.1");
    assert!(seen.header("x-parameters").unwrap().starts_with(b"{\"InstitutionUuid\""));
    assert_eq!(seen.header("createpatientorderparameters"), None);
    assert_eq!(seen.header("accept"), Some(&b"text/plain"[..]));
    assert_eq!(seen.header("contenttype"), Some(&b"application/json"[..]));
    assert_eq!(seen.header("content-type"), None);
    assert_eq!(seen.header("cache-control"), Some(&b"no-store"[..]), "an answer may never be kept");

    let share = ShareFolderWithUrl {
        folder: of("f"),
        password: None,
        title: None,
        description: None,
        expires: None,
        user_can_download_studies: true,
    };
    client.share_folder_with_url(share).await.unwrap();
    let seen = server.seen().pop().unwrap();
    let value = seen.header("ShareFolderParameters").unwrap();
    assert!(value.ends_with(br#""ExpireDate":"","UserCanDownloadStudies":"True"}"#));
}

#[tokio::test]
async fn a_body_has_the_types_of_json() {
    let server = Server::start([answer(200, "", "https://example.org/s")]).await;
    let share = CreateShareLink {
        orders: vec![of("a"), of("b")],
        expires: of("2026-12-31"),
        password: Some(of("pw")),
        downloadable: true,
    };
    let links = server.client_with(Conventions::post_json()).create_share_link(share).await.unwrap();
    assert_eq!(links[0].expose(), Some("https://example.org/s"));
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.line, "POST /dicomweb/createsharelink HTTP/1.1");
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    let infos = ["{\"PatientOrderUuid\":\"a\"}", "{\"PatientOrderUuid\":\"b\"}"];
    let expected = json!({"PatientOrderInfoList": infos, "ExpireDate": "2026-12-31", "SharePassword": "pw", "Downloadable": true});
    assert_eq!(body, expected);
    assert!(seen.headers.iter().all(|(name, _)| name != "shareparameters"));
}

#[test]
fn calls_stay_encrypted() {
    let client = |url: &str, plain_http_allowed| {
        let config = ClientConfig::new(url.parse().unwrap(), None);
        Client::new(ClientConfig { plain_http_allowed, ..config })
    };
    assert!(matches!(client("http://pacs.example.org/", false), Err(Error::Unencrypted)));
    for (url, allowed) in
        [("http://pacs.example.org/", true), ("http://127.0.0.1/", false), ("http://[::1]/", false)]
    {
        assert!(client(url, allowed).is_ok(), "{url}");
    }
}

#[tokio::test]
async fn a_probe_names_no_patient() {
    let server = Server::start([json(&json!([])), answer(401, "", "")]).await;
    let client = server.client();
    client.probe().await.unwrap();
    assert_eq!(server.seen()[0].line, "GET /dicomweb/searchfolder HTTP/1.1");
    assert_eq!(client.probe().await.unwrap_err().remedy(SideEffect::None), Remedy::FixCredentials);
    let shown = format!("{client:?} {:?}", server.config());
    assert!(!shown.contains("pässword"), "{shown}");
}

#[tokio::test]
async fn a_call_with_side_effects_has_a_connection_of_its_own() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base_url: BaseUrl = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while let Ok(byte) = socket.read_u8().await {
                    head.push(byte);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await.unwrap();
                    }
                }
            });
        }
    });
    let client = Client::new(ClientConfig::new(base_url, None)).unwrap();
    for _ in 0..5 {
        client.get_patient_order_list(listing()).await.unwrap();
    }
    let reading = connections.load(Ordering::SeqCst);
    assert!(reading < 5, "reading calls share {reading} connections");
    for _ in 0..5 {
        client.create_patient_order(order("DOE")).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), reading + 5);
}
