use super::*;
use proptest::prelude::*;

fn uid(text: &str) -> Option<Uid> {
    Some(text.parse().unwrap())
}

fn read(body: &str) -> Result<ResponseDataSet, Unreadable> {
    ResponseDataSet::read(&HeaderMap::new(), body.as_bytes())
}

fn expected() -> ResponseDataSet {
    ResponseDataSet {
        referenced: vec![
            Referenced {
                sop_instance_uid: uid("1.1"),
                warning_reason: Some(45056),
                retrieve_url: Some("http://h/studies/1?a=b&c".to_owned()),
            },
            Referenced { sop_instance_uid: uid("1.2"), ..Referenced::default() },
        ],
        failed: vec![
            Failed { sop_instance_uid: uid("1.3"), failure_reason: Some(272), remarks: Vec::new() },
            Failed { sop_instance_uid: None, failure_reason: Some(49152), remarks: Vec::new() },
        ],
        other_failures: vec![Some(42752)],
    }
}

const JSON: &str = r#"{
  "00081190": {"vr": "UR", "Value": ["http://h/studies/1"]},
  "00081199": {"vr": "SQ", "Value": [
    {"00081150": {"vr": "UI", "Value": ["1.2.840"]}, "00081155": {"vr": "UI", "Value": ["1.1"]},
     "00081190": {"vr": "UR", "Value": ["http://h/studies/1?a=b&c"]}, "00081196": {"vr": "US", "Value": [45056]}},
    {"00081155": {"vr": "UI", "Value": ["1.2"]}, "00081196": {"vr": "US", "Value": [null]}}
  ]},
  "00081198": {"vr": "SQ", "Value": [
    {"00081155": {"vr": "UI", "Value": ["1.3"]}, "00081197": {"vr": "US", "Value": [272]},
     "00741048": {"vr": "SQ", "Value": [{"00000902": {"vr": "LO", "Value": ["DICOM100: (0010,0020)"]}}]}},
    {"00081197": {"vr": "US", "Value": [49152]}}
  ]},
  "0008119A": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [42752]}}]}
}"#;

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">
  <DicomAttribute tag="00081190" vr="UR" keyword="RetrieveURL"><Value number="1">http://h/studies/1</Value></DicomAttribute>
  <DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence">
    <Item number="1">
      <DicomAttribute tag="00081150" vr="UI"><Value number="1">1.2.840</Value></DicomAttribute>
      <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.1</Value></DicomAttribute>
      <DicomAttribute tag="00081190" vr="UR"><Value number="1">http://h/studies/1?a=b&amp;c</Value></DicomAttribute>
      <DicomAttribute tag="00081196" vr="US"><Value number="1">45056</Value></DicomAttribute>
    </Item>
    <Item number="2"><DicomAttribute tag="00081155" vr="UI"><Value number="1">1.&#50;</Value></DicomAttribute></Item>
  </DicomAttribute>
  <DicomAttribute tag="00081198" vr="SQ">
    <Item number="1">
      <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.3</Value></DicomAttribute>
      <DicomAttribute tag="00741048" vr="SQ"><Item number="1">
        <DicomAttribute tag="00081197" vr="US"><Value number="1">1</Value></DicomAttribute></Item></DicomAttribute>
      <DicomAttribute tag="00081197" vr="US"><Value number="1">272</Value></DicomAttribute>
    </Item>
    <Item number="2"><DicomAttribute tag="00081197" vr="US"><Value number="1">49152</Value></DicomAttribute></Item>
  </DicomAttribute>
  <DicomAttribute tag="0008119A" vr="SQ"><Item number="1">
    <DicomAttribute tag="00081197" vr="US"><Value number="1">42752</Value></DicomAttribute></Item></DicomAttribute>
</NativeDicomModel>"#;

#[test]
fn reads_json_and_xml_alike() {
    assert_eq!(read(JSON), Ok(expected()));
    assert_eq!(read(XML), Ok(expected()));
    assert_eq!(read(&format!("\u{feff}\n[{JSON}]")), Ok(expected()));
    assert_eq!(
        read(
            &XML.replace("<DicomAttribute", "<n:DicomAttribute")
                .replace("</DicomAttribute", "</n:DicomAttribute")
        ),
        Ok(expected())
    );
}

