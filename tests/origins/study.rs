//! One study of seven images in as many transfer syntaxes, as DCMTK writes and sends them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tests::dcmtk::{self, Storescp};
use tests::instances::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, Instance, element};

use crate::archive::split;

/// Patient ID of the study.
pub(crate) const PATIENT_ID: &str = "ORIGINS-1";

/// Secondary Capture Image Storage (PS3.4 §B.5).
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
const ROWS: u16 = 48;
const COLUMNS: u16 = 40;

/// A way to write an image.
pub(crate) struct Written {
    /// Name of the transfer syntax in PS3.6.
    pub(crate) name: &'static str,
    /// Its UID.
    pub(crate) transfer_syntax: &'static str,
    /// The program of DCMTK that writes it, with its options.
    by: &'static [&'static str],
    /// The option with which `storescu` proposes it.
    proposed: &'static str,
    /// Whether it takes samples of 8 bits alone.
    is_of_8_bits: bool,
}

/// Seven transfer syntaxes.
pub(crate) const WRITTEN: [Written; 7] = [
    Written {
        name: "Explicit VR Little Endian",
        transfer_syntax: EXPLICIT_VR_LITTLE_ENDIAN,
        by: &["dcmconv", "+te"],
        proposed: "-xe",
        is_of_8_bits: false,
    },
    Written {
        name: "Implicit VR Little Endian",
        transfer_syntax: IMPLICIT_VR_LITTLE_ENDIAN,
        by: &["dcmconv", "+ti"],
        proposed: "-xi",
        is_of_8_bits: false,
    },
    Written {
        name: "Explicit VR Big Endian",
        transfer_syntax: "1.2.840.10008.1.2.2",
        by: &["dcmconv", "+tb"],
        proposed: "-xb",
        is_of_8_bits: false,
    },
    Written {
        name: "Deflated Explicit VR Little Endian",
        transfer_syntax: "1.2.840.10008.1.2.1.99",
        by: &["dcmconv", "+td"],
        proposed: "-xd",
        is_of_8_bits: false,
    },
    Written {
        name: "JPEG Baseline",
        transfer_syntax: "1.2.840.10008.1.2.4.50",
        by: &["dcmcjpeg", "+eb", "+un"],
        proposed: "-xy",
        is_of_8_bits: true,
    },
    Written {
        name: "JPEG Lossless SV1",
        transfer_syntax: "1.2.840.10008.1.2.4.70",
        by: &["dcmcjpeg", "+e1", "+un"],
        proposed: "-xs",
        is_of_8_bits: false,
    },
    Written {
        name: "RLE Lossless",
        transfer_syntax: "1.2.840.10008.1.2.5",
        by: &["dcmcrle", "+un"],
        proposed: "-xr",
        is_of_8_bits: false,
    },
];

/// The study in a folder.
pub(crate) struct Study {
    /// Study Instance UID.
    pub(crate) uid: String,
    /// Series Instance UIDs.
    pub(crate) series: [String; 2],
    /// The images in the order of [`WRITTEN`], with the data sets that `storescu` sends.
    pub(crate) instances: Vec<Instance>,
    files: Vec<PathBuf>,
    /// The second one as DCMTK writes it in Explicit VR Little Endian.
    pub(crate) re_encoded: Vec<u8>,
}

/// The series of the image at a place of the table: three are in one, four in the other.
const fn series(at: usize) -> usize {
    if at < 3 { 1 } else { 2 }
}

fn sop_instance(study: &str, at: usize) -> String {
    format!("{study}.{}.{}", series(at), at + 1)
}

impl Study {
    /// Writes it; nothing, and a recorded skip, without DCMTK.
    pub(crate) fn write(folder: &Path, uid: &str) -> Option<Self> {
        let folder = folder.join(uid);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut files = Vec::new();
        for (at, written) in WRITTEN.iter().enumerate() {
            let (plain, to) = (folder.join(format!("{at}.plain")), folder.join(format!("{at}.dcm")));
            image(uid, at, 0).write(&plain);
            convert(written.by, &plain, &to)?;
            files.push(to);
        }
        let plain = folder.join("re-encoded");
        // Who writes while reading does not know how long a sequence becomes.
        convert(&["dcmconv", "+te", "--length-undefined"], &files[1], &plain)?;
        let re_encoded = split(&std::fs::read(plain).expect("a file")).1;
        let sent = received_by_storescp(&folder.join("received"), &files)?;
        let instances = WRITTEN.iter().enumerate().map(|(at, written)| {
            let (transfer_syntax, data_set) = sent[&sop_instance(uid, at)].clone();
            assert_eq!(transfer_syntax, written.transfer_syntax);
            Instance { transfer_syntax, data_set, ..image(uid, at, 0) }
        });
        let series = [1, 2].map(|series| format!("{uid}.{series}"));
        Some(Self { uid: uid.to_owned(), series, instances: instances.collect(), files, re_encoded })
    }

    /// Sends all of it with `storescu`, each image in its own transfer syntax.
    pub(crate) fn send(&self, address: SocketAddr) -> Option<()> {
        send(address, &self.files)
    }

