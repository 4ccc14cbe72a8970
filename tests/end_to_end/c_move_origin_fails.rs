//! Everything an archive may answer to the search for instances or to their retrieve: the status says
//! whose fault it is, and what is cut never arrives as a whole.

use tests::destination::{Behaviour, Store};
use tests::instances::Instance;
use tests::retrieve::{Retrieved, studies};
use tests::scripted_origin::{MULTIPART, Reply, Request, part};
use tests::wait::eventually;

use crate::retrieve_site::{STORAGE, Site, is_search, uids};

const JSON: &str = "application/dicom+json";

/// Moves a study of four slices from an archive that answers as `script` says.
fn trial(
    script: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> (Site, Vec<Instance>, Retrieved) {
    let instances = Instance::study(1, 4, 300_000);
    let site = Site::start_scripted(&instances, script, Behaviour::default(), |configuration| {
        configuration
            .set("origin.archive", "answer_timeout = \"1s\"")
            .set("origin.archive", "read_timeout = \"1s\"")
    });
    let retrieved = site.move_study(&instances[0].study);
    (site, instances, retrieved)
}

/// Every search is answered with this.
fn searches(reply: Reply) -> impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static {
    move |request| is_search(request).then(|| reply.clone())
}

/// Every retrieve is answered with this.
fn retrieves(reply: Reply) -> impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static {
    move |request| (!is_search(request)).then(|| reply.clone())
}

/// A status with a Retry-After that nobody waits for.
fn later(status: u16) -> Reply {
    Reply::Whole(status, vec![("retry-after", "3600".to_owned())], "", Vec::new())
}

/// Whether one instance alone is asked for.
fn is_for(request: &Request, instance: &Instance) -> bool {
    request.target.ends_with(&format!("/instances/{}", instance.sop_instance))
}

#[test]
fn a_search_that_fails_is_no_empty_study() {
    let malformed = Reply::Whole(200, Vec::new(), JSON, b"[{\"00080018\": {\"vr\"".to_vec());
    let page = Reply::Whole(200, Vec::new(), "text/html", b"<html>Please sign in</html>".to_vec());
    let cut = Reply::Cut(JSON, b"[{\"0020000D\":{\"vr\":\"UI\",\"Value\":[\"2.25.90001\"]}},".to_vec());
    let table = [
        ("400", Reply::status(400), 0xA701),
        ("401", Reply::status(401), 0x0124),
        ("403", Reply::status(403), 0x0124),
        ("429", later(429), 0xA701),
        ("500", Reply::status(500), 0xA701),
        ("503", later(503), 0xA701),
        ("malformed JSON", malformed, 0xA701),
        ("a page for people", page, 0xA701),
        ("a page that is cut", cut, 0xA701),
        ("silence", Reply::Stall, 0xA701),
    ];
    std::thread::scope(|scope| {
        for (name, reply, status) in table {
            scope.spawn(move || {
                let (site, _, retrieved) = trial(searches(reply));
                assert_eq!(retrieved.last.status(), status, "{name}: {:?}", retrieved.last);
                assert!(!retrieved.last.response.error_comment.is_empty(), "{name}");
                assert_eq!(site.destination.associations().len(), 0, "{name}");
            });
        }
    });
}

#[test]
fn a_search_without_results_is_an_empty_study() {
    // Some archives say so of a study that they do not have.
    for status in [204, 404] {
        let (site, _, retrieved) = trial(searches(Reply::status(status)));
        let last = retrieved.last;
        assert_eq!((last.status(), last.counts()), (0x0000, (0, 0, 0)), "{status}: {last:?}");
        assert_eq!(site.destination.associations().len(), 0);
    }
}

#[test]
fn an_archive_that_gives_nothing_fails_all_and_says_so() {
    let page = Reply::Whole(200, Vec::new(), "text/html", b"<html>Please sign in</html>".to_vec());
    let table = [
        ("204", Reply::status(204), 0xA702),
        ("400", Reply::status(400), 0xA702),
        ("401", Reply::status(401), 0x0124),
        ("403", Reply::status(403), 0x0124),
        ("404", Reply::status(404), 0xA702),
        ("406", Reply::status(406), 0xA702),
        ("429", later(429), 0xA702),
        ("500", Reply::status(500), 0xA702),
        ("a page for people", page, 0xA702),
        ("no part", Reply::Whole(200, Vec::new(), MULTIPART, b"--part--\r\n".to_vec()), 0xA702),
        ("no multipart", Reply::Whole(200, Vec::new(), MULTIPART, b"nonsense".to_vec()), 0xA702),
        ("silence", Reply::Stall, 0xA702),
    ];
    std::thread::scope(|scope| {
        for (name, reply, status) in table {
            scope.spawn(move || {
                let (site, instances, retrieved) = trial(retrieves(reply));
                let last = retrieved.last;
                assert_eq!((last.status(), last.counts()), (status, (0, 4, 0)), "{name}: {last:?}");
                assert_eq!(last.failed_list(), uids(&instances), "{name}");
                assert!(!last.response.error_comment.is_empty(), "{name}");
                assert_eq!((site.destination.count(), site.destination.cut()), (0, 0), "{name}");
            });
        }
    });
}

#[test]
fn one_instance_that_is_gone_fails_alone() {
    for status in [404, 410, 500] {
        let gone = Instance::ct(1, 3, 300_000);
        let (site, instances, retrieved) = trial(move |request| {
            let whole = !is_search(request) && !request.target.contains("/instances/");
            (whole || is_for(request, &gone)).then(|| Reply::status(status))
        });
        let last = retrieved.last;
        assert_eq!((last.status(), last.counts()), (0xB000, (3, 1, 0)), "{status}: {last:?}");
        assert_eq!(last.failed_list(), uids(&instances[2..3]), "{status}");
        let others: Vec<_> =
            instances.iter().filter(|other| !other.sop_instance.ends_with(".3")).cloned().collect();
        site.expect_received(&others);
    }
}

/// The study as one multipart answer, and where in it the second data set ends.
fn whole_study(instances: &[Instance]) -> (Vec<u8>, usize) {
    let parts: Vec<Vec<u8>> = instances.iter().map(part).collect();
    let end_of_second = parts[0].len() + parts[1].len();
    ([parts.concat(), b"\r\n--part--\r\n".to_vec()].concat(), end_of_second)
}

#[test]
fn a_multipart_that_ends_early_is_completed_one_by_one() {
    let (body, end_of_second) = whole_study(&Instance::study(1, 4, 300_000));
    let points = [
        ("in the first boundary", 4),
        ("in the header of a part", 30),
        ("in File Meta Information", 200),
        ("at the beginning of a data set", 500),
        ("in a data set", end_of_second - 150_000),
        ("one byte before the end of a data set", end_of_second - 1),
        ("at the end of a data set", end_of_second),
        ("in the boundary behind a data set", end_of_second + 5),
        ("before the closing boundary", body.len() - 12),
        ("in the closing boundary", body.len() - 5),
    ];
    std::thread::scope(|scope| {
        for (name, length) in points {
            // The connection breaks, or the answer just ends and says that this is all.
            let begun = body[..length].to_vec();
            let ways =
                [Reply::Cut(MULTIPART, begun.clone()), Reply::Whole(200, Vec::new(), MULTIPART, begun)];
            scope.spawn(move || {
                for reply in ways {
                    let (site, instances, retrieved) = trial(move |request| {
                        let whole = !is_search(request) && !request.target.contains("/instances/");
                        whole.then(|| reply.clone())
                    });
                    let last = retrieved.last;
                    assert_eq!((last.status(), last.counts()), (0x0000, (4, 0, 0)), "{name}: {last:?}");
                    site.expect_received(&instances);
                    assert_eq!(site.destination.cut(), 0, "{name}: the data set went on where it was");
                }
            });
        }
    });
}

#[test]
fn an_instance_that_always_ends_early_never_arrives_as_a_whole_one() {
    let culprit = Instance::ct(1, 3, 300_000);
    let begun = part(&culprit)[..200_000].to_vec();
    for reply in [Reply::Cut(MULTIPART, begun.clone()), Reply::Whole(200, Vec::new(), MULTIPART, begun)] {
        let culprit = culprit.clone();
        let (site, instances, retrieved) = trial(move |request| {
            let whole = !is_search(request) && !request.target.contains("/instances/");
            match is_for(request, &culprit) {
                true => Some(reply.clone()),
                false => whole.then(|| Reply::status(500)),
            }
        });
        let last = retrieved.last;
        assert_eq!((last.status(), last.counts()), (0xB000, (3, 1, 0)), "{last:?}");
        assert_eq!(last.failed_list(), uids(&instances[2..3]));
        let others: Vec<_> =
            instances.iter().filter(|other| !other.sop_instance.ends_with(".3")).cloned().collect();
        site.expect_received(&others);
        assert!(site.destination.cut() > 0, "the data set was begun, so its association was aborted");
    }
}

#[test]
fn an_instance_with_other_bytes_at_the_second_try_never_arrives() {
    // The study breaks in the third data set, and the archive has changed it since.
    let study = Instance::study(1, 4, 300_000);
    let (body, end_of_second) = whole_study(&study);
    let begun = body[..end_of_second + 200_000].to_vec();
    let mut changed = study[2].clone();
    changed.data_set[100_000] ^= 0xFF;
    let (site, instances, retrieved) = trial(move |request| {
        let whole = !is_search(request) && !request.target.contains("/instances/");
        match is_for(request, &changed) {
            true => Some(Reply::Whole(
                200,
                Vec::new(),
                MULTIPART,
                [part(&changed), b"\r\n--part--".to_vec()].concat(),
            )),
            false => whole.then(|| Reply::Cut(MULTIPART, begun.clone())),
        }
    });
    // What arrives under its UID is one version or the other, never a mixture.
    assert!(matches!(retrieved.last.status(), 0x0000 | 0xB000), "{:?}", retrieved.last);
    for received in
        site.destination.received().iter().filter(|received| received.sop_instance.ends_with(".3"))
    {
        let mut other = instances[2].data_set.clone();
        other[100_000] ^= 0xFF;
        assert!(
            received.data_set == instances[2].data_set || received.data_set == other,
            "a mixture arrived"
        );
    }
    assert!(site.destination.cut() > 0, "the association of the mixture was aborted");
}

#[test]
fn an_answer_that_stands_still_is_given_up_and_asked_for_again() {
    let (body, end_of_second) = whole_study(&Instance::study(1, 4, 300_000));
    let begun = body[..end_of_second + 100_000].to_vec();
    let (site, instances, retrieved) = trial(move |request| {
        let whole = !is_search(request) && !request.target.contains("/instances/");
        whole.then(|| Reply::Begun(MULTIPART, begun.clone()))
    });
    assert_eq!(
        (retrieved.last.status(), retrieved.last.counts()),
        (0x0000, (4, 0, 0)),
        "{:?}",
        retrieved.last
    );
    site.expect_received(&instances);
    eventually("the archive sees that nobody waits", || (site.origin.abandoned() == 1).then_some(()));
}

#[test]
fn a_destination_that_stands_still_holds_no_answer_of_the_archive() {
    let instances = Instance::study(1, 6, 6 << 20);
    let behaviour = Behaviour::default()
        .storing(|number, _| if number == 1 { Store::Held(100_000) } else { Store::Answered(0x0000) });
    let site = Site::start_with(&instances, behaviour, |configuration| {
        configuration.set("retrieve", "stall = \"300ms\"")
    });
    let mut mover = site.mover();
    mover.begin_move(STORAGE, &studies(&[&instances[0].study]).bytes());
    eventually("the destination stands still", || (site.destination.held() == 1).then_some(()));
    eventually("the answer was given up", || (site.origin.abandoned() >= 1).then_some(()));
    site.destination.release();
    let last = mover.rest(|_| unreachable!("no C-GET")).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (6, 0, 0)), "{last:?}");
    site.expect_received(&instances);
    assert_eq!(site.destination.cut(), 0, "the object that was on its way went on where it stood");
}
