//! Look-alikes of the three files of Azure's tutorial: the same UIDs, attributes and sizes, with pictures of
//! their own.

use dataset::element::{VR, Writer};
use instance::{
    Encoding, Identity, Tag, TransferSyntax,
    part10::{self, FileMeta},
    transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN,
};

use super::known_uid;

/// Secondary Capture Image Storage (PS3.4 §B.5).
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";

/// The study of all three.
const STUDY: &str = "1.2.826.0.1.3680043.8.498.13230779778012324449356534479549187420";

/// Rows and columns. Their product is odd, and so is the length of the pixels before padding.
const ROWS: u16 = 979;
const COLUMNS: u16 = 985;

/// One of the three files.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Its name without ending: `red-triangle`.
    pub name: &'static str,
    series: &'static str,
    instance: &'static str,
    series_number: &'static str,
    number: &'static str,
    colour: [u8; 3],
    /// Whether a point of the picture is of that colour, by its distance from the centre to the right and
    /// downwards.
    covers: fn(i32, i32) -> bool,
}

/// The three files, in the order in which the tutorial stores them.
pub const SAMPLES: [Sample; 3] = [
    Sample {
        name: "red-triangle",
        series: "1.2.826.0.1.3680043.8.498.45787841905473114233124723359129632652",
        instance: "1.2.826.0.1.3680043.8.498.47359123102728459884412887463296905395",
        series_number: "1",
        number: "1",
        colour: [220, 20, 40],
        covers: |x, y| y < 300 && y > 2 * x.abs() - 300,
    },
    Sample {
        name: "green-square",
        series: "1.2.826.0.1.3680043.8.498.45787841905473114233124723359129632652",
        instance: "1.2.826.0.1.3680043.8.498.12714725698140337137334606354172323212",
        series_number: "1",
        number: "2",
        colour: [20, 160, 60],
        covers: |x, y| x.abs() < 260 && y.abs() < 260,
    },
    Sample {
        name: "blue-circle",
        series: "1.2.826.0.1.3680043.8.498.77033797676425927098669402985243398207",
        instance: "1.2.826.0.1.3680043.8.498.13273713909719068980354078852867170114",
        series_number: "2",
        number: "1",
        colour: [30, 60, 220],
        covers: |x, y| x * x + y * y < 300 * 300,
    },
];

impl Sample {
    /// Class and UIDs.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            sop_class_uid: known_uid(SECONDARY_CAPTURE),
            sop_instance_uid: known_uid(self.instance),
            study_instance_uid: known_uid(STUDY),
            series_instance_uid: known_uid(self.series),
        }
    }

    /// The Part 10 file in Explicit VR Little Endian, 2.9 MB.
    #[must_use]
    pub fn file(&self) -> Vec<u8> {
        let meta = FileMeta {
            sop_class_uid: known_uid(SECONDARY_CAPTURE),
            sop_instance_uid: known_uid(self.instance),
            transfer_syntax: TransferSyntax::new(known_uid(EXPLICIT_VR_LITTLE_ENDIAN)),
        };
        let mut file = part10::write(&meta, None);
        file.extend_from_slice(&self.data_set());
        file
    }

    fn data_set(&self) -> Vec<u8> {
        let e = &mut Writer::new(Encoding::ExplicitVrLittleEndian);
        let texts: [(Tag, VR, &str); 28] = [
            (Tag(0x0008, 0x0005), VR::CS, "ISO_IR 192"),
            (Tag(0x0008, 0x0008), VR::CS, r"DERIVED\SECONDARY\OTHER"),
            (Tag::SOP_CLASS_UID, VR::UI, SECONDARY_CAPTURE),
            (Tag::SOP_INSTANCE_UID, VR::UI, self.instance),
            (Tag::STUDY_DATE, VR::DA, "20200922"),
            (Tag(0x0008, 0x0023), VR::DA, ""),
            (Tag(0x0008, 0x0030), VR::TM, "120000"),
            (Tag(0x0008, 0x0033), VR::TM, ""),
            (Tag::ACCESSION_NUMBER, VR::SH, ""),
            (Tag::MODALITY, VR::CS, "OT"),
            (Tag(0x0008, 0x0064), VR::CS, "SYN"),
            (Tag(0x0008, 0x0090), VR::PN, "Doctor Doc"),
            (Tag::PATIENT_NAME, VR::PN, "Anony Mous"),
            (Tag::PATIENT_ID, VR::LO, "ID1"),
            (Tag(0x0010, 0x0030), VR::DA, ""),
            (Tag(0x0010, 0x0040), VR::CS, "F"),
            (Tag(0x0010, 0x1010), VR::AS, "024Y"),
            (Tag(0x0018, 0x5100), VR::CS, ""),
            (Tag::STUDY_INSTANCE_UID, VR::UI, STUDY),
            (Tag::SERIES_INSTANCE_UID, VR::UI, self.series),
            (Tag(0x0020, 0x0010), VR::SH, "1"),
            (Tag(0x0020, 0x0011), VR::IS, self.series_number),
            (Tag(0x0020, 0x0013), VR::IS, self.number),
            (Tag(0x0020, 0x0020), VR::CS, ""),
            (Tag(0x0020, 0x0060), VR::CS, ""),
            (Tag(0x0020, 0x4000), VR::LT, self.name),
            (Tag(0x0028, 0x0004), VR::CS, "RGB"),
            (Tag(0x0028, 0x0030), VR::DS, r"1.0\1.0"),
        ];
        let numbers: [(Tag, u16); 8] = [
            (Tag(0x0028, 0x0002), 3),
            (Tag(0x0028, 0x0006), 0),
            (Tag(0x0028, 0x0010), ROWS),
            (Tag(0x0028, 0x0011), COLUMNS),
            (Tag(0x0028, 0x0100), 8),
            (Tag(0x0028, 0x0101), 8),
            (Tag(0x0028, 0x0102), 7),
            (Tag(0x0028, 0x0103), 0),
        ];
        let (mut texts, mut numbers) = (texts.into_iter().peekable(), numbers.into_iter().peekable());
        loop {
            let number_first = match (texts.peek(), numbers.peek()) {
                (None, None) => break,
                (Some((text, ..)), Some((number, _))) => number < text,
                (text, _) => text.is_none(),
            };
            if let Some((tag, value)) = numbers.next_if(|_| number_first) {
                e.u16_element(tag, &[value]);
            } else if let Some((tag, vr, value)) = texts.next() {
                e.element(tag, vr, value.as_bytes());
            }
        }
        e.element(Tag::PIXEL_DATA, VR::OB, &self.pixels());
        e.as_bytes().to_vec()
    }

    fn pixels(&self) -> Vec<u8> {
        let (rows, columns) = (i32::from(ROWS), i32::from(COLUMNS));
        let points = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let colour = |(column, row)| {
            let is_covered = (self.covers)(column - columns / 2, row - rows / 2);
            if is_covered { self.colour } else { [195; 3] }
        };
        points.flat_map(colour).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_as_large_as_the_file_that_it_looks_like() {
        for sample in SAMPLES {
            let file = sample.file();
            let (meta, head) = part10::read(&file).unwrap();
            assert_eq!(meta.sop_instance_uid, sample.identity().sop_instance_uid);
            assert_eq!(sample.pixels().len(), 2_892_945);
            assert!((2_893_900..2_894_100).contains(&file.len()), "{} {}", file.len(), head);
        }
    }
}
