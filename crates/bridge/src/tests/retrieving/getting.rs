//! C-GET: sub-operations on the association of the request (PS3.4 §C.4.3).

use dimse::{
    Error, Status,
    acse::{InformationModel, QueryRetrieveClass, QueryRetrieveOperation},
    requestor::Received,
};

use super::{
    archive::{Act, Archive, Held, held},
    workstation::{Ended, Ward, Workstation, keys_of, study},
};

const GET: QueryRetrieveClass =
    QueryRetrieveClass { model: InformationModel::StudyRoot, operation: QueryRetrieveOperation::Get };

fn archive(count: usize, size: usize) -> (Archive, Vec<Held>) {
    let archive = Archive::default();
    let all: Vec<Held> = (1..=count).map(|number| held(1, 1, number, size)).collect();
    archive.add(all.clone());
    (archive, all)
}

/// What a C-GET brought.
struct Got {
    instances: Vec<(String, Vec<u8>)>,
    ended: Ended,
}

impl Workstation {
    async fn begin_get(&mut self) -> Result<u16, Error> {
        let context = self.context(GET);
        self.association.begin_get(&context, keys_of(&study("1.2.3.1"))).await
    }

    /// Gets study 1.2.3.1, answers each instance with what `answer` says, and cancels once it has as many
    /// instances.
    async fn get(&mut self, answer: impl Fn(&str) -> u16, cancel_after: usize) -> Result<Got, Error> {
        let message_id = self.begin_get().await?;
        let mut instances = Vec::new();
        loop {
            match self.association.next_received().await? {
                Received::Store(request) => {
                    let mut data_set = Vec::new();
                    while let Some(fragment) = self.association.next_fragment().await? {
                        data_set.extend_from_slice(&fragment);
                    }
                    assert_eq!(request.command.move_originator, None);
                    let uid = request.command.affected_sop_instance_uid.to_string();
                    let status = Status(answer(&uid));
                    instances.push((uid, data_set));
                    if instances.len() == cancel_after {
                        self.association.cancel(message_id).await?;
                    }
                    self.association.respond(&request, status).await?;
                }
                Received::Response(response, identifier) => {
                    if response.status != Status::PENDING {
                        return Ok(Got { instances, ended: Ended::new(response, identifier) });
                    }
                }
            }
        }
    }
}

fn are(got: &[(String, Vec<u8>)], expected: &[Held]) {
    let mut got = got.to_vec();
    got.sort();
    let uids = |all: &[(String, Vec<u8>)]| all.iter().map(|(uid, _)| uid.clone()).collect::<Vec<_>>();
    assert_eq!(uids(&got), expected.iter().map(|held| held.uid.clone()).collect::<Vec<_>>());
    for ((uid, data_set), held) in got.iter().zip(expected) {
        assert!(*data_set == held.data_set, "{uid} arrived otherwise");
    }
}

#[tokio::test]
async fn a_study_comes_on_the_same_association() {
    let (archive, all) = archive(8, 100_000);
    let ward = Ward::new(archive, |_| {}).await;
    let mut workstation = ward.workstation().await;
    for _ in 0..2 {
        let got = workstation.get(|_| 0, usize::MAX).await.unwrap();
        assert_eq!(got.ended.counts(), (Status::SUCCESS, 8, 0, 0, None));
        are(&got.instances, &all);
    }
    assert_eq!(ward.archive.retrieves(), ["studies/1.2.3.1"; 2]);
    ward.site.metric("dimseway_sub_operations_total{outcome=\"completed\",service=\"C-GET\"} 16").await;
    workstation.association.release().await.unwrap();
    ward.idle().await;
}

