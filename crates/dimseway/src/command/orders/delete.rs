//! `dimseway orders delete`.

use super::print;
use crate::{
    account::Account,
    cli::account::One,
    exit::{Exit, OrExit, fail},
};
use postdicom::{Call, request::DeletePatientOrder};
use std::io::{BufRead, IsTerminal, Write};

/// What a person has to type.
const CONSENT: &str = "delete";

/// Shows the order, asks, and removes it for good.
///
/// # Errors
/// Nobody agreed ([`Exit::Usage`]); the order is not there ([`Exit::Data`]); the call failed.
pub(super) async fn run(account: &Account, one: &One, yes: bool, json: bool) -> anyhow::Result<()> {
    if !yes && !std::io::stdin().is_terminal() {
        let message =
            "deletes the order and its images permanently, there is no trash; say --yes if that is meant";
        return Err(fail(Exit::Usage, message));
    }
    let institution = account.institution(one.institution.as_ref())?;
    if !yes {
        let order = super::order(account, one).await?;
        let agreed = tokio::task::spawn_blocking(move || ask(&print::facts(&order))).await??;
        if !agreed {
            return Err(fail(Exit::Usage, "nothing was deleted"));
        }
    }
    let call = Call::from(DeletePatientOrder { institution, order: one.order.clone() });
    if let Err(error) = account.client.send(&call).await {
        account.unless_done(&call, error).await?;
    }
    if json {
        println!("{}", serde_json::json!({ "outcome": "deleted", "order": one.order.as_str() }));
    } else {
        println!("deleted {} permanently", one.order);
    }
    Ok(())
}

fn ask(facts: &str) -> anyhow::Result<bool> {
    let mut to = std::io::stderr().lock();
    write!(
        to,
        "{facts}\nThis order and its images are deleted permanently; there is no trash to bring them back from.\n\
         Type `{CONSENT}` to go on: "
    )
    .and_then(|()| to.flush())
    .or_exit(Exit::Usage)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).or_exit(Exit::Usage)?;
    Ok(answer.trim() == CONSENT)
}
