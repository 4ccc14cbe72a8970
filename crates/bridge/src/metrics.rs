//! Every metric, declared once, with what a rise means and what to do.
//!
//! `docs/metrics.md` is generated from [`Metrics::declarations`]. Label values are names of the
//! configuration, services, outcomes and classes of status, so the number of series is bounded.

mod declaration;

use std::time::{Duration, SystemTime};

use dicomweb::{Pace, Precedence, Remedy, auth::TokenRequest};
use prometheus::{CounterVec, GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec, Registry};
use spool::{CallCount, Statistics};

use self::declaration::Declaring;
pub use self::declaration::{Declaration, Kind};
use crate::forward::breaker::Cause;

/// Latency of an acknowledgement, in seconds: an fdatasync takes 0.2 to 20 ms, a congested disk or a
/// destination that must confirm takes seconds.
const ACKNOWLEDGE: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Latency of a request over HTTP, in seconds.
const REQUEST: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// From acknowledged to stored, in seconds: below a second in good times, days after an outage.
const LAG: &[f64] = &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 604_800.0];

/// The label value of a peer that is not in the configuration.
pub const OTHER: &str = "other";

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ident = $method:ident $kind:expr, $name:literal, $labels:expr, $meaning:literal;)+) => {
        /// All metrics of the bridge and the registry that holds them.
        #[derive(Debug)]
        pub struct Metrics {
            registry: Registry,
            declarations: Vec<Declaration>,
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Metrics {
            /// Creates and registers all metrics, those of the process (memory, file descriptors,
            /// CPU time) included.
            ///
            /// # Errors
            /// A name that the registry refuses; none of those declared here.
            pub fn new() -> Result<Self, prometheus::Error> {
                let mut declaring = Declaring { registry: Registry::new(), declarations: Vec::new() };
                $(let $field = declaring.$method(Declaration {
                    name: $name,
                    kind: $kind,
                    help: concat!($($doc),+).trim_ascii(),
                    labels: $labels,
                    meaning: $meaning,
                })?;)+
                #[cfg(target_os = "linux")]
                declaring.registry.register(Box::new(
                    prometheus::process_collector::ProcessCollector::for_self(),
                ))?;
                Ok(Self { registry: declaring.registry, declarations: declaring.declarations, $($field,)+ })
            }
        }
    };
}

