//! The response data set of a store transaction (PS3.18 §10.5.3 and PS3.18 §I.2).

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use instance::Uid;
use serde_json::{Value, json};

use super::target::{Resource, url};
use crate::{
    media::{self, DICOM_XML, accepted, covers, xml_text},
    personality::{Paths, Rules, store::AnswerForm},
    storage::{Refusal, Stored},
};

/// What became of each instance of one request. The limit on parts bounds it.
pub(crate) struct StoreAnswer {
    base: String,
    /// The study that the request named.
    study: Option<Uid>,
    paths: Paths,
    form: AnswerForm,
    stored: Vec<Stored>,
    refused: Vec<Refusal>,
}

/// An element of the response data set.
enum Element {
    Text(&'static str, &'static str, String),
    Number(&'static str, u16),
    Sequence(&'static str, Vec<Vec<Self>>),
}

impl StoreAnswer {
    pub(super) fn new(resource: Resource, rules: Rules) -> Self {
        let Resource { base, study, .. } = resource;
        let (paths, form) = (rules.paths, rules.store.answer);
        Self { base, study, paths, form, stored: Vec::new(), refused: Vec::new() }
    }

    pub(super) fn stored(&mut self, stored: Stored) {
        self.stored.push(stored);
    }

    pub(super) fn refused(&mut self, refusal: Refusal) {
        self.refused.push(refusal);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.stored.is_empty() && self.refused.is_empty()
    }

    /// The studies of what was stored.
    pub(crate) fn studies(&self) -> impl Iterator<Item = &Uid> {
        self.stored.iter().map(|stored| &stored.identity.study_instance_uid)
    }

    /// 200 when all were stored, 202 when some were, 409 when none was (PS3.18 §10.5.3.1).
    pub(crate) fn into_response(self, headers: &HeaderMap) -> Response {
        let warned = self.form == AnswerForm::Azure && self.stored.iter().any(|one| one.warning.is_some());
        let status = match (self.stored.is_empty(), self.refused.is_empty()) {
            (true, true) => return StatusCode::NO_CONTENT.into_response(),
            (false, true) if warned => StatusCode::ACCEPTED,
            (false, true) => StatusCode::OK,
            (false, false) => StatusCode::ACCEPTED,
            (true, false) => StatusCode::CONFLICT,
        };
        let elements = self.elements();
        if self.form == AnswerForm::Standard && wants_xml(headers) {
            let mut xml = String::from(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NativeDicomModel xml:space=\"preserve\">",
            );
            to_xml(&elements, &mut xml);
            xml.push_str("</NativeDicomModel>\n");
            return media::typed(status, DICOM_XML, xml.into());
        }
        let mut response = media::json(status, &to_json(&elements));
        if self.stored.iter().any(|one| one.has_several_values) {
            response.headers_mut().append(header::WARNING, HeaderValue::from_static(SEVERAL_VALUES));
        }
        response
    }

    /// In the order of a data set.
    fn elements(&self) -> Vec<Element> {
        let mut elements = Vec::new();
        if let Some(study) = self.study_in_url() {
            let url = url(&self.base, self.paths, study.as_str(), None, None);
            elements.push(Element::Text("00081190", "UR", url));
        }
        // Instances that nobody could name stand in Other Failures Sequence, where there is one.
        let (failed, others): (Vec<_>, Vec<_>) =
            self.refused.iter().partition(|one| one.sop.is_some() || self.form == AnswerForm::Azure);
        let failed: Vec<_> = failed.into_iter().map(|one| failed_item(one, self.form)).collect();
        if !failed.is_empty() {
            elements.push(Element::Sequence("00081198", failed));
        }
        let stored: Vec<_> = self.stored.iter().map(|stored| self.stored_item(stored)).collect();
        if !stored.is_empty() {
            elements.push(Element::Sequence("00081199", stored));
        }
        let others: Vec<_> = others.into_iter().map(|one| failed_item(one, self.form)).collect();
        if !others.is_empty() {
            elements.push(Element::Sequence("0008119A", others));
        }
        elements
    }

    /// The study whose URL the whole has: the only one that was stored, or the one that the request named.
    fn study_in_url(&self) -> Option<&Uid> {
        let mut studies = self.studies();
        let first = studies.next()?;
        match self.form {
            AnswerForm::Azure => self.study.as_ref(),
            AnswerForm::Standard => studies.all(|study| study == first).then_some(first),
        }
    }

    fn stored_item(&self, stored: &Stored) -> Vec<Element> {
        let identity = &stored.identity;
        let instance_url = url(
            &self.base,
            self.paths,
            identity.study_instance_uid.as_str(),
            Some(identity.series_instance_uid.as_str()),
            Some(identity.sop_instance_uid.as_str()),
        );
        let mut item = vec![
            Element::Text("00081150", "UI", identity.sop_class_uid.to_string()),
            Element::Text("00081155", "UI", identity.sop_instance_uid.to_string()),
            Element::Text("00081190", "UR", instance_url),
        ];
        if let Some(warning) = &stored.warning {
            item.push(Element::Number("00081196", warning.reason));
        }
        if self.form == AnswerForm::Azure {
            let comments = stored.warning.as_ref().map_or(&[][..], |warning| warning.comments.as_slice());
            item.push(failed_attributes(comments));
        }
        item
    }
}

/// Said of an instance that not every value of an attribute can be searched for.
const SEVERAL_VALUES: &str = "299 dimseway-origin \"An attribute that can be searched for has several values. The first one is used.\"";

fn failed_item(refusal: &Refusal, form: AnswerForm) -> Vec<Element> {
    let remark = refusal.comments.first().filter(|_| form == AnswerForm::Standard);
    let mut item = Vec::new();
    if let Some((sop_class, sop_instance)) = &refusal.sop {
        item.push(Element::Text("00081150", "UI", sop_class.to_string()));
        item.push(Element::Text("00081155", "UI", sop_instance.to_string()));
    }
    item.push(Element::Number("00081197", refusal.reason));
    if let Some(remark) = remark {
        // A private attribute and its creator (PS3.5 §7.8.1).
        item.push(Element::Text("00090010", "LO", "DIMSEWAY ORIGIN".to_owned()));
        item.push(Element::Text("00091001", "LO", remark.clone()));
    }
    if form == AnswerForm::Azure && !refusal.comments.is_empty() {
        item.push(failed_attributes(&refusal.comments));
    }
    item
}

/// Failed Attributes Sequence: an Error Comment for each attribute.
fn failed_attributes(comments: &[String]) -> Element {
    let items = comments.iter().map(|comment| vec![Element::Text("00000902", "LO", comment.clone())]);
    Element::Sequence("00741048", items.collect())
}

/// JSON is the default; XML is sent where it is named first.
fn wants_xml(headers: &HeaderMap) -> bool {
    let accepted = accepted(headers);
    let first = accepted.iter().find(|one| {
        one.is("application", "dicom+xml")
            || one.is("application", "json")
            || covers(one, "application", "dicom+json")
    });
    first.is_some_and(|one| one.is("application", "dicom+xml"))
}

fn to_json(elements: &[Element]) -> Value {
    let members = elements.iter().map(|element| match element {
        Element::Text(tag, vr, text) => (tag, json!({ "vr": vr, "Value": [text] })),
        Element::Number(tag, number) => (tag, json!({ "vr": "US", "Value": [number] })),
        Element::Sequence(tag, items) => {
            let items: Vec<_> = items.iter().map(|item| to_json(item)).collect();
            // An empty sequence has no values (PS3.18 §F.2.5).
            let empty = items.is_empty();
            (tag, if empty { json!({ "vr": "SQ" }) } else { json!({ "vr": "SQ", "Value": items }) })
        }
    });
    Value::Object(members.map(|(tag, value)| ((*tag).to_owned(), value)).collect())
}

/// The Native DICOM Model (PS3.19 §A.1).
fn to_xml(elements: &[Element], xml: &mut String) {
    for element in elements {
        let (tag, vr) = match element {
            Element::Text(tag, vr, _) => (*tag, *vr),
            Element::Number(tag, _) => (*tag, "US"),
            Element::Sequence(tag, _) => (*tag, "SQ"),
        };
        let keyword = keyword(tag);
        xml.push_str(&format!("<DicomAttribute tag=\"{tag}\" vr=\"{vr}\" keyword=\"{keyword}\">"));
        match element {
            Element::Text(_, _, text) => {
                xml.push_str(&format!("<Value number=\"1\">{}</Value>", xml_text(text)));
            }
            Element::Number(_, number) => xml.push_str(&format!("<Value number=\"1\">{number}</Value>")),
            Element::Sequence(_, items) => {
                for (item, number) in items.iter().zip(1..) {
                    xml.push_str(&format!("<Item number=\"{number}\">"));
                    to_xml(item, xml);
                    xml.push_str("</Item>");
                }
            }
        }
        xml.push_str("</DicomAttribute>");
    }
}

fn keyword(tag: &str) -> &'static str {
    match tag {
        "00081150" => "ReferencedSOPClassUID",
        "00081155" => "ReferencedSOPInstanceUID",
        "00081190" => "RetrieveURL",
        // Private attributes have none.
        "00090010" | "00091001" => "",
        "00081196" => "WarningReason",
        "00081197" => "FailureReason",
        "00081198" => "FailedSOPSequence",
        "00081199" => "ReferencedSOPSequence",
        _ => "OtherFailuresSequence",
    }
}
