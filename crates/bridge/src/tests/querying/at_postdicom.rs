//! The same queries find the same in a PostDICOM account as by the data alone.

use dataset::{
    element::VR,
    json::Element,
    matching::{Keys, Options},
};
use instance::Tag;
use origin::{
    postdicom::AnswerShape,
    synthetic::archive::{self, Archive},
};

use super::{
    same_results::{QUERIES, expected},
    workstation::{Workstation, identifier},
};
use crate::tests::{origin::FakeOrigin, postdicom::Account, site::Site};

/// With fewer studies, as each patient is asked for alone.
const STUDIES: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn studies() {
    let archive = Archive::generate(archive::Options { studies: STUDIES, ..archive::Options::new(7) });
    let account = Account::new(|_| {}).await;
    account.origin.list_all(archive.files()).unwrap();
    let site =
        Site::with_origin(FakeOrigin::default(), account.address, |config| account.configure(config)).await;
    let mut workstation = Workstation::at(&site).await;
    for query in QUERIES {
        let mut identifier = identifier("STUDY", query);
        let keys = Keys::read(&identifier, Options::default()).unwrap();
        identifier.insert(Tag::STUDY_INSTANCE_UID, Element::empty(VR::UI));
        let found = workstation.find(&identifier).await.whole();
        assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), expected(&archive, &keys), "{query:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_every_shape_tell_the_patients() {
    let archive = Archive::generate(archive::Options { studies: 5, ..archive::Options::new(7) });
    for (shape, name) in AnswerShape::all() {
        let account = Account::new(|options| options.postdicom.answer_shape = shape).await;
        account.origin.list_all(archive.files()).unwrap();
        let site =
            Site::with_origin(FakeOrigin::default(), account.address, |config| account.configure(config))
                .await;
        let all = identifier("STUDY", &[(Tag::STUDY_INSTANCE_UID, VR::UI, "")]);
        let found = Workstation::at(&site).await.find(&all).await.whole();
        assert_eq!(found.results.len(), 5, "{name}");
    }
}
