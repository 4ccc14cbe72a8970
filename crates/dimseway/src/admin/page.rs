//! The page for people at `/`: what waits, where, and since when, and what was asked for. Numbers only,
//! so that it may be seen without a token as `/metrics` may.

mod activity;

use super::Shared;
use crate::queue::model::time;
use axum::{extract::State, response::Html};
use maud::{DOCTYPE, Markup, html};
use spool::{CallCount, Gauge, Statistics};
use std::sync::Arc;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}\
td.n,th.n{text-align:right}.bad{color:#a00}.good{color:#070}";

pub(super) async fn page(State(shared): State<Arc<Shared>>) -> Html<String> {
    let (ready, word) = shared.readiness();
    let (statistics, calls) = match shared.running() {
        Some(running) => {
            let ports = &running.ports;
            (ports.deliveries.statistics().await.ok(), ports.outbox.count_calls().await.ok())
        }
        None => (None, None),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content="10";
                title { "Dimseway" }
                style { (STYLE) }
            }
            body {
                h1 { "Dimseway " (env!("CARGO_PKG_VERSION")) }
                p { "This bridge is " strong class=(if ready { "good" } else { "bad" }) { (word) } "." }
                @match &statistics {
                    Some(statistics) => (queue(statistics)),
                    None => p class="bad" { "The spool cannot be read now." },
                }
                (self::calls(&calls.unwrap_or_default()))
                (activity::activity(&shared.metrics))
                p {
                    a href="/metrics" { "metrics" } " · " a href="/readyz" { "readiness" } " · "
                    "on the command line: " code { "dimseway queue list" } " and " code { "dimseway calls list" }
                }
            }
        }
    };
    Html(page.into_string())
}

/// What modalities reported and sinks have not heard yet.
fn calls(counts: &[CallCount]) -> Markup {
    html! {
        @if !counts.is_empty() {
            h2 { "Reports on their way" }
            table {
                tr { th { "to" } th { "state" } th class="n" { "calls" } }
                @for count in counts {
                    tr {
                        td { (count.to) }
                        @if count.failed { td class="bad" { "held" } } @else { td { "waiting" } }
                        td class="n" { (count.calls) }
                    }
                }
            }
        }
    }
}

fn queue(statistics: &Statistics) -> Markup {
    let filled: Vec<&Gauge> = statistics.gauges.iter().filter(|gauge| gauge.entries > 0).collect();
    html! {
        @if let Some(reason) = &statistics.intake_refused {
            p class="bad" { "New instances are refused: " (reason) }
        }
        @if filled.is_empty() {
            p { "Nothing waits." }
        } @else {
            table {
                tr { th { "destination" } th { "state" } th class="n" { "instances" } th class="n" { "MB" } th { "oldest" } }
                @for gauge in filled {
                    tr {
                        td { @match &gauge.destination { Some(destination) => (destination), None => "none" } }
                        td { (gauge.state) }
                        td class="n" { (gauge.entries) }
                        td class="n" { (gauge.bytes / 1_000_000) }
                        td { @if let Some(oldest) = gauge.oldest_accepted_at { (time(oldest)) } }
                    }
                }
            }
        }
        p { (statistics.free_bytes / 1_000_000) " MB are free on the disk of the spool." }
    }
}
