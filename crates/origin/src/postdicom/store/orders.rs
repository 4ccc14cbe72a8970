//! Orders in the store.

use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use super::{Store, new_uuid};
use crate::{
    Error,
    postdicom::{NewOrder, Order},
};

/// Columns of what was ordered, in the order of [`NewOrder::fields`].
const COLUMNS: [&str; 16] = [
    "institution_uuid",
    "patient_name",
    "patient_id",
    "other_patient_id",
    "patient_sex",
    "patient_birthdate",
    "modality",
    "study_description",
    "accession_number",
    "patient_complaints",
    "order_scheduled_datetime",
    "requested_procedure_id",
    "requested_procedure_description",
    "requesting_physician",
    "referring_physicians_name",
    "scheduled_equipment_uuid",
];

/// What became of an order: its studies in the order in which they came, their instances and bytes, the
/// date of the first, users, groups and folders.
const REST: &str = "patient_order.uuid,
    (SELECT group_concat(StudyInstanceUID, ' ') FROM order_study WHERE patient_order = patient_order.id),
    (SELECT coalesce(sum(study.NumberOfStudyRelatedInstances), 0) FROM order_study JOIN study USING (StudyInstanceUID)
        WHERE patient_order = patient_order.id),
    (SELECT coalesce(sum(instance.length), 0) FROM order_study JOIN study USING (StudyInstanceUID)
        JOIN instance ON instance.study = study.id WHERE patient_order = patient_order.id),
    (SELECT study.StudyDate FROM order_study JOIN study USING (StudyInstanceUID)
        WHERE patient_order = patient_order.id ORDER BY study.id LIMIT 1),
    (SELECT group_concat(uuid, ' ') FROM assignment WHERE patient_order = patient_order.id AND kind = 'user'),
    (SELECT group_concat(uuid, ' ') FROM assignment WHERE patient_order = patient_order.id AND kind = 'group'),
    (SELECT group_concat(folder.uuid, ' ') FROM folder_order JOIN folder ON folder.id = folder_order.folder
        WHERE patient_order = patient_order.id)";

/// Whom an order is assigned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assignee {
    User,
    Group,
}

/// Which orders are looked for; empty is any.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderSearch {
    pub(crate) institutions: Vec<String>,
    /// A part of the name.
    pub(crate) patient_name: String,
    pub(crate) patient_id: String,
    pub(crate) other_patient_id: String,
    pub(crate) accession_number: String,
    /// The modality of the order, whatever was stored for it.
    pub(crate) modalities: Vec<String>,
    /// Scheduled or Study Date, from and to.
    pub(crate) study_date: [String; 2],
    pub(crate) patient_birthdate: [String; 2],
}

/// A series that was stored for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) study_instance_uid: String,
    pub(crate) series_instance_uid: String,
    pub(crate) modality: String,
    pub(crate) description: String,
    pub(crate) instances: u64,
}

impl NewOrder {
    fn fields(&self) -> [&str; 16] {
        [
            &self.institution_uuid,
            &self.patient_name,
            &self.patient_id,
            &self.other_patient_id,
            &self.patient_sex,
            &self.patient_birthdate,
            &self.modality,
            &self.study_description,
            &self.accession_number,
            &self.patient_complaints,
            &self.order_scheduled_datetime,
            &self.requested_procedure_id,
            &self.requested_procedure_description,
            &self.requesting_physician,
            &self.referring_physicians_name,
            &self.scheduled_equipment_uuid,
        ]
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            institution_uuid: row.get(0)?,
            patient_name: row.get(1)?,
            patient_id: row.get(2)?,
            other_patient_id: row.get(3)?,
            patient_sex: row.get(4)?,
            patient_birthdate: row.get(5)?,
            modality: row.get(6)?,
            study_description: row.get(7)?,
            accession_number: row.get(8)?,
            patient_complaints: row.get(9)?,
            order_scheduled_datetime: row.get(10)?,
            requested_procedure_id: row.get(11)?,
            requested_procedure_description: row.get(12)?,
            requesting_physician: row.get(13)?,
            referring_physicians_name: row.get(14)?,
            scheduled_equipment_uuid: row.get(15)?,
        })
    }
}

