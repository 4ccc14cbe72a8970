//! How a metric is declared: once, together with its page in the manual.

use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    core::Collector,
};

/// One metric, for the registry and for the generated documentation.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// Full name with unit.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it counts, in one line.
    pub help: &'static str,
    /// Names of its labels. Their values come from the configuration or a fixed list.
    pub labels: &'static [&'static str],
    /// What a rise means and what to do.
    pub meaning: &'static str,
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in these buckets, in seconds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word that the exposition format has for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// Registers metrics and remembers their declarations.
pub(super) struct Declaring {
    pub(super) registry: Registry,
    pub(super) declarations: Vec<Declaration>,
}

impl Declaring {
    pub(super) fn counter(&mut self, declaration: Declaration) -> Result<IntCounterVec, prometheus::Error> {
        let metric = IntCounterVec::new(Opts::new(declaration.name, declaration.help), declaration.labels)?;
        self.register(declaration, metric)
    }

    pub(super) fn seconds_total(
        &mut self,
        declaration: Declaration,
    ) -> Result<CounterVec, prometheus::Error> {
        let metric = CounterVec::new(Opts::new(declaration.name, declaration.help), declaration.labels)?;
        self.register(declaration, metric)
    }

    pub(super) fn gauge(&mut self, declaration: Declaration) -> Result<IntGaugeVec, prometheus::Error> {
        let metric = IntGaugeVec::new(Opts::new(declaration.name, declaration.help), declaration.labels)?;
        self.register(declaration, metric)
    }

    pub(super) fn seconds(&mut self, declaration: Declaration) -> Result<GaugeVec, prometheus::Error> {
        let metric = GaugeVec::new(Opts::new(declaration.name, declaration.help), declaration.labels)?;
        self.register(declaration, metric)
    }

    pub(super) fn histogram(&mut self, declaration: Declaration) -> Result<HistogramVec, prometheus::Error> {
        let buckets = match declaration.kind {
            Kind::Histogram(buckets) => buckets.to_vec(),
            Kind::Counter | Kind::Gauge => Vec::new(),
        };
        let options = HistogramOpts::new(declaration.name, declaration.help).buckets(buckets);
        let metric = HistogramVec::new(options, declaration.labels)?;
        self.register(declaration, metric)
    }

    fn register<C: Collector + Clone + 'static>(
        &mut self,
        declaration: Declaration,
        metric: C,
    ) -> Result<C, prometheus::Error> {
        self.registry.register(Box::new(metric.clone()))?;
        self.declarations.push(declaration);
        Ok(metric)
    }
}
