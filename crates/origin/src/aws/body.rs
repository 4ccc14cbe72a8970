//! Bodies as they are signed: as a whole, in chunks with a signature each, or only announced.

use std::sync::{Arc, OnceLock};

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, header},
};
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use super::{
    fault::Fault,
    signature::{self, Chain, OF_NOTHING},
};

/// Most bytes of data in one chunk: 1 MiB, since a chunk is held until its signature is checked.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Bytes of the line in front of a chunk: length in hexadecimal, `;chunk-signature=`, 64 digits, line feed.
const LINE_BYTES_MAX: usize = 100;

/// What the header fields say of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    /// What stands for the hash of the body in the signature of the request.
    pub(super) hash: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Its hash is known.
    Whole,
    /// Chunks with a signature each (`aws-chunked`), of so many bytes of data together.
    Chunks(u64),
    /// Announced as chunks and sent as it is, of so many bytes: what the `curl` commands of the Developer
    /// Guide send.
    Plain(u64),
}

impl Announced {
    /// Reads the header fields of a request.
    pub(super) fn read(headers: &HeaderMap, bytes_max: u64) -> Result<Self, Fault> {
        let number = |name| signature::text(headers, name).and_then(|text| text.parse::<u64>().ok());
        let content_length = number(header::CONTENT_LENGTH.as_str());
        let has_body = content_length.is_some_and(|length| length > 0)
            || headers.contains_key(header::TRANSFER_ENCODING);
        let hash = match signature::text(headers, "x-amz-content-sha256") {
            Some(hash) => hash.to_owned(),
            None if has_body => return Err(Fault::Body("a body needs x-amz-content-sha256")),
            None => OF_NOTHING.to_owned(),
        };
        let form = if hash == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" {
            let length = number("x-amz-decoded-content-length");
            let length = length.ok_or(Fault::Body("a streamed body needs x-amz-decoded-content-length"))?;
            match signature::text(headers, "content-encoding") {
                Some("aws-chunked") => Form::Chunks(length),
                None => Form::Plain(length),
                Some(_) => return Err(Fault::Body("the content coding is not known")),
            }
        } else if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Form::Whole
        } else {
            return Err(Fault::Body("x-amz-content-sha256 is no hash"));
        };
        let length = match form {
            Form::Chunks(length) | Form::Plain(length) => Some(length),
            Form::Whole => content_length,
        };
        if length.is_some_and(|length| length > bytes_max) {
            return Err(Fault::TooLarge);
        }
        Ok(Self { hash, form })
    }

    /// The data of a body, checked as it comes. What is wrong with it ends the data with an error and stands
    /// in the cell.
    pub(super) fn decode(self, chain: Chain, body: Body, bytes_max: u64) -> (Body, Arc<OnceLock<Fault>>) {
        let fault = Arc::new(OnceLock::new());
        let decoder = Decoder { body: body.into_data_stream(), form: self.form, left: bytes_max };
        let decoded = match decoder.form {
            Form::Chunks(length) => decoder.chunks(chain, length).left_stream(),
            Form::Plain(length) => decoder.plain(length).left_stream().right_stream(),
            Form::Whole => decoder.whole(self.hash).right_stream().right_stream(),
        };
        let told = Arc::clone(&fault);
        let decoded = decoded.inspect(move |piece| {
            if let Err(error) = piece {
                let _first = told.set(*error);
            }
        });
        (Body::from_stream(decoded), fault)
    }
}

struct Decoder {
    body: BodyDataStream,
    form: Form,
    /// Bytes that may still come.
    left: u64,
}

const CUT: Fault = Fault::Body("the body is cut");

impl Decoder {
    /// The next bytes of the body.
    async fn more(&mut self) -> Result<Option<Bytes>, Fault> {
        match self.body.next().await {
            None => Ok(None),
            Some(Err(_)) => Err(CUT),
            Some(Ok(bytes)) => Ok(Some(bytes)),
        }
    }

    /// A body whose hash is signed. Its last piece is held back until the hash is right.
    fn whole(self, hash: String) -> impl Stream<Item = Result<Bytes, Fault>> {
        let state = Some((self, Sha256::new(), Bytes::new()));
        stream::try_unfold(state, move |state| {
            let expected = hash.clone();
            async move {
                let Some((mut decoder, mut hash, held)) = state else { return Ok(None) };
                match decoder.more().await? {
                    Some(bytes) => {
                        decoder.left = decoder.left.checked_sub(bytes.len() as u64).ok_or(Fault::TooLarge)?;
                        hash.update(&bytes);
                        Ok(Some((held, Some((decoder, hash, bytes)))))
                    }
                    None if signature::hexadecimal(&hash.finalize()) == expected => Ok(Some((held, None))),
                    None => Err(Fault::Body("the body has another hash than x-amz-content-sha256")),
                }
            }
        })
    }

    /// A body that is sent as it is.
    fn plain(self, length: u64) -> impl Stream<Item = Result<Bytes, Fault>> {
        stream::try_unfold((self, length), |(mut decoder, left)| async move {
            match decoder.more().await? {
                None if left > 0 => Err(CUT),
                None => Ok(None),
                Some(bytes) => {
                    let left = left.checked_sub(bytes.len() as u64).ok_or(LONGER)?;
                    Ok(Some((bytes, (decoder, left))))
                }
            }
        })
    }

