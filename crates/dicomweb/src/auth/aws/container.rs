//! The agent that gives a container its access key (AWS SDKs and Tools Reference, "Container credential
//! provider").

use http::{HeaderValue, header};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::issuer::{self, Answered};
use super::{AccessKey, ContainerToken};
use crate::auth::end_point::EndPoint;
use crate::auth::token::TokenFault;

/// What the agent answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

/// What asks the agent for a key.
pub(super) async fn request(
    end_point: &EndPoint,
    token: Option<&ContainerToken>,
) -> Result<RequestBuilder, TokenFault> {
    let request = end_point.get(&[]).header(header::ACCEPT, "application/json");
    let Some(token) = token else { return Ok(request) };
    let token = match token {
        ContainerToken::Fixed(token) => token.clone(),
        ContainerToken::File(path) => issuer::token_file(path).await?,
    };
    let value = HeaderValue::from_str(token.expose_secret());
    let mut value = value
        .map_err(|_| TokenFault::OwnProof("the token of the container is no header field".to_owned()))?;
    value.set_sensitive(true);
    Ok(request.header(header::AUTHORIZATION, value))
}

/// Reads the key in an answer.
pub(super) fn read(body: &[u8]) -> Answered {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let expires = match answer.expiration {
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    let key = AccessKey {
        id: answer.access_key_id,
        secret: answer.secret_access_key.into(),
        session_token: answer.token.map(Into::into),
    };
    Some((key, expires))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_agent_answers() {
        let body =
            br#"{"RoleArn":"arn:aws:iam::123456789012:role/r","AccessKeyId":"ASIA1","SecretAccessKey":"s",
            "Token":"t","Expiration":"2026-11-22T12:00:00Z"}"#;
        let (key, end) = read(body).unwrap();
        assert_eq!((key.id.as_str(), key.secret.expose_secret()), ("ASIA1", "s"));
        assert_eq!(key.session_token.unwrap().expose_secret(), "t");
        assert_eq!(end.unwrap().to_string(), "2026-11-22T12:00:00Z");

        let (lasting, end) = read(br#"{"AccessKeyId":"AKIA1","SecretAccessKey":"s"}"#).unwrap();
        assert!(end.is_none() && lasting.session_token.is_none());
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
