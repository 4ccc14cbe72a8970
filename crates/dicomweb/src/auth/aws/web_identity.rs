//! An access key in exchange for the token of another identity provider (AWS STS API Reference,
//! AssumeRoleWithWebIdentity).

use std::path::Path;

use http::header;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::events::Event;
use reqwest::Url;
use secrecy::ExposeSecret as _;

use super::AccessKey;
use super::end_point::{self, KeyUnavailable};

/// Asks for a session of the role.
pub(super) async fn ask(
    http: &reqwest::Client,
    url: &Url,
    role_arn: &str,
    session_name: &str,
    token_file: &Path,
) -> Result<AccessKey, KeyUnavailable> {
    let token = end_point::token_file(token_file).await?;
    let parameters = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role_arn),
        ("RoleSessionName", session_name),
        ("WebIdentityToken", token.expose_secret()),
    ];
    let form = parameters
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .join("&");
    let request = http
        .post(url.clone())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/xml")
        .body(form);
    let (status, body) = end_point::exchange(request).await?;
    if !status.is_success() {
        return Err(KeyUnavailable::Refused { status, code: error_code(&body) });
    }
    read(&body).ok_or(KeyUnavailable::Unreadable)
}

fn read(body: &[u8]) -> Option<AccessKey> {
    Some(AccessKey {
        id: text_of(body, b"AccessKeyId")?,
        secret: text_of(body, b"SecretAccessKey")?.into(),
        session_token: Some(text_of(body, b"SessionToken")?.into()),
        expires: Some(text_of(body, b"Expiration")?.parse().ok()?),
    })
}

/// The code of an error, where it is one: a single word, for example `ExpiredTokenException`.
fn error_code(body: &[u8]) -> Option<String> {
    let code = text_of(body, b"Code")?;
    let word = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.then_some(code)
}

/// The text of the first element of this name, in any namespace and depth.
fn text_of(body: &[u8], name: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(body);
    let mut found = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(_) | Event::GeneralRef(_) if found.is_some() => return None,
            Event::Start(element) if element.local_name().as_ref() == name => found = Some(String::new()),
            Event::Text(text) => {
                if let Some(found) = &mut found {
                    found.push_str(&text.decode().ok()?);
                }
            }
            Event::End(_) if found.is_some() => return found.map(|text| text.trim().to_owned()),
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_session() {
        let body = br#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>system:serviceaccount:pacs:dimseway</SubjectFromWebIdentityToken>
    <Credentials>
      <SessionToken>t/+=</SessionToken>
      <SecretAccessKey>s/+=</SecretAccessKey>
      <Expiration>2026-11-22T12:00:00Z</Expiration>
      <AccessKeyId>ASIA1</AccessKeyId>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"#;
        let key = read(body).unwrap();
        assert_eq!((key.id.as_str(), key.secret.expose_secret()), ("ASIA1", "s/+="));
        assert_eq!(key.session_token.unwrap().expose_secret(), "t/+=");
        assert_eq!(key.expires.unwrap().to_string(), "2026-11-22T12:00:00Z");
        assert!(read(&body[..200]).is_none());
        assert!(read(b"{}").is_none());
    }

    #[test]
    fn an_error_has_a_code_and_nothing_else_is_repeated() {
        let error = |code: &str| {
            format!("<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>")
        };
        assert_eq!(error_code(error("InvalidIdentityToken").as_bytes()).unwrap(), "InvalidIdentityToken");
        for wrong in ["", "two words", "<b>x</b>", "a&lt;b"] {
            assert_eq!(error_code(error(wrong).as_bytes()), None, "{wrong}");
        }
    }
}
