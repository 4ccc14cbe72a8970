//! What is under `deploy`: the container, the chart and its manifests, Compose, the package of a machine, alerts and
//! dashboard.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]
#![allow(clippy::print_stdout, reason = "the figures are for whoever looks at one run")]

mod alerts;
mod appliance;
mod chart;
mod compose;
mod container;
mod dashboard;
mod exported;
mod prometheus;
mod repository;
mod service_manager;
mod traffic;