metrics! {
    /// Associations that are open.
    associations_open: IntGaugeVec = gauge Kind::Gauge, "dimseway_associations_open", &["peer"],
        "Near `dimse.max_associations` peers are rejected as transient. Look for peers that do not release, or raise the limit.";

    /// Associations that ended, by peer and by how.
    associations: IntCounterVec = counter Kind::Counter, "dimseway_associations_total", &["peer", "outcome"],
        "`released` is the normal one. A rise of `aborted`, `cut`, `timeout` or `misbehaved` is a peer or a network in trouble; the log line of the association names the cause.";

    /// Association requests that were rejected, by reason.
    associations_rejected: IntCounterVec = counter Kind::Counter, "dimseway_associations_rejected_total", &["reason"],
        "`calling_ae`, `called_ae` and `address` are peers that are not, or wrongly, configured. `local_limit` means that associations or memory ran out; `draining` that the bridge is stopping.";

    /// Connections that ended before any association, by cause.
    connections_without_association: IntCounterVec = counter Kind::Counter, "dimseway_connections_without_association_total", &["cause"],
        "A few are port scans and health checks. Many with `displaced` or `artim` are silent connections in mass; find who opens them. `garbage` is another protocol on this port.";

    /// Connections that have not sent an A-ASSOCIATE-RQ yet.
    connections_silent: IntGaugeVec = gauge Kind::Gauge, "dimseway_connections_silent", &[],
        "At `dimse.max_silent_connections` the oldest are closed. A constant high value is a scanner or an attack.";

    /// DIMSE requests answered, by service and status.
    messages: IntCounterVec = counter Kind::Counter, "dimseway_dimse_messages_total", &["service", "status"],
        "`0000` is success. `A700` means that the spool is full or failing: act at once, modalities are being refused. `A900` and `C000` are faulty objects, `0124` is a peer without the right.";

    /// Bytes of data sets received by DIMSE.
    received_bytes: IntCounterVec = counter Kind::Counter, "dimseway_dimse_received_bytes_total", &["service"],
        "The load. A fall to nothing in working hours means that no modality reaches the bridge.";

    /// Bytes of data sets sent, by destination.
    sent_bytes: IntCounterVec = counter Kind::Counter, "dimseway_sent_bytes_total", &["destination"],
        "Should follow the bytes received. If it does not, look at the spool gauges and the breaker.";

    /// From the last byte of a C-STORE request to the decision on its answer.
    store_acknowledge: HistogramVec = histogram Kind::Histogram(ACKNOWLEDGE), "dimseway_store_acknowledge_seconds", &["acknowledge"],
        "With `spooled` this is the disk: a rise is a slow or dying one. With `stored` it is the destination.";

    /// Instances in the spool, by destination and state.
    spool_entries: IntGaugeVec = gauge Kind::Gauge, "dimseway_spool_entries", &["destination", "state"],
        "`due` and `deferred` rise while a destination is slow or down and fall by themselves. `held` and `quarantined` need a person: `dimseway queue list`.";

    /// Bytes in the spool, by destination and state.
    spool_bytes: IntGaugeVec = gauge Kind::Gauge, "dimseway_spool_bytes", &["destination", "state"],
        "Compare with the free space of the disk: when it is full, modalities get A700.";

    /// Age of the oldest instance, by destination and state.
    spool_oldest: GaugeVec = seconds Kind::Gauge, "dimseway_spool_oldest_seconds", &["destination", "state"],
        "The time since which somebody waits for an image. Alert on it for `due` and `deferred`.";

    /// Whether the spool accepts instances.
    spool_accepting: IntGaugeVec = gauge Kind::Gauge, "dimseway_spool_accepting", &[],
        "0 means that every C-STORE is answered A700: the disk is full or failed.";

    /// Payload syncs to disk.
    spool_syncs: IntCounterVec = counter Kind::Counter, "dimseway_spool_syncs_total", &[],
        "Fewer than instances acknowledged is good: waiting instances shared a sync.";

    /// Latency of a payload sync to disk.
    spool_sync_duration: HistogramVec = histogram Kind::Histogram(ACKNOWLEDGE), "dimseway_spool_sync_seconds", &[],
        "The disk itself. Tens of milliseconds are a disk under other load; seconds a dying one.";

    /// Requests to origin servers, by origin, service and outcome.
    origin_requests: IntCounterVec = counter Kind::Counter, "dimseway_origin_requests_total", &["origin", "service", "outcome"],
        "`retry` is an origin that is down or overloaded, `credentials` a wrong or expired secret, `reject` an origin that refuses objects, `unknown` an answer that left the outcome open.";

    /// Latency of requests to origin servers.
    origin_request_duration: HistogramVec = histogram Kind::Histogram(REQUEST), "dimseway_origin_request_seconds", &["origin", "service"],
        "A rise is a slow origin or line; deliveries queue up but nothing is lost.";

    /// Time that requests to an origin waited because of its `rate_limit`, by what they are.
    rate_limit_waited: CounterVec = seconds_total Kind::Counter, "dimseway_rate_limit_waited_seconds_total", &["origin", "precedence"],
        "`bulk` are deliveries and pulls, `interactive` is what a person or a modality waits for. A rise of `interactive` is felt: raise the limits, or ask the provider for higher ones.";

    /// From the acceptance of an instance to its confirmed storage at a destination.
    forward_lag: HistogramVec = histogram Kind::Histogram(LAG), "dimseway_forward_lag_seconds", &["destination"],
        "What a radiologist waits beyond the modality. High after an outage; otherwise more workers or a faster line are needed.";

    /// Deliveries that ended, by destination and outcome.
    deliveries: IntCounterVec = counter Kind::Counter, "dimseway_deliveries_total", &["destination", "outcome"],
        "`deferred` are retries, `held` need a person, `quarantined` is damage on the own disk, `released` were not attempted because the destination is down.";

    /// Whether the circuit breaker of a destination is open.
    breaker_open: IntGaugeVec = gauge Kind::Gauge, "dimseway_destination_down", &["destination"],
        "1: the destination is down, refuses the credentials, or there is no token for it; it is probed, deliveries wait, no attempts are used up. `dimseway_destination_down_reason` says which.";

    /// Why the circuit breaker of a destination is open: 1 for the reason of the moment.
    breaker_reason: IntGaugeVec = gauge Kind::Gauge, "dimseway_destination_down_reason", &["destination", "reason"],
        "`unavailable`: it cannot be reached or says that it is out of service. `credentials`: it refuses ours, or its address is wrong; mend the configuration. `no_token`: its token end point is down, slow or answers what is no token. `token_refused`: the token end point refuses our credentials; mend `auth` of the origin.";

    /// Requests for access tokens, by origin and outcome.
    token_requests: IntCounterVec = counter Kind::Counter, "dimseway_token_requests_total", &["origin", "outcome"],
        "A few an hour are normal: tokens are replaced before they end. `refused` are wrong or expired credentials; `failed` is a token end point that is down, slow or wrong. Many that are `fetched` are tokens of short life, or an origin that refuses them.";

    /// Latency of requests for access tokens.
    token_request_duration: HistogramVec = histogram Kind::Histogram(REQUEST), "dimseway_token_request_seconds", &["origin"],
        "A rise is a slow token end point; at 10 seconds it counts as down.";

    /// When the access token that was fetched last ends, as seconds since 1970.
    token_expiry: GaugeVec = seconds Kind::Gauge, "dimseway_token_expiry_timestamp_seconds", &["origin"],
        "A time in the past means that there is no token: requests to the origin fail. Half an hour ahead and falling while `dimseway_token_requests_total` grows by `failed` gives time to act.";

    /// Probes of destinations whose circuit breaker is open.
    probes: IntCounterVec = counter Kind::Counter, "dimseway_destination_probes_total", &["destination", "outcome"],
        "Grows while a destination is down. `answered` ends it.";

    /// Deliveries of unknown outcome that were looked up, by result.
    verifications: IntCounterVec = counter Kind::Counter, "dimseway_verifications_total", &["destination", "result"],
        "Answers that did not name the instance, or were cut. Many mean an unreliable line or a profile that does not fit the origin.";

    /// Bytes of the memory budget in use.
    memory_used: IntGaugeVec = gauge Kind::Gauge, "dimseway_memory_budget_used_bytes", &[],
        "Data sets wait to be received at seven twelfths of `memory_budget`, deliveries at a quarter, retrieves at a sixth: slower, never wrong. Raise the budget if that is often.";

    /// C-STORE sub-operations of C-MOVE and C-GET, by service and outcome.
    sub_operations: IntCounterVec = counter Kind::Counter, "dimseway_sub_operations_total", &["service", "outcome"],
        "`failed` is an instance that a workstation asked for and did not get: the origin did not give it, or the recipient did not take it. The log names the instance and the cause.";

    /// Entries of the worklist, by source.
    worklist_entries: IntGaugeVec = gauge Kind::Gauge, "dimseway_worklist_entries", &["source"],
        "What modalities can find. A fall to nothing in working hours is a source that lists nothing, or `dimseway_worklist_left_out` tells why.";

    /// Orders of the last list that are not on the worklist, by source and reason.
    worklist_left_out: IntGaugeVec = gauge Kind::Gauge, "dimseway_worklist_left_out", &["source", "reason"],
        "`unassigned` names no station of `worklist.equipment`; `no_...` lacks what a modality cannot do without and no fallback gives; `duplicate` is another source's too; `too_many` are beyond `worklist.orders_max`; `unreadable` are files or answers that make no sense. `dimseway worklist show` lists what is there.";

    /// Age of the last list of the worklist, by source.
    worklist_age: GaugeVec = seconds Kind::Gauge, "dimseway_worklist_age_seconds", &["source"],
        "Above twice `worklist.refresh` the source does not answer, and modalities work with this list. At `worklist.max_age` it is not served any more, and queries fail: alert long before.";

    /// Refreshes of the worklist, by source and outcome.
    worklist_refreshes: IntCounterVec = counter Kind::Counter, "dimseway_worklist_refreshes_total", &["source", "outcome"],
        "`failed` is a source that cannot be reached or answers what makes no sense; the log says which when it begins.";

    /// Look-ups for queries that found nothing, by source and outcome.
    worklist_look_ups: IntCounterVec = counter Kind::Counter, "dimseway_worklist_look_ups_total", &["source", "outcome"],
        "Many mean that modalities ask for patients or days that are not in the window: widen `worklist.window`. `failed` took more than `worklist.look_up_timeout` or could not be asked.";

    /// Calls with side effects that are still to be made, by whom they are for and state.
    calls_kept: IntGaugeVec = gauge Kind::Gauge, "dimseway_calls", &["to", "state"],
        "`waiting` rises while a sink is down and falls by itself. `held` needs a person, who sees with `dimseway calls list` why, and lets it be made again or discards it: alert on it.";

    /// Instances that pulls looked at, by what became of them.
    pull_instances: IntCounterVec = counter Kind::Counter, "dimseway_pull_instances_total", &["pull", "outcome"],
        "`pulled` are in the spool. `known` and `own` were there before: pulled already, or stored there by this bridge. `failed` are tried again; `given_up` are held since then, need a person, and the log names them. `held` were listed again meanwhile, `gone` were deleted, `other_partition` are left where they are.";

    /// Instances that an origin lists and does not give while it gives others.
    pull_held: IntGaugeVec = gauge Kind::Gauge, "dimseway_pull_held_instances", &["pull"],
        "Each is asked for again after a quarter of an hour, then ever more rarely, at least once a day; nothing else waits for it. The log says which and why: mend it at the origin, or delete it there. Alert on it.";

    /// Bytes of data sets that were pulled.
    pull_bytes: IntCounterVec = counter Kind::Counter, "dimseway_pull_bytes_total", &["pull"],
        "The load that comes back from the origin.";

    /// Rounds of pulls, by how they ended.
    pull_rounds: IntCounterVec = counter Kind::Counter, "dimseway_pull_rounds_total", &["pull", "outcome"],
        "`failed` is an origin that cannot be asked, or an instance that cannot be had; `waiting` has no room in the spool, or it is not the time of day. The log says which.";

    /// How long ago a pull was up to date.
    pull_lag: GaugeVec = seconds Kind::Gauge, "dimseway_pull_lag_seconds", &["pull"],
        "Beyond a few times its `interval` nothing new arrives, or more than can be pulled: look at `dimseway_pull_rounds_total` and the log. Alert on it.";

    /// Calls with side effects that ended or were put off, by whom they were for and outcome.
    calls: IntCounterVec = counter Kind::Counter, "dimseway_calls_total", &["to", "outcome"],
        "`deferred` are retries: the sink is down or refuses for now. `held` needs a person: nothing is made again by itself that may have been done already, or that is refused for good; the log says which call and why.";

    /// From the acceptance of a performed procedure step report to its delivery.
    performed_procedure_lag: HistogramVec = histogram Kind::Histogram(LAG), "dimseway_performed_procedure_lag_seconds", &["to"],
        "How late a sink hears what modalities do. Seconds in good times; more after an outage of the sink.";

    /// Reloads of the configuration, by outcome.
    reloads: IntCounterVec = counter Kind::Counter, "dimseway_configuration_reloads_total", &["outcome"],
        "`rejected` means that the file is invalid and the old configuration is in force; the log names file, line and key.";

    /// Lines of the log that were lost, since whoever reads standard error took them too slowly, or not at all.
    log_lines_lost: IntCounterVec = counter Kind::Counter, "dimseway_log_lines_lost_total", &[],
        "The collector of the log stands still or cannot keep up: look at it (a stopped container runtime, a full disk of the journal, a terminal that was paused), or set `log.level` to `info`. Nothing else waits for the log; once it is read again, a line in it tells how many are missing.";

    /// Panics that were caught, by task.
    panics: IntCounterVec = counter Kind::Counter, "dimseway_panics_total", &["task"],
        "A defect of the program; please report it with the log. The task was ended, the rest goes on.";
}

