//! `dimseway orders`.

mod create;
mod delete;
mod link;
mod parameters;
pub(crate) mod print;

pub(in crate::command) use link::{expiry, secret, tell};

use crate::{
    account::Account,
    cli::account::{Assign, One, Orders, OrdersAction, Search},
    exit::{Exit, fail},
    table,
};
use postdicom::{
    Call, Order, SideEffect,
    request::{AssignOrderToUser, AssignOrderToUserGroup, GetPatientOrderList, GetPatientOrderProperties},
};
use std::path::Path;

/// Does what was asked and prints the outcome.
///
/// # Errors
/// See [`crate::account::Account::told`]; an order that is not there ([`Exit::Data`]).
pub(crate) async fn run(path: &Path, arguments: Orders) -> anyhow::Result<()> {
    let account = Account::open(path, arguments.account.origin.as_deref())?;
    let json = arguments.account.json;
    match arguments.action {
        OrdersAction::Search(search) => list(&account, *search, json).await,
        OrdersAction::Show(one) => show(&account, &one, json).await,
        OrdersAction::Create(create) => create::run(&account, *create, json).await,
        OrdersAction::Delete { order, yes } => delete::run(&account, &order, yes, json).await,
        OrdersAction::Assign(assign) => give(&account, assign, json).await,
        OrdersAction::Share(link) => link::run(&account, link, link::Function::Share, json).await,
        OrdersAction::Link(link) => link::run(&account, link, link::Function::Link, json).await,
    }
}

async fn list(account: &Account, search: Search, json: bool) -> anyhow::Result<()> {
    let Search {
        patient_name,
        patient_id,
        other_patient_id,
        accession_number,
        modality,
        from,
        to,
        birthdate,
        birthdate_from,
        birthdate_to,
        institution,
    } = search;
    let institutions = if institution.is_empty() { account.institutions.clone() } else { institution };
    let request = GetPatientOrderList {
        institutions,
        patient_name,
        patient_id,
        other_patient_id,
        accession_number,
        modalities: modality,
        study_date_from: from,
        study_date_to: to,
        patient_birthdate_from: birthdate.or(birthdate_from),
        patient_birthdate_to: birthdate.or(birthdate_to),
    };
    let list = account.client.get_patient_order_list(request).await;
    let list = list.map_err(|error| account.told(&error, SideEffect::None))?;
    if list.skipped > 0 {
        eprintln!("{} items of the answer could not be read as orders", list.skipped);
    }
    if json {
        let orders: Vec<_> = list.orders.iter().map(print::json).collect();
        println!("{}", serde_json::to_string_pretty(&orders)?);
    } else {
        print!("{}", print::lines(&list.orders));
    }
    Ok(())
}

/// An order with its properties.
///
/// # Errors
/// It is not there ([`Exit::Data`]), or the call failed.
pub(crate) async fn order(account: &Account, one: &One) -> anyhow::Result<Order> {
    let institution = account.institution(one.institution.as_ref())?;
    let request = GetPatientOrderProperties { institution, order: one.order.clone() };
    let found = account.client.get_patient_order_properties(request).await;
    let found = found.map_err(|error| account.told(&error, SideEffect::None))?;
    found.ok_or_else(|| fail(Exit::Data, format!("there is no order {}", one.order)))
}

async fn show(account: &Account, one: &One, json: bool) -> anyhow::Result<()> {
    let order = order(account, one).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&print::json(&order))?);
    } else {
        print!("{}", print::facts(&order));
    }
    Ok(())
}

async fn give(account: &Account, assign: Assign, json: bool) -> anyhow::Result<()> {
    let Assign { order, user, group } = assign;
    let (call, to): (Call, String) = match (user, group) {
        (Some(user), _) => {
            let to = format!("user {user}");
            (AssignOrderToUser { order: order.clone(), user }.into(), to)
        }
        (None, Some(group)) => {
            let to = format!("group {group}");
            (AssignOrderToUserGroup { order: order.clone(), group }.into(), to)
        }
        (None, None) => return Err(fail(Exit::Usage, "--user or --group is needed")),
    };
    if let Err(error) = account.client.send(&call).await {
        account.unless_done(&call, error).await?;
    }
    if json {
        println!("{}", serde_json::json!({ "outcome": "assigned", "order": order.as_str() }));
    } else {
        println!("assigned {} to {}", table::shown(order.as_str()), table::shown(&to));
    }
    Ok(())
}
