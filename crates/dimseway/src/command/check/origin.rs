//! What can be learned of an origin without writing to it: token, answer, certificates, clock.

use super::{Verdict, certificate, refused, settings};
use bridge::config::Origin;
use dicomweb::{Client, Credentials, Error, Examination, Remedy, auth::ClientProof};
use jiff::Timestamp;

/// Seconds that clocks may be apart without a word: a clock that is kept right by NTP is within one.
const CLOCK_APART: i64 = 30;

/// Seconds beyond which requests that are signed, and tokens that are made, by a wrong clock are refused: AWS,
/// Entra ID and Google all leave five minutes.
const CLOCK_REFUSED: i64 = 5 * 60;

/// The lines to print, and whether it answered as it should.
pub(super) async fn verdicts(origin: &Origin) -> (Vec<(String, Verdict)>, bool) {
    let name = &origin.name;
    let mut verdicts = Vec::new();
    let now = Timestamp::now();
    if let Some(path) = &origin.client.tls.certificate_file {
        verdicts.push((format!("certificate for origin {name}"), certificate::of_file(path, now)));
    }
    if let Some(path) = &origin.client.tls.ca_file {
        verdicts.push((format!("authority of origin {name}"), certificate::of_file(path, now)));
    }
    for verdict in settings::verdicts(origin) {
        verdicts.push((format!("settings of origin {name}"), verdict));
    }
    let client = match Client::examining(origin.client.clone()) {
        Ok(client) => client,
        Err(error) => {
            verdicts.push((format!("origin {name}"), Verdict::Bad(refused(&error))));
            return (verdicts, false);
        }
    };
    if let Some((verdict, is_there)) = token(&client).await {
        verdicts.push((format!("token of origin {name}"), verdict));
        if !is_there {
            let words = "without a token it is not asked".to_owned();
            verdicts.push((format!("origin {name}"), Verdict::Untested(words)));
            return (verdicts, false);
        }
    }
    let examination = client.examine().await;
    let answers = examination.outcome.is_ok();
    verdicts.push((format!("origin {name}"), answer(&examination)));
    if let Some(der) = &examination.certificate {
        verdicts.push((format!("server certificate of origin {name}"), certificate::of_server(der, now)));
    }
    if let Some(ahead) = examination.clock_ahead {
        verdicts.push((
            format!("clock of origin {name}"),
            clock(ahead, depends_on_clock(&origin.client.credentials)),
        ));
    }
    (verdicts, answers)
}

/// What is to be said about the token, and whether there is one; none where the credentials have none.
async fn token(client: &Client) -> Option<(Verdict, bool)> {
    match client.authenticate().await {
        Ok(None) => None,
        Ok(Some(token)) => {
            let minutes = token.rest.as_secs() / 60;
            let words = format!("from {}, good for {minutes} min", token.end_point);
            Some((Verdict::Good(words), true))
        }
        Err(error) => {
            let advice = match error.remedy() {
                Remedy::FixCredentials | Remedy::Reject => {
                    "look at `auth` of this origin: the client or account, its secret or key, and what it may do"
                }
                Remedy::Retry { .. } | Remedy::Unknown => {
                    "can the token end point be reached from here, and through the proxy of the environment if \
                     there is one?"
                }
            };
            Some((Verdict::Bad(format!("{error}; {advice}")), false))
        }
    }
}

fn answer(examination: &Examination) -> Verdict {
    match &examination.outcome {
        Ok(()) => Verdict::Good(format!("answers a search with limit 1 in {:.1?}", examination.took)),
        Err(error @ Error::Connect(_)) if error_names_certificate(error) => Verdict::Bad(format!(
            "{error}; look at `tls.ca` of this origin, at the dates and the name of the server's certificate, and \
             at the clock here"
        )),
        Err(error) => Verdict::Bad(refused(error)),
    }
}

fn error_names_certificate(error: &Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(at) = cause {
        if at.to_string().to_ascii_lowercase().contains("certificate") {
            return true;
        }
        cause = at.source();
    }
    false
}

/// What a clock means that is so many seconds ahead of ours, for credentials that depend on it or do not.
fn clock(ahead: i64, it_counts: bool) -> Verdict {
    let apart = ahead.unsigned_abs();
    let minutes = apart / 60;
    let (by, direction) = match (minutes, ahead > 0) {
        (0, ahead) => (format!("{apart} s"), ahead),
        (minutes, ahead) => (format!("{minutes} min"), ahead),
    };
    let direction = if direction { "ahead of" } else { "behind" };
    let words = format!("the server's is {by} {direction} the one here; which is right? Let NTP keep both");
    match i64::try_from(apart).unwrap_or(i64::MAX) {
        ..=CLOCK_APART => Verdict::Good(format!("the server's and the one here are {apart} s apart")),
        CLOCK_REFUSED.. if it_counts => {
            Verdict::Bad(format!("{words}; with these credentials requests are refused"))
        }
        _ => Verdict::Warned(words),
    }
}

/// Whether what proves who we are says when it was made.
const fn depends_on_clock(credentials: &Credentials) -> bool {
    match credentials {
        Credentials::None
        | Credentials::Basic { .. }
        | Credentials::BearerFile(_)
        | Credentials::AzureManagedIdentity(_)
        | Credentials::AzureWorkloadIdentity(_)
        | Credentials::GoogleMetadataServer(_) => false,
        Credentials::OAuthClient(client) => matches!(client.proof, ClientProof::Assertion(_)),
        Credentials::GoogleServiceAccount(_) | Credentials::AwsSigV4(_) => true,
    }
}

#[cfg(test)]
mod tests;
