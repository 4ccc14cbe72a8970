use super::*;
use bytes::Bytes;
use futures::TryStreamExt;
use instance::{Identity, TransferSyntax, part10};
use model::{ActionKind, QueuePage};
use spool::{
    EntryHeader, EntryTrailer, Payloads,
    local::{Config, LocalSpool},
};
use std::time::SystemTime;

const DATA_SET: &[u8] = b"\x08\0\x16\0UI\x02\x001\0";

/// A spool with one entry for each list of destinations; without any it is held.
async fn filled(directory: &std::path::Path, entries: &[&[&str]]) -> (LocalSpool, Vec<EntryId>) {
    let config = Config { segment_bytes: 1 << 20, spare_segments: 1, ..Config::new(directory) };
    let (spool, _) = LocalSpool::open(config).unwrap();
    let mut ids = Vec::new();
    for (number, destinations) in entries.iter().enumerate() {
        let identity = Identity {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            sop_instance_uid: format!("1.2.3.{number}").parse().unwrap(),
            study_instance_uid: "1.2".parse().unwrap(),
            series_instance_uid: "1.2.1".parse().unwrap(),
        };
        let header = EntryHeader {
            calling_ae_title: "CT1".parse().unwrap(),
            called_ae_title: "DIMSEWAY".parse().unwrap(),
            peer_address: "127.0.0.1".parse().unwrap(),
            user: None,
            transfer_syntax: TransferSyntax::new("1.2.840.10008.1.2.1".parse().unwrap()),
            sop_class_uid: identity.sop_class_uid.clone(),
            sop_instance_uid: identity.sop_instance_uid.clone(),
            accepted_at: SystemTime::now(),
        };
        let mut writer = spool.begin(header).await.unwrap();
        writer.append(Bytes::from_static(DATA_SET)).await.unwrap();
        let trailer = EntryTrailer {
            identity,
            attributes: Vec::new(),
            character_set: Vec::new(),
            destinations: destinations.iter().map(|name| name.parse().unwrap()).collect(),
            held: destinations.is_empty().then_some(HeldReason::Unrouted),
        };
        let id = writer.commit(trailer).await.unwrap().entry_id;
        // The index may lag behind what is durable.
        while spool.show(id).await.is_err() {
            tokio::task::yield_now().await;
        }
        ids.push(id);
    }
    (spool, ids)
}

async fn states(spool: &LocalSpool) -> Vec<String> {
    let question = question(&Query::default()).unwrap();
    let page = spool.list(&question.filter, question.cursor, question.limit).await.unwrap();
    QueuePage::from(page)
        .deliveries
        .into_iter()
        .map(|line| format!("{} {}", line.destination.unwrap_or_else(|| "none".to_owned()), line.state))
        .collect()
}

fn known() -> Vec<Destination> {
    ["a", "b", "c", "peer:PACS"].map(|name| name.parse().unwrap()).to_vec()
}

fn order(kind: ActionKind, selection: Selection, to: Option<&str>) -> Action {
    Action { kind, selection, reason: Some("because".to_owned()), to: to.map(str::to_owned), cursor: None }
}

fn one(entry: EntryId) -> Selection {
    Selection { entries: vec![entry.to_string()], ..Selection::default() }
}

