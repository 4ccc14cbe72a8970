//! A bridge and an archive in this process, and a collector that keeps what it is sent.

use super::{event::Told, span, start};
use crate::{
    config_file::{Document, File, Log},
    configuration::Configuration,
    daemon::{Daemon, Listeners},
    requestor::{self, Callee},
    signals::Stop,
};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use futures::stream;
use origin::{Faults, Origin, Personality, Throttle, synthetic::Study};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;

/// For a delivery: minutes longer than the slowest machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector; what it was sent, request by request.
struct Collector {
    log: Log,
    requests: mpsc::Receiver<Value>,
}

impl Collector {
    async fn start(answer: StatusCode) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (told, requests) = mpsc::channel(16);
        let take = move |State(told): State<mpsc::Sender<Value>>, Json(body): Json<Value>| async move {
            told.try_send(body).unwrap();
            (answer, Json(serde_json::json!({})))
        };
        let router = Router::new().route("/v1/traces", post(take)).with_state(told);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        let log = format!("[traces]\nendpoint = \"{endpoint}\"\nservice_name = \"site 1\"\n");
        Self { log: toml::from_str(&log).unwrap(), requests }
    }

    /// Everything that was sent so far.
    fn bodies(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

/// The bridge, with `rules` in its configuration, and its archive.
struct Site {
    directory: tempfile::TempDir,
    archive: Origin,
    daemon: Daemon,
    stop: Stop,
}

impl Site {
    async fn start(rules: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let archive = Origin::open(directory.path().join("archive"), Personality::Standard).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = origin::base_url(listener.local_addr().unwrap());
        let served = archive.clone();
        tokio::spawn(async move { origin::serve(listener, &served, std::future::pending()).await });
        let text = format!(
            "[dimse]\nae_title = \"BRIDGE\"\nlisten = \"127.0.0.1:0\"\nunknown_peers = \"accept\"\n\
             drain_delay = \"0s\"\n\n[origin.archive]\nurl = \"{url}\"\n\n[spool]\ndirectory = \"spool\"\n\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n\n[forward.back_off]\nmin = \"10ms\"\nmax = \"10ms\"\n\n{rules}"
        );
        let path = directory.path().join("dimseway.toml");
        let (file, document) = File::parse(Document::new(path, text)).unwrap();
        let configuration = Configuration::from_file(&file, document).unwrap();
        let stop = Stop { drain: CancellationToken::new(), force: CancellationToken::new() };
        let listeners = Listeners::bind(&configuration).await.unwrap();
        let daemon = Box::pin(Daemon::start(&configuration, listeners, &stop)).await.unwrap();
        Self { directory, archive, daemon, stop }
    }

    async fn send(&self, study: &Study) {
        let (called, calling) = ("BRIDGE".parse().unwrap(), "CT1".parse().unwrap());
        let callee = Callee { called, address: self.daemon.dimse.to_string(), calling };
        let instance = study.instance(0);
        let meta = instance.file_meta();
        let contexts = [(meta.sop_class_uid.clone(), meta.transfer_syntax.clone())];
        let mut association = requestor::open(&callee, &contexts).await.unwrap();
        let data_set = stream::iter(instance.data_set().map(Ok));
        let response = requestor::store(&mut association, 1, &meta, data_set).await.unwrap().unwrap();
        assert!(response.status.is_done(), "{}", response.status);
        association.release().await.unwrap();
    }

    /// Ends the bridge once the archive has the instance and the spool knows it.
    async fn finish(self) {
        let delivered = async {
            let (deliveries, filter) = (&self.daemon.ports.deliveries, spool::Filter::default());
            // What the archive has was leased, so the index knows of it, which it may not before.
            while self.archive.instance_count().await.unwrap() == 0 {
                tokio::task::yield_now().await;
            }
            let is_open = |line: &spool::Listed| line.state != spool::State::Delivered;
            while deliveries.list(&filter, None, 10).await.unwrap().lines.iter().any(is_open) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, delivered).await.unwrap();
        self.stop.drain.cancel();
        self.daemon.finish(&self.stop).await.unwrap();
        drop(self.directory);
    }
}

/// The spans in `bodies`: the first of the trace, then the others in the order in which they began.
fn spans(bodies: &[Value]) -> Vec<Value> {
    let of = |body: &Value| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    let mut spans: Vec<Value> = bodies.iter().flat_map(of).collect();
    spans.sort_by_key(|span| {
        let begun: u64 = span["startTimeUnixNano"].as_str().unwrap().parse().unwrap();
        (span["parentSpanId"].is_string(), begun)
    });
    spans
}

/// The attribute of a span, or of a resource, as a text.
fn attribute(of: &Value, key: &str) -> Option<String> {
    let found = of["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key)?;
    let value = &found["value"];
    value["stringValue"].as_str().or(value["intValue"].as_str()).map(str::to_owned)
}

fn keys(span: &Value) -> BTreeSet<&str> {
    span["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attribute| attribute["key"].as_str().unwrap())
        .collect()
}

/// What must not leave: the patient of the synthetic study, and what the study says of it.
fn assert_nothing_of_the_patient(bodies: &[Value]) {
    for body in bodies {
        let text = body.to_string();
        for word in ["Synthetic", "SYNTHETIC", "Phantom", "SYN0", "19000101"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

#[tokio::test]
async fn the_way_of_an_instance_is_one_trace_through_every_attempt() {
    let mut collector = Collector::start(StatusCode::OK).await;
    let (listener, exporter) = start(&collector.log).unwrap().unwrap();
    let _traced = tracing::subscriber::set_default(tracing_subscriber::registry().with(listener));
    let site = Site::start("").await;
    let throttle = Throttle { status: 503, retry_after: None, requests: 1 };
    site.archive.set_faults(Faults { throttle: Some(throttle), ..Faults::default() });
    let study = Study::new(7, 1);
    site.send(&study).await;
    site.finish().await;
    exporter.finish().await;

    let bodies = collector.bodies();
    assert_nothing_of_the_patient(&bodies);
    let resource = &bodies[0]["resourceSpans"][0]["resource"];
    assert_eq!(attribute(resource, "service.name").unwrap(), "site 1");
    let spans = spans(&bodies);
    let [arrival, attempts @ ..] = spans.as_slice() else { panic!("no spans") };
    assert_eq!(arrival["name"], "C-STORE");
    assert_eq!(arrival["parentSpanId"], Value::Null);
    let moments: Vec<&Value> = arrival["events"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(moments, ["data set received", "durable in the spool"]);
    let instance = study.instance(0);
    let expected = [
        ("dicom.sop_instance_uid", instance.identity().sop_instance_uid.as_str().to_owned()),
        ("dicom.study_instance_uid", study.study_instance_uid().as_str().to_owned()),
        ("dicom.sop_class_uid", instance.identity().sop_class_uid.as_str().to_owned()),
        ("dicom.transfer_syntax_uid", instance.transfer_syntax().uid().as_str().to_owned()),
        ("dicom.calling_ae_title", "CT1".to_owned()),
        ("dicom.called_ae_title", "BRIDGE".to_owned()),
        ("dimseway.bytes", instance.data_set_length().to_string()),
        ("dimseway.outcome", "accepted".to_owned()),
    ];
    for (key, value) in &expected {
        assert_eq!(attribute(arrival, key).as_ref(), Some(value), "{key}");
    }
    let known = expected.iter().map(|(key, _)| *key).chain(["dimseway.entry"]).collect();
    assert_eq!(keys(arrival), known, "and nothing else leaves");

    let outcomes: Vec<String> =
        attempts.iter().map(|span| attribute(span, "dimseway.outcome").unwrap()).collect();
    assert_eq!(outcomes, ["deferred", "delivered"]);
    for (number, attempt) in (1..).zip(attempts) {
        assert_eq!(attempt["name"], "STOW-RS");
        assert_eq!(attempt["traceId"], arrival["traceId"]);
        assert_eq!(attempt["parentSpanId"], arrival["spanId"]);
        assert_ne!(attempt["spanId"], arrival["spanId"]);
        assert_eq!(attribute(attempt, "dimseway.attempt").unwrap(), number.to_string());
        assert_eq!(attribute(attempt, "dimseway.destination").unwrap(), "archive");
        assert_eq!(attribute(attempt, "dimseway.entry"), attribute(arrival, "dimseway.entry"));
        assert_eq!(attempt["status"]["code"], if number == 1 { 2 } else { 0 });
    }
}

#[tokio::test]
async fn what_passes_through_is_a_trace_with_its_request() {
    let mut collector = Collector::start(StatusCode::OK).await;
    let (listener, exporter) = start(&collector.log).unwrap().unwrap();
    let _traced = tracing::subscriber::set_default(tracing_subscriber::registry().with(listener));
    let site = Site::start("[[route]]\nstore = [\"archive\"]\nacknowledge = \"stored\"\n").await;
    site.send(&Study::new(8, 1)).await;
    site.finish().await;
    exporter.finish().await;

    let bodies = collector.bodies();
    assert_nothing_of_the_patient(&bodies);
    let spans = spans(&bodies);
    let [arrival, request] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!((&arrival["name"], &request["name"]), (&"C-STORE".into(), &"STOW-RS".into()));
    assert_eq!(request["traceId"], arrival["traceId"]);
    assert_eq!(request["parentSpanId"], arrival["spanId"]);
    assert_eq!(attribute(request, "dimseway.destination").unwrap(), "archive");
    assert_eq!(attribute(arrival, "dimseway.entry"), None, "it was never in the spool");
}

#[tokio::test]
async fn a_collector_that_refuses_or_is_away_keeps_nobody() {
    let mut refusing = Collector::start(StatusCode::SERVICE_UNAVAILABLE).await;
    let away: Log = toml::from_str("[traces]\nendpoint = \"http://127.0.0.1:9/v1/traces\"").unwrap();
    for log in [&refusing.log, &away] {
        let (listener, exporter) = start(log).unwrap().unwrap();
        let traced = tracing::subscriber::set_default(tracing_subscriber::registry().with(listener));
        let site = Site::start("").await;
        site.send(&Study::new(9, 1)).await;
        site.finish().await;
        drop(traced);
        exporter.finish().await;
    }
    assert_eq!(refusing.bodies().len(), 1, "asked once, and not again");
}

fn told(entry: u64, sop_instance_uid: &str, attempt: Option<u64>) -> Told {
    let text = |text: &str| span::Value::Text(text.to_owned());
    let mut fields = vec![
        ("service", text("STOW-RS")),
        ("entry", span::Value::Number(entry)),
        ("sop_instance_uid", text(sop_instance_uid)),
        ("patient_name", text("Doe^Jane")),
        ("begun", span::Value::Number(5)),
        ("ended", span::Value::Number(4)),
    ];
    fields.extend(attempt.map(|attempt| ("attempt", span::Value::Number(attempt))));
    Told(fields)
}

#[test]
fn an_entry_has_the_same_trace_in_every_process_and_no_other_has_it() {
    let ids = |entry, uid, attempt| {
        let json = span::request("x", &span::of(&told(entry, uid, attempt)));
        assert!(!json.to_string().contains("Doe"), "an unknown field stays here");
        let span = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["endTimeUnixNano"], "5", "no span ends before it begins");
        (span["traceId"].to_string(), span["spanId"].to_string(), span["parentSpanId"].to_string())
    };
    let (trace, first, parent) = ids(1_700_000_000_000_000, "1.2.3", None);
    // A promise to those who keep traces: it must not change with a version.
    assert_eq!(trace, "\"3041b27bf2f79e5f7bd9e8f8e23206f9\"");
    assert_eq!(parent, "null");
    let (again, attempt, parent) = ids(1_700_000_000_000_000, "1.2.3", Some(1));
    assert_eq!((&again, &parent), (&trace, &first));
    assert_ne!(attempt, first);
    assert_ne!(ids(1_700_000_000_000_000, "1.2.4", None).0, trace);
    assert_ne!(ids(1_700_000_000_000_001, "1.2.3", None).0, trace);
}

#[test]
fn samples_whole_traces() {
    let kept = |ratio: f64| {
        let spans = (0..1000).flat_map(|entry| span::of(&told(entry, "1.2.3", Some(1))));
        spans.filter(|span| span.trace_id.is_sampled(ratio)).count()
    };
    assert_eq!((kept(0.0), kept(1.0)), (0, 1000));
    assert!((150..350).contains(&kept(0.25)), "{}", kept(0.25));
}
