use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use futures::TryStreamExt;
use tempfile::TempDir;

use super::*;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const RLE: &str = "1.2.840.10008.1.2.5";

fn syntax(uid: &str) -> TransferSyntax {
    TransferSyntax::new(uid.parse().unwrap())
}

fn meta(transfer_syntax: &str) -> FileMeta {
    FileMeta {
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.7".parse().unwrap(),
        sop_instance_uid: "1.2.3".parse().unwrap(),
        transfer_syntax: syntax(transfer_syntax),
    }
}

/// A program that does what the shell script says; its first argument is `transcode`.
fn program(directory: &TempDir, script: &str) -> PathBuf {
    let path = directory.path().join("program");
    fs::write(&path, format!("#!/bin/sh\nPATH=/bin:/usr/bin\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn pieces(pieces: Vec<io::Result<Bytes>>) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin {
    stream::iter(pieces)
}

async fn whole(
    transcoder: &Transcoder,
    from: &str,
    data_set: Vec<io::Result<Bytes>>,
) -> Result<Vec<u8>, String> {
    let acceptable = [syntax(IMPLICIT), syntax(EXPLICIT)];
    let transcoded = transcoder.transcode(&meta(from), None, pieces(data_set), &acceptable).await;
    let transcoded = transcoded.map_err(|error| format!("at once: {error}"))?;
    assert_eq!(transcoded.transfer_syntax, syntax(EXPLICIT));
    let whole = transcoded.data_set.try_fold(Vec::new(), |mut whole, piece| async move {
        whole.extend_from_slice(&piece);
        Ok(whole)
    });
    whole.await.map_err(|error| format!("on the way: {error}"))
}

#[tokio::test]
async fn what_is_not_compressed_needs_no_child() {
    let transcoder = Transcoder::new("/nonexistent".into(), Limits::default());
    let implicit = Bytes::from_static(b"\x08\0\x05\0\x04\0\0\0ISO \x10\0\x10\0\x04\0\0\0A^B ");
    let data_set = vec![Ok(implicit.slice(..15)), Ok(implicit.slice(15..))];
    let explicit = b"\x08\0\x05\0CS\x04\0ISO \x10\0\x10\0PN\x04\0A^B ";
    assert_eq!(whole(&transcoder, IMPLICIT, data_set).await, Ok(explicit.to_vec()));
    let cut = vec![Ok(implicit.slice(..15))];
    assert_eq!(whole(&transcoder, IMPLICIT, cut).await.unwrap_err(), "at once: the object is cut");
    let broken = vec![Ok(implicit.slice(..15)), Err(io::Error::other("connection reset"))];
    assert!(whole(&transcoder, IMPLICIT, broken).await.unwrap_err().contains("connection reset"));
}

#[tokio::test]
async fn the_child_is_fed_and_read_at_the_same_time() {
    let directory = TempDir::new().unwrap();
    let transcoder = Transcoder::new(program(&directory, "exec cat"), Limits::default());
    let piece = Bytes::from(vec![7; 1 << 20]);
    let got = whole(&transcoder, RLE, (0..16).map(|_| Ok(piece.clone())).collect()).await;
    assert_eq!(got.unwrap().len(), 16 << 20);
}

#[tokio::test]
async fn how_the_child_ends_is_told() {
    let cases = [
        ("cat > /dev/null; echo too odd >&2; exit 65", "at once: the object cannot be transcoded: too odd"),
        ("exit 66", "at once: the object is cut"),
        ("exit 67", "at once: too large to transcode: "),
        ("kill -9 $$", "at once: the transcoding child process ended: signal: 9 (SIGKILL)"),
        ("kill -24 $$", "at once: transcoding took too long"),
        ("echo part; exit 66", "on the way: the object is cut"),
        // It never read the object to its end, so it cannot have made a whole one.
        ("echo done; exit 0", "on the way: the transcoding child process ended: exit status: 0"),
    ];
    for (script, expected) in cases {
        let directory = TempDir::new().unwrap();
        let transcoder = Transcoder::new(program(&directory, script), Limits::default());
        let piece = Bytes::from(vec![7; 1 << 20]);
        let got = whole(&transcoder, RLE, vec![Ok(piece.clone()), Ok(piece)]).await;
        assert_eq!(got, Err(expected.to_owned()), "{script}");
    }
}

#[tokio::test]
async fn a_broken_source_breaks_the_object() {
    let directory = TempDir::new().unwrap();
    let transcoder = Transcoder::new(program(&directory, "exec cat"), Limits::default());
    let broken = vec![Ok(Bytes::from_static(b"a")), Err(io::Error::other("connection reset"))];
    let got = whole(&transcoder, RLE, broken).await.unwrap_err();
    assert!(got.contains("connection reset"), "{got}");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_stands_still_is_given_up() {
    let directory = TempDir::new().unwrap();
    let limits = Limits { stall_max: Duration::from_secs(3600), ..Limits::default() };
    let transcoder = Transcoder::new(program(&directory, "exec sleep 1000"), limits);
    let got = whole(&transcoder, RLE, vec![Ok(Bytes::from_static(b"a"))]).await;
    assert_eq!(got, Err("at once: transcoding took too long".to_owned()));
}

#[tokio::test]
async fn an_object_that_is_too_large_is_refused() {
    let directory = TempDir::new().unwrap();
    let limits = Limits { length_max: 10, ..Limits::default() };
    let transcoder = Transcoder::new(program(&directory, "exec cat"), limits);
    let never = stream::pending::<io::Result<Bytes>>();
    let known = transcoder.transcode(&meta(RLE), Some(11), never, &[syntax(EXPLICIT)]).await;
    assert!(matches!(known, Err(TranscodeError::TooLarge(_))));
    let unknown = whole(&transcoder, RLE, vec![Ok(Bytes::from_static(b"eleven byte"))]).await;
    assert!(unknown.unwrap_err().contains("more than 10 bytes"));
}

#[tokio::test]
async fn a_dropped_object_ends_its_child_and_lets_the_next_begin() {
    let directory = TempDir::new().unwrap();
    let limits = Limits { children_max: 1, ..Limits::default() };
    let transcoder = Transcoder::new(program(&directory, "echo $$; exec cat"), limits);
    let endless = || stream::pending::<io::Result<Bytes>>();
    let mut first = transcoder.transcode(&meta(RLE), None, endless(), &[syntax(EXPLICIT)]).await.unwrap();
    let pid = first.data_set.next().await.unwrap().unwrap();
    let pid = String::from_utf8(pid.to_vec()).unwrap();
    drop(first);
    // There is one place, which the first one held.
    let second = transcoder.transcode(&meta(RLE), None, endless(), &[syntax(EXPLICIT)]).await;
    assert!(second.is_ok());
    let gone = PathBuf::from(format!("/proc/{}", pid.trim()));
    tokio::time::timeout(Duration::from_secs(30), async {
        while gone.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the process is killed and reaped");
}

#[tokio::test]
async fn an_absent_program_is_told() {
    let transcoder = Transcoder::new("/nonexistent".into(), Limits::default());
    let got = whole(&transcoder, RLE, vec![]).await.unwrap_err();
    assert!(got.starts_with("at once: the transcoding child process could not be used"), "{got}");
}
