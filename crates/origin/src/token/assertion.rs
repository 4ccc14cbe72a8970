//! JSON Web Tokens that a client shows in place of a secret (RFC 7523 §3).

use serde_json::Value;

use super::{VerifyingKey, key::Token};

/// Seconds that clocks may differ by: 5 minutes, as both clouds forgive.
const SKEW: i64 = 300;

/// Who an assertion has to be from and for.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    /// None: whoever.
    pub(super) subject: Option<&'a str>,
    /// One of these.
    pub(super) audiences: &'a [String],
    /// Longest time from `iat`, or else from now, to `exp`, in seconds; none: any.
    pub(super) life_max: Option<i64>,
}

/// Why an assertion is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Signature,
    Issuer,
    Subject,
    Audience,
    Time,
}

/// Checks an assertion, and gives what it holds.
pub(super) fn check(assertion: &str, key: &VerifyingKey, expected: &Expected<'_>) -> Result<Token, Fault> {
    let token = key.verified(assertion).ok_or(Fault::Signature)?;
    let claims = &token.claims;
    if claims["iss"].as_str() != Some(expected.issuer) {
        return Err(Fault::Issuer);
    }
    if expected.subject.is_some_and(|subject| claims["sub"].as_str() != Some(subject)) {
        return Err(Fault::Subject);
    }
    let is_for_us =
        |one: &Value| one.as_str().is_some_and(|one| expected.audiences.iter().any(|us| us == one));
    let audience = &claims["aud"];
    if !is_for_us(audience) && !audience.as_array().is_some_and(|several| several.iter().any(is_for_us)) {
        return Err(Fault::Audience);
    }
    let now = jiff::Timestamp::now().as_second();
    let expires = claims["exp"].as_i64().ok_or(Fault::Time)?;
    let issued = claims["iat"].as_i64();
    let begins = claims["nbf"].as_i64().or(issued).unwrap_or(now);
    let too_long = expected.life_max.is_some_and(|max| expires - issued.unwrap_or(now) > max);
    if expires <= now - SKEW || begins > now + SKEW || too_long {
        return Err(Fault::Time);
    }
    Ok(token)
}
