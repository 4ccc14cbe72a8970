//! Orders and sources for tests.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use dataset::{
    element::VR,
    json::{Element, Item},
};
use instance::Tag;
use jiff::{ToSpan, civil::Date, tz::TimeZone};

use super::{
    Entry, Fetched, Order, Source, SourceError, Wanted,
    attribute::{START_DATE, START_TIME, STATION_AE_TITLE, STEPS},
    complete::Completing,
};
use crate::config::Worklist;

/// A data set of elements of text, several values with backslashes between; what has no value is empty.
pub(crate) fn data_set(elements: &[(Tag, VR, &str)]) -> Item {
    let element = |(tag, vr, text): &(Tag, VR, &str)| (*tag, Element::texts(*vr, text.split('\\')));
    elements.iter().map(element).collect()
}

/// A day that many days from today, as a data set writes it.
pub(crate) fn day(days: i32) -> String {
    let day = today().saturating_add(days.days());
    format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

pub(crate) fn today() -> Date {
    jiff::Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// A configuration in UTC.
pub(crate) fn config() -> Worklist {
    Worklist { time_zone: TimeZone::UTC, ..Worklist::default() }
}

/// An order with what an entry needs: `number` names it and its patient.
pub(crate) fn order(number: usize, station: &str, days: i32, time: &str) -> Order {
    let step = data_set(&[
        (STATION_AE_TITLE, VR::AE, station),
        (START_DATE, VR::DA, &day(days)),
        (START_TIME, VR::TM, time),
        (Tag::MODALITY, VR::CS, "CT"),
    ]);
    let mut item = data_set(&[
        (Tag::PATIENT_NAME, VR::PN, &format!("Patient{number:05}^Anna")),
        (Tag::PATIENT_ID, VR::LO, &format!("P{number}")),
        (Tag::ACCESSION_NUMBER, VR::SH, &format!("A{number}")),
    ]);
    item.insert(STEPS, Element::sequence([step]));
    Order { id: format!("order-{number}"), item, ..Order::default() }
}

/// The entries of an order, as `config` completes them.
pub(crate) fn entries(order: Order, config: &Worklist) -> Vec<Arc<Entry>> {
    let completing = Completing { source: "ris", config, time_zone: &config.time_zone, today: today() };
    completing.entries(order).into_iter().map(|entry| Arc::new(entry.unwrap())).collect()
}

/// A source that answers what it is told to, and repeats the last answer.
#[derive(Default)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Answer>>,
    pub(crate) asked: Mutex<Vec<Wanted>>,
}

#[derive(Clone)]
pub(crate) enum Answer {
    Orders(Vec<Order>),
    Same,
    Fails,
    Hangs,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }
}

#[async_trait]
impl Source for Scripted {
    async fn fetch(&self, wanted: &Wanted) -> Result<Option<Fetched>, SourceError> {
        self.asked.lock().unwrap().push(wanted.clone());
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        };
        match answer {
            Some(Answer::Orders(orders)) => Ok(Some(Fetched { orders, unreadable: 0 })),
            Some(Answer::Same) => Ok(None),
            Some(Answer::Hangs) => std::future::pending().await,
            Some(Answer::Fails) | None => Err(SourceError::NotOffered),
        }
    }
}