    /// A body in chunks. A chunk is given when its signature is right.
    fn chunks(self, chain: Chain, length: u64) -> impl Stream<Item = Result<Bytes, Fault>> {
        let state = Some((self, chain, BytesMut::new(), length));
        stream::try_unfold(state, |state| async move {
            let Some((mut decoder, mut chain, mut received, left)) = state else { return Ok(None) };
            loop {
                if let Some((data, signature)) = take_chunk(&mut received)? {
                    chain.next(&data, &signature)?;
                    let left = left.checked_sub(data.len() as u64).ok_or(LONGER)?;
                    if !data.is_empty() {
                        return Ok(Some((data, Some((decoder, chain, received, left)))));
                    }
                    if left > 0 || !received.is_empty() || decoder.more().await?.is_some() {
                        return Err(Fault::Body("the data has another length than was announced"));
                    }
                    return Ok(None);
                }
                received.extend_from_slice(&decoder.more().await?.ok_or(CUT)?);
            }
        })
    }
}

const LONGER: Fault = Fault::Body("the body is longer than was announced");

/// Takes a whole chunk, where there is one: its data and its signature.
fn take_chunk(received: &mut BytesMut) -> Result<Option<(Bytes, String)>, Fault> {
    const WRONG: Fault = Fault::Body("a chunk does not begin with its length and signature");
    let Some(end) = received.iter().position(|byte| *byte == b'\n') else {
        return if received.len() > LINE_BYTES_MAX { Err(WRONG) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&received[..end]).map_err(|_| WRONG)?;
    let line = line.strip_suffix('\r').ok_or(WRONG)?;
    let (length, signature) = line.split_once(";chunk-signature=").ok_or(WRONG)?;
    let length = usize::from_str_radix(length, 16).map_err(|_| WRONG)?;
    if length > CHUNK_BYTES_MAX {
        return Err(Fault::Body("a chunk has more than 1 MiB"));
    }
    if received.len() < end + 1 + length + 2 {
        return Ok(None);
    }
    let signature = signature.to_owned();
    received.advance(end + 1);
    let data = received.split_to(length).freeze();
    if !received.starts_with(b"\r\n") {
        return Err(WRONG);
    }
    received.advance(2);
    Ok(Some((data, signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(fields: &[(&'static str, &str)]) -> Result<Announced, Fault> {
        let fields = fields.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), header::HeaderValue::from_str(value).unwrap())
        });
        Announced::read(&fields.collect(), 1000)
    }

    #[test]
    fn header_fields_say_how_a_body_is_signed() {
        let streaming = ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
        let whole = ("x-amz-content-sha256", OF_NOTHING);
        let form = |fields: &[(&'static str, &str)]| announced(fields).map(|announced| announced.form);
        assert_eq!(form(&[]), Ok(Form::Whole));
        assert_eq!(form(&[whole, ("content-length", "1000")]), Ok(Form::Whole));
        assert_eq!(form(&[whole, ("content-length", "1001")]), Err(Fault::TooLarge));
        let chunked = ("content-encoding", "aws-chunked");
        let length = ("x-amz-decoded-content-length", "7");
        assert_eq!(form(&[streaming, chunked, length]), Ok(Form::Chunks(7)));
        assert_eq!(form(&[streaming, length]), Ok(Form::Plain(7)));
        assert_eq!(
            form(&[streaming, chunked, ("x-amz-decoded-content-length", "1001")]),
            Err(Fault::TooLarge)
        );
        let wrong: [&[(&'static str, &str)]; 4] = [
            &[("content-length", "1")],
            &[streaming, chunked],
            &[streaming, length, ("content-encoding", "gzip")],
            &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")],
        ];
        for fields in wrong {
            assert!(matches!(form(fields), Err(Fault::Body(_))), "{fields:?}");
        }
    }

    #[test]
    fn chunks_are_taken_whole() {
        let mut received = BytesMut::new();
        for byte in b"3;chunk-signature=abc\r\nxyz\r" {
            received.extend_from_slice(&[*byte]);
            assert_eq!(take_chunk(&mut received), Ok(None));
        }
        received.extend_from_slice(b"\n0;chunk-signature=d\r\n\r\n");
        assert_eq!(take_chunk(&mut received), Ok(Some((Bytes::from("xyz"), "abc".to_owned()))));
        assert_eq!(take_chunk(&mut received), Ok(Some((Bytes::new(), "d".to_owned()))));
        assert!(received.is_empty());
        let wrong =
            ["x;chunk-signature=a\r\n", "1\r\n", "1;chunk-signature=a\r\nxyz", "3;chunk-signature=a\n"];
        for text in wrong {
            assert!(take_chunk(&mut BytesMut::from(text)).is_err(), "{text}");
        }
        assert!(take_chunk(&mut BytesMut::from(&[b'0'; 101][..])).is_err());
        assert!(take_chunk(&mut BytesMut::from("100001;chunk-signature=a\r\n")).is_err());
    }
}
