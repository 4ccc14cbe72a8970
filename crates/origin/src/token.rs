//! Token end points: where clients of the clouds get the bearer tokens (RFC 6750) that every request for a
//! resource carries.
//!
//! They stand on the listener of the origin, beside the resources, and take what the real ones take:
//! client credentials with a secret or a signed assertion (RFC 6749 §4.4, RFC 7523), a federated token, the
//! metadata end points of virtual machines and of App Service, and the JWT bearer grant of service accounts.

mod assertion;
mod azure;
mod form;
mod google;
mod issuer;
mod key;
mod options;
mod routes;

pub use key::{InvalidKey, SigningKey, VerifyingKey};
pub use options::{Addresses, Federation, Options, Role, ServiceAccount};

pub(crate) use issuer::{Issuer, Unauthorized};
pub(crate) use routes::router;
