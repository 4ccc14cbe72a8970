//! What a token is asked for with.

use http::HeaderValue;

use super::azure::{FederatedToken, ManagedIdentity};
use super::client_credentials::ClientCredentials;
use super::end_point::EndPoint;
use super::google::{MetadataServer, ServiceAccount};
use super::token::{Granted, TokenError, TokenFault};

/// Who gives what is good for a time: bearer tokens, or access keys.
pub(crate) trait Issuer: Send + Sync + 'static {
    /// What is given.
    type Token: Clone + PartialEq + Send + Sync + 'static;

    /// The URL that is asked, without parameters.
    fn end_point(&self) -> String;

    /// Asks for another one.
    fn fetch(&self) -> impl Future<Output = Result<Granted<Self::Token>, TokenError>> + Send;
}

/// Where the tokens of one origin come from.
pub(crate) struct TokenSource {
    pub(super) end_point: EndPoint,
    pub(super) grant: Grant,
}

/// What is shown to a token end point, by the words of RFC 6749 §4.
pub(super) enum Grant {
    ClientCredentials(ClientCredentials),
    ManagedIdentity(ManagedIdentity),
    FederatedToken(FederatedToken),
    ServiceAccount(ServiceAccount),
    MetadataServer(MetadataServer),
}

impl Issuer for TokenSource {
    type Token = HeaderValue;

    fn end_point(&self) -> String {
        self.end_point.name()
    }

    async fn fetch(&self) -> Result<Granted, TokenError> {
        self.exchange().await.map_err(|fault| self.end_point.error(fault))
    }
}

impl TokenSource {
    async fn exchange(&self) -> Result<Granted, TokenFault> {
        let end_point = &self.end_point;
        let request = match &self.grant {
            Grant::ClientCredentials(client) => client.request(end_point)?,
            Grant::ManagedIdentity(identity) => identity.request(end_point),
            Grant::FederatedToken(token) => token.request(end_point).await?,
            Grant::ServiceAccount(account) => account.request(end_point)?,
            Grant::MetadataServer(server) => {
                return end_point.ask(server.request(end_point), MetadataServer::is_genuine).await;
            }
        };
        end_point.ask(request, |_| true).await
    }
}
