//! An archive in the cloud that others store to.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, Response, StatusCode, header},
};
use dicomweb::{
    ClientConfig, Profile,
    media_type::MediaType,
    multipart::{Boundary, Reader, ReaderLimits},
    profile::ChangeFeed,
};
use futures::{StreamExt, stream};
use instance::{TransferSyntax, part10};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::interval};

use super::super::site::{CT, Instance, explicit};
use crate::config::Origin;

const DICOM_JSON: &str = "application/dicom+json";

#[derive(Clone)]
struct Change {
    timestamp: Timestamp,
    action: &'static str,
    state: &'static str,
    uid: String,
    partition: Option<&'static str>,
}

#[derive(Default)]
struct Inner {
    /// Data sets by study and SOP Instance UID.
    stored: BTreeMap<(String, String), Vec<u8>>,
    changes: Vec<Change>,
    /// Statuses of retrieves of these instances.
    refused: BTreeMap<String, u16>,
    puts_off: Option<String>,
    silent: BTreeSet<String>,
    /// Searches for one instance are never answered.
    looks_up_nothing: bool,
    /// Retrieves of this instance go on for ever, a byte now and then.
    endless: Option<String>,
    /// Shows nothing to anybody, as one whose rights were taken away sees it.
    hidden: bool,
    /// From which days on studies were searched for.
    searched_from: BTreeSet<String>,
    retrieved: Vec<String>,
    syntax: Option<TransferSyntax>,
    uncounted: bool,
    without_end: bool,
    /// Gives the list from its beginning whatever `offset` says.
    ignores_offset: bool,
    /// Changes at once, whatever `limit` says.
    page: Option<usize>,
    /// How far its clock is ahead of that of the bridge.
    ahead: SignedDuration,
    /// Requests for the list.
    asked: usize,
    foreign: bool,
    /// What its list calls a store.
    store_action: Option<&'static str>,
    /// Does not list the instances of this study.
    unlistable: Option<String>,
    /// Has 20,001 studies where it is asked for those since a day before this one.
    crowded_before: Option<String>,
    /// Leaves out the series of the instances that it lists.
    nameless: bool,
    /// Not listed among the instances of its study, which counts it.
    unlisted: Option<String>,
    listed: usize,
}

/// The archive. Cloning gives the same one.
#[derive(Clone, Default)]
pub(super) struct Cloud(Arc<Mutex<Inner>>);

