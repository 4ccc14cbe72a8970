//! C-STORE of DCMTK, and the orders that studies are attached to.

use origin::postdicom::{NewOrder, StoreAnswer};
use tests::configuration::Configuration;
use tests::dcmtk;
use tests::instances::Instance;

use crate::{ACCESSION_NUMBER, MODALITY, PATIENT_ID, PATIENT_NAME, STUDY_DATE, Site, order, said, slice};

/// Two slices of a study of one patient.
fn study(number: u32, patient_id: &str, date: &str, accession_number: &str) -> Vec<Instance> {
    let (study, series) = (format!("2.25.77{number}"), format!("2.25.77{number}.1"));
    let values = [
        (STUDY_DATE, "DA", date),
        (ACCESSION_NUMBER, "SH", accession_number),
        (MODALITY, "CS", "CT"),
        (PATIENT_NAME, "PN", "DOE^JANE"),
        (PATIENT_ID, "LO", patient_id),
    ];
    (1..=2).map(|number| slice(&study, &series, number, &values)).collect()
}

/// Lets `storescu` send instances; nothing, and a recorded skip, where it is missing.
fn storescu(site: &Site, address: std::net::SocketAddr, instances: &[Instance]) -> Option<()> {
    let files: Vec<_> = instances
        .iter()
        .map(|instance| {
            let path = site.folder().join(format!("{}.dcm", instance.sop_instance));
            instance.write(&path);
            path
        })
        .collect();
    let output = dcmtk::run("storescu", address, &["-v"], &files)?;
    assert!(output.status.success(), "{}", said(&output));
    Some(())
}

#[test]
fn what_storescu_sends_arrives_byte_for_byte_and_joins_its_order() {
    let site = Site::new();
    let numbered = NewOrder { accession_number: "A-1".to_owned(), ..order("DOE^JANE", "P-1") };
    let dated =
        NewOrder { order_scheduled_datetime: "2026-03-04 10:30".to_owned(), ..order("DOE^JANE", "P-2") };
    site.account.add_order(Some("by-number"), numbered);
    site.account.add_order(Some("by-date"), dated);
    let daemon = site.home.start();
    let all: Vec<_> = [
        study(1, "P-1", "20260101", "A-1"),
        study(2, "P-2", "20260304", ""),
        study(3, "P-3", "20260304", "A-3"),
    ]
    .concat();
    if storescu(&site, daemon.dimse(), &all).is_none() {
        return;
    }
    site.expect(&daemon, &all);
    assert_eq!(site.account.count(), 6);
    let orders = site.account.orders();
    let kept = orders
        .iter()
        .map(|order| (order.studies.join(" "), order.instances, order.ordered.patient_id.as_str()));
    let expected = [("2.25.771", "P-1"), ("2.25.772", "P-2"), ("2.25.773", "P-3")];
    let expected = expected.map(|(study, patient)| (study.to_owned(), 2, patient));
    assert_eq!(kept.collect::<Vec<_>>(), expected);
    assert_eq!((orders[0].uuid.as_str(), orders[1].uuid.as_str()), ("by-number", "by-date"));
    let made = &orders[2].ordered;
    assert_eq!((made.accession_number.as_str(), made.patient_name.as_str()), ("A-3", "DOE^JANE"));
}

#[test]
fn each_file_goes_alone_to_the_root_as_the_vendors_client_sends_it() {
    let site = Site::new();
    let daemon = site.home.start();
    let all = study(1, "P-1", "20260101", "");
    site.fill(&daemon, &all);
    let stores: Vec<_> = site.account.recorder().requests();
    let stores: Vec<_> = stores.iter().filter(|request| request.line.starts_with("POST ")).collect();
    assert_eq!(stores.len(), all.len());
    for request in stores {
        assert_eq!(request.line, "POST /dicom-web/ HTTP/1.1");
        assert_eq!(
            request.header("content-type").map(String::from_utf8_lossy).as_deref(),
            Some(r#"multipart/related; boundary="DICOM DATA BOUNDARY"; type="application/dicom""#)
        );
        let head = b"--DICOM DATA BOUNDARY\r\nContent-Type: application/dicom\r\n\r\n";
        let start = request.body.get(..head.len()).unwrap();
        assert!(start.eq_ignore_ascii_case(head), "{}", String::from_utf8_lossy(start));
        let file = &request.body[head.len()..];
        let file = file.strip_suffix(b"\r\n--DICOM DATA BOUNDARY--\r\n").expect("one part and the end");
        let (_, start) = instance::part10::read(file).unwrap();
        assert!(all.iter().any(|one| one.data_set == file[start..]), "a part is one whole file");
    }
}

#[test]
fn an_answer_in_words_or_none_is_looked_up_and_nothing_is_sent_twice() {
    for answer in [StoreAnswer::Text, StoreAnswer::Empty] {
        let site = Site::with(|options| options.store_answer = answer, Configuration::new());
        let daemon = site.home.start();
        let all = [study(1, "P-1", "20260101", "A-1"), study(2, "P-2", "20260304", "")].concat();
        site.fill(&daemon, &all);
        assert_eq!(daemon.queue("state=held").len(), 0, "{answer}: {}", daemon.log());
        let requests = site.account.recorder().requests();
        let stores = requests.iter().filter(|request| request.line.starts_with("POST ")).count();
        assert_eq!(stores, all.len(), "{answer}");
        let looked_up = |request: &&tests::recorder::Recorded| {
            request.line.starts_with("GET /dicom-web/studies/series/instances?0020000E=")
        };
        assert!(requests.iter().filter(looked_up).count() >= 2, "{answer}: {requests:?}");
    }
}
