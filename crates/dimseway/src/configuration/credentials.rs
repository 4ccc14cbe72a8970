//! Who Dimseway is at an origin.

use super::{origin::Reading, secret};
use crate::config_file::{Algorithm, AuthType, KeyPath, Problem, SecretPlace};
use dicomweb::{
    Credentials,
    auth::{
        self, AzureManagedIdentity, AzureWorkloadIdentity, ClientProof, GoogleMetadataServer,
        GoogleServiceAccount, ManagedIdentityHost, OAuthClient, SigningKey, TokenUrl,
    },
};
use http::{HeaderName, header::AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;

/// What a token is for where nothing else is written: the DICOM service of Azure, in the form of the v1 end
/// points (`resource`) and of the v2 end points (`scope`).
const AZURE_RESOURCE: &str = "https://dicom.healthcareapis.azure.com";
const AZURE_SCOPE: &str = "https://dicom.healthcareapis.azure.com/.default";

/// The same for the Healthcare API of Google.
const GOOGLE_SCOPE: &str = "https://www.googleapis.com/auth/cloud-healthcare";

/// Where the public cloud of Microsoft gives tokens.
const AZURE_AUTHORITY: &str = "https://login.microsoftonline.com/";

impl Reading<'_> {
    /// The credentials of this origin; those that never change become one of its `headers`.
    pub(super) fn credentials(
        &mut self,
        headers: &mut Vec<(HeaderName, http::HeaderValue)>,
    ) -> Result<Credentials, Problem> {
        let auth = &self.origin.auth;
        if let Some(key) = auth.unused() {
            let name = auth.r#type.name();
            return Err(self.auth_problem(key, format!("has no meaning with type = \"{name}\"")));
        }
        match auth.r#type {
            AuthType::None => Ok(Credentials::None),
            AuthType::Basic => {
                let username = self.needed("username", auth.username.as_deref())?;
                let password =
                    self.secret("password", auth.password_file.as_deref(), auth.password_env.as_deref())?;
                Ok(Credentials::Basic { username, password })
            }
            AuthType::Bearer => self.bearer(headers),
            AuthType::OAuth2 => self.oauth_client().map(Credentials::OAuthClient),
            AuthType::AzureManagedIdentity => self.managed_identity().map(Credentials::AzureManagedIdentity),
            AuthType::AzureWorkloadIdentity => {
                self.workload_identity().map(Credentials::AzureWorkloadIdentity)
            }
            AuthType::GoogleServiceAccount => self.service_account().map(Credentials::GoogleServiceAccount),
            AuthType::GoogleMetadata => {
                let url = auth.token_url.as_deref().unwrap_or(GoogleMetadataServer::TOKEN_URL);
                let (token_url, scope) = (self.token_url(url)?, auth.scope.clone());
                Ok(Credentials::GoogleMetadataServer(GoogleMetadataServer { token_url, scope }))
            }
            AuthType::AwsSigV4 => self.aws_sigv4().map(Credentials::AwsSigV4),
        }
    }

    fn bearer(&mut self, headers: &mut Vec<(HeaderName, http::HeaderValue)>) -> Result<Credentials, Problem> {
        let auth = &self.origin.auth;
        match (&auth.token_file, &auth.token_env) {
            (Some(file), None) => {
                let key = self.path.key("auth").key("token_file");
                // Read once now, so that an empty file is found before a port opens; the client
                // reads it again when it changes, so it is not watched here.
                secret::from_file(file, &key, self.document, &mut Vec::new())?;
                Ok(Credentials::BearerFile(self.document.directory().join(file)))
            }
            (file, variable) => {
                let token = self.secret("token", file.as_deref(), variable.as_deref())?;
                let value = SecretString::from(format!("Bearer {}", token.expose_secret()));
                let value = self.header_value(&self.path.key("auth").key("token_env"), &value)?;
                headers.push((AUTHORIZATION, value));
                Ok(Credentials::None)
            }
        }
    }

    fn oauth_client(&mut self) -> Result<OAuthClient, Problem> {
        let auth = &self.origin.auth;
        let token_url = self.needed("token_url", auth.token_url.as_deref())?;
        let token_url = self.token_url(&token_url)?;
        let client_id = self.needed("client_id", auth.client_id.as_deref())?;
        let (file, variable) = (auth.client_secret_file.as_deref(), auth.client_secret_env.as_deref());
        let proof = match &auth.key_file {
            None if file.is_none() && variable.is_none() => {
                let message = "`oauth2` needs `client_secret_file`, `client_secret_env` or `key_file`";
                return Err(self.problem("auth", message));
            }
            None => {
                let signing = [
                    ("certificate_file", auth.certificate_file.is_some()),
                    ("key_id", auth.key_id.is_some()),
                    ("algorithm", auth.algorithm.is_some()),
                ];
                if let Some((key, _)) = signing.iter().find(|(_, written)| *written) {
                    return Err(self.auth_problem(key, "has no meaning without `key_file`"));
                }
                let secret = self.secret("client_secret", file, variable)?;
                match auth.client_secret_in.unwrap_or(SecretPlace::Body) {
                    SecretPlace::Body => ClientProof::SecretInBody(secret),
                    SecretPlace::Header => ClientProof::SecretInHeader(secret),
                }
            }
            Some(_) if file.is_some() || variable.is_some() => {
                return Err(self.problem("auth", "`key_file` and a client secret exclude each other"));
            }
            Some(_) if auth.client_secret_in.is_some() => {
                return Err(self.auth_problem("client_secret_in", "has no meaning with `key_file`"));
            }
            Some(key_file) => ClientProof::Assertion(self.signing_key(key_file)?),
        };
        let (scope, parameters) = (auth.scope.clone(), auth.parameters.clone());
        Ok(OAuthClient { token_url, client_id, proof, scope, parameters })
    }

    fn signing_key(&mut self, key_file: &str) -> Result<SigningKey, Problem> {
        let auth = &self.origin.auth;
        let path = self.path.key("auth");
        let pem = secret::from_file(key_file, &path.key("key_file"), self.document, self.files)?;
        let certificate = match &auth.certificate_file {
            None => None,
            Some(file) => {
                Some(secret::from_file(file, &path.key("certificate_file"), self.document, self.files)?)
            }
        };
        let algorithm = match auth.algorithm {
            None | Some(Algorithm::Rs256) => auth::Algorithm::Rs256,
            Some(Algorithm::Rs384) => auth::Algorithm::Rs384,
            Some(Algorithm::Ps256) => auth::Algorithm::Ps256,
            Some(Algorithm::Es256) => auth::Algorithm::Es256,
            Some(Algorithm::Es384) => auth::Algorithm::Es384,
        };
        let certificate = certificate.as_ref().map(ExposeSecret::expose_secret);
        SigningKey::from_pem(&pem, algorithm, auth.key_id.as_deref(), certificate).map_err(|error| {
            let key = match error {
                auth::UnusableKey::NoCertificate => "certificate_file",
                _ => "key_file",
            };
            self.auth_problem(key, error.to_string())
        })
    }

    fn managed_identity(&self) -> Result<AzureManagedIdentity, Problem> {
        let auth = &self.origin.auth;
        let app_service = (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER"));
        let host = match (&auth.token_url, app_service) {
            (Some(url), _) => ManagedIdentityHost::InstanceMetadata(self.token_url(url)?),
            (None, (Some(url), Some(header))) => {
                ManagedIdentityHost::AppService { url: self.token_url(&url)?, header: header.into() }
            }
            (None, _) => {
                let url = self.token_url(ManagedIdentityHost::INSTANCE_METADATA)?;
                ManagedIdentityHost::InstanceMetadata(url)
            }
        };
        let resource = auth.resource.clone().unwrap_or_else(|| AZURE_RESOURCE.to_owned());
        Ok(AzureManagedIdentity { host, resource, client_id: auth.client_id.clone() })
    }

    fn workload_identity(&self) -> Result<AzureWorkloadIdentity, Problem> {
        let auth = &self.origin.auth;
        let or_environment = |key: &str, written: &Option<String>, name: &str| {
            written.clone().or_else(|| variable(name)).ok_or_else(|| {
                let message = format!("`azure-workload-identity` needs `{key}` or {name} in the environment");
                self.problem("auth", message)
            })
        };
        let token_url = match &auth.token_url {
            Some(_) if auth.tenant.is_some() => {
                return Err(self.auth_problem("tenant", "has no meaning with `token_url`, which names one"));
            }
            Some(url) => url.clone(),
            None => {
                let tenant = or_environment("tenant", &auth.tenant, "AZURE_TENANT_ID")?;
                let authority = variable("AZURE_AUTHORITY_HOST");
                let authority = authority.as_deref().unwrap_or(AZURE_AUTHORITY).trim_end_matches('/');
                format!("{authority}/{tenant}/oauth2/v2.0/token")
            }
        };
        let file = or_environment("token_file", &auth.token_file, "AZURE_FEDERATED_TOKEN_FILE")?;
        // It is replaced as it ages, and read for each request, so it is not watched.
        let key = self.path.key("auth").key("token_file");
        let token_file: PathBuf = secret::readable(&file, &key, self.document, &mut Vec::new())?;
        Ok(AzureWorkloadIdentity {
            token_url: self.token_url(&token_url)?,
            client_id: or_environment("client_id", &auth.client_id, "AZURE_CLIENT_ID")?,
            token_file,
            scope: auth.scope.clone().unwrap_or_else(|| AZURE_SCOPE.to_owned()),
        })
    }

    fn service_account(&mut self) -> Result<GoogleServiceAccount, Problem> {
        let auth = &self.origin.auth;
        let file = self.needed("key_file", auth.key_file.as_deref())?;
        let key = self.path.key("auth").key("key_file");
        let json = secret::from_file(&file, &key, self.document, self.files)?;
        let scope = auth.scope.as_deref().unwrap_or(GOOGLE_SCOPE);
        let mut account = GoogleServiceAccount::from_key_file(json.expose_secret(), scope)
            .map_err(|error| self.auth_problem("key_file", error.to_string()))?;
        if let Some(url) = &auth.token_url {
            account.token_url = self.token_url(url)?;
        }
        Ok(account)
    }

    pub(super) fn token_url(&self, text: &str) -> Result<TokenUrl, Problem> {
        // The text is not repeated: it may hold a password, and problems are logged.
        text.parse()
            .map_err(|error: dicomweb::url::InvalidBaseUrl| self.auth_problem("token_url", error.to_string()))
    }

    pub(super) fn needed(&self, key: &str, written: Option<&str>) -> Result<String, Problem> {
        let name = self.origin.auth.r#type.name();
        written.map(ToOwned::to_owned).ok_or_else(|| self.problem("auth", format!("`{name}` needs `{key}`")))
    }

    /// The secret `{name}_file` or `{name}_env`.
    pub(super) fn secret(
        &mut self,
        name: &str,
        file: Option<&str>,
        variable: Option<&str>,
    ) -> Result<SecretString, Problem> {
        let path = self.path.key("auth");
        match (file, variable) {
            (Some(file), None) => {
                secret::from_file(file, &path.key(format!("{name}_file")), self.document, self.files)
            }
            (None, Some(variable)) => {
                secret::from_environment(variable, &path.key(format!("{name}_env")), self.document)
            }
            (None, None) => Err(self.problem("auth", format!("`{name}_file` or `{name}_env` is needed"))),
            (Some(_), Some(_)) => {
                Err(self.problem("auth", format!("`{name}_file` and `{name}_env` exclude each other")))
            }
        }
    }

    pub(super) fn auth_problem(&self, key: &str, message: impl Into<String>) -> Problem {
        let path: KeyPath = self.path.key("auth").key(key);
        self.document.problem(&path, message)
    }
}

/// A variable of the environment that is not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
