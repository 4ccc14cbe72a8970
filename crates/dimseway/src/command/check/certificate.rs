//! How long certificates are valid.

use anyhow::Context;
use jiff::Timestamp;
use std::path::Path;
use x509_parser::pem::Pem;

/// Days before the end in which a certificate should be renewed.
const RENEW_DAYS: i64 = 30;

const SECONDS_OF_DAY: i64 = 24 * 3600;

/// What is to be said about the first certificate of a PEM file, which is the client's own: Ok where
/// it is valid.
pub(super) fn verdict(path: &Path, now: Timestamp) -> Result<String, String> {
    let (from, until) = validity(path).map_err(|error| format!("{error:#}"))?;
    let date = until.strftime("%Y-%m-%d");
    if now < from {
        return Err(format!("{} is not valid yet; is the clock right?", path.display()));
    }
    if now > until {
        return Err(format!("{} expired on {date}; renew it", path.display()));
    }
    match (until.as_second() - now.as_second()) / SECONDS_OF_DAY {
        days if days <= RENEW_DAYS => Ok(format!("valid until {date}, {days} days: renew it soon")),
        _ => Ok(format!("valid until {date}")),
    }
}

fn validity(path: &Path) -> anyhow::Result<(Timestamp, Timestamp)> {
    let content = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let pem = Pem::iter_from_buffer(&content)
        .filter_map(Result::ok)
        .find(|pem| pem.label == "CERTIFICATE")
        .with_context(|| format!("{} holds no certificate", path.display()))?;
    let certificate = pem.parse_x509().with_context(|| format!("{} cannot be read", path.display()))?;
    let validity = certificate.validity();
    let time =
        |seconds| Timestamp::from_second(seconds).context("the dates of the certificate make no sense");
    Ok((time(validity.not_before.timestamp())?, time(validity.not_after.timestamp())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    #[test]
    fn the_dates_decide() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("client.pem");
        let mut parameters = CertificateParams::new(["client".to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2026, 1, 1);
        parameters.not_after = date_time_ymd(2026, 12, 31);
        let certificate = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        std::fs::write(&path, certificate.pem()).unwrap();
        for (now, expected) in [
            ("2025-06-01T00:00:00Z", Err("is not valid yet; is the clock right?")),
            ("2026-06-01T00:00:00Z", Ok("valid until 2026-12-31")),
            ("2026-12-11T00:00:00Z", Ok("valid until 2026-12-31, 20 days: renew it soon")),
            ("2027-01-01T00:00:01Z", Err("expired on 2026-12-31; renew it")),
        ] {
            match (verdict(&path, now.parse().unwrap()), expected) {
                (Ok(got), Ok(expected)) => assert_eq!(got, expected),
                (Err(got), Err(expected)) => assert!(got.ends_with(expected), "{got}"),
                (got, _) => panic!("{now}: {got:?}"),
            }
        }
        std::fs::write(&path, "no certificate").unwrap();
        assert!(verdict(&path, Timestamp::UNIX_EPOCH).unwrap_err().ends_with("holds no certificate"));
    }
}