fn state(state: &str) -> Selection {
    Selection { state: Some(state.to_owned()), ..Selection::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_reach_what_is_selected_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let (spool, ids) = filled(directory.path(), &[&["a"], &["a", "b"], &[]]).await;
    assert_eq!(states(&spool).await, ["a due", "a due", "b due", "none held"]);

    let of_b = Selection { destination: Some("b".to_owned()), ..Selection::default() };
    let changed = act(&spool, &known(), &order(ActionKind::Hold, of_b, None)).await.unwrap();
    assert_eq!(changed.deliveries, 1);
    assert_eq!(states(&spool).await, ["a due", "a due", "b held", "none held"]);

    let unrouted = Selection { entries: vec![ids[2].to_string()], ..Selection::default() };
    let changed = act(&spool, &known(), &order(ActionKind::Reroute, unrouted, Some("c"))).await.unwrap();
    assert_eq!(changed.deliveries, 1);
    assert_eq!(states(&spool).await, ["a due", "a due", "b held", "c due"]);

    let changed = act(&spool, &known(), &order(ActionKind::Release, state("held"), None)).await.unwrap();
    assert_eq!(changed.deliveries, 1);
    let of_a = Selection { destination: Some("a".to_owned()), ..Selection::default() };
    let changed = act(&spool, &known(), &order(ActionKind::Discard, of_a, None)).await.unwrap();
    assert_eq!(changed.deliveries, 2);
    assert!(!states(&spool).await.contains(&"a due".to_owned()));
    spool.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_listed_once_whatever_changes_its_state_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let (spool, ids) = filled(directory.path(), &[&["a"], &["b"], &["a"], &["b"], &["a"]]).await;
    let to_hold = |entry| order(ActionKind::Hold, one(entry), None);
    let to_release = |entry| order(ActionKind::Release, one(entry), None);
    act(&spool, &known(), &to_hold(ids[2])).await.unwrap();

    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let query = Query { selection: state("waiting"), cursor: cursor.clone(), limit: Some(1) };
        let Question { filter, cursor: from, limit } = question(&query).unwrap();
        let page = QueuePage::from(spool.list(&filter, from, limit).await.unwrap());
        seen.extend(page.deliveries.into_iter().map(|line| (line.entry, line.state)));
        let Some(next) = page.next else { break };
        cursor = Some(next);
        // What was seen becomes held, and so does what is due two places on; what was held comes free.
        let at = seen.len() - 1;
        act(&spool, &known(), &to_hold(ids[at])).await.unwrap();
        act(&spool, &known(), &to_hold(ids[(at + 2).min(4)])).await.unwrap();
        act(&spool, &known(), &to_release(ids[at + 1])).await.unwrap();
    }
    let expected: Vec<_> = ids.iter().map(|id| (id.to_string(), "due".to_owned())).collect();
    assert_eq!(seen, expected);
    spool.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_make_no_sense_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (spool, ids) = filled(directory.path(), &[&["a"]]).await;
    let entry = Selection { entries: vec![ids[0].to_string()], ..Selection::default() };
    let cases = [
        (order(ActionKind::Retry, Selection::default(), None), "select entries"),
        (order(ActionKind::Retry, state("lost"), None), "state `lost`: no such state"),
        (order(ActionKind::Reroute, entry.clone(), None), "`to` is needed"),
        (order(ActionKind::Reroute, entry.clone(), Some("peer:")), "to `peer:`: no AE title"),
        (
            order(ActionKind::Reroute, entry, Some("TYPO")),
            "to `TYPO`: there is no such destination; the configuration has a, b, c, peer:PACS",
        ),
        (
            order(
                ActionKind::Retry,
                Selection { entries: vec!["!".to_owned()], ..Selection::default() },
                None,
            ),
            "`!` is not the number of an entry",
        ),
        (
            order(
                ActionKind::Retry,
                Selection { entries: vec!["1".to_owned()], ..Selection::default() },
                None,
            ),
            "there is no entry 0000000000001",
        ),
    ];
    for (action, expected) in cases {
        let error = act(&spool, &known(), &action).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!(states(&spool).await, ["a due"]);
    spool.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_file_is_the_data_set_behind_its_file_meta() {
    let directory = tempfile::tempdir().unwrap();
    let (spool, ids) = filled(directory.path(), &[&["a"]]).await;
    let head = file_head(spool.show(ids[0]).await.unwrap()).unwrap();
    let chunks: Vec<Bytes> = spool.read(ids[0], 0..head.data_set_length).try_collect().await.unwrap();
    let file = [head.bytes.to_vec(), chunks.concat()].concat();
    let (meta, offset) = part10::read(&file).unwrap();
    assert_eq!(meta.sop_instance_uid.as_str(), head.name);
    assert_eq!(&file[offset..], DATA_SET);
    spool.close().unwrap();
}