impl Cloud {
    /// Serves until the runtime ends; gives what a configuration says of it.
    pub(super) async fn serve(&self, change_feed: ChangeFeed) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/dicom-web", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let profile = Profile { change_feed, ..Profile::standard() };
        Origin::new("cloud", ClientConfig::new(url.parse().unwrap(), profile))
    }

    /// Somebody stores an instance.
    pub(super) fn gets(&self, study: &str, instance: &Instance) {
        let action = self.0.lock().unwrap().store_action.unwrap_or("create");
        self.changed(study, instance, self.now(), action, "current");
    }

    /// The time by its own clock.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now() + self.0.lock().unwrap().ahead
    }

    /// Its clock is so far ahead of that of the bridge.
    pub(super) fn is_ahead(&self, ahead: SignedDuration) {
        self.0.lock().unwrap().ahead = ahead;
    }

    /// Does not know how to leave changes out at the beginning of its list.
    pub(super) fn ignores_offset(&self) {
        self.0.lock().unwrap().ignores_offset = true;
    }

    /// Gives no more changes at once than these.
    pub(super) fn gives_at_once(&self, changes: usize) {
        self.0.lock().unwrap().page = Some(changes);
    }

    /// How often it was asked for its list.
    pub(super) fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }

    /// Somebody stores an instance in a partition.
    pub(super) fn gets_in(&self, partition: &'static str, instance: &Instance) {
        self.gets("1.2.3.1", instance);
        self.0.lock().unwrap().changes.last_mut().unwrap().partition = Some(partition);
    }

    pub(super) fn changed(
        &self,
        study: &str,
        instance: &Instance,
        timestamp: Timestamp,
        action: &'static str,
        state: &'static str,
    ) {
        let mut inner = self.0.lock().unwrap();
        let uid = instance.sop_instance_uid.to_string();
        inner.stored.insert((study.to_owned(), uid.clone()), instance.data_set.clone());
        inner.changes.push(Change { timestamp, action, state, uid, partition: None });
    }

    /// Retrieves of this instance get this status; 200: what is there.
    pub(super) fn answers(&self, uid: &str, status: u16) {
        self.0.lock().unwrap().refused.insert(uid.to_owned(), status);
    }

    /// The transfer syntax of everything.
    pub(super) fn holds_everything_in(&self, uid: &str) {
        self.0.lock().unwrap().syntax = Some(TransferSyntax::new(uid.parse().unwrap()));
    }

    /// Retrieves of this instance are answered with 503 and Retry-After, at once and for ever.
    pub(super) fn asks_for_time(&self, uid: &str) {
        self.0.lock().unwrap().puts_off = Some(uid.to_owned());
        self.answers(uid, 503);
    }

    /// Retrieves of this instance are never answered.
    pub(super) fn never_answers(&self, uid: &str) {
        self.0.lock().unwrap().silent.insert(uid.to_owned());
    }

    /// Searches for one instance are never answered.
    pub(super) fn looks_up_nothing(&self) {
        self.0.lock().unwrap().looks_up_nothing = true;
    }

    /// Retrieves of this instance begin, and never end.
    pub(super) fn never_ends(&self, uid: &str) {
        self.0.lock().unwrap().endless = Some(uid.to_owned());
    }

    /// Somebody deletes an instance.
    pub(super) fn deletes(&self, uid: &str) {
        let now = self.now();
        let mut inner = self.0.lock().unwrap();
        inner.stored.retain(|(_, of), _| of != uid);
        inner
            .changes
            .iter_mut()
            .filter(|change| change.uid == uid)
            .for_each(|change| change.state = "deleted");
        let change = Change {
            timestamp: now,
            action: "delete",
            state: "deleted",
            uid: uid.to_owned(),
            partition: None,
        };
        inner.changes.push(change);
    }

    /// Neither lists nor gives anything to whoever asks, or does so again.
    pub(super) fn hides_everything(&self, hidden: bool) {
        self.0.lock().unwrap().hidden = hidden;
    }

    /// From which days on studies were searched for, the earliest first.
    pub(super) fn searched_from(&self) -> Vec<String> {
        self.0.lock().unwrap().searched_from.iter().cloned().collect()
    }

    /// Does not say how many instances a study has.
    pub(super) fn counts_nothing(&self) {
        self.0.lock().unwrap().uncounted = true;
    }

    /// Lists all instances of a study but this one, and counts it.
    pub(super) fn lists_all_but(&self, uid: Option<&str>) {
        self.0.lock().unwrap().unlisted = uid.map(str::to_owned);
    }

    /// Gives changes from behind the end of what was asked for.
    pub(super) fn gives_all_changes(&self) {
        self.0.lock().unwrap().without_end = true;
    }

    /// Names the members of its changes as nobody else does.
    pub(super) fn tells_in_other_words(&self, other: bool) {
        self.0.lock().unwrap().foreign = other;
    }

    /// What its list calls a store from now on.
    pub(super) fn calls_a_store(&self, action: &'static str) {
        self.0.lock().unwrap().store_action = Some(action);
    }

    /// Fails whenever the instances of this study are to be listed.
    pub(super) fn never_lists(&self, study: &str) {
        self.0.lock().unwrap().unlistable = Some(study.to_owned());
    }

    /// Has 20,001 studies where it is asked for those since a day before this one.
    pub(super) fn is_crowded_before(&self, day: String) {
        self.0.lock().unwrap().crowded_before = Some(day);
    }

    /// Leaves out the series of the instances that it lists, or does so no more.
    pub(super) fn names_no_series(&self, nameless: bool) {
        self.0.lock().unwrap().nameless = nameless;
    }

    /// SOP Instance UIDs of all retrieves, in order.
    pub(super) fn retrieved(&self) -> Vec<String> {
        self.0.lock().unwrap().retrieved.clone()
    }

    /// How often the instances of a study were listed.
    pub(super) fn listed(&self) -> usize {
        self.0.lock().unwrap().listed
    }

    fn feed(&self, query: &BTreeMap<String, String>) -> Value {
        let mut inner = self.0.lock().unwrap();
        inner.asked += 1;
        let inner = &*inner;
        let moment = |name: &str| query[name].parse::<Timestamp>().unwrap();
        let number = |name: &str| query[name].parse::<usize>().unwrap();
        let end = if inner.without_end { Timestamp::MAX } else { moment("endTime") };
        let window = moment("startTime")..end;
        let found = inner.changes.iter().enumerate().filter(|(_, change)| window.contains(&change.timestamp));
        let offset = if inner.ignores_offset { 0 } else { number("offset") };
        let found = found.skip(offset).take(number("limit").min(inner.page.unwrap_or(usize::MAX)));
        let entry = |(index, change): (usize, &Change)| {
            if inner.foreign {
                return json!({ "uid": change.uid });
            }
            json!({
                "Sequence": index + 1, "StudyInstanceUid": "1.2.3.1", "SeriesInstanceUid": "1.2.3.2",
                "SopInstanceUid": change.uid, "Action": change.action, "State": change.state,
                "Timestamp": change.timestamp.to_string(), "PartitionName": change.partition,
                "Metadata": { "00080060": { "vr": "CS", "Value": ["CT"] } },
            })
        };
        found.map(entry).collect()
    }

    fn studies(&self, dates: &str) -> Value {
        let mut inner = self.0.lock().unwrap();
        let from = dates.trim_end_matches('-').to_owned();
        let is_crowded = inner.crowded_before.as_ref().is_some_and(|day| from < *day);
        inner.searched_from.insert(from);
        if is_crowded {
            let row = |number| json!({ "0020000D": { "vr": "UI", "Value": [format!("1.2.9.{number}")] } });
            return (0..20_001).map(row).collect();
        }
        if inner.hidden {
            return json!([]);
        }
        let studies: BTreeSet<&String> = inner.stored.keys().map(|(study, _)| study).collect();
        let row = |study: &String| {
            let instances = inner.stored.keys().filter(|(of, _)| of == study).count();
            let mut row = json!({ "0020000D": { "vr": "UI", "Value": [study] } });
            if !inner.uncounted {
                row["00201208"] = json!({ "vr": "IS", "Value": [instances] });
            }
            row
        };
        studies.into_iter().map(row).collect()
    }

    fn instances(&self, study: &str, only: Option<&String>) -> Value {
        let mut inner = self.0.lock().unwrap();
        inner.listed += 1;
        if inner.hidden {
            return json!([]);
        }
        let row = |(_, uid): &(String, String)| {
            let series: &[&str] = if inner.nameless { &[] } else { &["1.2.3.2"] };
            json!({
                "0020000E": { "vr": "UI", "Value": series },
                "00080018": { "vr": "UI", "Value": [uid] },
                "00080060": { "vr": "CS", "Value": ["CT"] },
            })
        };
        let is_listed =
            |uid: &String| inner.unlisted.as_ref() != Some(uid) && only.is_none_or(|only| only == uid);
        inner.stored.keys().filter(|(of, uid)| of == study && is_listed(uid)).map(row).collect()
    }

    fn retrieve(&self, uid: &str) -> Response<Body> {
        let mut inner = self.0.lock().unwrap();
        inner.retrieved.push(uid.to_owned());
        let status = inner.refused.get(uid).copied().unwrap_or(if inner.hidden { 404 } else { 200 });
        let found = inner.stored.iter().find(|((_, of), _)| of == uid).map(|(_, data_set)| data_set.clone());
        let Some(data_set) = found.filter(|_| status == 200) else {
            let mut answer = say(if status == 200 { 404 } else { status }, "text/plain", "no");
            if inner.puts_off.as_deref() == Some(uid) {
                answer.headers_mut().insert(header::RETRY_AFTER, 1.into());
            }
            return answer;
        };
        let meta = part10::FileMeta {
            sop_class_uid: CT.parse().unwrap(),
            sop_instance_uid: uid.parse().unwrap(),
            transfer_syntax: inner.syntax.clone().unwrap_or_else(explicit),
        };
        let mut body = b"--next\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
        body.extend(part10::write(&meta, None));
        body.extend(data_set);
        let media_type = "multipart/related; type=\"application/dicom\"; boundary=next";
        let answer = Response::builder().header(header::CONTENT_TYPE, media_type);
        if inner.endless.as_deref() == Some(uid) {
            let begins = stream::once(async { Ok::<_, Infallible>(body) });
            let drops = stream::unfold(interval(Duration::from_millis(20)), |mut ticks| async {
                ticks.tick().await;
                Some((Ok(vec![0]), ticks))
            });
            return answer.body(Body::from_stream(begins.chain(drops))).unwrap();
        }
        body.extend(b"\r\n--next--\r\n");
        answer.body(Body::from(body)).unwrap()
    }

    async fn store(&self, request: Request) -> Response<Body> {
        let content_type = request.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let boundary = Boundary::of(&MediaType::parse(&content_type).unwrap()).unwrap();
        let body = request.into_body().into_data_stream().boxed();
        let mut reader = Reader::new(body, &boundary, ReaderLimits::default());
        let mut stored = Vec::new();
        while reader.next_part().await.unwrap().is_some() {
            let mut file = Vec::new();
            while let Some(chunk) = reader.next_chunk().await.unwrap() {
                file.extend_from_slice(&chunk);
            }
            let (meta, at) = part10::read(&file).unwrap();
            let instance =
                Instance { sop_instance_uid: meta.sop_instance_uid.clone(), data_set: file.split_off(at) };
            self.gets("1.2.3.1", &instance);
            stored.push(json!({
                "00081150": { "vr": "UI", "Value": [CT] },
                "00081155": { "vr": "UI", "Value": [meta.sop_instance_uid.as_str()] },
            }));
        }
        say(200, DICOM_JSON, &json!({ "00081199": { "vr": "SQ", "Value": stored } }).to_string())
    }
}

