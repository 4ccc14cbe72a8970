//! The last list of each source in documents, so that a restart while the source is away loses nothing.
//!
//! A list is cut into chunks of DICOM JSON. They are written beside those of the list before, in the other of
//! two places, and a head then says which place counts: a list is there whole or not at all.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dataset::{
    element::VR,
    json::{Element, Item, ReadLimits, read_all, write_item},
};
use instance::Tag;
use spool::Documents;

use super::{
    Entry, EntryKey, Provenance, Provenances,
    attribute::{START_DATE, START_TIME},
    complete,
    index::step,
};

const KIND: &str = "worklist";

/// Bytes after which a chunk is complete. 512 KiB: a document has at most 4 MiB, and an entry some KiB.
const CHUNK: usize = 512 * 1024;

/// Documents that are looked for at a time when what is left over of a longer list is removed.
const PAGE: usize = 16;

/// Private elements that say what a data set of an entry does not (PS3.5 §7.8).
const CREATOR: (Tag, &str) = (Tag(0x0009, 0x0010), "DIMSEWAY WORKLIST");
const ID: Tag = Tag(0x0009, 0x1001);
const PROVENANCE: Tag = Tag(0x0009, 0x1002);
const GENERATION: Tag = Tag(0x0009, 0x1003);
const CHUNKS: Tag = Tag(0x0009, 0x1004);
const REFRESHED_AT: Tag = Tag(0x0009, 0x1005);

/// A list as it was kept.
pub(super) struct KeptList {
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) refreshed_at: SystemTime,
}

struct Head {
    generation: i64,
    chunks: i64,
    refreshed_at: SystemTime,
}

/// Keeps the list of a source.
pub(super) async fn keep(
    documents: &dyn Documents,
    source: &str,
    entries: &[Arc<Entry>],
    refreshed_at: SystemTime,
) -> Result<(), spool::Error> {
    let generation = head(documents, source).await?.map_or(1, |head| head.generation + 1);
    let (mut chunks, mut chunk) = (0, begin(generation));
    let mut rest = entries.iter();
    loop {
        let entry = rest.next();
        if let Some(entry) = entry {
            chunk.push(b',');
            // INVARIANT: writing into a vector cannot fail.
            let _ = write_item(&marked(entry), &mut chunk);
        }
        if entry.is_none() || chunk.len() >= CHUNK {
            chunk.push(b']');
            let value = std::mem::replace(&mut chunk, begin(generation));
            put(documents, &key_of(source, generation, chunks), value).await?;
            chunks += 1;
        }
        if entry.is_none() {
            break;
        }
    }
    put_head(documents, source, &Head { generation, chunks, refreshed_at }).await?;
    remove_behind(documents, source, generation, chunks).await
}

/// Says that the list is as it was, at this time.
pub(super) async fn still(
    documents: &dyn Documents,
    source: &str,
    refreshed_at: SystemTime,
) -> Result<(), spool::Error> {
    match head(documents, source).await? {
        Some(head) => put_head(documents, source, &Head { refreshed_at, ..head }).await,
        None => Ok(()),
    }
}

/// The list of a source, if one is kept and whole.
pub(super) async fn load(documents: &dyn Documents, source: &str) -> Result<Option<KeptList>, spool::Error> {
    let Some(head) = head(documents, source).await? else { return Ok(None) };
    let mut entries = Vec::new();
    for chunk in 0..head.chunks {
        let key = key_of(source, head.generation, chunk);
        let Some(document) = documents.get(KIND, &key).await? else { return Ok(None) };
        let mut items = read_all(&document.value, ReadLimits::default()).unwrap_or_default().into_iter();
        let generation = items.next().and_then(|item| item.integer(GENERATION));
        if generation != Some(head.generation) {
            return Ok(None);
        }
        entries.extend(items.filter_map(|item| unmarked(source, item)).map(Arc::new));
    }
    Ok(Some(KeptList { entries, refreshed_at: head.refreshed_at }))
}

fn key_of(source: &str, generation: i64, chunk: i64) -> String {
    format!("{source}/{}/{chunk:05}", generation % 2)
}

fn begin(generation: i64) -> Vec<u8> {
    let mut chunk = b"[".to_vec();
    let item = Item::from_iter([(GENERATION, Element::integer(VR::SV, generation))]);
    // INVARIANT: writing into a vector cannot fail.
    let _ = write_item(&item, &mut chunk);
    chunk
}

