//! The PostDICOM account that an embedded origin stands in for.

use anyhow::Context;
use jiff::{Zoned, civil::Time};
use origin::{
    Credentials, Origin,
    postdicom::{Account, NewOrder},
};

/// Says how to call it, and who and what is in it.
pub(crate) fn print(account: &Account, credentials: &Credentials) {
    println!("user name  {}\npassword   {}", credentials.username, credentials.password);
    for (kind, entities) in [
        ("institutions", &account.institutions),
        ("users", &account.users),
        ("user groups", &account.user_groups),
        ("equipment", &account.equipment),
    ] {
        println!("{kind}");
        for entity in entities {
            println!("  {}  {}", entity.uuid, entity.name);
        }
    }
}

/// An order of the demonstration.
pub(crate) struct Scheduled {
    /// Name, ID, sex and date of birth.
    pub(crate) patient: [&'static str; 4],
    pub(crate) modality: &'static str,
    pub(crate) description: &'static str,
    pub(crate) accession_number: &'static str,
    /// Hour and minute.
    pub(crate) time: [i8; 2],
    /// Its place among the equipment of the account.
    pub(crate) device: usize,
}

/// The orders of the demonstration.
pub(crate) const ORDERS: [Scheduled; 4] = [
    Scheduled {
        patient: ["Smith^Anna", "DEMO-1001", "F", "1958-03-14"],
        modality: "CT",
        description: "CT chest",
        accession_number: "DEMO0001",
        time: [8, 30],
        device: 0,
    },
    Scheduled {
        patient: ["Müller^Jürgen", "DEMO-1002", "M", "1971-11-02"],
        modality: "MR",
        description: "MR knee",
        accession_number: "DEMO0002",
        time: [9, 15],
        device: 1,
    },
    Scheduled {
        patient: ["Yamada^Tarou=山田^太郎=やまだ^たろう", "DEMO-1003", "M", "1964-07-21"],
        modality: "CT",
        description: "CT abdomen",
        accession_number: "DEMO0003",
        time: [10, 0],
        device: 0,
    },
    Scheduled {
        patient: ["O'Brien^Maeve", "DEMO-1004", "F", "1990-05-30"],
        modality: "US",
        description: "US thyroid",
        accession_number: "DEMO0004",
        time: [14, 45],
        device: 2,
    },
];

/// Schedules some orders for today in an account that has none; how many there were.
///
/// # Errors
/// They cannot be kept.
pub(crate) async fn schedule(origin: &Origin, account: &Account) -> anyhow::Result<usize> {
    if !origin.orders().await?.is_empty() {
        return Ok(0);
    }
    let institution = account.institutions.first().context("an account without an institution")?;
    for scheduled in ORDERS {
        let [name, id, sex, birthdate] = scheduled.patient.map(str::to_owned);
        let [hour, minute] = scheduled.time;
        let time = Zoned::now().date().to_datetime(Time::new(hour, minute, 0, 0)?);
        let device = account.equipment.get(scheduled.device);
        let order = NewOrder {
            institution_uuid: institution.uuid.clone(),
            patient_name: name,
            patient_id: id,
            patient_sex: sex,
            patient_birthdate: birthdate,
            modality: scheduled.modality.to_owned(),
            study_description: scheduled.description.to_owned(),
            accession_number: scheduled.accession_number.to_owned(),
            order_scheduled_datetime: time.strftime("%Y-%m-%d %H:%M").to_string(),
            requested_procedure_id: scheduled.accession_number.replace("DEMO", "RP"),
            requested_procedure_description: scheduled.description.to_owned(),
            requesting_physician: "Referrer^Ruth".to_owned(),
            referring_physicians_name: "Referrer^Ruth".to_owned(),
            scheduled_equipment_uuid: device.map_or_else(String::new, |device| device.uuid.clone()),
            ..NewOrder::default()
        };
        origin.add_order(None, order).await?;
    }
    Ok(ORDERS.len())
}
