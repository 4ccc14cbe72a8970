//! A daemon between an archive and a destination, both of which do what a test says.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::destination::{Behaviour, Destination, Received};
use tests::instances::Instance;
use tests::retrieve::{Retrieved, Retriever, STUDY_ROOT_GET, STUDY_ROOT_MOVE, pairs, studies};
use tests::scripted_origin::{Holdings, Reply, Request, ScriptedOrigin};

/// The AE title of the destination.
pub(crate) const STORAGE: &str = "STORAGE";

/// A running daemon with its archive and its destination.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    pub(crate) origin: ScriptedOrigin,
    pub(crate) destination: Destination,
    _home: Home,
}

impl Site {
    /// An archive that has these instances, and a destination that takes everything.
    pub(crate) fn start(instances: &[Instance]) -> Self {
        Self::start_with(instances, Behaviour::default(), |configuration| configuration)
    }

    /// The same with another destination and configuration.
    pub(crate) fn start_with(
        instances: &[Instance],
        behaviour: Behaviour,
        configure: impl FnOnce(Configuration) -> Configuration,
    ) -> Self {
        Self::start_scripted(instances, |_| None, behaviour, configure)
    }

    /// The same with an archive that answers as `script` says, and truthfully where it says nothing.
    pub(crate) fn start_scripted(
        instances: &[Instance],
        script: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
        behaviour: Behaviour,
        configure: impl FnOnce(Configuration) -> Configuration,
    ) -> Self {
        let origin = ScriptedOrigin::start([]);
        let holdings = Holdings::new(instances.to_vec());
        origin.ask(move |request| script(request).or_else(|| holdings.answer(request)));
        let destination = Destination::start(behaviour);
        let configuration = Configuration::new()
            .origin("archive", &origin.url())
            .set("origin.archive", "answer_timeout = \"60s\"")
            .set("retrieve", "pending_interval = \"50ms\"")
            .with(&destination.peer(STORAGE));
        let home = Home::new(&configure(configuration));
        let daemon = home.start();
        Self { daemon, origin, destination, _home: home }
    }

    /// An association for C-MOVE in the Study Root model.
    pub(crate) fn mover(&self) -> Retriever {
        Retriever::open(self.daemon.dimse(), STUDY_ROOT_MOVE)
    }

    /// Moves a study to the destination, on an association of its own.
    pub(crate) fn move_study(&self, study: &str) -> Retrieved {
        let mut mover = self.mover();
        let retrieved = mover.move_to(STORAGE, &studies(&[study]));
        mover.release();
        retrieved
    }

    /// An association for C-GET that takes these instances.
    pub(crate) fn getter(&self, instances: &[Instance]) -> Retriever {
        Retriever::open_to_get(self.daemon.dimse(), STUDY_ROOT_GET, &pairs(instances))
    }

    /// The destination has exactly these, with their bytes.
    pub(crate) fn expect_received(&self, instances: &[Instance]) {
        let received = self.destination.received();
        expect_same(received.iter().map(bytes), instances);
    }

    /// What the archive was asked for that holds instances, without searches.
    pub(crate) fn retrieves(&self) -> Vec<String> {
        let requests = self.origin.requests().into_iter().filter(|request| !is_search(request));
        requests.map(|request| request.target).collect()
    }
}

/// What a received instance consists of: SOP Instance UID, transfer syntax and data set.
pub(crate) type Bytes<'a> = (&'a str, &'a str, &'a [u8]);

fn bytes(received: &Received) -> Bytes<'_> {
    (&received.sop_instance, &received.transfer_syntax, &received.data_set)
}

/// What came is exactly what was expected, each once, byte for byte.
pub(crate) fn expect_same<'a>(came: impl Iterator<Item = Bytes<'a>>, expected: &[Instance]) {
    let mut came: Vec<_> = came.collect();
    came.sort_unstable();
    let mut expected: Vec<Bytes<'_>> = expected
        .iter()
        .map(|instance| (&*instance.sop_instance, &*instance.transfer_syntax, &*instance.data_set))
        .collect();
    expected.sort_unstable();
    let uids = |list: &[Bytes<'_>]| list.iter().map(|one| one.0.to_owned()).collect::<Vec<_>>();
    assert_eq!(uids(&came), uids(&expected), "which instances came");
    for (came, expected) in came.iter().zip(&expected) {
        assert_eq!(came.1, expected.1, "transfer syntax of {}", came.0);
        assert!(came.2 == expected.2, "{} has other bytes", came.0);
    }
}

/// True for QIDO-RS.
pub(crate) fn is_search(request: &Request) -> bool {
    let path = request.target.split('?').next().unwrap_or_default();
    ["studies", "series", "instances"].iter().any(|resource| path.ends_with(resource))
}

/// The SOP Instance UIDs, sorted.
pub(crate) fn uids(instances: &[Instance]) -> Vec<String> {
    let mut uids: Vec<_> = instances.iter().map(|instance| instance.sop_instance.clone()).collect();
    uids.sort();
    uids
}
