//! The identifier of a query or a retrieve as it arrives.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use dimse::{Error, MessageReceiver, Timer};
use tokio::{io::AsyncRead, time::timeout};

use crate::service::Refusal;

/// Receives an identifier of at most `max` bytes; the rest of a longer one is read and thrown away. All of
/// it must arrive within `timer`.
///
/// # Errors
/// The association is lost.
pub(super) async fn receive<R>(
    receiver: &mut MessageReceiver<R>,
    max: usize,
    timer: Duration,
) -> Result<Result<Bytes, Refusal>, Error>
where
    R: AsyncRead + Unpin + Send,
{
    let whole = async {
        let mut identifier = Ok(BytesMut::new());
        while let Some(fragment) = receiver.next_fragment().await? {
            identifier = identifier.and_then(|mut identifier| {
                if identifier.len() + fragment.len() > max {
                    return Err(Refusal::IdentifierTooLong);
                }
                identifier.extend_from_slice(&fragment);
                Ok(identifier)
            });
        }
        Ok(identifier.map(BytesMut::freeze))
    };
    timeout(timer, whole).await.map_err(|_| Error::Timeout(Timer::Message))?
}
