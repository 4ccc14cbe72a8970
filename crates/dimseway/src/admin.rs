//! Health, metrics, queue and page over HTTP.

mod access;
mod calls;
mod listener;
mod page;
mod queue;
#[cfg(test)]
mod tests;
mod worklist;

pub(crate) use self::{access::carries, listener::Limited};

use arc_swap::ArcSwapOption;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use bridge::{Bridge, Metrics, Ports, Readiness};
use secrecy::SecretString;
use std::{future::Future, io, sync::Arc};
use tokio::net::TcpListener;

/// What every request sees. It exists before the spool is open, so that a probe is answered while a
/// large spool recovers.
pub(crate) struct Shared {
    /// All metrics.
    pub(crate) metrics: Arc<Metrics>,
    /// The bridge, once it runs.
    running: ArcSwapOption<Running>,
    /// What `/api` asks for; nothing on a loopback address without a token.
    token: ArcSwapOption<SecretString>,
}

/// The running bridge and its spool.
pub(crate) struct Running {
    /// The bridge.
    pub(crate) bridge: Bridge,
    /// Its spool.
    pub(crate) ports: Ports,
}

impl Shared {
    /// Nothing runs yet.
    pub(crate) fn new(metrics: Arc<Metrics>, token: Option<SecretString>) -> Arc<Self> {
        let shared = Self { metrics, running: ArcSwapOption::empty(), token: ArcSwapOption::empty() };
        shared.set_token(token);
        Arc::new(shared)
    }

    /// The bridge runs from now on.
    pub(crate) fn set_running(&self, bridge: Bridge, ports: Ports) {
        self.running.store(Some(Arc::new(Running { bridge, ports })));
    }

    /// `/api` asks for this token from now on.
    pub(crate) fn set_token(&self, token: Option<SecretString>) {
        self.token.store(token.map(Arc::new));
    }

    /// The bridge, if it runs.
    fn running(&self) -> Option<Arc<Running>> {
        self.running.load_full()
    }

    /// The word for `/readyz`, and whether it means ready.
    fn readiness(&self) -> (bool, &'static str) {
        match self.running().map(|running| running.bridge.readiness()) {
            None => (false, "recovering"),
            Some(Readiness::Starting) => (false, "starting"),
            Some(Readiness::Ready) => (true, "ready"),
            Some(Readiness::Draining) => (false, "draining"),
        }
    }
}

/// Serves on `listener` until `shutdown` resolves.
///
/// # Errors
/// The listener fails for good.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(Limited::new(listener), router(shared)).with_graceful_shutdown(shutdown).await
}

fn router(shared: Arc<Shared>) -> Router {
    let api = queue::router().merge(calls::router()).merge(worklist::router());
    let api = api.layer(middleware::from_fn_with_state(Arc::clone(&shared), access::check));
    Router::new()
        .route("/", get(page::page))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .nest("/api/v1", api)
        .with_state(shared)
}

async fn readyz(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    let (ready, word) = shared.readiness();
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, format!("{word}\n"))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    if let Some(running) = shared.running()
        && let Err(error) = running.bridge.refresh_gauges().await
    {
        // The other metrics are still worth having, and the spool's trouble has one of its own.
        tracing::warn!(%error, "the gauges of the spool could not be read");
    }
    match shared.metrics.to_text() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be gathered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
