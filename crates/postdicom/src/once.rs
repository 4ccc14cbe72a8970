//! An order that is made once, however often it is asked for.
//!
//! The vendor makes another order for every request, and its requests are of a kind that machines on the way
//! may repeat. So whoever makes orders by machine searches first. What is decided from what was found is in
//! pure functions; [`Client::create_order_once`] puts them together.

use crate::request::{CreatePatientOrder, GetPatientOrderList, GetPatientOrderProperties};
use crate::{Call, Client, Created, Error, Evidence, Order, OrderUuid, Unconfirmed};

/// Orders whose properties are asked for because their list says too little. 16: an accession number with
/// more orders than that is not one.
const CANDIDATES_MAX: usize = 16;

/// Whether an order is the one to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Accession number and patient ID are equal.
    Same,
    /// One of them is different.
    Different,
    /// Neither is different, but not both are stated.
    Unstated,
}

/// What follows from a search.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// There is no such order: make it.
    Create,
    /// There is; with several the first.
    Exists(Box<Order>),
    /// These say too little: ask for their properties. None of them, where the answer held something that
    /// could not be read.
    Unclear(Vec<Order>),
}

/// What became of an order to be made once.
#[derive(Debug, Clone)]
pub enum Once {
    /// It was made.
    Created(Created<OrderUuid>),
    /// It was there.
    Existed(Box<Order>),
    /// There may be one already: nothing was made, and a person decides.
    Unclear(Vec<Order>),
}

/// The search that shows whether an order exists: by accession number, patient ID and institution. `None`
/// where the order has no accession number, which leaves nothing to tell it by from another of the patient.
#[must_use]
pub fn search_before(request: &CreatePatientOrder) -> Option<GetPatientOrderList> {
    Some(GetPatientOrderList {
        institutions: vec![request.institution.clone()],
        patient_id: Some(request.patient_id.clone()),
        accession_number: Some(request.accession_number.clone()?),
        ..GetPatientOrderList::default()
    })
}

/// Whether an order that a search found is the one to be made. The vendor does not say how it matches, so
/// what was found is compared again.
#[must_use]
pub fn compare(request: &CreatePatientOrder, order: &Order) -> Comparison {
    let equal =
        |wanted: Option<&str>, found: Option<&str>| wanted.zip(found).map(|(a, b)| a.trim() == b.trim());
    let accession_number = equal(
        request.accession_number.as_ref().map(|number| number.expose()),
        order.accession_number.as_ref().map(|number| number.expose()),
    );
    let patient_id = equal(
        Some(request.patient_id.expose()),
        order.patient_id.as_ref().map(|patient_id| patient_id.expose()),
    );
    match (accession_number, patient_id) {
        (Some(false), _) | (_, Some(false)) => Comparison::Different,
        (Some(true), Some(true)) => Comparison::Same,
        _ => Comparison::Unstated,
    }
}

/// What follows from the orders that [`search_before`] found.
#[must_use]
pub fn decide(request: &CreatePatientOrder, found: Vec<Order>) -> Decision {
    let mut unstated = Vec::new();
    for order in found {
        match compare(request, &order) {
            Comparison::Same => return Decision::Exists(Box::new(order)),
            Comparison::Different => {}
            Comparison::Unstated => unstated.push(order),
        }
    }
    if unstated.is_empty() { Decision::Create } else { Decision::Unclear(unstated) }
}

impl Client {
    /// Looks for an order with the accession number and patient ID, and makes it where there is none.
    ///
    /// Two machines that do so at the same moment may both make it: whoever calls this for the same order
    /// does so one at a time.
    ///
    /// # Errors
    /// [`Error::Invalid`] without an accession number. The errors of the search have no consequence; for
    /// those of the creation see [`Error::delivery`].
    pub async fn create_order_once(&self, request: CreatePatientOrder) -> Result<Once, Error> {
        // What is wrong with the order is said before anything is asked.
        crate::Prepared::new(&Call::from(request.clone()), self.conventions())?;
        match self.find_order(&request).await? {
            Decision::Create => self.create_patient_order(request).await.map(Once::Created),
            Decision::Exists(order) => Ok(Once::Existed(order)),
            Decision::Unclear(orders) => Ok(Once::Unclear(orders)),
        }
    }

    /// Whether an order exists, its properties asked for where the list says too little.
    ///
    /// # Errors
    /// [`Error::Invalid`] without an accession number; those of the search.
    pub async fn find_order(&self, request: &CreatePatientOrder) -> Result<Decision, Error> {
        let search = search_before(request).ok_or(crate::Fault::Missing.at("AccessionNumber"))?;
        let list = self.get_patient_order_list(search).await?;
        let unclear = match decide(request, list.orders) {
            // What could not be read may be the order.
            Decision::Create if list.skipped > 0 => return Ok(Decision::Unclear(Vec::new())),
            Decision::Unclear(orders) => orders,
            decided => return Ok(decided),
        };
        if unclear.len() > CANDIDATES_MAX {
            return Ok(Decision::Unclear(unclear));
        }
        let mut described = Vec::with_capacity(unclear.len());
        for order in unclear {
            described.push(self.described(request, order).await?);
        }
        Ok(match decide(request, described) {
            Decision::Unclear(mut orders) if self.conventions().unconfirmed == Unconfirmed::Same => {
                Decision::Exists(Box::new(orders.swap_remove(0)))
            }
            decided => decided,
        })
    }

    /// The order with its properties, where they can be had.
    async fn described(&self, request: &CreatePatientOrder, order: Order) -> Result<Order, Error> {
        let Some(uuid) = order.uuid.clone() else { return Ok(order) };
        let institution = order.institution.clone().unwrap_or_else(|| request.institution.clone());
        let properties = GetPatientOrderProperties { institution, order: uuid };
        match self.get_patient_order_properties(properties).await {
            Ok(found) => Ok(found.unwrap_or(order)),
            // An account may list orders and not be allowed to see more of them.
            Err(Error::Refused { .. } | Error::Failed { .. } | Error::Unreadable(_)) => Ok(order),
            Err(error) => Err(error),
        }
    }

    /// Whether an order of this kind is there by now.
    pub(crate) async fn evidence_of_order(&self, request: &CreatePatientOrder) -> Result<Evidence, Error> {
        if request.accession_number.is_none() {
            return Ok(Evidence::Unaskable);
        }
        Ok(match self.find_order(request).await? {
            Decision::Create => Evidence::Absent,
            Decision::Exists(order) => Evidence::Present { order: order.uuid, folder: None },
            Decision::Unclear(_) => Evidence::Unaskable,
        })
    }
}