impl Metrics {
    /// The registry, for gathering and for collectors of other rooms.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All declarations, in the order of the documentation.
    #[must_use]
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// Counts a request to an origin by the remedy that its failure has.
    pub(crate) fn count_origin_request(
        &self,
        origin: &str,
        service: &str,
        took: Duration,
        error: Option<&dicomweb::Error>,
    ) {
        let outcome = match error.map(dicomweb::Error::remedy) {
            None => "answered",
            Some(Remedy::Retry { .. }) => "retry",
            Some(Remedy::Reject) => "reject",
            Some(Remedy::FixCredentials) => "credentials",
            Some(Remedy::Unknown) => "unknown",
        };
        self.count_answer(origin, service, took, outcome);
    }

    /// Counts a request to PostDICOM's own end points for orders, in the same way.
    pub(crate) fn count_orders_request(
        &self,
        origin: &str,
        took: Duration,
        error: Option<&postdicom::Error>,
    ) {
        let outcome = match error.map(|error| error.remedy(postdicom::SideEffect::None)) {
            None => "answered",
            Some(postdicom::Remedy::Retry { .. }) => "retry",
            Some(postdicom::Remedy::Reject) => "reject",
            Some(postdicom::Remedy::FixCredentials) => "credentials",
            Some(postdicom::Remedy::OutcomeUnknown) => "unknown",
        };
        self.count_answer(origin, "orders", took, outcome);
    }

