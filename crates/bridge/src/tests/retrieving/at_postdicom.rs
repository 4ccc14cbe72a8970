//! Stored to a PostDICOM account, and moved from there.

use dimse::Status;
use instance::Tag;
use origin::postdicom::StoreAnswer;

use super::{
    archive::Archive,
    workstation::{LEVEL, Ward},
};
use crate::tests::{
    postdicom::Account,
    site::{Instance, instance},
};

const STUDY: (Tag, &str) = (Tag::STUDY_INSTANCE_UID, "1.2.3.1");
const SERIES: (Tag, &str) = (Tag::SERIES_INSTANCE_UID, "1.2.3.2");

#[tokio::test]
async fn what_was_stored_is_looked_up_and_comes_back_at_every_level() {
    for answer in [StoreAnswer::DataSet, StoreAnswer::Text, StoreAnswer::Empty] {
        let account = Account::new(|options| options.postdicom.store_answer = answer).await;
        let ward = Ward::at(account.address, Archive::default(), |config| account.configure(config)).await;
        let sent: Vec<Instance> = (0..4).map(|number| instance(number, 20_000)).collect();
        let mut modality = ward.site.modality().await;
        for instance in &sent {
            assert_eq!(modality.store(instance).await.status, Status::SUCCESS);
        }
        ward.site.delivered(4).await;
        assert_eq!(account.origin.instance_count().await.unwrap(), 4, "{answer:?}");
        let orders = account.origin.orders().await.unwrap();
        assert_eq!((orders.len(), orders[0].instances), (1, 4));

        let levels: [(&[(Tag, &str)], u16); 3] = [
            (&[(LEVEL, "STUDY"), STUDY], 4),
            (&[(LEVEL, "SERIES"), STUDY, SERIES], 4),
            (&[(LEVEL, "IMAGE"), STUDY, SERIES, (Tag::SOP_INSTANCE_UID, "1.2.3.4.2")], 1),
        ];
        for (keys, expected) in levels {
            let before = ward.destination.stored().len();
            let ended = ward.move_(keys).await;
            assert_eq!(ended.counts(), (Status::SUCCESS, expected, 0, 0, None), "{keys:?}");
            let stored = ward.destination.stored();
            assert_eq!(stored.len() - before, usize::from(expected));
            for stored in &stored[before..] {
                let original = sent.iter().find(|sent| sent.sop_instance_uid.as_str() == stored.uid).unwrap();
                assert!(original.data_set == stored.data_set, "{} came back otherwise", stored.uid);
            }
        }
    }
}
