//! An origin with worklists (PS3.18 §11, §14, §15): the embedded one, in this process.

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;

use dataset::json::{Item, ReadLimits, read_all, write_item};
use origin::{Origin, Personality};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::worklist::Order;

/// A running origin; dropped, it is away. What it keeps stays in its directory.
pub struct StepOrigin {
    origin: Origin,
    address: SocketAddr,
    runtime: Runtime,
}

impl StepOrigin {
    /// Starts one on a directory.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(directory: &Path) -> Self {
        let origin = Origin::open(directory, Personality::Standard).expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let served = origin.clone();
        runtime.spawn(async move { origin::serve(listener, &served, pending()).await });
        Self { origin, address, runtime }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base URL of its DICOMweb service.
    #[must_use]
    pub fn url(&self) -> String {
        origin::base_url(self.address)
    }

    /// Schedules procedure steps (PS3.18 §14).
    ///
    /// # Panics
    /// Where they cannot be kept.
    pub fn schedule(&self, orders: &[Order]) {
        let steps = orders.iter().map(|order| (order.accession_number(), item(&order.scheduled_step())));
        self.runtime.block_on(self.origin.add_scheduled_steps(steps)).expect("steps");
    }

    /// Makes workitems (PS3.18 §11).
    ///
    /// # Panics
    /// Where they cannot be kept.
    pub fn add_workitems(&self, orders: &[Order]) {
        let workitems = orders.iter().map(|order| item(&order.workitem()));
        self.runtime.block_on(self.origin.add_workitems(workitems)).expect("workitems");
    }

    /// All performed procedure steps (PS3.18 §15) as DICOM JSON, the oldest first.
    ///
    /// # Panics
    /// Where they cannot be read.
    #[must_use]
    pub fn performed_steps(&self) -> Vec<Value> {
        let steps = self.runtime.block_on(self.origin.performed_steps()).expect("steps");
        let json = |step: &Item| {
            let mut text = Vec::new();
            write_item(step, &mut text).expect("memory");
            serde_json::from_slice(&text).expect("JSON")
        };
        steps.iter().map(json).collect()
    }
}

fn item(json: &Value) -> Item {
    read_all(json.to_string().as_bytes(), ReadLimits::default()).expect("DICOM JSON").remove(0)
}