    /// Counts a request for an access token of an origin.
    pub(crate) fn count_token_request(&self, origin: &str, request: &TokenRequest<'_>) {
        let outcome = match &request.outcome {
            Ok(_) => "fetched",
            Err(error) if error.remedy() == Remedy::FixCredentials => "refused",
            Err(_) => "failed",
        };
        self.token_requests.with_label_values(&[origin, outcome]).inc();
        self.token_request_duration.with_label_values(&[origin]).observe(request.took.as_secs_f64());
        if let Ok(life) = request.outcome {
            let end = SystemTime::now() + life.saturating_sub(request.took);
            let end = end.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.token_expiry.with_label_values(&[origin]).set(end.as_secs_f64());
        }
    }

    /// Shows whether a destination is down, and why.
    pub(crate) fn show_down(&self, destination: &str, before: Option<Cause>, after: Option<Cause>) {
        self.breaker_open.with_label_values(&[destination]).set(i64::from(after.is_some()));
        if let Some(cause) = before.filter(|_| before != after) {
            let _ = self.breaker_reason.remove_label_values(&[destination, cause.label()]);
        }
        if let Some(cause) = after {
            self.breaker_reason.with_label_values(&[destination, cause.label()]).set(1);
        }
    }

    /// Forgets a destination that is not in the configuration any more.
    pub(crate) fn forget_down(&self, destination: &str) {
        // There is no value where it never went down nor came back.
        let _ = self.breaker_open.remove_label_values(&[destination]);
        for cause in Cause::ALL {
            let _ = self.breaker_reason.remove_label_values(&[destination, cause.label()]);
        }
    }

