use std::convert::Infallible;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};
use proptest::prelude::*;

use super::*;
use crate::media_type::MediaType;

type Parts = Vec<(HeaderMap, Vec<u8>)>;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn boundary() -> Boundary {
    Boundary::new("xB").unwrap()
}

/// Reads a body given in these pieces: the parts, and how it ended.
fn read(pieces: &[&[u8]], limits: ReaderLimits) -> (Parts, Option<Malformed>) {
    let body = stream::iter(pieces.iter().map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece))));
    let mut reader = Reader::new(body, &boundary(), limits);
    let mut parts = Vec::new();
    let result: Result<(), ReadError<Infallible>> = block_on(async {
        while let Some(headers) = reader.next_part().await? {
            parts.push((headers, Vec::new()));
            while let Some(chunk) = reader.next_chunk().await? {
                assert!(!chunk.is_empty());
                parts.last_mut().unwrap().1.extend_from_slice(&chunk);
            }
        }
        assert!(reader.next_part().await?.is_none());
        Ok(())
    });
    let malformed = match result {
        Err(ReadError::Malformed(malformed)) => Some(malformed),
        Err(ReadError::Body(never)) => match never {},
        Ok(()) => None,
    };
    (parts, malformed)
}

fn datas(parts: &Parts) -> Vec<&[u8]> {
    parts.iter().map(|(_, data)| data.as_slice()).collect()
}

fn whole(body: &[u8]) -> (Parts, Option<Malformed>) {
    read(&[body], ReaderLimits::default())
}

#[test]
fn reads_the_forms_that_bodies_take() {
    type Row = (&'static str, &'static [u8], &'static [&'static [u8]]);
    let cases: &[Row] = &[
        ("plain", b"--xB\r\nA: b\r\n\r\none\r\n--xB\r\nA: b\r\n\r\ntwo\r\n--xB--\r\n", &[b"one", b"two"]),
        ("no header fields", b"--xB\r\n\r\none\r\n--xB--", &[b"one"]),
        ("preamble and epilogue", b"hello\r\n--xBY\r\n\r\n--xB\r\n\r\none\r\n--xB--\r\nbye", &[b"one"]),
        ("a line end before the first delimiter", b"\r\n--xB\r\n\r\none\r\n--xB--", &[b"one"]),
        ("padding behind delimiters", b"--xB \t\r\n\r\none\r\n--xB  \r\n\r\n\r\n--xB--", &[b"one", b""]),
        ("an empty part", b"--xB\r\nA: b\r\n\r\n\r\n--xB--", &[b""]),
        ("an empty part without its own line end", b"--xB\r\nA: b\r\n\r\n--xB--", &[b""]),
        ("LF only", b"--xB\nA: b\n\none\r\n--xB\n\n\ntwo\n--xB--\n", &[b"one\r", b"\ntwo"]),
        ("header lines in LF, delimiters in CRLF", b"--xB\r\nA: b\n\none\n--xB\r\n--xB--", &[b"one\n--xB"]),
        ("look-alikes", b"--xB\r\n\r\n\r\n--xBx\r\n--x\r\n--xB-\r\n--xB--", &[b"\r\n--xBx\r\n--x\r\n--xB-"]),
        ("no part at all", b"--xB--", &[]),
    ];
    for (name, body, expected) in cases {
        let (parts, malformed) = whole(body);
        assert_eq!(malformed, None, "{name}");
        assert_eq!(datas(&parts), *expected, "{name}");
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(read(&bytes, ReaderLimits::default()), (parts, None), "{name}, byte by byte");
    }
}

