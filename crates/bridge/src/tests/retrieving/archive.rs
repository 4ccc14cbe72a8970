//! An origin that lists and gives instances, and breaks where a test wants it to.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode, header},
};
use bytes::Bytes;
use dataset::element::{VR, Writer};
use futures::{StreamExt, stream};
use instance::{Encoding, Tag, TransferSyntax, Uid, part10};
use tokio::{net::TcpListener, sync::Semaphore};

use super::super::site::CT;

/// Bytes of one piece of an answer.
const PIECE: usize = 16 * 1024;

/// An instance as the origin has it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) study: String,
    pub(super) series: String,
    pub(super) uid: String,
    pub(super) class: String,
    pub(super) syntax: String,
    pub(super) data_set: Bytes,
}

/// Instance `number` of a series of CT images.
pub(super) fn held(study: usize, series: usize, number: usize, size: usize) -> Held {
    let [study, series, uid] = [
        format!("1.2.3.{study}"),
        format!("1.2.3.{study}.{series}"),
        format!("1.2.3.{study}.{series}.{number}"),
    ];
    let padded = |uid: &str| uid.parse::<Uid>().unwrap().to_padded();
    let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
    let noise: Vec<u8> = (0..size).map(|at| (at * 31 + number * 7 + at / 251) as u8).collect();
    writer
        .element(Tag::SOP_CLASS_UID, VR::UI, CT.as_bytes())
        .element(Tag::SOP_INSTANCE_UID, VR::UI, &padded(&uid))
        .element(Tag::PATIENT_ID, VR::LO, b"4711")
        .element(Tag::STUDY_INSTANCE_UID, VR::UI, &padded(&study))
        .element(Tag::SERIES_INSTANCE_UID, VR::UI, &padded(&series))
        .element(Tag::PIXEL_DATA, VR::OW, &noise);
    Held {
        study,
        series,
        uid,
        class: CT.to_owned(),
        syntax: instance::transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        data_set: writer.into_bytes().into(),
    }
}