    fn count_answer(&self, origin: &str, service: &str, took: Duration, outcome: &str) {
        self.origin_requests.with_label_values(&[origin, service, outcome]).inc();
        self.origin_request_duration.with_label_values(&[origin, service]).observe(took.as_secs_f64());
    }

    /// Shows a picture of the spool. A destination that is not in it any more keeps no old values.
    pub(crate) fn show_spool(&self, statistics: &Statistics, now: SystemTime) {
        self.spool_entries.reset();
        self.spool_bytes.reset();
        self.spool_oldest.reset();
        for gauge in &statistics.gauges {
            let destination =
                gauge.destination.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            let labels = [destination.as_str(), gauge.state.as_str()];
            let count = |value| i64::try_from(value).unwrap_or(i64::MAX);
            self.spool_entries.with_label_values(&labels).set(count(gauge.entries));
            self.spool_bytes.with_label_values(&labels).set(count(gauge.bytes));
            let oldest =
                gauge.oldest_accepted_at.and_then(|accepted_at| now.duration_since(accepted_at).ok());
            self.spool_oldest.with_label_values(&labels).set(oldest.unwrap_or_default().as_secs_f64());
        }
        let accepting = i64::from(statistics.intake_refused.is_none());
        self.spool_accepting.with_label_values::<&str>(&[]).set(accepting);
    }

    /// Shows the calls that are kept; `label` names their receivers as the configuration does.
    pub(crate) fn show_calls(&self, counts: &[CallCount], label: impl Fn(&str) -> String) {
        self.calls_kept.reset();
        for count in counts {
            let state = if count.failed { "held" } else { "waiting" };
            let calls = i64::try_from(count.calls).unwrap_or(i64::MAX);
            self.calls_kept.with_label_values(&[label(&count.to).as_str(), state]).add(calls);
        }
    }

    /// Shows how long an origin's requests have waited by now.
    pub(crate) fn show_pace(&self, origin: &str, pace: &Pace) {
        for (label, precedence) in [("interactive", Precedence::Interactive), ("bulk", Precedence::Bulk)] {
            let waited = pace.waited(precedence);
            let counter = self.rate_limit_waited.with_label_values(&[origin, label]);
            let more = (waited.requests + waited.bytes).as_secs_f64() - counter.get();
            // Less than before where the origin was away from the configuration for a while.
            counter.inc_by(more.max(0.0));
        }
    }

    /// Shows how long ago each pull was up to date.
    pub(crate) fn show_pulls(&self, lags: &[(String, Duration)]) {
        self.pull_lag.reset();
        for (pull, lag) in lags {
            self.pull_lag.with_label_values(&[pull]).set(lag.as_secs_f64());
        }
    }

    /// A pull has left the configuration.
    pub(crate) fn forget_pull(&self, pull: &str) {
        // There is no value where it never came to a round.
        let _ = self.pull_held.remove_label_values(&[pull]);
    }

    /// Everything in the text format of Prometheus.
    ///
    /// # Errors
    /// A collector that fails; none of those declared here.
    pub fn to_text(&self) -> Result<String, prometheus::Error> {
        prometheus::TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

impl spool::Observer for Metrics {
    fn synced(&self, took: Duration, _entries: usize) {
        self.spool_syncs.with_label_values::<&str>(&[]).inc();
        self.spool_sync_duration.with_label_values::<&str>(&[]).observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests;
