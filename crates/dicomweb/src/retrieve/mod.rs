//! Retrieval (PS3.18 §10.4) and deletion.

mod instance;
mod metadata;
mod request;
mod retrieved;

pub use self::instance::FileStream;
pub use request::{Accept, Retrieve};
pub use retrieved::{Retrieved, RetrievedInstance};
