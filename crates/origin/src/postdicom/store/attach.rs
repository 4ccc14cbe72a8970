//! Studies that were stored, and the orders that they belong to.

use rusqlite::{OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::{
    Store, new_uuid,
    orders::{dashed, insert},
};
use crate::{Error, postdicom::NewOrder};

/// Studies attached in one transaction: enough that it costs little, few enough that others wait little.
const STUDIES_PER_TRANSACTION: usize = 1_000;

/// What the index knows of a study by its first series, or by the one that is given.
const STUDY: &str = "SELECT StudyInstanceUID, coalesce(PatientName, ''), coalesce(PatientID, ''),
        coalesce(OtherPatientIDs, ''), coalesce(PatientSex, ''), coalesce(PatientBirthDate, ''),
        coalesce(Modality, ''), coalesce(StudyDescription, ''), coalesce(AccessionNumber, ''),
        coalesce(StudyDate, ''), coalesce(StudyTime, ''), coalesce(ReferringPhysicianName, '')
    FROM study JOIN series ON series.id = (SELECT min(first.id) FROM series AS first WHERE first.study = study.id)";

/// A study without an order.
struct Study {
    uid: String,
    /// What an order for it would be.
    order: NewOrder,
    /// (0008,0020) Study Date, `YYYY-MM-DD`; empty where there is none.
    date: String,
}

impl Store {
    /// Attaches a study that the index has to its order: that of its accession number, or else one of the
    /// patient for that day which has no study yet, or else a new one of this institution.
    pub(crate) fn attach(&self, study_instance_uid: &str, institution: &str) -> Result<(), Error> {
        let mut connection = self.lock();
        // What is found has to be true still when it is written.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let statement = format!(
            "{STUDY} WHERE StudyInstanceUID = ?1 \
             AND NOT EXISTS (SELECT 1 FROM order_study WHERE order_study.StudyInstanceUID = ?1)"
        );
        let study = transaction
            .query_row(&statement, [study_instance_uid], |row| read(row, institution))
            .optional()?;
        if let Some(study) = study {
            attach(&transaction, &study)?;
        }
        Ok(transaction.commit()?)
    }

    /// Attaches every study of the index that has no order.
    pub(crate) fn attach_all(&self, institution: &str) -> Result<(), Error> {
        let statement = format!(
            "{STUDY} WHERE NOT EXISTS (SELECT 1 FROM order_study \
             WHERE order_study.StudyInstanceUID = study.StudyInstanceUID) \
             ORDER BY study.id LIMIT {STUDIES_PER_TRANSACTION}"
        );
        loop {
            let mut connection = self.lock();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let studies = {
                let mut statement = transaction.prepare_cached(&statement)?;
                let rows = statement.query_map([], |row| read(row, institution))?;
                rows.collect::<Result<Vec<_>, _>>()?
            };
            for study in &studies {
                attach(&transaction, study)?;
            }
            transaction.commit()?;
            if studies.len() < STUDIES_PER_TRANSACTION {
                return Ok(());
            }
        }
    }
}

fn attach(transaction: &Transaction<'_>, study: &Study) -> Result<(), Error> {
    let order = match order_of(transaction, study)? {
        Some(order) => order,
        None => insert(transaction, &new_uuid(), &study.order)?,
    };
    transaction
        .prepare_cached("INSERT INTO order_study (StudyInstanceUID, patient_order) VALUES (?, ?)")?
        .execute(params![study.uid, order])?;
    Ok(())
}

/// The order of a study; two patients may have the same accession number, at two institutions.
fn order_of(transaction: &Transaction<'_>, Study { order, date, .. }: &Study) -> Result<Option<i64>, Error> {
    let mut by_accession_number = transaction.prepare_cached(
        "SELECT id FROM patient_order WHERE accession_number = ?1 AND ?1 <> '' AND patient_id = ?2 ORDER BY id LIMIT 1",
    )?;
    let found = by_accession_number
        .query_row(params![order.accession_number, order.patient_id], |row| row.get(0))
        .optional()?;
    if found.is_some() {
        return Ok(found);
    }
    let mut by_date = transaction.prepare_cached(
        "SELECT id FROM patient_order WHERE patient_id = ?1 AND ?1 <> '' \
         AND substr(order_scheduled_datetime, 1, 10) = ?2 AND (accession_number = '' OR ?3 = '') \
         AND NOT EXISTS (SELECT 1 FROM order_study WHERE order_study.patient_order = patient_order.id) \
         ORDER BY modality = ?4 DESC, id LIMIT 1",
    )?;
    let found = by_date
        .query_row(params![order.patient_id, date, order.accession_number, order.modality], |row| row.get(0));
    Ok(found.optional()?)
}

fn read(row: &Row<'_>, institution: &str) -> rusqlite::Result<Study> {
    let text = |position: usize| -> rusqlite::Result<String> {
        Ok(row.get::<_, String>(position)?.trim_end_matches([' ', '\0']).to_owned())
    };
    let date = dashed(&text(9)?).unwrap_or_default();
    let time = text(10)?;
    let time = time.get(..4).filter(|time| time.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or("0000");
    let scheduled =
        if date.is_empty() { String::new() } else { format!("{date} {}:{}", &time[..2], &time[2..]) };
    Ok(Study {
        uid: row.get(0)?,
        date,
        order: NewOrder {
            institution_uuid: institution.to_owned(),
            patient_name: text(1)?,
            patient_id: text(2)?,
            other_patient_id: text(3)?,
            patient_sex: text(4)?,
            patient_birthdate: dashed(&text(5)?).unwrap_or_default(),
            modality: text(6)?,
            study_description: text(7)?,
            accession_number: text(8)?,
            order_scheduled_datetime: scheduled,
            referring_physicians_name: text(11)?,
            ..NewOrder::default()
        },
    })
}
