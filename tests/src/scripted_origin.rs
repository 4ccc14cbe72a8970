//! An origin server that answers each request as its script says, and remembers what it got.

mod holdings;
mod question;
mod request;

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::json;

pub use holdings::{Holdings, MULTIPART, part};
pub use question::Reply;
pub use request::Request;

/// How the next STOW-RS request is answered. When the script is at its end, everything is stored.
#[derive(Debug, Clone)]
pub enum Answer {
    /// 200 with every instance in the Referenced SOP Sequence (PS3.18 §10.5.3).
    Stored,
    /// A status with header lines and a body; nothing is stored.
    Refused(u16, Vec<(&'static str, String)>, &'static str),
    /// For good: 202, the instance named fails with a Failure Reason and the others are stored; 409
    /// where it is alone.
    AllBut(String, u16),
    /// For good: 409 without a data set for a whole batch that the instance named is in.
    RefusedWith(String),
    /// 409 with Failure Reason 273 for every instance that is there already, the others are stored.
    Duplicates,
    /// For good: 200 that names every instance as stored, while what is there already stays as it is.
    KeepsFirst,
    /// 200 with a page for people; nothing is stored.
    LoginPage,
    /// 200 without a body; all is stored where told so, else nothing.
    EmptyBody {
        /// Whether the instances are kept.
        stored: bool,
    },
    /// The connection is reset after so many bytes of the request's body.
    CutRequest(usize),
    /// Everything is stored, and the connection is reset in the middle of the answer.
    CutAnswer,
    /// Everything is read and nothing is answered until the origin is released.
    Stall,
}

#[derive(Default)]
struct State {
    script: VecDeque<Answer>,
    requests: Vec<Request>,
    stored: BTreeMap<String, Vec<u8>>,
    store_counts: BTreeMap<String, usize>,
    released: bool,
    stalled: usize,
    abandoned: usize,
    authorization: Option<String>,
    questions: Option<Arc<question::Script>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running origin; its threads end with the test.
pub struct ScriptedOrigin {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl ScriptedOrigin {
    /// Listens on a free port and follows the script.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let state = State { script: script.into_iter().collect(), ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = Arc::clone(&accepting);
                thread::spawn(move || connection.serve(stream));
            }
        });
        Self { shared, address }
    }

    /// Base URL of its DICOMweb service.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/dicom-web", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds answers behind those that are left.
    pub fn then(&self, script: impl IntoIterator<Item = Answer>) {
        self.shared.state().script.extend(script);
    }

    /// Answers 401 to every request from now on whose `Authorization` is another; to none where `None`.
    pub fn demand(&self, authorization: Option<&str>) {
        self.shared.state().authorization = authorization.map(str::to_owned);
    }

    /// Answers questions from now on as `script` says, and from what is stored where it says nothing.
    pub fn ask(&self, script: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) {
        self.shared.state().questions = Some(Arc::new(script));
    }

    /// Ends stalled requests without an answer, and stores instead of stalling from now on.
    pub fn release(&self) {
        self.shared.state().released = true;
        self.shared.changed.notify_all();
    }

    /// How many requests are stalled now.
    #[must_use]
    pub fn stalled(&self) -> usize {
        self.shared.state().stalled
    }

    /// Answers to questions that a client did not take to their end.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.shared.state().abandoned
    }

    /// Answers of the script that were not used yet.
    #[must_use]
    pub fn answers_left(&self) -> usize {
        self.shared.state().script.len()
    }

    /// All requests so far, bodies of STOW-RS left out.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// Part 10 files stored so far, by SOP Instance UID.
    #[must_use]
    pub fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        self.shared.state().stored.clone()
    }

    /// The Part 10 file stored under a SOP Instance UID.
    #[must_use]
    pub fn file(&self, sop_instance: &str) -> Option<Vec<u8>> {
        self.shared.state().stored.get(sop_instance).cloned()
    }

    /// How many instances are stored.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.state().stored.len()
    }

    /// How often an instance was stored.
    #[must_use]
    pub fn times_stored(&self, sop_instance: &str) -> usize {
        self.shared.state().store_counts.get(sop_instance).copied().unwrap_or_default()
    }

    /// Puts a file there as if somebody else had stored it.
    pub fn put(&self, file: Vec<u8>) {
        self.shared.state().store(file);
    }
}

impl State {
    fn store(&mut self, file: Vec<u8>) {
        let uid = sop_instance(&file);
        *self.store_counts.entry(uid.clone()).or_default() += 1;
        self.stored.insert(uid, file);
    }
}

fn sop_instance(file: &[u8]) -> String {
    let (meta, _) = instance::part10::read(file).expect("a Part 10 file");
    meta.sop_instance_uid.as_str().to_owned()
}

