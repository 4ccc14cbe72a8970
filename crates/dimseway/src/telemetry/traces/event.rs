//! Listening to the bridge.

use super::{
    export::Queue,
    span::{self, Value},
};
use std::fmt::Debug;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// Makes spans of events and queues them.
pub(super) struct Listener {
    pub(super) queue: Queue,
    /// Part of the traces that is kept, 0 to 1.
    pub(super) sample_ratio: f64,
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        for span in span::of(&told) {
            if span.trace_id.is_sampled(self.sample_ratio) {
                self.queue.put(span);
            }
        }
    }
}

/// The fields of an event, by name.
#[derive(Debug, Default)]
pub(super) struct Told(pub(super) Vec<(&'static str, Value)>);

impl Told {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl Visit for Told {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), Value::Number(value)));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), Value::Text(value.to_owned())));
    }

    /// The bridge tells numbers and texts alone.
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