/// What the origin does with a request instead of answering it well.
#[derive(Clone)]
pub(super) enum Act {
    /// This status and nothing else.
    Status(u16),
    /// This body for JSON.
    Say(&'static str),
    /// The connection breaks after so many bytes at the latest.
    CutAfter(usize),
    /// The body ends in good order after so many bytes.
    EndAfter(usize),
    /// The data sets lack so many bytes at their end, in an answer that is in good order.
    Lack(usize),
    /// One byte of the data sets is another one.
    Differ,
    /// Gives so many bytes and then nothing, until a permit is there.
    Hold(usize, Arc<Semaphore>),
    /// Gives instances of other UIDs.
    Other,
    /// Gives data sets that name another instance, in files that name the right one.
    Misnamed,
    /// Gives data sets that name no instance, in files that name the right one.
    Nameless,
    /// Gives data sets of another SOP Class than their files say.
    OtherClass,
    /// Gives the data sets in another transfer syntax, as they are.
    In(&'static str),
}

#[derive(Default)]
struct Inner {
    held: Vec<Held>,
    /// For requests whose path ends so, once each.
    acts: VecDeque<(String, Act)>,
    /// For requests whose path ends so, for ever.
    always: Vec<(String, Act)>,
    requests: Vec<String>,
    /// How far the counts of series are from the truth; none where it does not count.
    counted: Option<isize>,
    dropped: usize,
    open: usize,
    open_max: usize,
}

/// The origin. Cloning gives the same one.
#[derive(Clone, Default)]
pub(super) struct Archive(Arc<Mutex<Inner>>);

impl Archive {
    pub(super) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    pub(super) fn add(&self, held: impl IntoIterator<Item = Held>) {
        self.inner().held.extend(held);
    }

    /// Counts the instances of series, so many too many.
    pub(super) fn count(&self, too_many: isize) {
        self.inner().counted = Some(too_many);
    }

    /// How often this was asked for.
    pub(super) fn asked_for(&self, path: &str) -> usize {
        self.inner().requests.iter().filter(|known| *known == path).count()
    }

    /// The next request whose path ends so.
    pub(super) fn then(&self, path: &str, act: Act) {
        self.inner().acts.push_back((path.to_owned(), act));
    }

    /// Every request whose path ends so.
    pub(super) fn always(&self, path: &str, act: Act) {
        self.inner().always.push((path.to_owned(), act));
    }

    /// Paths of retrieves so far.
    pub(super) fn retrieves(&self) -> Vec<String> {
        let is_retrieve =
            |path: &&String| !["studies", "series", "instances"].iter().any(|end| path.ends_with(end));
        self.inner().requests.iter().filter(is_retrieve).cloned().collect()
    }

    /// Answers that were reset before their end.
    pub(super) fn dropped(&self) -> usize {
        self.inner().dropped
    }

    /// Most retrieves open at the same time.
    pub(super) fn open_max(&self) -> usize {
        self.inner().open_max
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn act(&self, path: &str) -> Option<Act> {
        let mut inner = self.inner();
        inner.requests.push(path.to_owned());
        match inner.acts.iter().position(|(end, _)| path.ends_with(end.as_str())) {
            Some(at) => inner.acts.remove(at).map(|(_, act)| act),
            None => {
                inner.always.iter().find(|(end, _)| path.ends_with(end.as_str())).map(|(_, act)| act.clone())
            }
        }
    }
}

/// Counts an answer while it is open.
struct Open(Archive, bool);

impl Open {
    fn new(archive: &Archive) -> Self {
        let mut inner = archive.inner();
        inner.open += 1;
        inner.open_max = inner.open_max.max(inner.open);
        drop(inner);
        Self(archive.clone(), false)
    }

    fn ended(&mut self) {
        self.1 = true;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut inner = self.0.inner();
        inner.open -= 1;
        inner.dropped += usize::from(!self.1);
    }
}

async fn answer(State(archive): State<Archive>, request: Request) -> Response<Body> {
    let path = request.uri().path().trim_start_matches("/dicom-web/").to_owned();
    let act = archive.act(&path);
    let parts: Vec<&str> = path.split('/').collect();
    if let Some(Act::Status(status)) = act {
        return say(status, "text/plain", "no");
    }
    if let Some(Act::Say(body)) = act {
        return say(200, "application/dicom+json", body);
    }
    let uid = |at: usize| parts.get(at).copied();
    let (study, series, instance) = (uid(1), uid(3), uid(5));
    let is = |wanted: Option<&str>, uid: &str| wanted.is_none_or(|wanted| wanted == uid);
    let found: Vec<Held> = archive
        .inner()
        .held
        .iter()
        .filter(|held| is(study, &held.study) && is(series, &held.series) && is(instance, &held.uid))
        .cloned()
        .collect();
    if parts.len() % 2 == 1 {
        let counted = archive.inner().counted;
        return search(&parts, &found, counted, request.uri().query().unwrap_or_default());
    }
    if found.is_empty() {
        return say(404, "text/plain", "no");
    }
    retrieve(&archive, found, act)
}

fn search(parts: &[&str], found: &[Held], counted: Option<isize>, query: &str) -> Response<Body> {
    let level = parts[parts.len() - 1];
    let mut rows = Vec::new();
    let parameters: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let asked = |names: [&str; 2], uid: &str| {
        let mut wanted = parameters.iter().filter(|(name, _)| names.contains(name)).map(|(_, value)| *value);
        wanted.all(|value| {
            value.is_empty()
                || value.split([',', '\\']).any(|one| one == uid)
                || value.replace("%2C", ",").split(',').any(|one| one == uid)
        })
    };
    for held in found {
        let matches = asked(["StudyInstanceUID", "0020000D"], &held.study)
            && asked(["SeriesInstanceUID", "0020000E"], &held.series)
            && asked(["SOPInstanceUID", "00080018"], &held.uid)
            && asked(["PatientID", "00100020"], "4711");
        let mut elements = vec![element("00100020", "LO", "4711"), element("0020000D", "UI", &held.study)];
        if level != "studies" {
            elements.push(element("0020000E", "UI", &held.series));
        }
        if let Some(too_many) = counted.filter(|_| level == "series") {
            let count = found.iter().filter(|other| other.series == held.series).count();
            let count = count.checked_add_signed(too_many).unwrap();
            elements.push(format!("\"00201209\":{{\"vr\":\"IS\",\"Value\":[{count}]}}"));
        }
        if level == "instances" {
            elements.push(element("00080016", "UI", &held.class));
            elements.push(element("00080018", "UI", &held.uid));
        }
        let row = format!("{{{}}}", elements.join(","));
        if matches && !rows.contains(&row) {
            rows.push(row);
        }
    }
    let number = |name: &str| {
        let parameter = parameters.iter().find(|(known, _)| *known == name);
        parameter.and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let rows =
        rows.into_iter().skip(number("offset").unwrap_or(0)).take(number("limit").unwrap_or(usize::MAX));
    say(200, "application/dicom+json", format!("[{}]", rows.collect::<Vec<_>>().join(",")))
}

fn retrieve(archive: &Archive, found: Vec<Held>, act: Option<Act>) -> Response<Body> {
    let mut body = Vec::new();
    for held in found {
        let syntax = if let Some(Act::In(syntax)) = act { syntax.to_owned() } else { held.syntax };
        let meta = part10::FileMeta {
            sop_class_uid: held.class.parse().unwrap(),
            sop_instance_uid: match act {
                Some(Act::Other) => "1.2.3.4.5.6.7".parse().unwrap(),
                _ => held.uid.parse().unwrap(),
            },
            transfer_syntax: TransferSyntax::new(syntax.parse().unwrap()),
        };
        body.extend(b"--next\r\nContent-Type: application/dicom\r\n\r\n");
        body.extend(part10::write(&meta, None));
        let mut data_set = held.data_set.to_vec();
        if matches!(act, Some(Act::Differ)) {
            // Behind the identifying attributes, before anything that a cut leaves out.
            data_set[300] ^= 1;
        }
        let place = |bytes: &[u8]| data_set.windows(bytes.len()).position(|window| window == bytes).unwrap();
        match act {
            Some(Act::Other | Act::Misnamed) => {
                let uid = held.uid.as_bytes();
                let at = place(uid) + uid.len() - 1;
                // 1 becomes 6, which is no instance of the archive.
                data_set[at] += 5;
            }
            // (0008,0018) becomes the next element of its group.
            Some(Act::Nameless) => {
                let at = place(b"\x08\0\x18\0UI") + 2;
                data_set[at] += 1;
            }
            Some(Act::OtherClass) => {
                let at = place(held.class.as_bytes()) + held.class.len() - 1;
                data_set[at] ^= 1;
            }
            _ => {}
        }
        if let Some(Act::Lack(length)) = act {
            data_set.truncate(data_set.len().saturating_sub(length));
        }
        body.extend(data_set);
        body.extend(b"\r\n");
    }
    body.extend(b"--next--\r\n");
    let body = Bytes::from(body);
    let (given, end) = match &act {
        Some(Act::CutAfter(length) | Act::EndAfter(length) | Act::Hold(length, _)) => {
            (body.slice(..(*length).min(body.len())), act.clone())
        }
        _ => (body.clone(), None),
    };
    let pieces: Vec<Bytes> = given.chunks(PIECE).map(Bytes::copy_from_slice).collect();
    let rest = body.slice(given.len()..);
    let last = stream::once(async move {
        match end {
            Some(Act::CutAfter(_)) => Err(io::Error::other("cut")),
            Some(Act::Hold(_, may_go_on)) => {
                may_go_on.acquire().await.unwrap().forget();
                Ok(rest)
            }
            _ => Ok(Bytes::new()),
        }
    });
    let mut open = Open::new(archive);
    let end = stream::once(async move {
        open.ended();
        Ok(Bytes::new())
    });
    let body = stream::iter(pieces.into_iter().map(Ok)).chain(last.boxed()).chain(end.boxed());
    let media_type = "multipart/related; type=\"application/dicom\"; boundary=next";
    Response::builder().header(header::CONTENT_TYPE, media_type).body(Body::from_stream(body)).unwrap()
}

fn element(tag: &str, vr: &str, value: &str) -> String {
    format!("\"{tag}\":{{\"vr\":\"{vr}\",\"Value\":[\"{value}\"]}}")
}

fn say(status: u16, media_type: &'static str, body: impl Into<String>) -> Response<Body> {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header(header::CONTENT_TYPE, media_type)
        .body(Body::from(body.into()))
        .unwrap()
}
