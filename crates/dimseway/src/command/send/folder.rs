//! The orders of what was sent, shown in a folder.

use super::files::Study;
use crate::{
    account::Account,
    command::folders,
    exit::{Exit, fail},
};
use postdicom::{FolderPath, Order, OrderUuid, SideEffect, request::GetPatientOrderList};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Time between two searches for an order: it is made when the first instance is delivered.
const PAUSE: Duration = Duration::from_secs(2);

/// Where to.
pub(super) struct Target<'a> {
    /// The folder.
    pub(super) path: &'a FolderPath,
    /// The order, where it is known.
    pub(super) order: Option<&'a OrderUuid>,
    /// How long to wait for the others.
    pub(super) wait: Duration,
}

/// Adds the orders to the folder, which is made where it is not there.
///
/// # Errors
/// An order does not show in time ([`Exit::Unavailable`]), or several may be meant ([`Exit::Data`]); a call
/// failed. What was sent stays sent.
pub(super) async fn add(
    account: &Account,
    target: &Target<'_>,
    studies: &BTreeSet<Study>,
) -> anyhow::Result<()> {
    let (folder, _) = folders::make(account, None, target.path, None).await?;
    let mut orders = BTreeSet::new();
    match target.order {
        Some(order) => {
            orders.insert(order.clone());
        }
        None => {
            let until = Instant::now() + target.wait;
            for study in studies {
                orders.insert(order_of(account, study, until).await?);
            }
        }
    }
    for order in &orders {
        folders::add(account, order, std::slice::from_ref(&folder)).await?;
    }
    match orders.len() {
        1 => println!("1 order is in folder {folder}"),
        several => println!("{several} orders are in folder {folder}"),
    }
    Ok(())
}

async fn order_of(account: &Account, study: &Study, until: Instant) -> anyhow::Result<OrderUuid> {
    let wrong = |what: &str| fail(Exit::Data, format!("study {}: {what}", study.uid));
    let mut request = GetPatientOrderList {
        institutions: account.institutions.clone(),
        patient_id: study.patient_id.parse().ok(),
        accession_number: study.accession_number.parse().ok(),
        ..GetPatientOrderList::default()
    };
    if request.patient_id.is_none() && request.accession_number.is_none() {
        return Err(wrong("it has neither Patient ID nor Accession Number, so its order cannot be found"));
    }
    loop {
        let found = account.client.get_patient_order_list(request.clone()).await;
        let found = found.map_err(|error| account.told(&error, SideEffect::None))?;
        match meant(study, &found.orders) {
            Meant::One(order) => return Ok(order),
            Meant::Several => {
                return Err(wrong(
                    "several orders may be meant; `dimseway orders search` shows them and `dimseway folders add` adds one",
                ));
            }
            // The vendor may have joined it to an order of the patient that has no accession number.
            Meant::None if request.accession_number.is_some() && request.patient_id.is_some() => {
                request.accession_number = None;
                continue;
            }
            Meant::None => request.accession_number = study.accession_number.parse().ok(),
        }
        if Instant::now() >= until {
            let message = format!(
                "study {}: everything was sent, but no order shows yet; once it does, `dimseway folders add` adds it, as does the same command with a longer --wait",
                study.uid
            );
            return Err(fail(Exit::Unavailable, message));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Meant {
    One(OrderUuid),
    Several,
    None,
}

/// Which order a study belongs to: the one that says so, else the only one of its accession number, else the
/// only one of its patient and date.
fn meant(study: &Study, orders: &[Order]) -> Meant {
    let named =
        |order: &&Order| order.study_instance_uid.as_ref().is_some_and(|uid| uid.as_str() == study.uid);
    let other =
        |order: &&Order| order.study_instance_uid.as_ref().is_some_and(|uid| uid.as_str() != study.uid);
    let numbered = |order: &&Order| {
        let number = order.accession_number.as_ref().map(|number| number.expose().trim());
        !study.accession_number.is_empty() && number == Some(study.accession_number.as_str())
    };
    let dated = |order: &&Order| {
        let date = order.study_date.or(order.order_scheduled_datetime.map(postdicom::DateTime::date));
        let patient = order.patient_id.as_ref().is_none_or(|id| id.expose().trim() == study.patient_id);
        patient && date.map(postdicom::Date::to_dicom).as_deref() == Some(study.date.as_str())
    };
    let unnamed: Vec<&Order> = orders.iter().filter(|order| !other(order)).collect();
    let rules: [Vec<&Order>; 3] = [
        orders.iter().filter(named).collect(),
        unnamed.iter().copied().filter(numbered).collect(),
        unnamed.iter().copied().filter(dated).collect(),
    ];
    for found in rules {
        match found.as_slice() {
            [] => {}
            [one] => return one.uuid.clone().map_or(Meant::Several, Meant::One),
            _ => return Meant::Several,
        }
    }
    Meant::None
}