#[tokio::test]
async fn final_statuses_and_counts() {
    // Statuses of the instances, the final one, and completed, failed and warning.
    type Case = ([u16; 3], u16, (u16, u16, u16));
    let cases: [Case; 4] = [
        ([0, 0xB000, 0], 0xB000, (2, 0, 1)),
        ([0xA700, 0, 0], 0xB000, (2, 1, 0)),
        ([0xB007; 3], 0xB000, (0, 0, 3)),
        ([0xA900, 0xC000, 0xA700], 0xA702, (0, 3, 0)),
    ];
    for (statuses, status, (completed, failed, warning)) in cases {
        let (archive, all) = archive(3, 10_000);
        let ward = Ward::new(archive, |_| {}).await;
        let answer = |uid: &str| {
            let at = all.iter().position(|held| held.uid == uid).unwrap();
            statuses[at]
        };
        let got = ward.workstation().await.get(answer, usize::MAX).await.unwrap();
        assert_eq!(got.ended.counts(), (Status(status), completed, failed, warning, None), "{statuses:?}");
        let refused = all.iter().zip(statuses).filter(|(_, status)| !Status(*status).is_done());
        let mut list = got.ended.failed;
        list.sort();
        assert_eq!(list, refused.map(|(held, _)| held.uid.clone()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_does_not_end_the_association() {
    for length in [100, 150_000, 250_000] {
        let (archive, all) = archive(3, 200_000);
        archive.then("studies/1.2.3.1", Act::EndAfter(length));
        let ward = Ward::new(archive, |_| {}).await;
        let mut workstation = ward.workstation().await;
        let got = workstation.get(|_| 0, usize::MAX).await.unwrap();
        assert_eq!(got.ended.counts(), (Status::SUCCESS, 3, 0, 0, None), "cut after {length}");
        are(&got.instances, &all);
        workstation.association.release().await.unwrap();
    }
}

#[tokio::test]
async fn an_instance_that_cannot_be_resumed_ends_the_association_and_is_never_whole() {
    let (archive, all) = archive(2, 900_000);
    archive.then("studies/1.2.3.1", Act::EndAfter(600_000));
    archive.then(&format!("/instances/{}", all[0].uid), Act::Differ);
    let ward = Ward::new(archive, |_| {}).await;
    let error = ward.workstation().await.get(|_| 0, usize::MAX).await.err();
    assert!(matches!(error, Some(Error::Aborted(_))), "{error:?}");
    ward.idle().await;
}

#[tokio::test]
async fn an_instance_that_is_cut_in_good_order_fails_alone() {
    for lacking in [1, 5_000, usize::MAX] {
        let (archive, all) = archive(3, 200_000);
        archive.always("studies/1.2.3.1", Act::Status(404));
        archive.always(&format!("/instances/{}", all[0].uid), Act::Lack(lacking));
        let ward = Ward::new(archive, |_| {}).await;
        let mut workstation = ward.workstation().await;
        let got = workstation.get(|_| 0, usize::MAX).await.unwrap();
        assert_eq!(got.ended.counts(), (Status(0xB000), 2, 1, 0, None), "{lacking}");
        are(&got.instances, &all[1..]);
        workstation.association.release().await.unwrap();
    }
}

#[tokio::test]
async fn a_class_without_the_role_or_a_syntax_that_is_not_accepted_fails_alone() {
    const J2K: &str = "1.2.840.10008.1.2.4.90";
    let mr = |number| Held { class: "1.2.840.10008.5.1.4.1.1.4".to_owned(), ..held(1, 1, number, 3_000) };
    let compressed = |number| Held { syntax: J2K.to_owned(), ..held(1, 1, number, 3_000) };
    let all = [held(1, 1, 1, 3_000), mr(2), compressed(3), held(1, 1, 4, 3_000)];
    let archive = Archive::default();
    archive.add(all.clone());
    let ward = Ward::new(archive, |config| config.retrieve.transcode = false).await;
    let mut got = ward.workstation().await.get(|_| 0, usize::MAX).await.unwrap();
    assert_eq!(got.ended.counts(), (Status(0xB000), 2, 2, 0, None));
    got.ended.failed.sort();
    assert_eq!(got.ended.failed, [all[1].uid.clone(), all[2].uid.clone()]);
    are(&got.instances, &[all[0].clone(), all[3].clone()]);
    assert_eq!(ward.archive.retrieves().len(), 1, "the rest of the study is still read");
}

#[tokio::test]
async fn a_cancelled_get_ends_with_what_it_has_done() {
    let (archive, all) = archive(5, 50_000);
    let ward = Ward::new(archive, |_| {}).await;
    let mut workstation = ward.workstation().await;
    // The cancel goes out before the answer to the instance, so it is the only one.
    let got = workstation.get(|_| 0, 1).await.unwrap();
    assert_eq!(got.ended.counts(), (Status::CANCEL, 1, 0, 0, Some(4)));
    are(&got.instances, &all[..1]);
    let again = workstation.get(|_| 0, usize::MAX).await.unwrap();
    assert_eq!(again.ended.counts(), (Status::SUCCESS, 5, 0, 0, None), "the association goes on");
}

#[tokio::test]
async fn what_the_requestor_takes_in_no_syntax_is_not_even_asked_for() {
    let mr = |number| Held { class: "1.2.840.10008.5.1.4.1.1.4".to_owned(), ..held(1, 1, number, 3_000) };
    let archive = Archive::default();
    archive.add((1..=3).map(mr));
    let ward = Ward::new(archive, |_| {}).await;
    let got = ward.workstation().await.get(|_| 0, usize::MAX).await.unwrap();
    assert_eq!(got.ended.counts(), (Status(0xA702), 0, 3, 0, None));
    let comment = got.ended.response.error_comment.unwrap();
    assert_eq!(comment, "no presentation context accepted for the instances");
    assert_eq!((got.ended.failed.len(), ward.archive.retrieves().len()), (3, 0));
}
