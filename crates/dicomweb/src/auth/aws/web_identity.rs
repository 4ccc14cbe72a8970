//! An access key in exchange for the token of another identity provider (AWS STS API Reference,
//! AssumeRoleWithWebIdentity).

use std::path::PathBuf;

use http::header;
use quick_xml::Reader;
use quick_xml::events::Event;
use reqwest::RequestBuilder;
use secrecy::ExposeSecret as _;

use super::AccessKey;
use super::issuer::{self, Answered};
use crate::auth::end_point::EndPoint;
use crate::auth::token::TokenFault;

/// Error codes that are repeated: those of AssumeRoleWithWebIdentity and the common ones.
const CODES: [&str; 11] = [
    "AccessDenied",
    "ExpiredToken",
    "ExpiredTokenException",
    "IDPCommunicationError",
    "IDPRejectedClaim",
    "InvalidIdentityToken",
    "MalformedPolicyDocument",
    "PackedPolicyTooLarge",
    "RegionDisabledException",
    "Throttling",
    "ValidationError",
];

/// The token of a web identity, and whose session it is exchanged for.
pub(super) struct WebIdentity {
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) token_file: PathBuf,
}

impl WebIdentity {
    /// What asks for a session of the role.
    pub(super) async fn request(&self, end_point: &EndPoint) -> Result<RequestBuilder, TokenFault> {
        let token = issuer::token_file(&self.token_file).await?;
        let request = end_point.post(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &self.role_arn),
            ("RoleSessionName", &self.session_name),
            ("WebIdentityToken", token.expose_secret()),
        ]);
        Ok(request.header(header::ACCEPT, "text/xml"))
    }
}

/// Reads the key in an answer.
pub(super) fn read(body: &[u8]) -> Answered {
    let key = AccessKey {
        id: text_of(body, b"AccessKeyId")?,
        secret: text_of(body, b"SecretAccessKey")?.into(),
        session_token: Some(text_of(body, b"SessionToken")?.into()),
    };
    Some((key, Some(text_of(body, b"Expiration")?.parse().ok()?)))
}

/// The code of an error, where it is a defined one.
pub(super) fn error_code(body: &[u8]) -> Option<&'static str> {
    let code = text_of(body, b"Code")?;
    CODES.into_iter().find(|known| *known == code)
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
        let (key, end) = read(body).unwrap();
        assert_eq!((key.id.as_str(), key.secret.expose_secret()), ("ASIA1", "s/+="));
        assert_eq!(key.session_token.unwrap().expose_secret(), "t/+=");
        assert_eq!(end.unwrap().to_string(), "2026-11-22T12:00:00Z");
        assert!(read(&body[..200]).is_none());
        assert!(read(b"{}").is_none());
    }

    #[test]
    fn only_defined_codes_are_repeated() {
        let error = |code: &str| {
            let body = format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
            error_code(body.as_bytes())
        };
        assert_eq!(error("InvalidIdentityToken"), Some("InvalidIdentityToken"));
        for wrong in ["", "Jane Doe", "<b>AccessDenied</b>", "a&lt;b"] {
            assert_eq!(error(wrong), None, "{wrong}");
        }
    }
}