async fn answer(State(cloud): State<Cloud>, request: Request) -> Response<Body> {
    let path = request.uri().path().trim_start_matches("/dicom-web/").to_owned();
    let path = path.trim_start_matches("partitions/east/");
    let segments: Vec<&str> = path.split('/').collect();
    let query = request.uri().query().unwrap_or_default().replace("%3A", ":");
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut answer = match segments.as_slice() {
        ["changefeed"] => say(200, "application/json", &cloud.feed(&query).to_string()),
        ["studies"] if request.method() == Method::POST => cloud.store(request).await,
        ["studies"] if query.contains_key("00080020") => {
            say(200, DICOM_JSON, &cloud.studies(&query["00080020"]).to_string())
        }
        _ if query.contains_key("SOPInstanceUID") && cloud.0.lock().unwrap().looks_up_nothing => {
            std::future::pending().await
        }
        ["studies", study, ..]
            if request.method() == Method::GET
                && segments.last() == Some(&"instances")
                && cloud.0.lock().unwrap().unlistable.as_deref() == Some(*study) =>
        {
            say(500, "text/plain", "no")
        }
        ["studies", study, "instances"] | ["studies", study, "series", _, "instances"] => {
            say(200, DICOM_JSON, &cloud.instances(study, query.get("SOPInstanceUID")).to_string())
        }
        ["studies", _, "series", _, "instances", uid] => {
            let (answer, silent) = (cloud.retrieve(uid), cloud.0.lock().unwrap().silent.contains(*uid));
            if silent {
                std::future::pending::<()>().await;
            }
            answer
        }
        _ => say(200, DICOM_JSON, "[]"),
    };
    let date = cloud.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answer.headers_mut().insert(header::DATE, date.parse().unwrap());
    answer
}

fn say(status: u16, media_type: &'static str, body: &str) -> Response<Body> {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header(header::CONTENT_TYPE, media_type)
        .body(Body::from(body.to_owned()))
        .unwrap()
}
