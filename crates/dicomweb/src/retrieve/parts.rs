//! The parts of an answer, whether there are several or it is one by itself.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::{HeaderMap, StatusCode, header};
use instance::TransferSyntax;
use reqwest::{Response, Version};

use crate::error::Unreadable;
use crate::media_type::MediaType;
use crate::multipart::{Boundary, Malformed, ReadError, Reader, ReaderLimits};
use crate::{Client, Error, answer};

type Body = BoxStream<'static, Result<Bytes, Error>>;

/// Parts, one after the other. Both methods are cancel safe.
pub(super) enum Parts {
    /// `multipart/related`
    Multipart(Box<Reader<Body>>),
    /// `application/dicom`: what its header fields say, until it has been begun, and its bytes.
    Single(Option<PartHead>, Body),
}

/// What the header fields of a part say.
#[derive(Debug, Clone, Default)]
pub(super) struct PartHead {
    /// Bytes of the part.
    pub(super) length: Option<u64>,
    pub(super) transfer_syntax: Option<TransferSyntax>,
}

impl PartHead {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let media_type = text(header::CONTENT_TYPE).and_then(|text| MediaType::parse(text).ok());
        let uid = media_type.and_then(|media_type| media_type.parameter("transfer-syntax")?.parse().ok());
        Self {
            length: text(header::CONTENT_LENGTH).and_then(|text| text.trim().parse().ok()),
            transfer_syntax: uid.map(TransferSyntax::new),
        }
    }
}

impl Parts {
    /// The parts of a successful answer.
    ///
    /// # Errors
    /// An answer in another form than those asked for; a single part whose end could not be told from a
    /// cut.
    pub(super) fn of(client: &Client, response: Response) -> Result<Self, Error> {
        let headers = response.headers();
        if answer::is_html(headers) {
            return Err(Error::Unreadable(Unreadable::Html));
        }
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Self::Single(None, futures::stream::empty().boxed()));
        }
        let media_type = answer::media_type(headers).ok_or(Error::Unreadable(Unreadable::MediaType))?;
        if media_type.is("application", "dicom") {
            let head = PartHead { length: response.content_length(), ..PartHead::of(headers) };
            let chunked = headers.contains_key(header::TRANSFER_ENCODING);
            if head.length.is_none() && !chunked && response.version() < Version::HTTP_2 {
                return Err(Error::Unreadable(Unreadable::Endless));
            }
            return Ok(Self::Single(Some(head), client.body(response).boxed()));
        }
        let boundary = Boundary::of(&media_type).map_err(|_| Error::Unreadable(Unreadable::MediaType))?;
        let body = client.body(response).boxed();
        Ok(Self::multipart(body, &boundary))
    }

    /// The parts of a multipart body.
    pub(super) fn multipart(body: Body, boundary: &Boundary) -> Self {
        Self::Multipart(Box::new(Reader::new(body, boundary, ReaderLimits::default())))
    }

    /// The next part; what is left of the one before is read and dropped.
    pub(super) async fn next_part(&mut self) -> Result<Option<PartHead>, Error> {
        match self {
            Self::Multipart(reader) => {
                let headers = reader.next_part().await.map_err(multipart_error)?;
                Ok(headers.as_ref().map(PartHead::of))
            }
            Self::Single(head @ Some(_), _) => Ok(head.take()),
            Self::Single(None, body) => {
                while body.next().await.transpose()?.is_some() {}
                Ok(None)
            }
        }
    }

    /// The next bytes of the part, never empty; none at its end.
    pub(super) async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Multipart(reader) => reader.next_chunk().await.map_err(multipart_error),
            Self::Single(_, body) => loop {
                match body.next().await.transpose()? {
                    Some(chunk) if chunk.is_empty() => {}
                    chunk => return Ok(chunk),
                }
            },
        }
    }
}

fn multipart_error(error: ReadError<Error>) -> Error {
    match error {
        ReadError::Body(error) => error,
        ReadError::Malformed(Malformed::Cut) => Error::Unreadable(Unreadable::Cut),
        ReadError::Malformed(_) => Error::Unreadable(Unreadable::Malformed),
    }
}
