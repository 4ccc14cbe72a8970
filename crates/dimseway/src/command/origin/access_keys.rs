//! The access keys that an embedded origin of AWS takes.

use super::tokens::write_secret;
use crate::ready_file::AccessKeys;
use origin::{Options, Personality};
use std::{net::SocketAddr, path::Path};

/// What the ready file has of the access keys of an origin that listens on `address`.
pub(crate) fn ready(options: &Options, address: SocketAddr) -> Option<AccessKeys> {
    let aws = Some(&options.aws).filter(|_| options.personality == Personality::Aws)?;
    let addresses = aws.addresses(address);
    Some(AccessKeys {
        region: aws.region.clone(),
        access_key_id: aws.access_key_id.clone(),
        secret_access_key: aws.secret_access_key.clone(),
        token_url: addresses.security_token_service,
        role_arn: aws.role_arn.clone(),
        web_identity_token: aws.web_identity_token.clone(),
        container_credentials_url: addresses.container_credentials,
        container_token: aws.container_token.clone(),
    })
}

/// Says with which key requests are signed.
pub(crate) fn print(keys: &AccessKeys) {
    println!(
        "region           {}\naccess key       {}\nsecret           {}",
        keys.region, keys.access_key_id, keys.secret_access_key
    );
}

/// How the bridge signs, with the secret in a file of this name in the directory of its configuration.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn authentication(directory: &Path, name: &str, keys: &AccessKeys) -> anyhow::Result<String> {
    write_secret(&directory.join(name), &keys.secret_access_key)?;
    Ok(format!(
        "\n[origin.archive.auth]\ntype = \"aws-sigv4\"\nregion = \"{}\"\naccess_key_id = \"{}\"\n\
         secret_access_key_file = \"{name}\"\n",
        keys.region, keys.access_key_id
    ))
}
