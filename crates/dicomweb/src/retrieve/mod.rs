//! Retrieval (PS3.18 §10.4) and deletion.

mod file;
mod metadata;
mod parts;
mod request;
mod retrieved;
#[cfg(test)]
mod tests;

pub use file::FileStream;
pub use request::{Accept, Retrieve};
pub use retrieved::{Retrieved, RetrievedInstance};
