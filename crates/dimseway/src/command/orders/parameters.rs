//! What an order says, from a JSON file under the vendor's names.

use crate::{
    cli::account::OrderFields,
    exit::{Exit, OrExit, fail},
};
use anyhow::{Context, anyhow};
use postdicom::Fault;
use serde_json::{Map, Value};
use std::{fs::File, io::Read, path::Path, str::FromStr};

/// Bytes of the largest file: an order has to fit a header field of some KB.
const LENGTH_MAX: u64 = 64 * 1024;

/// Parameters of the vendor's browser interface for which its web service has none.
const WITHOUT_A_WAY: [&str; 7] = [
    "OrderNote1",
    "OrderNote2",
    "PatientHistory",
    "PatientSymptom",
    "Priority",
    "RequestingDepartment",
    "InstitutionNameInDicom",
];

/// Adds what the file says and no option did.
///
/// # Errors
/// It cannot be read, is no JSON object, or has a key or value that cannot be sent ([`Exit::Data`]).
pub(super) fn add(fields: &mut OrderFields, file: &Path) -> anyhow::Result<()> {
    let text = read(file).with_context(|| format!("--parameters {}", file.display())).or_exit(Exit::Data)?;
    let object: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|error| {
            // The text of the error may repeat a value, which may be a patient's; its place says enough.
            anyhow!("not a JSON object: line {}, column {}", error.line(), error.column())
        })
        .with_context(|| format!("--parameters {}", file.display()))
        .or_exit(Exit::Data)?;
    for (key, value) in &object {
        let text = match value {
            Value::String(text) => text.as_str(),
            Value::Null => "",
            _ => return Err(wrong(key, "a string is needed")),
        };
        one(fields, key, text)?;
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    let from: Box<dyn Read> =
        if file == Path::new("-") { Box::new(std::io::stdin()) } else { Box::new(File::open(file)?) };
    let mut text = String::new();
    from.take(LENGTH_MAX + 1).read_to_string(&mut text)?;
    anyhow::ensure!(text.len() as u64 <= LENGTH_MAX, "more than {LENGTH_MAX} bytes");
    Ok(text)
}

/// One parameter: names of the DICOMweb interface, and where they differ those of the browser interface.
fn one(fields: &mut OrderFields, key: &str, text: &str) -> anyhow::Result<()> {
    match key {
        "InstitutionUuid" => put(&mut fields.institution, key, text),
        "PatientName" => put(&mut fields.patient_name, key, text),
        "PatientId" | "PatientID" => put(&mut fields.patient_id, key, text),
        "OtherPatientId" | "PatientOtherId" => put(&mut fields.other_patient_id, key, text),
        "PatientSex" => put(&mut fields.sex, key, text),
        "PatientBirthdate" | "PatientsBirthDate" => put(&mut fields.birthdate, key, text),
        "Modality" | "OrderModality" => put(&mut fields.modality, key, text),
        "StudyDescription" => put(&mut fields.study_description, key, text),
        "AccessionNumber" | "OrderAccessionNumber" => put(&mut fields.accession_number, key, text),
        "PatientComplaints" => put(&mut fields.complaints, key, text),
        "OrderScheduledDatetime" | "PerformedDatetime" => put(&mut fields.scheduled, key, text),
        "RequestedProcedureId" => put(&mut fields.procedure_id, key, text),
        "RequestedProcedureDescription" | "RequestingProcedureDescription" => {
            put(&mut fields.procedure_description, key, text)
        }
        "RequestingPhysician" => put(&mut fields.requesting_physician, key, text),
        "ReferringPhysiciansName" => put(&mut fields.referring_physician, key, text),
        "ScheduledEquipmentUuid" => put(&mut fields.equipment, key, text),
        _ if WITHOUT_A_WAY.contains(&key) && text.is_empty() => Ok(()),
        _ if WITHOUT_A_WAY.contains(&key) => {
            Err(wrong(key, "the vendor's web service has no parameter for it; leave it out"))
        }
        _ => Err(wrong(key, "unknown parameter")),
    }
}

fn put<T: FromStr<Err = Fault>>(field: &mut Option<T>, key: &str, text: &str) -> anyhow::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let value = text.parse().map_err(|fault: Fault| wrong(key, &fault.to_string()))?;
    // An option goes before the file.
    field.get_or_insert(value);
    Ok(())
}

fn wrong(key: &str, what: &str) -> anyhow::Error {
    fail(Exit::Data, format!("--parameters: {}: {what}", crate::table::shown(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OrderFields, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("order.json");
        std::fs::write(&file, text).unwrap();
        let mut fields = OrderFields { modality: Some("MR".parse().unwrap()), ..OrderFields::default() };
        add(&mut fields, &file).map_err(|error| crate::exit::in_one_line(&error))?;
        Ok(fields)
    }

    #[test]
    fn both_interfaces_names_are_read_and_options_go_before() {
        for text in [
            r#"{"PatientName":"山田^太郎","PatientId":"1","PatientBirthdate":"1980-01-02","Modality":"CT","Priority":""}"#,
            r#"{"PatientName":"山田^太郎","PatientID":"1","PatientsBirthDate":"1980-01-02","OrderModality":"CT","PatientSex":null}"#,
        ] {
            let fields = read(text).unwrap();
            assert_eq!(fields.patient_name.unwrap().expose(), "山田^太郎");
            assert_eq!(fields.patient_id.unwrap().expose(), "1");
            assert_eq!(fields.birthdate.unwrap().to_text(), "1980-01-02");
            assert_eq!(fields.modality.unwrap().as_str(), "MR", "the option goes before the file");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_named_and_its_value_is_not_repeated() {
        let table = [
            (r#"{"PatientBirthdate":"2.1.1980"}"#, "PatientBirthdate: not a date of the form YYYY-MM-DD"),
            (r#"{"Priority":"STAT"}"#, "Priority: the vendor's web service has no parameter for it"),
            (r#"{"PatientNam":"X"}"#, "PatientNam: unknown parameter"),
            (r#"{"PatientId":4711}"#, "PatientId: a string is needed"),
            (r#"["PatientId"]"#, "not a JSON object"),
            (r#"{"PatientId":"#, "not a JSON object"),
        ];
        for (text, expected) in table {
            let told = read(text).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
            assert!(!told.contains("1980") && !told.contains("4711"), "{told}");
        }
    }
}
