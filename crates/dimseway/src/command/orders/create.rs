//! `dimseway orders create`: one order, however often it is asked for.

use super::{parameters, print};
use crate::{
    account::{Account, Failed, invalid},
    cli::account::{Create, OrderFields},
    exit::{Exit, fail},
};
use postdicom::{
    Call, Decision, Evidence, Fault, Order, OrderUuid, Prepared, SideEffect,
    request::{CreatePatientOrder, GetPatientOrderList},
};

/// What became of the order.
enum Outcome {
    Created(Option<OrderUuid>),
    Existed(Option<OrderUuid>),
    /// There may be one already; nothing was made.
    Unclear(Vec<Order>),
}

/// Makes the order and prints what became of it.
///
/// # Errors
/// A value is missing or wrong ([`Exit::Usage`], before anything is sent); there may be one already
/// ([`Exit::Data`]); the call failed.
pub(super) async fn run(account: &Account, create: Create, json: bool) -> anyhow::Result<()> {
    let Create { mut fields, parameters, again } = create;
    if let Some(file) = parameters {
        parameters::add(&mut fields, &file)?;
    }
    let request = request(account, fields)?;
    let call = Call::from(request.clone());
    // What is wrong with the order is said before anything is asked.
    Prepared::new(&call, account.client.conventions())
        .map_err(|error| account.told(&error, SideEffect::None))?;
    let outcome = match find(account, &request, again).await? {
        Some(outcome) => outcome,
        None => match account.client.create_patient_order(request).await {
            Ok(created) => Outcome::Created(created.uuid),
            Err(error) => match account.failed(&call, error).await {
                Failed::Done(Evidence::Present { order, .. }) => Outcome::Created(order),
                Failed::Done(_) => Outcome::Created(None),
                Failed::Told(error) => return Err(error),
            },
        },
    };
    tell(outcome, json)
}

/// What is there already: an order that is the same, or that may be.
async fn find(
    account: &Account,
    request: &CreatePatientOrder,
    again: bool,
) -> anyhow::Result<Option<Outcome>> {
    if again {
        return Ok(None);
    }
    let told = |error: &postdicom::Error| account.told(error, SideEffect::None);
    if request.accession_number.is_some() {
        return Ok(match account.client.find_order(request).await.map_err(|error| told(&error))? {
            Decision::Create => None,
            Decision::Exists(order) => Some(Outcome::Existed(order.uuid)),
            Decision::Unclear(orders) => Some(Outcome::Unclear(orders)),
        });
    }
    let search = GetPatientOrderList {
        institutions: vec![request.institution.clone()],
        patient_id: Some(request.patient_id.clone()),
        ..GetPatientOrderList::default()
    };
    let list = account.client.get_patient_order_list(search).await.map_err(|error| told(&error))?;
    let alike: Vec<Order> = list.orders.into_iter().filter(|order| may_be_same(request, order)).collect();
    Ok((!alike.is_empty()).then_some(Outcome::Unclear(alike)))
}

/// Whether nothing that both state is different: patient ID, modality, time and description.
fn may_be_same(request: &CreatePatientOrder, order: &Order) -> bool {
    let equal = |wanted: Option<&str>, found: Option<&str>| match (wanted, found) {
        (Some(wanted), Some(found)) => wanted.trim() == found.trim(),
        _ => true,
    };
    let text = |text: &Option<postdicom::Text>| text.as_ref().map(|text| text.expose().to_owned());
    let same_time = match (request.order_scheduled_datetime, order.order_scheduled_datetime, order.study_date)
    {
        (Some(wanted), Some(found), _) => wanted == found,
        (Some(wanted), None, Some(found)) => wanted.date() == found,
        _ => true,
    };
    same_time
        && equal(Some(request.patient_id.expose()), order.patient_id.as_ref().map(|id| id.expose()))
        && equal(Some(request.modality.as_str()), text(&order.modality).as_deref())
        && equal(text(&request.study_description).as_deref(), text(&order.study_description).as_deref())
}

fn request(account: &Account, fields: OrderFields) -> anyhow::Result<CreatePatientOrder> {
    let missing = |field: &'static str| invalid(Fault::Missing.at(field));
    let institution = account.institution(fields.institution.as_ref())?;
    let mut request = CreatePatientOrder::new(
        institution,
        fields.patient_name.ok_or_else(|| missing("PatientName"))?,
        fields.patient_id.ok_or_else(|| missing("PatientId"))?,
        fields.birthdate.ok_or_else(|| missing("PatientBirthdate"))?,
        fields.modality.ok_or_else(|| missing("Modality"))?,
    );
    request.other_patient_id = fields.other_patient_id;
    request.patient_sex = fields.sex;
    request.study_description = fields.study_description;
    request.accession_number = fields.accession_number;
    request.patient_complaints = fields.complaints;
    request.order_scheduled_datetime = fields.scheduled;
    request.requested_procedure_id = fields.procedure_id;
    request.requested_procedure_description = fields.procedure_description;
    request.requesting_physician = fields.requesting_physician;
    request.referring_physicians_name = fields.referring_physician;
    request.scheduled_equipment = fields.equipment;
    Ok(request)
}

fn tell(outcome: Outcome, json: bool) -> anyhow::Result<()> {
    let (word, order) = match &outcome {
        Outcome::Created(order) => ("created", order.as_ref()),
        Outcome::Existed(order) => ("existed", order.as_ref()),
        Outcome::Unclear(_) => ("unclear", None),
    };
    if json {
        let mut told = serde_json::json!({ "outcome": word, "order": order.map(OrderUuid::as_str) });
        if let Outcome::Unclear(orders) = &outcome {
            told["orders"] = orders.iter().map(print::json).collect();
        }
        println!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        match &outcome {
            Outcome::Created(Some(order)) => println!("created {order}"),
            Outcome::Created(None) => {
                println!("created; the vendor does not tell its UUID, `dimseway orders search` finds it");
            }
            Outcome::Existed(Some(order)) => println!("existed {order}; nothing was made"),
            Outcome::Existed(None) => println!("existed; nothing was made"),
            Outcome::Unclear(orders) => print!("{}", print::lines(orders)),
        }
    }
    match outcome {
        Outcome::Unclear(_) => Err(fail(
            Exit::Data,
            "there may be such an order already, so none was made; --again makes one nevertheless",
        )),
        _ => Ok(()),
    }
}
