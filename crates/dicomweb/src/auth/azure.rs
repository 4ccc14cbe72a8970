//! Identities that Azure gives to what runs there, so that nobody keeps a secret.

use std::io;
use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};

use super::bearer_file;
use super::client_credentials::JWT_BEARER;
use super::end_point::{EndPoint, TokenUrl};
use super::token::TokenFault;
use crate::Error;

/// Shown to the metadata service of a virtual machine, so that no page in a browser can ask it.
const METADATA: HeaderName = HeaderName::from_static("metadata");

/// What App Service and Container Apps want to be shown.
const IDENTITY_HEADER: HeaderName = HeaderName::from_static("x-identity-header");

/// A managed identity: of a virtual machine, an App Service, a Function or a Container App.
#[derive(Debug, Clone)]
pub struct AzureManagedIdentity {
    /// Who gives the tokens.
    pub host: ManagedIdentityHost,
    /// What the token is to be good for: `https://dicom.healthcareapis.azure.com` for the DICOM service.
    pub resource: String,
    /// The client ID of a user-assigned identity; none for the one of the system.
    pub client_id: Option<String>,
}

/// Who gives the tokens of a managed identity.
#[derive(Debug, Clone)]
pub enum ManagedIdentityHost {
    /// The Instance Metadata Service of a virtual machine, as a rule
    /// [`INSTANCE_METADATA`](Self::INSTANCE_METADATA).
    InstanceMetadata(TokenUrl),
    /// App Service, Functions, Container Apps: the values of the environment variables `IDENTITY_ENDPOINT` and
    /// `IDENTITY_HEADER`.
    AppService {
        /// The end point.
        url: TokenUrl,
        /// What it wants to be shown.
        header: SecretString,
    },
}

impl ManagedIdentityHost {
    /// Where the Instance Metadata Service is on every virtual machine.
    pub const INSTANCE_METADATA: &'static str = "http://169.254.169.254/metadata/identity/oauth2/token";

    pub(super) const fn url(&self) -> &TokenUrl {
        match self {
            Self::InstanceMetadata(url) | Self::AppService { url, .. } => url,
        }
    }
}

/// Workload identity: a Kubernetes service account whose token Entra ID takes for that of an application.
#[derive(Debug, Clone)]
pub struct AzureWorkloadIdentity {
    /// The token end point of the tenant.
    pub token_url: TokenUrl,
    /// The client ID of the application or managed identity, `AZURE_CLIENT_ID`.
    pub client_id: String,
    /// The file of the service account's token, `AZURE_FEDERATED_TOKEN_FILE`; read for each request, since it is
    /// replaced as it ages.
    pub token_file: PathBuf,
    /// What the token is to be good for: `https://dicom.healthcareapis.azure.com/.default`.
    pub scope: String,
}

/// A managed identity, made ready.
pub(super) struct ManagedIdentity {
    version: &'static str,
    header: (HeaderName, HeaderValue),
    resource: String,
    client_id: Option<String>,
}

/// A federated token, made ready.
pub(super) struct FederatedToken {
    client_id: String,
    token_file: PathBuf,
    scope: String,
}

impl ManagedIdentity {
    pub(super) fn new(identity: &AzureManagedIdentity) -> Result<Self, Error> {
        let (version, header) = match &identity.host {
            ManagedIdentityHost::InstanceMetadata(_) => {
                ("2018-02-01", (METADATA, HeaderValue::from_static("true")))
            }
            ManagedIdentityHost::AppService { header, .. } => {
                let mut value = HeaderValue::from_str(header.expose_secret())
                    .map_err(|error| Error::Credentials(Box::new(error)))?;
                value.set_sensitive(true);
                ("2019-08-01", (IDENTITY_HEADER, value))
            }
        };
        let (resource, client_id) = (identity.resource.clone(), identity.client_id.clone());
        Ok(Self { version, header, resource, client_id })
    }

    pub(super) fn request(&self, end_point: &EndPoint) -> RequestBuilder {
        let mut parameters = vec![("api-version", self.version), ("resource", self.resource.as_str())];
        parameters.extend(self.client_id.as_deref().map(|client_id| ("client_id", client_id)));
        let (name, value) = self.header.clone();
        end_point.get(&parameters).header(name, value)
    }
}

impl FederatedToken {
    pub(super) fn new(identity: &AzureWorkloadIdentity) -> Self {
        let AzureWorkloadIdentity { client_id, token_file, scope, .. } = identity.clone();
        Self { client_id, token_file, scope }
    }

    pub(super) async fn request(&self, end_point: &EndPoint) -> Result<RequestBuilder, TokenFault> {
        let unusable = |error: io::Error| TokenFault::OwnProof(in_file(&self.token_file, &error));
        let file = tokio::fs::File::open(&self.token_file).await.map_err(unusable)?;
        let token = bearer_file::text_of(file).await.map_err(unusable)?;
        Ok(end_point.post(&[
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("scope", &self.scope),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &token),
        ]))
    }
}

fn in_file(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
