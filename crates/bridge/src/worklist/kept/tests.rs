use super::*;
use crate::{
    tests::site::spool_in,
    worklist::testing::{config, entries, order},
};

fn list(numbers: std::ops::Range<usize>) -> Vec<Arc<Entry>> {
    numbers.flat_map(|number| entries(order(number, "CT1", 0, "0930"), &config())).collect()
}

async fn loaded(documents: &dyn Documents) -> Option<Vec<Entry>> {
    let kept = load(documents, "ris").await.unwrap()?;
    Some(kept.entries.iter().map(|entry| Entry::clone(entry)).collect())
}

#[tokio::test]
async fn a_list_comes_back_as_it_was_kept() {
    let directory = tempfile::tempdir().unwrap();
    let documents = spool_in(directory.path()).await;
    assert!(loaded(&documents).await.is_none());
    let at = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    // From several chunks to one, to none, and back.
    for count in [1500, 3, 0, 700] {
        let list = list(0..count);
        keep(&documents, "ris", &list, at).await.unwrap();
        let kept = loaded(&documents).await.unwrap();
        assert!(kept.iter().eq(list.iter().map(|entry| &**entry)), "{count}");
    }
    assert_eq!(load(&documents, "ris").await.unwrap().unwrap().refreshed_at, at);
    still(&documents, "ris", at + Duration::from_secs(60)).await.unwrap();
    let kept = load(&documents, "ris").await.unwrap().unwrap();
    assert_eq!((kept.entries.len(), kept.refreshed_at), (700, at + Duration::from_secs(60)));
    let chunks = documents.documents(KIND, None, 100).await.unwrap();
    let (longest, shorter) = (list(0..1500), list(0..700));
    let size = |list: &[Arc<Entry>]| {
        let mut json = Vec::new();
        list.iter().for_each(|entry| write_item(&marked(entry), &mut json).unwrap());
        json.len() / CHUNK + 1
    };
    assert!(size(&longest) > size(&shorter), "the test has several chunks");
    // The head, the chunk of the empty list before, and those of the last one.
    assert_eq!(chunks.len(), 1 + 1 + size(&shorter), "nothing is left over of the longest");
    assert!(loaded(&documents).await.is_some());
    assert!(load(&documents, "other").await.unwrap().is_none());
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let documents = spool_in(directory.path()).await;
    keep(&documents, "ris", &list(0..3), UNIX_EPOCH).await.unwrap();
    put(&documents, &key_of("ris", 1, 0), begin(7)).await.unwrap();
    assert!(loaded(&documents).await.is_none(), "a chunk of another generation");
    keep(&documents, "ris", &list(0..3), UNIX_EPOCH).await.unwrap();
    assert_eq!(loaded(&documents).await.unwrap().len(), 3, "the next list is whole again");
    put(&documents, "ris", b"rubbish".to_vec()).await.unwrap();
    assert!(loaded(&documents).await.is_none());
}
