//! A request before it leaves.

use std::fmt;

use http::Method;

use crate::conventions::Transport;
use crate::{Call, Conventions, Error, Function};

/// A request as it will be on the wire, but for what goes with every request. `Debug` does not show the
/// parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Which function is called.
    pub function: Function,
    /// The method.
    pub method: Method,
    /// The path below the base URL, with its slash in front.
    pub path: String,
    /// The header field with the parameters, under [`Transport::HeaderGet`].
    pub header: Option<(String, String)>,
    /// The body with the parameters, under [`Transport::PostJson`].
    pub body: Option<String>,
}

impl Prepared {
    /// Checks a call and writes its parameters.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the parameter that cannot be sent; [`Error::TooLong`].
    pub fn new(call: &Call, conventions: &Conventions) -> Result<Self, Error> {
        let function = call.function();
        let json = call.parameters(conventions)?;
        check_length(function, &json, conventions)?;
        let (header, body) = match conventions.transport {
            Transport::HeaderGet => (Some((conventions.header(function), json)), None),
            Transport::PostJson => (None, Some(json)),
        };
        let (method, path) = (conventions.method(function), conventions.path(function));
        Ok(Self { function, method, path, header, body })
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("header", &self.header.as_ref().map(|(name, _)| name))
            .finish_non_exhaustive()
    }
}

/// Whether parameters fit one request.
pub(crate) fn check_length(function: Function, json: &str, conventions: &Conventions) -> Result<(), Error> {
    let (bytes, bytes_max) = match conventions.transport {
        // A field is its name, a colon, a blank, its value and the end of the line.
        Transport::HeaderGet => {
            (conventions.header(function).len() + json.len() + 4, conventions.header_bytes_max)
        }
        Transport::PostJson => (json.len(), conventions.body_bytes_max),
    };
    if bytes > bytes_max { Err(Error::TooLong { function, bytes, bytes_max }) } else { Ok(()) }
}