#[test]
fn tolerates_what_servers_write() {
    let one = |item: Failed| Ok(ResponseDataSet { failed: vec![item], ..ResponseDataSet::default() });
    let cases = [
        (r#"{"00081198":{"vr":"SQ","Value":[{"00081197":{"Value":["272"]}}]}}"#, None, Some(272)),
        (r#"{"00081198":{"vr":"SQ","Value":[{"00081197":{"vr":"US","Value":[272.0]}}]}}"#, None, Some(272)),
        (r#"{"00081198":{"Value":[{"00081197":272,"00081155":"1.5 "}]}}"#, Some("1.5"), Some(272)),
        (r#"{"FailedSOPSequence":{"Value":[{"FailureReason":{"Value":[272]}}]}}"#, None, Some(272)),
        (r#"{"00081198":{"Value":[{"00081155":{"Value":["not a UID"]},"x":[{}]}]}}"#, None, None),
        (r#"{"00081198":{"Value":[null,{"00081197":{"Value":[70000]}}]}}"#, None, None),
        (r#"{"00081198":{"Value":{"00081155":{"Value":["1.5"]}}}}"#, Some("1.5"), None),
    ];
    for (text, instance, failure_reason) in cases {
        let sop_instance_uid = instance.map(|text| text.parse().unwrap());
        assert_eq!(
            read(text),
            one(Failed { sop_instance_uid, failure_reason, remarks: Vec::new() }),
            "{text}"
        );
    }
    for empty in [r#"{"00081199":{"vr":"SQ"}}"#, r#"<a><DicomAttribute tag="00081199" vr="SQ"/></a>"#] {
        assert_eq!(read(empty), Ok(ResponseDataSet::default()), "{empty}");
    }
}

#[test]
fn says_why_it_is_no_response_data_set() {
    let cases = [
        ("", Unreadable::Empty),
        (" \r\n", Unreadable::Empty),
        ("OK", Unreadable::MediaType),
        ("{}", Unreadable::Malformed),
        ("[]", Unreadable::Malformed),
        (r#"{"error":"no"}"#, Unreadable::Malformed),
        (&JSON[..JSON.len() - 2], Unreadable::Malformed),
        (&XML[..XML.len() - 3], Unreadable::Malformed),
        ("<NativeDicomModel/>", Unreadable::Malformed),
        ("<!DOCTYPE html><html><body>Please log in</body></html>", Unreadable::Html),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), Err(expected), "{text}");
    }
    let mut html = HeaderMap::new();
    html.insert(http::header::CONTENT_TYPE, "Text/HTML; charset=utf-8".parse().unwrap());
    assert_eq!(ResponseDataSet::read(&html, JSON.as_bytes()), Err(Unreadable::Html));
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(read(&deep), Err(Unreadable::Malformed));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read(&deep), Err(Unreadable::Malformed));
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(
        text in prop_oneof![Just(JSON), Just(XML)],
        at in any::<prop::sample::Index>(),
        noise in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let at = at.index(text.len());
        let mut body = text.as_bytes().to_vec();
        body.splice(at..(at + noise.len()).min(text.len()), noise);
        let _ = ResponseDataSet::read(&HeaderMap::new(), &body);
    }
}

/// As Google answers, in either form; other attributes of a failed item than private ones are no remark.
#[test]
fn remarks_are_the_texts_of_private_attributes() {
    let json = r#"{"00081198": {"vr": "SQ", "Value": [{
        "00081150": {"vr": "UI", "Value": ["1.2.840"]}, "00081155": {"vr": "UI", "Value": ["1.3"]},
        "00081197": {"vr": "US", "Value": [272]}, "00090010": {"vr": "LO", "Value": ["GOOGLE"]},
        "00091097": {"vr": "UT", "Value": ["it already exists"]}}]}}"#;
    let xml = r#"<NativeDicomModel><DicomAttribute tag="00081198" vr="SQ"><Item number="1">
        <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.3</Value></DicomAttribute>
        <DicomAttribute tag="00081197" vr="US"><Value number="1">272</Value></DicomAttribute>
        <DicomAttribute tag="00090097" vr="LT" privateCreator="GOOGLE"><Value number="1">it already exists</Value>
        </DicomAttribute></Item></DicomAttribute></NativeDicomModel>"#;
    for body in [json, xml] {
        let data_set = read(body).unwrap();
        let [failed] = data_set.failed.as_slice() else { panic!("{data_set:?}") };
        assert_eq!((&failed.sop_instance_uid, failed.failure_reason), (&uid("1.3"), Some(272)));
        assert_eq!(failed.remarks.last().map(|text| text.trim()), Some("it already exists"), "{failed:?}");
        assert!(failed.remarks.iter().all(|text| !text.contains("1.2.840")), "{failed:?}");
    }
}