impl OrderSearch {
    /// The condition, with its parameters.
    fn condition(&self) -> (String, Vec<String>) {
        let (mut conditions, mut parameters) = (vec!["1".to_owned()], Vec::new());
        let mut also = |condition: &str, values: &[String]| {
            conditions.push(condition.to_owned());
            parameters.extend_from_slice(values);
        };
        let marks = |values: &[String]| vec!["?"; values.len()].join(", ");
        if !self.institutions.is_empty() {
            also(&format!("institution_uuid IN ({})", marks(&self.institutions)), &self.institutions);
        }
        if !self.patient_name.is_empty() {
            also("contains(patient_name, ?)", std::slice::from_ref(&self.patient_name));
        }
        for (column, value) in [
            ("patient_id", &self.patient_id),
            ("other_patient_id", &self.other_patient_id),
            ("accession_number", &self.accession_number),
        ] {
            if !value.is_empty() {
                also(&format!("{column} = ?"), std::slice::from_ref(value));
            }
        }
        if !self.modalities.is_empty() {
            also(&format!("modality IN ({})", marks(&self.modalities)), &self.modalities);
        }
        if self.study_date.iter().any(|bound| !bound.is_empty()) {
            let [from, to] = bounds(&self.study_date);
            let (date_from, date_to) = (from.replace('-', ""), to.replace('-', ""));
            also(
                "(substr(order_scheduled_datetime, 1, 10) BETWEEN ? AND ? \
                 OR EXISTS (SELECT 1 FROM order_study JOIN study USING (StudyInstanceUID) \
                 WHERE order_study.patient_order = patient_order.id AND study.StudyDate BETWEEN ? AND ?))",
                &[from, to, date_from, date_to],
            );
        }
        if self.patient_birthdate.iter().any(|bound| !bound.is_empty()) {
            also("patient_birthdate BETWEEN ? AND ?", &bounds(&self.patient_birthdate));
        }
        (conditions.join(" AND "), parameters)
    }
}

/// Both bounds of a range of dates; one that is open is further out than any date.
fn bounds([from, to]: &[String; 2]) -> [String; 2] {
    let or = |bound: &String, open: &str| if bound.is_empty() { open.to_owned() } else { bound.clone() };
    [or(from, "0000-00-00"), or(to, "9999-99-99")]
}

impl Store {
    /// Makes an order and gives its UUID: a new one, unless it is given.
    pub(crate) fn add_order(&self, uuid: Option<&str>, order: &NewOrder) -> Result<String, Error> {
        let uuid = uuid.map_or_else(new_uuid, str::to_owned);
        insert(&self.lock(), &uuid, order)?;
        Ok(uuid)
    }

    /// Orders that were looked for, the oldest first, at most so many.
    pub(crate) fn orders(&self, search: &OrderSearch, limit: usize) -> Result<Vec<Order>, Error> {
        let (condition, parameters) = search.condition();
        select(&self.lock(), &condition, &parameters, limit)
    }

    /// The order of a UUID.
    pub(crate) fn order(&self, uuid: &str) -> Result<Option<Order>, Error> {
        let found = select(&self.lock(), "patient_order.uuid = ?", &[uuid.to_owned()], 1)?;
        Ok(found.into_iter().next())
    }

    /// Assigns an order that is there; twice is as once.
    pub(crate) fn assign(&self, order: &str, kind: Assignee, uuid: &str) -> Result<(), Error> {
        let kind = match kind {
            Assignee::User => "user",
            Assignee::Group => "group",
        };
        let statement = "INSERT OR IGNORE INTO assignment \
                         SELECT id, ?2, ?3 FROM patient_order WHERE uuid = ?1";
        self.lock().execute(statement, [order, kind, uuid])?;
        Ok(())
    }

