//! How Dimseway proves who it is: `auth` of `[origin.NAME]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How Dimseway proves who it is. Files are read again when they change, so a secret can be changed without a
/// restart. Tokens are kept for all requests to the origin, replaced five minutes before they end, and once when
/// the origin refuses one. While there is none, deliveries wait, and no attempts are used up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Auth {
    /// `"none"`, `"basic"` (RFC 7617), `"bearer"` (RFC 6750), `"oauth2"` (client credentials, RFC 6749 §4.4),
    /// `"azure-managed-identity"`, `"azure-workload-identity"`, `"google-service-account"`, `"google-metadata"` or
    /// `"aws-sigv4"` (AWS Signature Version 4).
    /// Unit: none. Source: the server's documentation.
    pub(crate) r#type: AuthType,
    /// User name, for `basic`.
    /// Unit: none. Source: the server's administrator.
    #[schemars(extend("x-sample" = "dimseway"))]
    pub(crate) username: Option<String>,
    /// File with the password, for `basic`; a newline at its end does not count.
    /// Unit: path, relative to this file. Source: the server's administrator.
    #[schemars(extend("x-sample" = "/run/secrets/archive_password"))]
    pub(crate) password_file: Option<String>,
    /// Environment variable with the password, for `basic`.
    /// Unit: name. Source: the server's administrator.
    #[schemars(extend("x-sample" = "ARCHIVE_PASSWORD"))]
    pub(crate) password_env: Option<String>,
    /// File with the token, for `bearer`; a newline at its end does not count. For `azure-workload-identity` the
    /// token of the Kubernetes service account; left out: the environment variable `AZURE_FEDERATED_TOKEN_FILE`
    /// names it.
    /// Unit: path, relative to this file. Source: the server's administrator.
    #[schemars(extend("x-sample" = "/run/secrets/archive_token"))]
    pub(crate) token_file: Option<String>,
    /// Environment variable with the token, for `bearer`.
    /// Unit: name. Source: the server's administrator.
    #[schemars(extend("x-sample" = "ARCHIVE_TOKEN"))]
    pub(crate) token_env: Option<String>,
    /// Where tokens are given; needed for `oauth2`. Left out with the others: the end point of the tenant, of the
    /// virtual machine, of App Service where `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` are in the environment,
    /// of the key file, or of the machine in Google Cloud.
    /// Unit: http or https URL. Source: RFC 6749 §3.2.
    #[schemars(extend("x-sample" = "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"))]
    pub(crate) token_url: Option<String>,
    /// Identifier of the client, for `oauth2`; of a user-assigned identity, for `azure-managed-identity`; of the
    /// application, for `azure-workload-identity`, left out there: `AZURE_CLIENT_ID` of the environment.
    /// Unit: none. Source: RFC 6749 §2.2.
    #[schemars(extend("x-sample" = "11111111-2222-3333-4444-555555555555"))]
    pub(crate) client_id: Option<String>,
    /// File with the client's secret, for `oauth2`; a newline at its end does not count.
    /// Unit: path, relative to this file. Source: RFC 6749 §2.3.1.
    #[schemars(extend("x-sample" = "/run/secrets/client_secret"))]
    pub(crate) client_secret_file: Option<String>,
    /// Environment variable with the client's secret, for `oauth2`.
    /// Unit: name. Source: RFC 6749 §2.3.1.
    #[schemars(extend("x-sample" = "CLIENT_SECRET"))]
    pub(crate) client_secret_env: Option<String>,
    /// Where the client's secret goes: in the `"body"` of the request, or in its `"header"` by Basic
    /// authentication. Left out: in the body.
    /// Unit: none. Source: RFC 6749 §2.3.1.
    #[schemars(extend("x-sample" = "body"))]
    pub(crate) client_secret_in: Option<SecretPlace>,
    /// File with a private key in PEM, without a passphrase, that signs assertions in place of a secret, for
    /// `oauth2`; the JSON key file of the account, for `google-service-account`.
    /// Unit: path, relative to this file. Source: RFC 7523 §2.2; RFC 7523 §2.1.
    #[schemars(extend("x-sample" = "/run/secrets/client.key"))]
    pub(crate) key_file: Option<String>,
    /// Certificate of `key_file` in PEM, by whose thumbprint the server finds the public key, for `oauth2`.
    /// Unit: path, relative to this file. Source: RFC 7515 §4.1.8; Entra ID.
    #[schemars(extend("x-sample" = "client.pem"))]
    pub(crate) certificate_file: Option<String>,
    /// Name of the key at the server, for `oauth2`.
    /// Unit: none. Source: RFC 7515 §4.1.4.
    #[schemars(extend("x-sample" = "2026-01"))]
    pub(crate) key_id: Option<String>,
    /// How `key_file` signs: `"RS256"`, `"RS384"`, `"PS256"`, `"ES256"` or `"ES384"`, for `oauth2`. Left out:
    /// RS256.
    /// Unit: none. Source: RFC 7518 §3.1.
    #[schemars(extend("x-sample" = "PS256"))]
    pub(crate) algorithm: Option<Algorithm>,
    /// What the token is to be good for, for `oauth2`, `azure-workload-identity`, `google-service-account` and
    /// `google-metadata`; several are separated by blanks. Left out: none, that of Azure's DICOM service, that of
    /// the Healthcare API, and those of the machine.
    /// Unit: none. Source: RFC 6749 §3.3.
    #[schemars(extend("x-sample" = "https://dicom.healthcareapis.azure.com/.default"))]
    pub(crate) scope: Option<String>,
    /// What the token is to be good for, for `azure-managed-identity`. Left out: Azure's DICOM service.
    /// Unit: URL. Source: Microsoft's documentation of the service.
    #[schemars(extend("x-sample" = "https://dicom.healthcareapis.azure.com"))]
    pub(crate) resource: Option<String>,
    /// Tenant, for `azure-workload-identity`; left out: `AZURE_TENANT_ID` of the environment.
    /// Unit: none. Source: Entra ID.
    #[schemars(extend("x-sample" = "99999999-8888-7777-6666-555555555555"))]
    pub(crate) tenant: Option<String>,
    /// Region that requests are signed for, for `aws-sigv4`; left out: `AWS_REGION` or `AWS_DEFAULT_REGION` of the
    /// environment.
    /// Unit: none. Source: the address of the service.
    #[schemars(extend("x-sample" = "us-east-1"))]
    pub(crate) region: Option<String>,
    /// Service that requests are signed for, for `aws-sigv4`. Left out: `medical-imaging`, AWS HealthImaging.
    /// Unit: none. Source: the documentation of the service.
    #[schemars(extend("x-sample" = "medical-imaging"))]
    pub(crate) service: Option<String>,
    /// Identifier of an access key that stays, for `aws-sigv4`. Without it a key comes from a web identity where
    /// `role_arn` is written, from the agent of the container where `token_url` alone is, and else from what the
    /// environment holds, in this order: `AWS_ACCESS_KEY_ID` with `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`; `AWS_ROLE_ARN` with `AWS_WEB_IDENTITY_TOKEN_FILE`;
    /// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    /// Unit: none. Source: AWS Identity and Access Management.
    #[schemars(extend("x-sample" = "AKIAIOSFODNN7EXAMPLE"))]
    pub(crate) access_key_id: Option<String>,
    /// File with the secret of `access_key_id`; a newline at its end does not count.
    /// Unit: path, relative to this file. Source: AWS Identity and Access Management.
    #[schemars(extend("x-sample" = "/run/secrets/secret_access_key"))]
    pub(crate) secret_access_key_file: Option<String>,
    /// Environment variable with the secret of `access_key_id`.
    /// Unit: name. Source: AWS Identity and Access Management.
    #[schemars(extend("x-sample" = "SECRET_ACCESS_KEY"))]
    pub(crate) secret_access_key_env: Option<String>,
    /// The role that a web identity assumes, for `aws-sigv4`; its token is in `token_file`, or in the file that
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` of the environment names, and is exchanged at `token_url`, left out: the
    /// Security Token Service of the region.
    /// Unit: none. Source: AWS Security Token Service.
    #[schemars(extend("x-sample" = "arn:aws:iam::123456789012:role/dimseway"))]
    pub(crate) role_arn: Option<String>,
    /// What a session of `role_arn` is called in the records of AWS. Left out: `AWS_ROLE_SESSION_NAME` of the
    /// environment, or `dimseway`.
    /// Unit: 2 to 64 characters. Source: AWS Security Token Service.
    #[schemars(extend("x-sample" = "dimseway"))]
    pub(crate) session_name: Option<String>,
    /// How the body of a store request is signed, which is sent while it is read, for `aws-sigv4`: `"chunks"`,
    /// each with a signature; `"plain"`, announced the same and sent as it is, as the `curl` commands in the
    /// documentation of AWS HealthImaging do; `"unsigned"`. Left out: in chunks.
    /// Unit: none. Source: Amazon S3, chunked uploads; AWS HealthImaging, StoreDICOM.
    #[schemars(extend("x-sample" = "chunks"))]
    pub(crate) streamed_body: Option<StreamedBody>,
    /// Further parameters of the request for a token, for `oauth2`. None of them is a secret.
    /// Unit: none. Source: the documentation of who gives the tokens; RFC 8707 §2.
    #[schemars(extend("x-sample" = { "audience": "https://dicom.example.org" }))]
    pub(crate) parameters: BTreeMap<String, String>,
}

/// Kinds of authentication.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum AuthType {
    /// No `Authorization` header.
    #[default]
    None,
    /// User name and password.
    Basic,
    /// A token that somebody else keeps fresh.
    Bearer,
    /// A token for a client with a secret or a key.
    #[serde(rename = "oauth2")]
    OAuth2,
    /// A token for a virtual machine, App Service or Container App.
    AzureManagedIdentity,
    /// A token for a Kubernetes service account.
    AzureWorkloadIdentity,
    /// A token for a service account with a key file.
    GoogleServiceAccount,
    /// A token for the account of the machine.
    GoogleMetadata,
    /// Every request signed with an access key of AWS.
    #[serde(rename = "aws-sigv4")]
    AwsSigV4,
}

/// How the body of a store request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum StreamedBody {
    /// In chunks, each with a signature.
    Chunks,
    /// Announced as chunks, sent as it is.
    Plain,
    /// Not at all.
    Unsigned,
}

/// Where a client's secret goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum SecretPlace {
    /// Into the form.
    Body,
    /// Into the Authorization header field.
    Header,
}

/// Algorithms of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub(crate) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

impl AuthType {
    /// As it is written.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::OAuth2 => "oauth2",
            Self::AzureManagedIdentity => "azure-managed-identity",
            Self::AzureWorkloadIdentity => "azure-workload-identity",
            Self::GoogleServiceAccount => "google-service-account",
            Self::GoogleMetadata => "google-metadata",
            Self::AwsSigV4 => "aws-sigv4",
        }
    }
}

impl Auth {
    /// The first key that is written and has no meaning for this type.
    pub(crate) fn unused(&self) -> Option<&'static str> {
        use AuthType::{
            AwsSigV4, AzureManagedIdentity, AzureWorkloadIdentity, Basic, Bearer, GoogleMetadata,
            GoogleServiceAccount, OAuth2,
        };
        let scoped = &[OAuth2, AzureWorkloadIdentity, GoogleServiceAccount, GoogleMetadata][..];
        let identified = &[OAuth2, AzureManagedIdentity, AzureWorkloadIdentity][..];
        let given = &[
            OAuth2,
            AzureManagedIdentity,
            AzureWorkloadIdentity,
            GoogleServiceAccount,
            GoogleMetadata,
            AwsSigV4,
        ][..];
        let keys = [
            ("username", self.username.is_some(), &[Basic][..]),
            ("password_file", self.password_file.is_some(), &[Basic]),
            ("password_env", self.password_env.is_some(), &[Basic]),
            ("token_file", self.token_file.is_some(), &[Bearer, AzureWorkloadIdentity, AwsSigV4]),
            ("token_env", self.token_env.is_some(), &[Bearer]),
            ("token_url", self.token_url.is_some(), given),
            ("client_id", self.client_id.is_some(), identified),
            ("client_secret_file", self.client_secret_file.is_some(), &[OAuth2]),
            ("client_secret_env", self.client_secret_env.is_some(), &[OAuth2]),
            ("client_secret_in", self.client_secret_in.is_some(), &[OAuth2]),
            ("key_file", self.key_file.is_some(), &[OAuth2, GoogleServiceAccount]),
            ("certificate_file", self.certificate_file.is_some(), &[OAuth2]),
            ("key_id", self.key_id.is_some(), &[OAuth2]),
            ("algorithm", self.algorithm.is_some(), &[OAuth2]),
            ("scope", self.scope.is_some(), scoped),
            ("resource", self.resource.is_some(), &[AzureManagedIdentity]),
            ("tenant", self.tenant.is_some(), &[AzureWorkloadIdentity]),
            ("region", self.region.is_some(), &[AwsSigV4]),
            ("service", self.service.is_some(), &[AwsSigV4]),
            ("access_key_id", self.access_key_id.is_some(), &[AwsSigV4]),
            ("secret_access_key_file", self.secret_access_key_file.is_some(), &[AwsSigV4]),
            ("secret_access_key_env", self.secret_access_key_env.is_some(), &[AwsSigV4]),
            ("role_arn", self.role_arn.is_some(), &[AwsSigV4]),
            ("session_name", self.session_name.is_some(), &[AwsSigV4]),
            ("streamed_body", self.streamed_body.is_some(), &[AwsSigV4]),
            ("parameters", !self.parameters.is_empty(), &[OAuth2]),
        ];
        let unused = keys.iter().find(|(_, written, used)| *written && !used.contains(&self.r#type));
        unused.map(|(key, ..)| *key)
    }
}