    /// Sends an image of other content under the UID of the first one.
    pub(crate) fn send_another_first(&self, folder: &Path, address: SocketAddr) -> Option<()> {
        let path = folder.join("another");
        image(&self.uid, 0, 99).write(&path);
        store(address, WRITTEN[0].proposed, &[path])
    }
}

fn send(address: SocketAddr, files: &[PathBuf]) -> Option<()> {
    files
        .iter()
        .zip(&WRITTEN)
        .try_for_each(|(file, written)| store(address, written.proposed, std::slice::from_ref(file)))
}

/// One association of `storescu`, which has to end well.
pub(crate) fn store(address: SocketAddr, proposed: &str, files: &[PathBuf]) -> Option<()> {
    let output = dcmtk::run("storescu", address, &["--required", proposed], files)?;
    assert!(output.status.success(), "{proposed}: {}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

/// What `storescu` sends of these files, as `storescp` writes it: bit by bit.
fn received_by_storescp(folder: &Path, files: &[PathBuf]) -> Option<BTreeMap<String, (String, Vec<u8>)>> {
    let storescp = Storescp::start(folder, &[])?;
    send(storescp.address(), files)?;
    Some(in_folder(folder))
}

/// The files in a folder: transfer syntax and data set by SOP Instance UID.
pub(crate) fn in_folder(folder: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    let files = std::fs::read_dir(folder).expect("a folder");
    let read = files.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file"));
    read.map(|file| {
        let (meta, _) = instance::part10::read(&file).expect("a Part 10 file");
        (meta.sop_instance_uid.as_str().to_owned(), split(&file))
    })
    .collect()
}

fn convert(by: &[&str], from: &Path, to: &Path) -> Option<()> {
    let output = dcmtk::program(by[0])?.args(&by[1..]).arg(from).arg(to).output().expect("DCMTK starts");
    assert!(output.status.success(), "{by:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

/// An image in Explicit VR Little Endian; `shade` changes its pixels.
fn image(study: &str, at: usize, shade: u8) -> Instance {
    let (series, sop_instance) = (format!("{study}.{}", series(at)), sop_instance(study, at));
    let series_number = series[study.len() + 1..].to_owned();
    let number = (at + 1).to_string();
    let texts: [(u16, u16, &str, &str); 18] = [
        (0x0008, 0x0005, "CS", "ISO_IR 192"),
        (0x0008, 0x0008, "CS", "DERIVED\\SECONDARY"),
        (0x0008, 0x0016, "UI", SECONDARY_CAPTURE),
        (0x0008, 0x0018, "UI", &sop_instance),
        (0x0008, 0x0020, "DA", "20260102"),
        (0x0008, 0x0030, "TM", "101500"),
        (0x0008, 0x0050, "SH", "ACC-6"),
        (0x0008, 0x0060, "CS", "OT"),
        (0x0008, 0x0064, "CS", "SYN"),
        (0x0008, 0x0090, "PN", "Referrer^Ruth"),
        (0x0010, 0x0010, "PN", "Müller^Every Archive"),
        (0x0010, 0x0020, "LO", PATIENT_ID),
        (0x0010, 0x0030, "DA", "19700101"),
        (0x0010, 0x0040, "CS", "O"),
        (0x0020, 0x000D, "UI", study),
        (0x0020, 0x000E, "UI", &series),
        (0x0020, 0x0011, "IS", &series_number),
        (0x0020, 0x0013, "IS", &number),
    ];
    let mut data_set: Vec<u8> = texts
        .iter()
        .flat_map(|(group, number, vr, value)| element(*group, *number, vr, value.as_bytes()))
        .collect();
    let bits = if WRITTEN[at].is_of_8_bits { 8 } else { 16 };
    let numbers = [
        (0x0002, 1),
        (0x0010, ROWS),
        (0x0011, COLUMNS),
        (0x0100, bits),
        (0x0101, bits),
        (0x0102, bits - 1),
        (0x0103, 0),
    ];
    for (number, value) in numbers {
        data_set.extend(element(0x0028, number, "US", &u16::to_le_bytes(value)));
        if number == 0x0002 {
            data_set.extend(element(0x0028, 0x0004, "CS", b"MONOCHROME2"));
        }
    }
    let points = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| row * 3 + column * 5));
    let samples = points.map(|value| (value ^ u16::from(shade)).to_le_bytes());
    let pixels: Vec<u8> = samples.flat_map(|sample| sample.into_iter().take(usize::from(bits / 8))).collect();
    // What has no entry in a dictionary, and what holds other elements.
    data_set.extend(element(0x0029, 0x0010, "LO", b"DIMSEWAY TESTS"));
    data_set.extend(element(0x0029, 0x1001, "LO", b"private"));
    let item = element(0x0040, 0x1001, "SH", b"RP-6");
    let mut sequence = vec![0xFE, 0xFF, 0x00, 0xE0];
    sequence.extend_from_slice(&u32::try_from(item.len()).unwrap_or(u32::MAX).to_le_bytes());
    sequence.extend(item);
    data_set.extend(element(0x0040, 0x0275, "SQ", &sequence));
    data_set.extend(element(0x7FE0, 0x0010, "OW", &pixels));
    Instance {
        sop_class: SECONDARY_CAPTURE.to_owned(),
        sop_instance,
        study: study.to_owned(),
        series,
        transfer_syntax: EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        data_set,
    }
}
