//! Bytes in, the same bytes out.

use bytes::Bytes;

use super::{Backend, header, read, trailer, write};
use crate::{EntryTrailer, Error, Filter, payloads::CHUNK_BYTES_MAX};

pub(super) async fn comes_back_as_it_went_in(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let block = CHUNK_BYTES_MAX as u64;
    let mut last = None;
    for length in [0, 1, block - 33, block - 32, block - 31, block, 3 * block, 20 * block + 7] {
        let data: Vec<u8> = (0..length).map(|at| (at * 7 / 3) as u8).collect();
        let committed = write(&*spool, trailer("1.2.3", "1.9", &["archive"]), &data).await.unwrap();
        assert_eq!(committed.length, length);
        assert!(last < Some(committed.entry_id), "numbers grow");
        last = Some(committed.entry_id);
        let details = spool.show(committed.entry_id).await.unwrap();
        assert_eq!((details.entry.length, details.entry.sha256), (length, committed.sha256));
        assert_eq!(details.entry.header, header("1.2.3"));
        for range in [0..length, length / 2..length, 0..length / 3, length..length] {
            let got = read(&*spool, committed.entry_id, range.clone()).await.unwrap();
            assert!(got == data[range.start as usize..range.end as usize], "{length} {range:?}");
        }
        let beyond = read(&*spool, committed.entry_id, 0..length + 1).await;
        assert!(matches!(beyond, Err(Error::Range { .. })), "{beyond:?}");
    }
}

pub(super) async fn abandoned_entries_leave_nothing(backend: &mut impl Backend) {
    let spool = backend.open().await;
    for length in [0, 1000, 3 * CHUNK_BYTES_MAX] {
        let mut writer = spool.begin(header("1.2.3")).await.unwrap();
        writer.append(Bytes::from(vec![1; length])).await.unwrap();
        drop(writer);
    }
    let kept = write(&*spool, trailer("1.2.4", "1.9", &["archive"]), b"kept").await.unwrap().entry_id;
    spool.show(kept).await.unwrap();
    let page = spool.list(&Filter::default(), None, 10).await.unwrap();
    assert_eq!(page.lines.iter().map(|line| line.entry_id).collect::<Vec<_>>(), [kept]);
    assert_eq!(read(&*spool, kept, 0..4).await.unwrap(), b"kept");
}

pub(super) async fn limits_are_kept(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let mut large = trailer("1.2.3", "1.9", &["archive"]);
    large.attributes.push((instance::Tag::PATIENT_NAME, vec![b'A'; EntryTrailer::ATTRIBUTES_BYTES_MAX]));
    let refused = write(&*spool, large.clone(), b"data").await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    large.attributes.truncate(1);
    large.attributes.push((instance::Tag::PATIENT_NAME, vec![b'A'; EntryTrailer::ATTRIBUTES_BYTES_MAX - 2]));
    let taken = write(&*spool, large.clone(), b"data").await.unwrap();
    assert_eq!(spool.show(taken.entry_id).await.unwrap().entry.trailer, large);
    assert_eq!(read(&*spool, taken.entry_id, 0..4).await.unwrap(), b"data");
}
