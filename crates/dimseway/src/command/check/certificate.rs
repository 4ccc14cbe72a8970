//! How long certificates are valid.

use super::Verdict;
use anyhow::Context;
use jiff::Timestamp;
use std::path::Path;
use x509_parser::{pem::Pem, prelude::FromDer, prelude::X509Certificate};

/// Days before the end in which a certificate should be renewed.
const RENEW_DAYS: i64 = 30;

/// Days before the end in which the certificate of somebody else's server should have been renewed. Those that
/// are renewed by a program are a month before.
const RENEWED_DAYS: i64 = 14;

const SECONDS_OF_DAY: i64 = 24 * 3600;

/// What is to be said about the first certificate of a PEM file.
pub(super) fn of_file(path: &Path, now: Timestamp) -> Verdict {
    let (from, until) = match validity_of_file(path) {
        Ok(validity) => validity,
        Err(error) => return Verdict::Bad(format!("{error:#}")),
    };
    let date = until.strftime("%Y-%m-%d");
    if now < from {
        return Verdict::Bad(format!("{} is not valid yet; is the clock right?", path.display()));
    }
    if now > until {
        return Verdict::Bad(format!("{} expired on {date}; renew it", path.display()));
    }
    match days(now, until) {
        days if days <= RENEW_DAYS => {
            Verdict::Warned(format!("valid until {date}, {days} days: renew {} soon", path.display()))
        }
        _ => Verdict::Good(format!("valid until {date}")),
    }
}

/// What is to be said about the certificate that a server has shown and that was accepted.
pub(super) fn of_server(der: &[u8], now: Timestamp) -> Verdict {
    let certificate = X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate);
    let Some((_, until)) = certificate.and_then(|certificate| validity(&certificate).ok()) else {
        return Verdict::Untested("its dates cannot be read".to_owned());
    };
    let date = until.strftime("%Y-%m-%d");
    match days(now, until) {
        days if days <= RENEWED_DAYS => Verdict::Warned(format!(
            "valid until {date}, {days} days, after which nothing is delivered; tell who runs the server"
        )),
        _ => Verdict::Good(format!("valid until {date}")),
    }
}

fn days(now: Timestamp, until: Timestamp) -> i64 {
    (until.as_second() - now.as_second()) / SECONDS_OF_DAY
}

fn validity_of_file(path: &Path) -> anyhow::Result<(Timestamp, Timestamp)> {
    let content = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let pem = Pem::iter_from_buffer(&content)
        .filter_map(Result::ok)
        .find(|pem| pem.label == "CERTIFICATE")
        .with_context(|| format!("{} holds no certificate", path.display()))?;
    let certificate = pem.parse_x509().with_context(|| format!("{} cannot be read", path.display()))?;
    validity(&certificate)
}

fn validity(certificate: &X509Certificate<'_>) -> anyhow::Result<(Timestamp, Timestamp)> {
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
        for (now, ours, theirs) in [
            ("2025-06-01T00:00:00Z", "FAILED", "ok"),
            ("2026-06-01T00:00:00Z", "ok valid until 2026-12-31", "ok valid until 2026-12-31"),
            ("2026-12-11T00:00:00Z", "warn valid until 2026-12-31, 20 days: renew", "ok"),
            ("2026-12-21T00:00:00Z", "warn", "warn valid until 2026-12-31, 10 days, after which nothing is"),
            ("2027-01-01T00:00:01Z", "FAILED", "warn"),
        ] {
            let now = now.parse().unwrap();
            let said = [of_file(&path, now), of_server(certificate.der(), now)];
            for (verdict, expected) in said.iter().zip([ours, theirs]) {
                let line = verdict.in_one_line();
                assert!(line.starts_with(expected), "{now}: {line}");
            }
        }
        std::fs::write(&path, "no certificate").unwrap();
        assert!(of_file(&path, Timestamp::UNIX_EPOCH).in_one_line().ends_with("holds no certificate"));
        assert!(of_server(b"none", Timestamp::UNIX_EPOCH).in_one_line().starts_with("skipped"));
    }
}
