//! How fast an account is used, where somebody else decides.

use std::any::Any;
use std::fmt;
use std::pin::Pin;

/// What is waited for.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Permission to make one call, until it is dropped.
pub type Admission = Box<dyn Any + Send + Sync>;

/// Lets calls go one by one: the limits of an account hold for its DICOMweb as well, of which this room knows
/// nothing.
pub trait Pace: fmt::Debug + Send + Sync {
    /// Waits for the turn of a call, which is under way until the permission is dropped. Nobody waits longer than
    /// [`Timeouts::turn`](crate::Timeouts::turn); it is dropped then.
    fn admit(&self) -> Pending<'_, Admission>;

    /// Waits until so many bytes of an answer may pass.
    fn bytes(&self, count: usize) -> Pending<'_, ()>;
}
