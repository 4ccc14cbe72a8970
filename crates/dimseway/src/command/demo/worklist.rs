//! The worklist of the demonstration: files in a folder, or the orders of the account.

use crate::command::origin::account::ORDERS;
use anyhow::Context;
use jiff::Zoned;
use origin::{Options, Personality};
use serde_json::json;
use std::{fmt::Write, net::SocketAddr, path::Path};

/// The folder with orders, beside the configuration.
const DIRECTORY: &str = "worklist";

/// AE titles of the devices, as the account has them in order.
const STATIONS: [&str; 3] = ["CT1", "MR1", "US1"];

/// Writes orders for today into a folder, unless the archive has orders of its own. Those of an earlier day
/// are written over.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn write(directory: &Path, archive: &Options) -> anyhow::Result<()> {
    if archive.personality == Personality::PostDicom {
        return Ok(());
    }
    let directory = directory.join(DIRECTORY);
    std::fs::create_dir_all(&directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    let orders: Vec<_> = ORDERS.iter().map(|order| item(order, &Zoned::now())).collect();
    let path = directory.join("today.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&orders)?)
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// An order as an information system writes it for a modality (PS3.4 §K.6.1.2.2).
fn item(order: &crate::command::origin::account::Scheduled, now: &Zoned) -> serde_json::Value {
    let [name, id, sex, birth_date] = order.patient;
    let groups = name.split('=').zip(["Alphabetic", "Ideographic", "Phonetic"]);
    let name: serde_json::Map<_, _> = groups.map(|(text, group)| (group.to_owned(), text.into())).collect();
    let value = |vr: &str, value: &str| json!({ "vr": vr, "Value": [value] });
    let [hour, minute] = order.time;
    let step = json!({
        "00080060": value("CS", order.modality),
        "00400001": value("AE", STATIONS.get(order.device).unwrap_or(&STATIONS[0])),
        "00400002": value("DA", &now.strftime("%Y%m%d").to_string()),
        "00400003": value("TM", &format!("{hour:02}{minute:02}")),
        "00400007": value("LO", order.description),
        "00400009": value("SH", &order.accession_number.replace("DEMO", "SPS")),
    });
    json!({
        "00080050": value("SH", order.accession_number),
        "00080090": { "vr": "PN", "Value": [{ "Alphabetic": "Referrer^Ruth" }] },
        "00100010": { "vr": "PN", "Value": [name] },
        "00100020": value("LO", id),
        "00100030": value("DA", &birth_date.replace('-', "")),
        "00100040": value("CS", sex),
        "00321060": value("LO", order.description),
        "00401001": value("SH", &order.accession_number.replace("DEMO", "RP")),
        "00400100": { "vr": "SQ", "Value": [step] },
    })
}

/// What the configuration says about worklist and performed procedure steps.
pub(super) fn configuration(archive: &Options) -> String {
    if archive.personality != Personality::PostDicom {
        // The others have no resource for performed procedure steps.
        let sink = match archive.personality {
            Personality::Standard => "\n[mpps_sink.archive]\ntype = \"mpps-rs\"\norigin = \"archive\"\n",
            _ => "",
        };
        return format!(
            "\n[worklist_source.orders]\ntype = \"folder\"\ndirectory = \"{DIRECTORY}\"\n\n[mpps]\n{sink}"
        );
    }
    let mut text =
        "\n[worklist_source.orders]\ntype = \"postdicom\"\norigin = \"archive\"\nrefresh = \"5s\"\n\n\
                    [mpps_sink.archive]\ntype = \"postdicom\"\norigin = \"archive\"\n"
            .to_owned();
    for (device, station) in archive.postdicom.account.equipment.iter().zip(STATIONS) {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[equipment]]\nuuid = \"{}\"\nae_title = \"{station}\"\nstation_name = \"{}\"\n",
            device.uuid, device.name
        );
    }
    text
}

/// The command with which the CT would ask for its worklist.
pub(super) fn find(ae_title: &str, dimse: SocketAddr) -> String {
    format!(
        "findscu -W -aet {0} -aec {ae_title} {1} {2} -k PatientName -k PatientID -k AccessionNumber \
         -k 'ScheduledProcedureStepSequence[0].ScheduledStationAETitle={0}' \
         -k 'ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate' \
         -k 'ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime' \
         -k 'ScheduledProcedureStepSequence[0].Modality'",
        STATIONS[0],
        dimse.ip(),
        dimse.port()
    )
}