async fn head(documents: &dyn Documents, source: &str) -> Result<Option<Head>, spool::Error> {
    let Some(document) = documents.get(KIND, source).await? else { return Ok(None) };
    let items = read_all(&document.value, ReadLimits::default()).unwrap_or_default();
    let Some(item) = items.into_iter().next() else { return Ok(None) };
    let refreshed_at = item.integer(REFRESHED_AT).and_then(|seconds| u64::try_from(seconds).ok());
    let refreshed_at = UNIX_EPOCH + Duration::from_secs(refreshed_at.unwrap_or_default());
    let numbers = item.integer(GENERATION).zip(item.integer(CHUNKS));
    Ok(numbers.map(|(generation, chunks)| Head { generation, chunks, refreshed_at }))
}

async fn put_head(documents: &dyn Documents, source: &str, head: &Head) -> Result<(), spool::Error> {
    let seconds = head.refreshed_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let item = Item::from_iter([
        (GENERATION, Element::integer(VR::SV, head.generation)),
        (CHUNKS, Element::integer(VR::SV, head.chunks)),
        (REFRESHED_AT, Element::integer(VR::SV, i64::try_from(seconds).unwrap_or(i64::MAX))),
    ]);
    let mut value = Vec::new();
    // INVARIANT: writing into a vector cannot fail.
    let _ = write_item(&item, &mut value);
    put(documents, source, value).await
}

/// Writes a document over whatever stands there. Of two replicas that do so the later one counts: both lists
/// are of the same source.
async fn put(documents: &dyn Documents, key: &str, value: Vec<u8>) -> Result<(), spool::Error> {
    loop {
        let version = documents.get(KIND, key).await?.map(|document| document.version);
        match documents.put(KIND, key, version, value.clone()).await {
            Err(spool::Error::Conflict { .. }) => {}
            written => return written.map(drop),
        }
    }
}

/// Removes chunks of a longer list that stood in this place.
async fn remove_behind(
    documents: &dyn Documents,
    source: &str,
    generation: i64,
    chunks: i64,
) -> Result<(), spool::Error> {
    let last = key_of(source, generation, chunks - 1);
    let place = format!("{source}/{}/", generation % 2);
    loop {
        let page = documents.documents(KIND, Some(&last), PAGE).await?;
        let left = page.into_iter().take_while(|document| document.key.starts_with(&place));
        let mut removed = 0;
        for document in left {
            match documents.delete(KIND, &document.key, document.version).await {
                Ok(()) | Err(spool::Error::Conflict { .. }) => removed += 1,
                Err(error) => return Err(error),
            }
        }
        if removed < PAGE {
            return Ok(());
        }
    }
}

/// The data set of an entry, with what names it and where its values came from.
fn marked(entry: &Entry) -> Item {
    let provenance: Vec<String> = entry
        .provenance
        .iter()
        .map(|(tag, provenance)| format!("{:08X} {}", tag.to_u32(), provenance.as_str()))
        .collect();
    let mut item = entry.item.clone();
    item.insert(CREATOR.0, Element::text(VR::LO, CREATOR.1));
    item.insert(ID, Element::text(VR::UT, &entry.key.id));
    item.insert(PROVENANCE, Element::texts(VR::UC, provenance.iter().map(String::as_str)));
    item
}

fn unmarked(source: &str, mut item: Item) -> Option<Entry> {
    let key = EntryKey::new(source, &item.text(ID)?);
    let mut provenance = Provenances::default();
    for text in item.values(PROVENANCE).iter().filter_map(dataset::json::Value::text) {
        let (tag, word) = text.split_once(' ')?;
        let tag = Tag::from(u32::from_str_radix(tag, 16).ok()?);
        let known = Provenance::ALL.into_iter().find(|provenance| provenance.as_str() == word)?;
        provenance.insert(tag, known);
    }
    for tag in [CREATOR.0, ID, PROVENANCE] {
        item.remove(tag);
    }
    let mut entry = Entry { key, item, provenance, starts_at: jiff::civil::DateTime::MIN };
    let step = step(&entry)?;
    let date = complete::date(&step.text(START_DATE)?)?;
    entry.starts_at = date.to_datetime(complete::time(&step.text(START_TIME)?)?);
    Some(entry)
}

#[cfg(test)]
mod tests;
