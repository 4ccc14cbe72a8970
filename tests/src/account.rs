//! A PostDICOM account: the embedded origin's, in this process, behind a recorder.

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;

use origin::postdicom::{self, Entity, Folder, NewFolder, NewOrder, Order, Share};
use origin::{Credentials, Options, Origin, Personality};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::configuration::Configuration;
use crate::http::{self, Answer};
use crate::instances::Instance;
use crate::recorder::Recorder;

/// Name and password of the captured requests.
pub const USERNAME: &str = "user@example.org";
/// See [`USERNAME`].
pub const PASSWORD: &str = "pässword:1";
/// `Authorization` of the captured requests.
pub const AUTHORIZATION: &str = "Basic dXNlckBleGFtcGxlLm9yZzpww6Rzc3dvcmQ6MQ==";

/// A running account, in which everything is called as in the captured requests.
pub struct Account {
    origin: Origin,
    recorder: Recorder,
    served_at: SocketAddr,
    runtime: Runtime,
}

impl Account {
    /// Starts one on a directory.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, |_| {})
    }

    /// Starts one with other options.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start_with(directory: &Path, change: impl FnOnce(&mut postdicom::Options)) -> Self {
        let mut options = Options::new(directory, Personality::PostDicom);
        options.credentials =
            Some(Credentials { username: USERNAME.to_owned(), password: PASSWORD.to_owned() });
        options.postdicom.account = postdicom::Account {
            institutions: vec![Entity::new("inst-1", "Hospital")],
            users: vec![Entity::new("user-1", "Reader")],
            user_groups: vec![Entity::new("group-1", "Radiology")],
            equipment: vec![Entity::new("eq-1", "CT")],
        };
        change(&mut options.postdicom);
        let origin = Origin::open_with(options).expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let served_at = listener.local_addr().expect("a bound socket");
        let served = origin.clone();
        runtime.spawn(async move { origin::serve(listener, &served, pending()).await });
        Self { origin, recorder: Recorder::to(served_at), served_at, runtime }
    }

    /// What was asked of it through [`Self::url`].
    #[must_use]
    pub const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Base URL, by way of the recorder.
    #[must_use]
    pub fn url(&self) -> String {
        origin::base_url(self.recorder.address())
    }

    /// Where it listens itself.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.served_at
    }

    /// Adds the origin `cloud` to a configuration, with the password in a file of this directory.
    ///
    /// # Panics
    /// Where the file cannot be written.
    #[must_use]
    pub fn configured(&self, configuration: Configuration, directory: &Path) -> Configuration {
        let file = directory.join("postdicom-password");
        std::fs::write(&file, PASSWORD).expect("a file");
        let auth = format!(
            "auth = {{ type = \"basic\", username = \"{USERNAME}\", password_file = \"{}\" }}",
            file.display()
        );
        configuration
            .origin("cloud", &self.url())
            .set("origin.cloud", "profile = \"postdicom\"")
            .set("origin.cloud", &auth)
            .set("origin.cloud.postdicom", "institutions = [\"inst-1\"]")
    }

    /// Its orders, the oldest first.
    ///
    /// # Panics
    /// Where they cannot be read.
    #[must_use]
    pub fn orders(&self) -> Vec<Order> {
        self.runtime.block_on(self.origin.orders()).expect("orders")
    }

    /// Its folders.
    ///
    /// # Panics
    /// Where they cannot be read.
    #[must_use]
    pub fn folders(&self) -> Vec<Folder> {
        self.runtime.block_on(self.origin.folders()).expect("folders")
    }

    /// Its links.
    ///
    /// # Panics
    /// Where they cannot be read.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        self.runtime.block_on(self.origin.shares()).expect("links")
    }

    /// How many instances it has.
    ///
    /// # Panics
    /// Where they cannot be counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.runtime.block_on(self.origin.instance_count()).expect("a number")
    }

    /// Makes an order with a UUID of the caller's choice, or one of its own.
    ///
    /// # Panics
    /// Where it cannot be kept.
    pub fn add_order(&self, uuid: Option<&str>, order: NewOrder) -> String {
        self.runtime.block_on(self.origin.add_order(uuid, order)).expect("an order")
    }

    /// Makes a folder at the top.
    ///
    /// # Panics
    /// Where it cannot be kept.
    pub fn add_folder(&self, uuid: &str, name: &str) {
        let folder = NewFolder { name: name.to_owned(), ..NewFolder::default() };
        self.runtime.block_on(self.origin.add_folder(Some(uuid), folder)).expect("a folder");
    }

    /// The Part 10 file that it keeps for an instance, past the recorder; nothing where it has none.
    ///
    /// # Panics
    /// Where it does not answer as it should.
    #[must_use]
    pub fn file(&self, instance: &Instance) -> Option<Vec<u8>> {
        let answer = self.get(&format!("/studies/series/instances/{}", instance.sop_instance));
        if answer.status == 404 {
            return None;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        Some(http::only_part(&answer).expect("one part"))
    }

    /// `GET` below its base URL, past the recorder.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", origin::base_url(self.served_at));
        http::request("GET", &url, &[("authorization", AUTHORIZATION)], Vec::new()).expect("an answer")
    }
}
