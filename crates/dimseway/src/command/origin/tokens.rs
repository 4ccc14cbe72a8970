//! The tokens that an embedded origin gives out.

use crate::{cli::OriginServer, exit::Exit, exit::OrExit as _, private_file, ready_file::Tokens};
use anyhow::Context;
use origin::{
    Options, Personality,
    token::{self, Federation, VerifyingKey},
};
use std::{net::SocketAddr, path::Path};

/// Key file of the service account, in the folder of the origin.
const KEY_FILE: &str = "service-account.json";

/// What the arguments say of tokens, for a personality that has some.
///
/// # Errors
/// A file with a key cannot be read, or holds none.
pub(crate) fn options(
    generated: Option<token::Options>,
    arguments: &OriginServer,
) -> anyhow::Result<Option<token::Options>> {
    let Some(tokens) = generated.filter(|_| !arguments.no_tokens) else { return Ok(None) };
    let federation = match (&arguments.workload_issuer, &arguments.workload_subject, &arguments.workload_key)
    {
        (Some(issuer), Some(subject), Some(key)) => {
            let (issuer, subject) = (issuer.clone(), subject.clone());
            Some(Federation { issuer, subject, key: verifying_key(key)? })
        }
        _ => None,
    };
    let client_key = arguments.client_key.as_deref().map(verifying_key).transpose()?;
    Ok(Some(token::Options { client_key, federation, life_time: arguments.token_life_time.0, ..tokens }))
}

fn verifying_key(path: &Path) -> anyhow::Result<VerifyingKey> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("{} cannot be read", path.display())).or_exit(Exit::Usage)?;
    VerifyingKey::from_pem(&text).with_context(|| path.display().to_string()).or_exit(Exit::Usage)
}

/// What the ready file has of the tokens of an origin that listens on `address`. The key of a service account is
/// written into a file that nobody else can read.
///
/// # Errors
/// That file cannot be written.
pub(crate) fn ready(options: &Options, address: SocketAddr) -> anyhow::Result<Option<Tokens>> {
    let (Some(tokens), Some(addresses)) = (&options.tokens, options.token_addresses(address)) else {
        return Ok(None);
    };
    let key_file = match options.personality {
        Personality::Google => {
            let path = options.directory.join(KEY_FILE);
            write_secret(&path, &tokens.service_account.key_file(&addresses.token_url))?;
            Some(std::path::absolute(path)?)
        }
        _ => None,
    };
    Ok(Some(Tokens {
        token_url: addresses.token_url,
        client_id: tokens.client_id.clone(),
        client_secret: tokens.client_secret.clone(),
        metadata_host: addresses.metadata_host,
        identity_endpoint: addresses.identity_endpoint,
        identity_header: tokens.identity_header.clone(),
        key_file,
    }))
}

/// Says how to get a token.
pub(crate) fn print(tokens: &Tokens) {
    match &tokens.key_file {
        Some(path) => println!("token end point  {}\nkey file         {}", tokens.token_url, path.display()),
        None => println!(
            "token end point  {}\nclient           {}\nsecret           {}",
            tokens.token_url, tokens.client_id, tokens.client_secret
        ),
    }
}

/// Writes a file that nobody else can read.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    private_file::write(path, secret).with_context(|| format!("{} cannot be written", path.display()))
}
