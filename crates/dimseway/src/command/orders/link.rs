//! `dimseway orders share` and `link`, and what folders' links share with them.

use crate::{
    account::Account,
    cli::account::{Expiry, Link, Password},
    exit::{Exit, OrExit, fail},
    table,
};
use anyhow::{Context, anyhow};
use jiff::{Timestamp, tz::TimeZone};
use postdicom::{
    Call, Date, Incomplete, ShareLink, SharePassword,
    request::{CreateShareLink, SharePatientOrderWithUrl},
};
use std::{fs::File, io::Read};

/// Which of the vendor's two functions makes the link.
#[derive(Debug, Clone, Copy)]
pub(super) enum Function {
    /// SharePatientOrderWithUrl.
    Share,
    /// CreateShareLink.
    Link,
}

/// Bytes of the largest file with a password.
const PASSWORD_LENGTH_MAX: u64 = 4096;

/// Makes the link, or several where the list does not fit one request.
///
/// # Errors
/// A date of the past, a password that cannot be read ([`Exit::Usage`], before anything is sent); the call
/// failed, after the links that were made were printed.
pub(super) async fn run(account: &Account, link: Link, function: Function, json: bool) -> anyhow::Result<()> {
    let Link { orders, expires, password, downloadable } = link;
    let (expires, password) = (expiry(expires)?, secret(&password)?);
    let made = match function {
        Function::Share => {
            let request = SharePatientOrderWithUrl {
                orders,
                expires,
                password,
                user_can_download_studies: downloadable,
            };
            account.client.share_patient_order_with_url(request).await
        }
        Function::Link => {
            account
                .client
                .create_share_link(CreateShareLink { orders, expires, password, downloadable })
                .await
        }
    };
    match made {
        Ok(links) => tell(&links, Some(expires), json),
        Err(Incomplete { done, mut rest, error }) => {
            if !done.is_empty() {
                tell(&done, Some(expires), json)?;
            }
            let told = match rest.is_empty() {
                true => account.told(&error, postdicom::SideEffect::Hidden),
                false => part_failed(account, &rest.swap_remove(0), *error).await,
            };
            let parts = done.len();
            Err(if parts == 0 { told } else { told.context(format!("after {parts} links were made")) })
        }
    }
}

async fn part_failed(account: &Account, call: &Call, error: postdicom::Error) -> anyhow::Error {
    match account.failed(call, error).await {
        crate::account::Failed::Told(error) => error,
        // A search shows no links, so this is not reached; a link nobody knows is as good as none.
        crate::account::Failed::Done(_) => {
            fail(Exit::Unavailable, "the link was made, but its address is lost")
        }
    }
}

/// The last day.
///
/// # Errors
/// It is over everywhere on earth ([`Exit::Usage`]).
pub(in crate::command) fn expiry(written: Expiry) -> anyhow::Result<Date> {
    let now = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let field = |number: i8| u8::try_from(number).unwrap_or_default();
    let today =
        Date::new(u16::try_from(now.year()).unwrap_or_default(), field(now.month()), field(now.day()))
            .ok_or_else(|| anyhow!("the clock is wrong"))?;
    match written {
        // The vendor states no time zone, and yesterday here is today elsewhere.
        Expiry::On(date) if date < today.plus_days(-1) => {
            Err(fail(Exit::Usage, format!("--expires: {} is over", date.to_text())))
        }
        Expiry::On(date) => Ok(date),
        Expiry::InDays(days) => Ok(today.plus_days(i32::from(days))),
    }
}

/// The password of a link.
///
/// # Errors
/// The file or variable is not there, or empty ([`Exit::Usage`]).
pub(in crate::command) fn secret(from: &Password) -> anyhow::Result<Option<SharePassword>> {
    let (option, text) = match (&from.password_file, &from.password_env) {
        (None, None) => return Ok(None),
        (Some(file), _) => {
            let mut text = String::new();
            File::open(file)
                .and_then(|file| file.take(PASSWORD_LENGTH_MAX).read_to_string(&mut text))
                .with_context(|| format!("--password-file {}", file.display()))
                .or_exit(Exit::Usage)?;
            ("--password-file", text.trim_end_matches(['\r', '\n']).to_owned())
        }
        (None, Some(name)) => {
            let text = std::env::var(name)
                .map_err(|_| anyhow!("--password-env: the environment variable {name} is not set"))
                .or_exit(Exit::Usage)?;
            ("--password-env", text)
        }
    };
    let password = text.parse().map_err(|fault| anyhow!("{option}: {fault}")).or_exit(Exit::Usage)?;
    Ok(Some(password))
}

/// Prints links, which a person asked for.
pub(in crate::command) fn tell(links: &[ShareLink], expires: Option<Date>, json: bool) -> anyhow::Result<()> {
    if json {
        let links: Vec<_> = links
            .iter()
            .map(|link| serde_json::json!({ "url": link.expose(), "answer": link.answer.expose() }))
            .collect();
        let expires = expires.map(Date::to_text);
        let told = serde_json::json!({ "outcome": "shared", "expires": expires, "links": links });
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    for link in links {
        // Where the answer has no address, a person may make more of it.
        println!("{}", table::shown(link.expose().unwrap_or_else(|| link.answer.expose())));
    }
    match expires {
        Some(date) => eprintln!("until {}; whoever knows the link can open it", date.to_text()),
        None => eprintln!("whoever knows the link can open it"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_today_or_later() {
        assert!(expiry(Expiry::On("2020-01-01".parse().unwrap())).is_err());
        assert!(expiry(Expiry::On("9999-12-31".parse().unwrap())).is_ok());
        let (today, later) = (expiry(Expiry::InDays(0)).unwrap(), expiry(Expiry::InDays(30)).unwrap());
        assert_eq!(today.plus_days(30), later);
        assert!(expiry(Expiry::On(today)).is_ok());
    }

    #[test]
    fn a_password_comes_from_a_file_without_its_newline() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        let from = Password { password_file: Some(file.clone()), password_env: None };
        assert!(secret(&from).unwrap_err().to_string().contains("--password-file"));
        std::fs::write(&file, "\n").unwrap();
        assert!(secret(&from).unwrap_err().to_string().contains("a value is needed"));
        std::fs::write(&file, "hunter2\r\n").unwrap();
        assert!(secret(&from).unwrap().is_some());
        assert!(secret(&Password { password_file: None, password_env: None }).unwrap().is_none());
        let unset = Password { password_file: None, password_env: Some("DIMSEWAY_NO_SUCH".to_owned()) };
        assert!(secret(&unset).unwrap_err().to_string().contains("--password-env"));
    }
}
