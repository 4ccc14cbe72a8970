//! What the service checks of a data set: the attributes that name it, and those that searches use.

use super::{ImplicitVr, Version};
use crate::{
    index::attributes::Attribute,
    personality::search::{AZURE, SearchRules},
    routes::failure,
};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Stored, with a Warning Reason (0008,1196) if something is wrong.
    Stored(Option<Warning>),
    /// Not stored.
    Failed(Warning),
}

/// What is wrong, and in which attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// Warning Reason (0008,1196) or Failure Reason (0008,1197).
    pub(crate) reason: u16,
    /// Error Comment (0000,0902) of each attribute.
    pub(crate) comments: Vec<String>,
}

/// What the check needs to know of an instance.
pub(crate) struct Instance<'a> {
    pub(crate) version: Version,
    pub(crate) implicit: bool,
    pub(crate) implicit_vr: ImplicitVr,
    /// Study, Series and SOP Instance UID.
    pub(crate) uids: [&'a str; 3],
}

/// Checks an instance; `value` gives the values of its attributes, with backslashes between several.
pub(crate) fn check(instance: &Instance<'_>, value: &dyn Fn(&Attribute) -> Option<String>) -> Verdict {
    let [study, series, sop] = instance.uids;
    if study == series || study == sop || series == sop {
        return failed(vec!["the UIDs of study, series and instance are not different".to_owned()]);
    }
    if instance.implicit && instance.implicit_vr == ImplicitVr::Refused {
        return failed(vec!["DICOM100: the transfer syntax is not one of explicit VR".to_owned()]);
    }
    let patient_id = Attribute::named("PatientID").and_then(value);
    let has_patient_id = match (&patient_id, instance.version.forgives()) {
        (Some(text), false) => !text.trim_matches([' ', '\0']).is_empty(),
        (known, true) => known.is_some(),
        (None, false) => false,
    };
    if !has_patient_id {
        return failed(vec![comment("0010,0020", "the attribute is required")]);
    }
    let mut comments = Vec::new();
    for attribute in searched(&AZURE) {
        let Some(text) = value(attribute) else { continue };
        if let Some(why) = fault(attribute, &text) {
            let tag = attribute.tag;
            comments.push(comment(&format!("{:04x},{:04x}", tag.0, tag.1), why));
            if attribute.keyword == "PatientID" {
                return failed(comments);
            }
        }
    }
    match comments.is_empty() {
        false if !instance.version.forgives() => failed(comments),
        false => Verdict::Stored(Some(Warning { reason: failure::AZURE_VALIDATION_WARNING, comments })),
        true if instance.implicit => {
            let reason = failure::AZURE_DOES_NOT_MATCH_WARNING;
            Verdict::Stored(Some(Warning { reason, comments }))
        }
        true => Verdict::Stored(None),
    }
}

/// Whether an attribute that searches use has several values, of which they find one.
pub(crate) fn has_several_values(value: &dyn Fn(&Attribute) -> Option<String>) -> bool {
    searched(&AZURE).any(|attribute| value(attribute).is_some_and(|text| text.contains('\\')))
}

/// Why a value is not one that its attribute can have; none where it is (PS3.5 §6.2).
pub(crate) fn fault(attribute: &Attribute, text: &str) -> Option<&'static str> {
    let text = text.trim_end_matches([' ', '\0']);
    let first = text.split('\\').next().unwrap_or_default();
    if first.chars().any(|character| character.is_control() && character != '\x1b') {
        return Some("value contains invalid character");
    }
    let length = first.chars().count();
    match attribute.vr {
        "DA" if !first.is_empty() && !is_date(first) => {
            Some("does not validate VR DA: one of the date values does not match the pattern YYYYMMDD")
        }
        "LO" if length > 64 => Some("does not validate VR LO: value exceeds maximum length of 64 characters"),
        "SH" if length > 16 => Some("does not validate VR SH: value exceeds maximum length of 16 characters"),
        "CS" if length > 16 => Some("does not validate VR CS: value exceeds maximum length of 16 characters"),
        "CS" if !first
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" _".contains(&byte)) =>
        {
            Some("does not validate VR CS: value contains invalid character")
        }
        "PN" if first.split('=').count() > 3 => {
            Some("does not validate VR PN: value contains too many groups")
        }
        "PN" if first.split('=').any(|group| group.chars().count() > 64) => {
            Some("does not validate VR PN: value exceeds maximum length of 64 characters")
        }
        _ => None,
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) && {
        let number = |range: std::ops::Range<usize>| text[range].parse::<i8>().unwrap_or(0);
        let year = text[..4].parse::<i16>().unwrap_or(0);
        jiff::civil::Date::new(year, number(4..6), number(6..8)).is_ok()
    }
}

/// The attributes that searches use, the UIDs apart.
fn searched(rules: &SearchRules) -> impl Iterator<Item = &'static Attribute> {
    let all = crate::index::attributes::ATTRIBUTES.iter();
    let rules = *rules;
    all.filter(move |attribute| attribute.is_stored() && attribute.vr != "UI" && rules.has_key(attribute))
}

fn comment(tag: &str, why: &str) -> String {
    format!("DICOM100: ({tag}) - {why}")
}

const fn failed(comments: Vec<String>) -> Verdict {
    Verdict::Failed(Warning { reason: failure::AZURE_INVALID, comments })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(version: Version, spoilt: (&str, Option<&str>)) -> Verdict {
        let uids = ["1.2", "1.3", "1.4"];
        let instance = Instance { version, implicit: false, implicit_vr: ImplicitVr::Refused, uids };
        let value = |attribute: &Attribute| {
            if attribute.keyword == spoilt.0 {
                return spoilt.1.map(str::to_owned);
            }
            (attribute.keyword == "PatientID").then(|| "P1".to_owned())
        };
        check(&instance, &value)
    }

    #[test]
    fn versions_differ_in_what_they_forgive() {
        let long = "x".repeat(65);
        let cases = [
            (("StudyDate", Some("20200229")), [true, true]),
            (("StudyDate", Some("20200230")), [false, true]),
            (("StudyDate", Some("NotADate")), [false, true]),
            (("StudyDescription", Some(long.as_str())), [false, true]),
            (("AccessionNumber", Some("12345678901234567")), [false, true]),
            (("Modality", Some("CT\0")), [true, true]),
            (("Modality", Some("C\0T")), [false, true]),
            (("Modality", Some("ct")), [false, true]),
            (("PatientName", Some("a=b=c=d")), [false, true]),
            (("PatientID", Some("")), [false, true]),
            (("PatientID", None), [false, false]),
            (("PatientID", Some(long.as_str())), [false, false]),
            (("PatientSex", Some("neither")), [true, true]),
        ];
        for (spoilt, stored) in cases {
            for (version, stored) in [Version::V1, Version::V2].into_iter().zip(stored) {
                let verdict = verdict(version, spoilt);
                assert_eq!(matches!(verdict, Verdict::Stored(_)), stored, "{spoilt:?} {version:?}");
            }
        }
        let Verdict::Stored(Some(warning)) = verdict(Version::V2, ("StudyDate", Some("x"))) else {
            panic!("a warning")
        };
        assert_eq!(warning.reason, 1);
        assert!(warning.comments[0].starts_with("DICOM100: (0008,0020) - "), "{:?}", warning.comments);
    }
}
