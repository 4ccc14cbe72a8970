//! What queries are answered from: all entries in the order of their start, and ways into them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::SystemTime,
};

use dataset::json::Item;
use instance::Tag;
use jiff::civil::Date;

use super::{
    Entry,
    attribute::{STATION_AE_TITLE, STEPS},
};

/// The entries of all sources. Lists of places are in the order of the entries, hence of their start.
#[derive(Default)]
pub(crate) struct Index {
    entries: Vec<Arc<Entry>>,
    by_station: HashMap<String, Vec<u32>>,
    /// Those that name no station.
    of_any_station: Vec<u32>,
    by_patient_id: HashMap<String, Vec<u32>>,
    by_accession_number: HashMap<String, Vec<u32>>,
    by_study: HashMap<String, Vec<u32>>,
    /// Sources whose list is missing, or too old.
    pub(crate) missing: Vec<Arc<str>>,
    /// When the next list is too old.
    pub(crate) expires_at: Option<SystemTime>,
}

/// What a query certainly demands, to look at fewer entries.
#[derive(Default)]
pub(crate) struct Narrowing {
    pub(crate) station: Option<String>,
    pub(crate) patient_id: Option<String>,
    pub(crate) accession_number: Option<String>,
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
}

/// The list of one source, for [`Index::new`].
pub(crate) struct Listed<'a> {
    pub(crate) entries: &'a [Arc<Entry>],
    /// How many of them an earlier source has too.
    pub(crate) duplicates: usize,
}

impl Index {
    /// Merges lists, the earlier ones first: an entry whose accession number and patient an earlier list has is
    /// left out, since it is the same order in another system, and two steps of it would be done twice. Within
    /// one list they are steps of one order.
    pub(crate) fn new(lists: &mut [Listed<'_>]) -> Self {
        let mut known: HashSet<(String, String)> = HashSet::new();
        let mut entries = Vec::with_capacity(lists.iter().map(|list| list.entries.len()).sum());
        for list in lists {
            let mut own = Vec::new();
            for entry in list.entries {
                let order = order_of(&entry.item);
                if order.as_ref().is_some_and(|order| known.contains(order)) {
                    list.duplicates += 1;
                    continue;
                }
                own.extend(order);
                entries.push(Arc::clone(entry));
            }
            known.extend(own);
        }
        entries.sort_by(|one, next| (one.starts_at, &one.key).cmp(&(next.starts_at, &next.key)));
        let mut index = Self { entries, ..Self::default() };
        index.find_ways();
        index
    }

    fn find_ways(&mut self) {
        for (place, entry) in self.entries.iter().enumerate() {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let stations = step(entry).map(|step| step.values(STATION_AE_TITLE)).unwrap_or_default();
            if stations.is_empty() {
                self.of_any_station.push(place);
            }
            for station in stations.iter().filter_map(dataset::json::Value::text) {
                let places = self.by_station.entry(station.into_owned()).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
            let ways = [
                (&mut self.by_patient_id, Tag::PATIENT_ID),
                (&mut self.by_accession_number, Tag::ACCESSION_NUMBER),
                (&mut self.by_study, Tag::STUDY_INSTANCE_UID),
            ];
            for (way, tag) in ways {
                if let Some(text) = entry.item.text(tag) {
                    way.entry(text.into_owned()).or_default().push(place);
                }
            }
        }
    }

    /// The places of the entries that may match, in the order of their start.
    pub(crate) fn candidates(&self, narrowing: &Narrowing) -> Vec<u32> {
        let of = |way: &HashMap<String, Vec<u32>>, key: &str| way.get(key).cloned().unwrap_or_default();
        let mut places = match narrowing {
            Narrowing { accession_number: Some(number), .. } => of(&self.by_accession_number, number),
            Narrowing { patient_id: Some(id), .. } => of(&self.by_patient_id, id),
            Narrowing { station: Some(station), .. } => {
                let mut places = of(&self.by_station, station);
                places.extend(&self.of_any_station);
                places.sort_unstable();
                places
            }
            _ => {
                let (from, to) = self.between(narrowing);
                return (from..to).collect();
            }
        };
        let (from, to) = self.between(narrowing);
        places.retain(|place| (from..to).contains(place));
        places
    }

    /// The places of the entries that begin on the days of a query.
    fn between(&self, narrowing: &Narrowing) -> (u32, u32) {
        let place = |is_before: &dyn Fn(Date) -> bool| {
            let place = self.entries.partition_point(|entry| is_before(entry.starts_at.date()));
            u32::try_from(place).unwrap_or(u32::MAX)
        };
        let from = narrowing.from.map_or(0, |from| place(&|day| day < from));
        let to = narrowing.to.map_or_else(|| place(&|_| true), |to| place(&|day| day <= to));
        (from, to.max(from))
    }

    /// The entry at a place.
    pub(crate) fn get(&self, place: u32) -> Option<&Arc<Entry>> {
        self.entries.get(place as usize)
    }

    /// The entries of a study.
    pub(crate) fn of_study(&self, study_instance_uid: &str) -> impl Iterator<Item = &Arc<Entry>> {
        self.at(self.by_study.get(study_instance_uid))
    }

    /// The entries with an accession number.
    pub(crate) fn of_accession_number(&self, accession_number: &str) -> impl Iterator<Item = &Arc<Entry>> {
        self.at(self.by_accession_number.get(accession_number))
    }

    fn at<'a>(&'a self, places: Option<&'a Vec<u32>>) -> impl Iterator<Item = &'a Arc<Entry>> {
        places.into_iter().flatten().filter_map(|place| self.get(*place))
    }
}

/// The item of (0040,0100).
pub(crate) fn step(entry: &Entry) -> Option<&Item> {
    entry.item.items(STEPS).next()
}

/// The patient and the accession number, which together name an order in every system.
fn order_of(item: &Item) -> Option<(String, String)> {
    Some((item.text(Tag::PATIENT_ID)?.into_owned(), item.text(Tag::ACCESSION_NUMBER)?.into_owned()))
}

#[cfg(test)]
mod tests;
