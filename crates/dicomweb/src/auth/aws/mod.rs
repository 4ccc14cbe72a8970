//! AWS Signature Version 4, as AWS HealthImaging asks for it of its DICOMweb interfaces.
//!
//! Every request is signed over its method, path, parameters, header fields and the hash of its body, with a
//! key derived from an access key. A store request is sent while its data is read, so that no hash of it is
//! known: it is signed in chunks, each over its own bytes and the signature before it.

mod access_key;
mod canonical;
mod chunks;
mod container;
mod issuer;
mod signature;
mod signer;
mod web_identity;

use std::path::PathBuf;

use super::TokenUrl;

pub use access_key::AccessKey;
pub(crate) use chunks::{encoded_length, framed};
pub(crate) use signature::ChunkSigner;
pub(crate) use signer::{Signed, Signer};

/// How requests to one origin server are signed. Nothing secret shows in `Debug`.
#[derive(Debug, Clone)]
pub struct AwsSigV4 {
    /// The region of the service, for example `us-east-1`.
    pub region: String,
    /// The service that the signature is for; `medical-imaging` is AWS HealthImaging.
    pub service: String,
    /// Where the access key comes from.
    pub source: AccessKeySource,
    /// How a body is signed that is sent while it is read.
    pub streamed: StreamedBody,
}

/// Where the access key of an origin comes from.
#[derive(Debug, Clone)]
pub enum AccessKeySource {
    /// A key that does not change.
    Fixed(AccessKey),
    /// The agent of the container: ECS, EKS Pod Identity, Greengrass.
    Container {
        /// Where it is asked, the value of `AWS_CONTAINER_CREDENTIALS_FULL_URI` as a rule.
        url: TokenUrl,
        /// What is sent in the Authorization header field.
        token: Option<ContainerToken>,
    },
    /// A token of another identity provider, exchanged for a key by AssumeRoleWithWebIdentity of the AWS
    /// Security Token Service; the way of Kubernetes service accounts.
    WebIdentity {
        /// Where the service is.
        url: TokenUrl,
        /// The role to assume.
        role_arn: String,
        /// What the session is called in the records of AWS.
        session_name: String,
        /// The file of the token, read for each exchange, since it is replaced as it ages.
        token_file: PathBuf,
    },
}

/// What the agent of a container is shown.
#[derive(Debug, Clone)]
pub enum ContainerToken {
    /// Text that does not change (`AWS_CONTAINER_AUTHORIZATION_TOKEN`).
    Fixed(secrecy::SecretString),
    /// A file, read for each request (`AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`).
    File(PathBuf),
}

/// How a body is signed of which no hash is known when its request begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StreamedBody {
    /// In chunks of 64 KiB, each with a signature over its bytes and the signature before it
    /// (`STREAMING-AWS4-HMAC-SHA256-PAYLOAD` with the content coding `aws-chunked`).
    #[default]
    Chunks,
    /// Announced as `STREAMING-AWS4-HMAC-SHA256-PAYLOAD` and sent as it is, without a signature of its own:
    /// what the `curl` commands in the documentation of AWS HealthImaging send.
    Plain,
    /// `UNSIGNED-PAYLOAD`: sent as it is, for servers that accept that.
    Unsigned,
}

impl AwsSigV4 {
    /// AWS HealthImaging in a region, with streamed bodies signed in chunks.
    #[must_use]
    pub fn health_imaging(region: impl Into<String>, source: AccessKeySource) -> Self {
        let (region, service) = (region.into(), "medical-imaging".to_owned());
        Self { region, service, source, streamed: StreamedBody::default() }
    }
}