fn sop_class(file: &[u8]) -> String {
    let (meta, _) = instance::part10::read(file).expect("a Part 10 file");
    meta.sop_class_uid.as_str().to_owned()
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = request::Reader::new(&stream);
        while let Some(head) = reader.head() {
            let is_store = head.method == "POST";
            if !self.lets_in(&head) {
                self.state().requests.push(head.clone());
                let refused = reader.body(&head).is_some() && write(&stream, 401, &[], "", b"");
                if refused {
                    continue;
                }
                return;
            }
            let answer = if is_store { self.next_answer() } else { Answer::Stored };
            if let Answer::CutRequest(bytes) = answer {
                reader.discard(bytes);
                self.state().requests.push(head);
                reset(&stream);
                return;
            }
            let Some(body) = reader.body(&head) else { return };
            self.state().requests.push(head.clone());
            let keep = if is_store {
                let files = crate::http::parts(&head.content_type, &body);
                let files = if files.is_empty() && !body.is_empty() { vec![body] } else { files };
                self.answer_store(&stream, answer, files)
            } else {
                self.answer_question(&stream, &head)
            };
            if !keep {
                return;
            }
        }
    }

    fn lets_in(&self, head: &Request) -> bool {
        let demanded = self.state().authorization.clone();
        demanded.is_none() || head.headers.get("authorization") == demanded.as_ref()
    }

    /// The next answer of the script; one about a named instance holds for good.
    fn next_answer(&self) -> Answer {
        let mut state = self.state();
        match state.script.front() {
            Some(lasting @ (Answer::AllBut(..) | Answer::RefusedWith(_) | Answer::KeepsFirst)) => {
                lasting.clone()
            }
            Some(Answer::Stall) if state.released => {
                state.script.pop_front();
                Answer::Stored
            }
            _ => state.script.pop_front().unwrap_or(Answer::Stored),
        }
    }

    /// False where the connection is over.
    fn answer_store(&self, stream: &TcpStream, answer: Answer, files: Vec<Vec<u8>>) -> bool {
        match answer {
            Answer::Stored | Answer::CutRequest(_) => {
                let body = self.store(files, |_, _| None);
                write(stream, 200, &[], "application/dicom+json", &body)
            }
            Answer::Refused(status, headers, body) => {
                write(stream, status, &headers, "text/plain", body.as_bytes())
            }
            Answer::AllBut(uid, reason) => {
                let alone = files.len() == 1 && sop_instance(&files[0]) == uid;
                let failed = files.iter().any(|file| sop_instance(file) == uid);
                let body = self.store(files, |_, file| (sop_instance(file) == uid).then_some(reason));
                let status = if alone {
                    409
                } else if failed {
                    202
                } else {
                    200
                };
                write(stream, status, &[], "application/dicom+json", &body)
            }
            Answer::RefusedWith(uid) => {
                let refused = files.iter().any(|file| sop_instance(file) == uid);
                if refused {
                    return write(stream, 409, &[], "text/plain", b"");
                }
                let body = self.store(files, |_, _| None);
                write(stream, 200, &[], "application/dicom+json", &body)
            }
            Answer::Duplicates => {
                let body = self.store(files, |state, file| {
                    state.stored.contains_key(&sop_instance(file)).then_some(273)
                });
                write(stream, 409, &[], "application/dicom+json", &body)
            }
            Answer::KeepsFirst => {
                let kept = self.state().stored.clone();
                let body = self.store(files, |_, _| None);
                self.state().stored.extend(kept);
                write(stream, 200, &[], "application/dicom+json", &body)
            }
            Answer::LoginPage => {
                write(stream, 200, &[], "text/html", b"<html><body>Please sign in</body></html>")
            }
            Answer::EmptyBody { stored } => {
                if stored {
                    self.store(files, |_, _| None);
                }
                write(stream, 200, &[], "", b"")
            }
            Answer::CutAnswer => {
                let body = self.store(files, |_, _| None);
                let mut to = stream;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/dicom+json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = to.write_all(head.as_bytes());
                let _ = to.write_all(&body[..body.len() / 2]);
                reset(stream);
                false
            }
            Answer::Stall => {
                self.stall();
                reset(stream);
                false
            }
        }
    }

    /// Waits until the origin is released.
    fn stall(&self) {
        let mut state = self.state();
        state.stalled += 1;
        let mut state = self.changed.wait_while(state, |state| !state.released).expect("a lock");
        state.stalled -= 1;
    }

    /// Stores what does not fail, and says so in the response data set (PS3.18 §10.5.3).
    fn store(&self, files: Vec<Vec<u8>>, fails: impl Fn(&State, &[u8]) -> Option<u16>) -> Vec<u8> {
        let mut state = self.state();
        let (mut stored, mut failed) = (Vec::new(), Vec::new());
        for file in files {
            let mut item = json!({
                "00081150": {"vr": "UI", "Value": [sop_class(&file)]},
                "00081155": {"vr": "UI", "Value": [sop_instance(&file)]},
            });
            if let Some(reason) = fails(&state, &file) {
                item["00081197"] = json!({"vr": "US", "Value": [reason]});
                failed.push(item);
            } else {
                state.store(file);
                stored.push(item);
            }
        }
        drop(state);
        let mut answer = json!({});
        for (tag, items) in [("00081198", failed), ("00081199", stored)] {
            if !items.is_empty() {
                answer[tag] = json!({"vr": "SQ", "Value": items});
            }
        }
        answer.to_string().into_bytes()
    }
}

fn write(
    mut stream: &TcpStream,
    status: u16,
    headers: &[(&'static str, String)],
    media_type: &str,
    body: &[u8],
) -> bool {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n", body.len());
    if !media_type.is_empty() {
        head.push_str(&format!("content-type: {media_type}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).is_ok() && stream.write_all(body).is_ok()
}

fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    let _ = stream.shutdown(Shutdown::Both);
}
