//! From the queue to the collector.

use super::span::{self, Span};
use anyhow::Context;
use reqwest::{Client, Url, header::CONTENT_TYPE};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;

// The first three are the defaults that the OpenTelemetry specification has for a batch span processor.

/// Spans that wait to be sent: 2048, a megabyte or two. Further ones are dropped.
const QUEUE: usize = 2048;

/// Spans of one request at most: 512.
const BATCH: usize = 512;

/// How long a batch waits for company: 5 s.
const GATHER: Duration = Duration::from_secs(5);

/// How long a collector may take for a request: 10 s, the default of the specification for exporters.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the end of the program waits for what is left: 3 s, below what a supervisor allows after the
/// drain.
const FINISH_TIMEOUT: Duration = Duration::from_secs(3);

/// Where spans are put. Never waits.
pub(super) struct Queue {
    spans: mpsc::Sender<Span>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    pub(super) fn put(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What sends the spans.
pub(crate) struct Exporter {
    stop: CancellationToken,
    sending: JoinHandle<()>,
}

impl Exporter {
    /// Sends what is left, as far as that takes no longer than 3 s, and ends.
    pub(crate) async fn finish(self) {
        self.stop.cancel();
        // What a collector does not take by then is lost, as it is while one is down.
        let _ = time::timeout(FINISH_TIMEOUT, self.sending).await;
    }
}

/// Begins to send.
///
/// # Errors
/// No HTTP client can be made.
pub(super) fn start(endpoint: Url, service_name: String) -> anyhow::Result<(Queue, Exporter)> {
    let client = Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // Spans stay inside: a collector is a neighbour.
        .no_proxy()
        .build()
        .context("no client for traces can be made")?;
    let (spans, waiting) = mpsc::channel(QUEUE);
    let (stop, dropped) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let queue = Queue { spans, dropped: Arc::clone(&dropped) };
    let sender = Sender { client, endpoint, service_name, dropped, is_failing: false };
    let sending = tokio::spawn(sender.run(waiting, stop.clone()));
    Ok((queue, Exporter { stop, sending }))
}

struct Sender {
    client: Client,
    endpoint: Url,
    /// Whose spans these are.
    service_name: String,
    dropped: Arc<AtomicU64>,
    /// The last request failed, and the log has it.
    is_failing: bool,
}

impl Sender {
    async fn run(mut self, mut waiting: mpsc::Receiver<Span>, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let gathered = stop.run_until_cancelled(gather(&mut waiting, &mut batch)).await;
            if gathered.is_none() {
                // The bridge has ended before.
                while let Ok(span) = waiting.try_recv() {
                    batch.push(span);
                }
            }
            for spans in batch.chunks(BATCH) {
                self.send(spans).await;
            }
            batch.clear();
            if gathered != Some(true) {
                return;
            }
        }
    }

    /// Sends a batch once. One that is not taken is dropped: a collector that is down is no reason to keep
    /// anything.
    async fn send(&mut self, batch: &[Span]) {
        if let Err(error) = self.post(batch).await {
            self.dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
            if !self.is_failing {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the collector does not take traces; they are dropped until it does"
                );
            }
            self.is_failing = true;
            return;
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(spans = dropped, "traces were dropped; the collector was away or too slow");
        }
        self.is_failing = false;
    }

    async fn post(&self, batch: &[Span]) -> anyhow::Result<()> {
        let body = span::request(&self.service_name, batch).to_string();
        let request = self.client.post(self.endpoint.clone()).header(CONTENT_TYPE, "application/json");
        request.body(body).send().await?.error_for_status()?;
        Ok(())
    }
}

/// Waits for spans until a batch is full or old enough. False where none will come any more.
async fn gather(waiting: &mut mpsc::Receiver<Span>, batch: &mut Vec<Span>) -> bool {
    if waiting.recv_many(batch, BATCH).await == 0 {
        return false;
    }
    let deadline = time::Instant::now() + GATHER;
    while batch.len() < BATCH {
        let left = BATCH - batch.len();
        match time::timeout_at(deadline, waiting.recv_many(batch, left)).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    true
}
