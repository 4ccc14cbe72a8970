//! Who gives access keys, and how they are asked.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use jiff::Timestamp;
use secrecy::SecretString;

use super::container;
use super::web_identity::{self, WebIdentity};
use super::{AccessKey, ContainerToken};
use crate::auth::TokenUrl;
use crate::auth::bearer_file;
use crate::auth::end_point::EndPoint;
use crate::auth::grant::Issuer;
use crate::auth::token::{Granted, TokenError, TokenFault};
use crate::error::Unreadable;
use crate::{Error, Proxy, Timeouts, Tls};

/// Life of a key whose issuer sets no end. 1 hour: one that was replaced is known by then.
const LIFE_UNSAID: Duration = Duration::from_secs(60 * 60);

/// Gives access keys that end.
pub(crate) struct KeyIssuer {
    end_point: EndPoint,
    shown: Shown,
}

/// What is shown to the end point.
enum Shown {
    ToContainer(Option<ContainerToken>),
    WebIdentity(WebIdentity),
}

impl KeyIssuer {
    /// The agent of a container. It is on its own link, also where that has the address of another one: no
    /// proxy leads there.
    pub(super) fn container(
        url: &TokenUrl,
        token: Option<ContainerToken>,
        tls: &Tls,
        timeouts: &Timeouts,
    ) -> Result<Self, Error> {
        let end_point = EndPoint::new(url, &Proxy::None, tls, timeouts)?;
        Ok(Self { end_point, shown: Shown::ToContainer(token) })
    }

    /// The Security Token Service, for a web identity.
    pub(super) fn web_identity(
        url: &TokenUrl,
        identity: WebIdentity,
        proxy: &Proxy,
        tls: &Tls,
        timeouts: &Timeouts,
    ) -> Result<Self, Error> {
        let end_point = EndPoint::new(url, proxy, tls, timeouts)?;
        Ok(Self { end_point, shown: Shown::WebIdentity(identity) })
    }

    async fn exchange(&self) -> Result<Granted<AccessKey>, TokenFault> {
        let end_point = &self.end_point;
        match &self.shown {
            Shown::ToContainer(token) => {
                let request = container::request(end_point, token.as_ref()).await?;
                let read = |_: &HeaderMap, body: &[u8]| granted(container::read(body));
                end_point.exchange(request, read, |_| None).await
            }
            Shown::WebIdentity(identity) => {
                let request = identity.request(end_point).await?;
                let read = |_: &HeaderMap, body: &[u8]| granted(web_identity::read(body));
                end_point.exchange(request, read, web_identity::error_code).await
            }
        }
    }
}

impl Issuer for KeyIssuer {
    type Token = AccessKey;

    fn end_point(&self) -> String {
        self.end_point.name()
    }

    async fn fetch(&self) -> Result<Granted<AccessKey>, TokenError> {
        self.exchange().await.map_err(|fault| self.end_point.error(fault))
    }
}

/// A key as it was answered, with its end.
pub(super) type Answered = Option<(AccessKey, Option<Timestamp>)>;

fn granted(answered: Answered) -> Result<Granted<AccessKey>, Unreadable> {
    let (token, end) = answered.ok_or(Unreadable::Malformed)?;
    let life = end.map_or(LIFE_UNSAID, |end| {
        SystemTime::from(end).duration_since(SystemTime::now()).unwrap_or_default()
    });
    Ok(Granted { token, life })
}

/// The token in a file, read for each exchange, since it is replaced as it ages.
pub(super) async fn token_file(path: &Path) -> Result<SecretString, TokenFault> {
    let unusable = |error: std::io::Error| {
        let path: PathBuf = path.to_owned();
        TokenFault::OwnProof(format!("{}: {error}", path.display()))
    };
    let file = tokio::fs::File::open(path).await.map_err(unusable)?;
    bearer_file::text_of(file).await.map(SecretString::from).map_err(unusable)
}
