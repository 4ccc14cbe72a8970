//! The agent that gives a container its access key (AWS SDKs and Tools Reference, "Container credential
//! provider").

use http::{HeaderValue, header};
use reqwest::Url;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::end_point::{self, KeyUnavailable};
use super::{AccessKey, ContainerToken};

/// What the agent answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

/// Asks the agent for the key of now.
pub(super) async fn ask(
    http: &reqwest::Client,
    url: &Url,
    token: Option<&ContainerToken>,
) -> Result<AccessKey, KeyUnavailable> {
    let mut request = http.get(url.clone()).header(header::ACCEPT, "application/json");
    if let Some(token) = token {
        let token = match token {
            ContainerToken::Fixed(token) => token.clone(),
            ContainerToken::File(path) => end_point::token_file(path).await?,
        };
        let mut value =
            HeaderValue::from_str(token.expose_secret()).map_err(|_| KeyUnavailable::TokenUnusable)?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let (status, body) = end_point::exchange(request).await?;
    if !status.is_success() {
        return Err(KeyUnavailable::Refused { status, code: None });
    }
    read(&body).ok_or(KeyUnavailable::Unreadable)
}

fn read(body: &[u8]) -> Option<AccessKey> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let expires = match answer.expiration {
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    Some(AccessKey {
        id: answer.access_key_id,
        secret: answer.secret_access_key.into(),
        session_token: answer.token.map(Into::into),
        expires,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_agent_answers() {
        let body =
            br#"{"RoleArn":"arn:aws:iam::123456789012:role/r","AccessKeyId":"ASIA1","SecretAccessKey":"s",
            "Token":"t","Expiration":"2026-11-22T12:00:00Z"}"#;
        let key = read(body).unwrap();
        assert_eq!((key.id.as_str(), key.secret.expose_secret()), ("ASIA1", "s"));
        assert_eq!(key.session_token.unwrap().expose_secret(), "t");
        assert_eq!(key.expires.unwrap().to_string(), "2026-11-22T12:00:00Z");

        let lasting = read(br#"{"AccessKeyId":"AKIA1","SecretAccessKey":"s"}"#).unwrap();
        assert!(lasting.expires.is_none() && lasting.session_token.is_none());
        let wrong = [
            &b""[..],
            b"<html>",
            br#"{"AccessKeyId":"a"}"#,
            br#"{"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"soon"}"#,
        ];
        for body in wrong {
            assert!(read(body).is_none(), "{}", String::from_utf8_lossy(body));
        }
    }
}
