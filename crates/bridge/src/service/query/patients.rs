//! The patients that a search must name at an origin that knows no other keys, from PostDICOM's orders.
//!
//! An order tells whom to ask for. What a query answers is only what the archive's search then says.

use std::{collections::HashSet, sync::Arc, time::Instant};

use dataset::matching::Keys;
use dicomweb::search::{Level, MatchValue, Search};
use instance::Tag;
use postdicom::{
    Order, Unreadable,
    request::{GetPatientOrderList, GetPatientOrderProperties},
};

use super::{Budget, QueryError};
use crate::{
    mapping::identifier_to_orders::order_list,
    metrics::Metrics,
    snapshot::{Account, Origin},
};

/// Searches for studies, one for each patient.
pub(super) struct Patients {
    pub(super) searches: Vec<Search>,
    /// Whether some order does not tell whose it is, so that studies may be missing.
    pub(super) incomplete: bool,
}

/// Asks for the orders of everything that may match `keys`, and makes searches of their patients that ask
/// for `include`.
///
/// # Errors
/// The origin has no orders, or they cannot be listed; they are of too many patients.
pub(super) async fn patients(
    origin: &Origin,
    metrics: &Arc<Metrics>,
    keys: &Keys,
    include: &[Tag],
    budget: &Budget,
) -> Result<Patients, QueryError> {
    let Some(account) = &origin.postdicom else {
        let source = dicomweb::Error::Profile("no search without a key");
        return Err(QueryError::Origin { origin: origin.name.clone(), source });
    };
    let asking = Asking { origin, account, metrics, budget };
    let list = asking.list(order_list(keys, &account.config)).await?;
    let mut incomplete = list.skipped > 0;
    let mut values = Values { known: HashSet::new(), searches: Vec::new() };
    for order in list.orders {
        let named = match named_by(&order) {
            Some(named) => Some(named),
            None => asking.properties(&order).await?.as_ref().and_then(named_by),
        };
        match named {
            Some((key, value)) => values.add(key, value, include),
            None => incomplete = true,
        }
        if values.searches.len() > account.config.patients_max {
            return Err(QueryError::TooManyPatients(account.config.patients_max));
        }
    }
    if incomplete {
        tracing::warn!(origin = origin.name, "an order does not tell whose it is: studies may be missing");
    }
    Ok(Patients { searches: values.searches, incomplete })
}

/// The error behind the last result where some order could not be used.
pub(super) fn incomplete(origin: &Origin) -> QueryError {
    let source = postdicom::Error::Unreadable(Unreadable::Shape("an order without a patient".to_owned()));
    QueryError::Orders { origin: origin.name.clone(), source }
}

/// By what an order names studies: its patient, or else its study.
fn named_by(order: &Order) -> Option<(Tag, MatchValue)> {
    let patient_id = order.patient_id.as_ref().map(|id| id.expose().trim()).filter(|id| !id.is_empty());
    let by_patient = patient_id.map(|id| (Tag::PATIENT_ID, MatchValue::from(id)));
    let study = || Some((Tag::STUDY_INSTANCE_UID, MatchValue::from(order.study_instance_uid.clone()?)));
    by_patient.or_else(study)
}

/// Searches by different values.
struct Values {
    known: HashSet<String>,
    searches: Vec<Search>,
}

impl Values {
    fn add(&mut self, key: Tag, value: MatchValue, include: &[Tag]) {
        let text = match &value {
            MatchValue::Text(text) => text.clone(),
            MatchValue::ListOfUid(uids) => uids.iter().map(ToString::to_string).collect(),
        };
        if self.known.insert(format!("{key} {text}")) {
            let mut search = Search::new(Level::Study);
            search.matching = vec![(vec![key], value)];
            search.include = include.to_vec();
            self.searches.push(search);
        }
    }
}

/// Calls of the vendor's own end points.
struct Asking<'a> {
    origin: &'a Origin,
    account: &'a Account,
    metrics: &'a Metrics,
    budget: &'a Budget,
}

impl Asking<'_> {
    async fn list(&self, request: GetPatientOrderList) -> Result<postdicom::OrderList, QueryError> {
        self.budget.request()?;
        let began = Instant::now();
        let list = self.account.client.get_patient_order_list(request).await;
        self.counted(began, list)
    }

    /// Everything about an order whose list says too little; none where it has no name to ask by.
    async fn properties(&self, order: &Order) -> Result<Option<Order>, QueryError> {
        let institution =
            order.institution.clone().or_else(|| self.account.config.institutions.first().cloned());
        let (Some(institution), Some(order)) = (institution, order.uuid.clone()) else { return Ok(None) };
        self.budget.request()?;
        let began = Instant::now();
        let request = GetPatientOrderProperties { institution, order };
        let properties = self.account.client.get_patient_order_properties(request).await;
        self.counted(began, properties)
    }

    fn counted<T>(&self, began: Instant, answer: Result<T, postdicom::Error>) -> Result<T, QueryError> {
        self.metrics.count_orders_request(&self.origin.name, began.elapsed(), answer.as_ref().err());
        answer.map_err(|source| QueryError::Orders { origin: self.origin.name.clone(), source })
    }
}