#[test]
fn says_what_is_wrong() {
    let cases: &[(&[u8], Malformed)] = &[
        (b"", Malformed::NoDelimiter),
        (b"<html></html>\r\n", Malformed::NoDelimiter),
        (b"--xBC\r\n\r\n", Malformed::NoDelimiter),
        (b"--xB\r\n", Malformed::Cut),
        (b"--xB\r\nA: b", Malformed::Cut),
        (b"--xB\r\n\r\none", Malformed::Cut),
        (b"--xB\r\n\r\none\r\n--xB", Malformed::Cut),
        (b"--xB\r\n\r\none\r\n--xB\r\n", Malformed::Cut),
        (b"--xB\r\n\r\none\r\n--xB-", Malformed::Cut),
        (b"--xB\r\nno colon\r\n\r\n", Malformed::Header),
        (b"--xB\r\na b: c\r\n\r\n", Malformed::Header),
    ];
    for (body, expected) in cases {
        assert_eq!(whole(body).1, Some(*expected), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn keeps_its_limits() {
    let limits = ReaderLimits { preamble_bytes_max: 10, header_bytes_max: 30, headers_max: 2, parts_max: 2 };
    let part: &[u8] = b"--xB\r\n\r\n\r\n";
    let cases: &[(Vec<u8>, Option<Malformed>)] = &[
        (b"0123456789--xB".to_vec(), Some(Malformed::NoDelimiter)),
        (b"01234567\r\n--xB--".to_vec(), None),
        (
            b"--xB\r\nA: 0123456789012345678901234567890123456789".to_vec(),
            Some(too_large("the bytes allowed")),
        ),
        (b"--xB\r\nA: b\r\nA: b\r\nA: b\r\n\r\n".to_vec(), Some(too_large("the number allowed"))),
        ([part, part, b"--xB--"].concat(), None),
        ([part, part, part].concat(), Some(Malformed::TooManyParts(2))),
    ];
    for (body, expected) in cases {
        assert_eq!(read(&[body], limits).1, *expected, "{}", String::from_utf8_lossy(body));
    }
}

fn too_large(what: &'static str) -> Malformed {
    Malformed::HeaderTooLarge(what)
}

#[test]
fn next_part_passes_over_what_is_left() {
    let body = b"--xB\r\nN: 1\r\n\r\none\r\n--xB\r\nN: 2\r\n\r\ntwo\r\n--xB--";
    let body = stream::iter(body.chunks(3).map(|piece| Ok::<_, Infallible>(Bytes::from_static(piece))));
    let mut reader = Reader::new(body, &boundary(), ReaderLimits::default());
    block_on(async {
        assert_eq!(reader.next_chunk().await.unwrap(), None);
        assert_eq!(reader.next_part().await.unwrap().unwrap()["n"], "1");
        assert_eq!(reader.next_part().await.unwrap().unwrap()["n"], "2");
        assert!(reader.next_part().await.unwrap().is_none());
    });
}

#[test]
fn reads_the_boundary_of_a_content_type() {
    let cases = [
        ("multipart/related; type=\"application/dicom\"; boundary=abc", Ok("abc")),
        ("multipart/mixed; boundary=\"a b\"", Ok("a b")),
        ("application/dicom; boundary=abc", Err(InvalidBoundary::NotMultipart)),
        ("multipart/related", Err(InvalidBoundary::Absent)),
        ("multipart/related; boundary=\"\"", Err(InvalidBoundary::Malformed)),
        ("multipart/related; boundary=\u{e9}", Err(InvalidBoundary::Malformed)),
    ];
    for (text, expected) in cases {
        let got = Boundary::of(&MediaType::parse(text).unwrap());
        assert_eq!(got.as_ref().map(Boundary::as_str), expected.as_ref().map(|text| *text), "{text}");
    }
    assert_ne!(Boundary::random(), Boundary::random());
}

fn write(parts: &[Vec<u8>]) -> (Vec<u8>, u64) {
    let writer = Writer::new(boundary());
    let headers = part_headers(HeaderValue::from_static("application/dicom"));
    let length = writer.content_length(parts.iter().map(|part| (&headers, part.len() as u64)));
    let parts = stream::iter(parts.iter().map(|part| {
        let pieces: Vec<_> = part.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok::<_, Infallible>(Part { headers: headers.clone(), data: stream::iter(pieces) })
    }));
    let body = block_on(writer.write(parts).map(Result::unwrap).collect::<Vec<_>>()).concat();
    (body, length)
}

#[test]
fn an_error_ends_the_body_without_the_closing_delimiter() {
    let writer = Writer::new(boundary());
    let data = stream::iter([Ok(Bytes::from_static(b"one")), Err("cut"), Ok(Bytes::from_static(b"two"))]);
    let part = Part { headers: HeaderMap::new(), data };
    let items = block_on(writer.write(stream::iter([Ok(part)])).collect::<Vec<_>>());
    assert_eq!(items.last(), Some(&Err("cut")));
    let written: Vec<u8> = items.into_iter().flatten().flatten().collect();
    assert_eq!(written, b"--xB\r\n\r\none");
}

/// Data full of what delimiters are made of, but without a delimiter.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"\r\n--xB"[..]),
        Just(&b"\n--xB"[..]),
        Just(&b"--xB--"[..]),
        Just(&b"\r\n--x"[..]),
        Just(&b"\r\n-"[..]),
        Just(&b"\r"[..]),
        Just(&b"\n"[..]),
        Just(&b"-"[..]),
        Just(&b"x"[..]),
        Just(&b"\0\xFFdata"[..]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| {
        let text = pieces.concat();
        let mut data = Vec::new();
        for byte in text {
            data.push(byte);
            // A character behind every boundary makes it a look-alike.
            if data.ends_with(b"--xB") {
                data.push(b'y');
            }
        }
        data
    })
}

fn split<'a>(body: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    cuts.extend([0, body.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| &body[ends[0]..ends[1]]).collect()
}

proptest! {
    #[test]
    fn any_chunking_gives_the_parts_back(
        parts in proptest::collection::vec(data(), 0..5),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let (body, length) = write(&parts);
        prop_assert_eq!(body.len() as u64, length);
        let (got, malformed) = read(&split(&body, &cuts), ReaderLimits::default());
        prop_assert_eq!(malformed, None);
        let expected: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(datas(&got), expected);
        for (headers, _) in &got {
            prop_assert_eq!(&headers[header::CONTENT_TYPE], "application/dicom");
        }
    }

    #[test]
    fn every_cut_is_seen(parts in proptest::collection::vec(data(), 1..4), cut in any::<prop::sample::Index>()) {
        let (body, _) = write(&parts);
        // The line end behind the closing delimiter may be missing.
        let cut = cut.index(body.len() - 2);
        let (got, malformed) = whole(&body[..cut]);
        prop_assert!(malformed.is_some());
        for (part, expected) in datas(&got).iter().zip(&parts) {
            prop_assert!(expected.starts_with(part));
        }
    }

    #[test]
    fn noise_is_read_the_same_in_any_chunking(
        noise in proptest::collection::vec(prop_oneof![Just(b'-'), Just(b'x'), Just(b'B'), Just(b'\r'), Just(b'\n'), Just(b':'), any::<u8>()], 0..200),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let body = [b"--xB\r\n", noise.as_slice()].concat();
        let (parts, malformed) = whole(&body);
        let (split_parts, split_malformed) = read(&split(&body, &cuts), ReaderLimits::default());
        prop_assert_eq!(malformed, split_malformed);
        prop_assert_eq!(datas(&parts), datas(&split_parts));
    }
}
