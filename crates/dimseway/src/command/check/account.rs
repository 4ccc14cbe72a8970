//! Whether the end points that a PostDICOM account has beside DICOMweb answer.

use super::Verdict;
use crate::table;
use bridge::config::PostDicom;
use http::StatusCode;
use postdicom::{Client, ClientConfig, Date, Error, Remedy, SideEffect, request::GetPatientOrderList};
use std::time::Instant;

/// Looks for a folder that nobody has, and for orders of a day that has none at the institutions of the
/// configuration. Neither names a patient nor changes anything.
pub(super) async fn verdict(account: &PostDicom, client: ClientConfig) -> Verdict {
    let client = match Client::new(client) {
        Ok(client) => client,
        Err(error) => return Verdict::Bad(refused(&error)),
    };
    let started = Instant::now();
    if let Err(error) = client.probe().await {
        return Verdict::Bad(format!("the search for folders: {}", refused(&error)));
    }
    let long_ago = Date::new(1900, 1, 1);
    let request = GetPatientOrderList {
        institutions: account.institutions.clone(),
        study_date_from: long_ago,
        study_date_to: long_ago,
        ..GetPatientOrderList::default()
    };
    match client.get_patient_order_list(request).await {
        Ok(_) => Verdict::Good(format!("folders and orders can be searched, in {:.1?}", started.elapsed())),
        Err(error) => Verdict::Bad(format!("the search for orders: {}", refused(&error))),
    }
}

/// An error, what the vendor says about it, and what to look at.
fn refused(error: &Error) -> String {
    let reason =
        error.reason().map(|reason| format!(": {}", table::shown(reason.expose()))).unwrap_or_default();
    let advice = match error {
        Error::Unencrypted => "`postdicom.plain_http` of this origin allows it",
        Error::Refused { reason: Some(_), .. } | Error::Failed { .. } => {
            "look at `postdicom.institutions` and `postdicom.routes` of this origin"
        }
        Error::Refused { status, .. } if *status == StatusCode::NOT_FOUND => {
            "is `url` the address that PostDICOM hands out, with the path in it?"
        }
        error => match error.remedy(SideEffect::None) {
            Remedy::FixCredentials => "look at `auth`, `headers` and `tls` of this origin",
            Remedy::Retry { .. } | Remedy::OutcomeUnknown => "is it up, and is `url` right?",
            Remedy::Reject => "look at `url` and the keys of `postdicom` of this origin",
        },
    };
    format!("{error}{reason}; {advice}")
}