    /// Removes an order with everything that says something of it, but not its instances.
    pub(crate) fn delete_order(&self, uuid: &str) -> Result<(), Error> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let row: Option<i64> = transaction
            .query_row("SELECT id FROM patient_order WHERE uuid = ?", [uuid], |row| row.get(0))
            .optional()?;
        if let Some(row) = row {
            for table in ["order_study", "assignment", "folder_order"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE patient_order = ?"), [row])?;
            }
            transaction.execute("DELETE FROM patient_order WHERE id = ?", [row])?;
        }
        Ok(transaction.commit()?)
    }

    /// The series that were stored for an order.
    pub(crate) fn series(&self, order: &str) -> Result<Vec<Series>, Error> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT StudyInstanceUID, SeriesInstanceUID, coalesce(Modality, ''), \
                    coalesce(SeriesDescription, ''), NumberOfSeriesRelatedInstances \
             FROM order_study JOIN study USING (StudyInstanceUID) JOIN series ON series.study = study.id \
             WHERE patient_order = (SELECT id FROM patient_order WHERE uuid = ?) ORDER BY series.id",
        )?;
        let read = |row: &Row<'_>| {
            Ok(Series {
                study_instance_uid: row.get(0)?,
                series_instance_uid: row.get(1)?,
                modality: row.get(2)?,
                description: row.get(3)?,
                instances: row.get::<_, i64>(4)?.unsigned_abs(),
            })
        };
        let rows = statement.query_map([order], read)?;
        rows.map(|row| row.map_err(Error::from)).collect()
    }
}

/// Adds an order whose UUID is not taken, and gives its row number.
pub(super) fn insert(connection: &Connection, uuid: &str, order: &NewOrder) -> Result<i64, Error> {
    let marks = vec!["?"; COLUMNS.len()].join(", ");
    let statement = format!("INSERT INTO patient_order (uuid, {}) VALUES (?, {marks})", COLUMNS.join(", "));
    let values = std::iter::once(uuid).chain(order.fields());
    connection.prepare_cached(&statement)?.execute(params_from_iter(values))?;
    Ok(connection.last_insert_rowid())
}

pub(super) fn select(
    connection: &Connection,
    condition: &str,
    parameters: &[String],
    limit: usize,
) -> Result<Vec<Order>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let statement = format!(
        "SELECT {}, {REST} FROM patient_order WHERE {condition} ORDER BY patient_order.id LIMIT {limit}",
        COLUMNS.join(", ")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let rows = statement.query_map(params_from_iter(parameters), read)?;
    rows.map(|row| row.map_err(Error::from)).collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Order> {
    let list = |position: usize| -> rusqlite::Result<Vec<String>> {
        let text: Option<String> = row.get(position)?;
        Ok(text.iter().flat_map(|text| text.split(' ')).map(str::to_owned).collect())
    };
    let number = |position: usize| Ok::<_, rusqlite::Error>(row.get::<_, i64>(position)?.unsigned_abs());
    let study_date: Option<String> = row.get(20)?;
    Ok(Order {
        ordered: NewOrder::read(row)?,
        uuid: row.get(16)?,
        studies: list(17)?,
        instances: number(18)?,
        bytes: number(19)?,
        study_date: study_date.and_then(|date| dashed(&date)).unwrap_or_default(),
        users: list(21)?,
        user_groups: list(22)?,
        folders: list(23)?,
    })
}

/// A date of a data set as the vendor writes it.
pub(super) fn dashed(date: &str) -> Option<String> {
    let date = date.trim();
    let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    is_date.then(|| format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]))
}

/// Row numbers of orders, all of which have to be there.
pub(super) fn rows(
    connection: &Connection,
    table: &str,
    uuids: &[String],
) -> Result<Option<Vec<i64>>, Error> {
    let mut statement = connection.prepare_cached(&format!("SELECT id FROM {table} WHERE uuid = ?"))?;
    let mut rows = Vec::with_capacity(uuids.len());
    for uuid in uuids {
        let Some(row) = statement.query_row(params![uuid], |row| row.get(0)).optional()? else {
            return Ok(None);
        };
        rows.push(row);
    }
    Ok(Some(rows))
}
