//! Synthetic instances for `demo`, tests and benchmarks: deterministic from a seed, produced in
//! chunks, valid against the IOD that they claim. Nothing in them comes from a patient.

pub mod archive;
mod attributes;
mod phantom;
pub mod tutorial;

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use instance::{
    Identity, TransferSyntax, Uid,
    part10::{self, FileMeta},
    transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN,
};
use sha2::{Digest, Sha256};

use phantom::Pixels;

/// A CT study of one series. Every slice is a CT Image Storage instance (PS3.3 §A.3) of 512 x 512
/// pixels of 16 bits, about 526 KB, in Explicit VR Little Endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    seed: u64,
    slices: u32,
}

/// One synthetic instance. Cloning is cheap; the pixels are computed while they are read.
#[derive(Debug, Clone)]
pub struct Instance {
    identity: Identity,
    /// Everything up to and with the header of Pixel Data.
    attributes: Bytes,
    pixels: Pixels,
}

/// The bytes of an instance, in chunks of at most 64 KiB.
#[derive(Debug, Clone)]
pub struct Chunks {
    head: Vec<Bytes>,
    pixels: Pixels,
}

impl Study {
    /// The study that `seed` names, with that many slices. The same arguments give the same bytes.
    #[must_use]
    pub const fn new(seed: u64, slices: u32) -> Self {
        Self { seed, slices }
    }

    /// How many slices it has.
    #[must_use]
    pub const fn slices(&self) -> u32 {
        self.slices
    }

    /// Its Study Instance UID.
    #[must_use]
    pub fn study_instance_uid(&self) -> Uid {
        derived_uid(self.seed, "study", 0)
    }

    /// The Series Instance UID of its only series.
    #[must_use]
    pub fn series_instance_uid(&self) -> Uid {
        derived_uid(self.seed, "series", 0)
    }

    /// The slice at `index`, counted from 0. Slices behind the last one are as good as any other, so
    /// that a study can grow.
    #[must_use]
    pub fn instance(&self, index: u32) -> Instance {
        let identity = Identity {
            sop_class_uid: known_uid(attributes::CT_IMAGE_STORAGE),
            sop_instance_uid: derived_uid(self.seed, "instance", u64::from(index)),
            study_instance_uid: self.study_instance_uid(),
            series_instance_uid: self.series_instance_uid(),
        };
        let pixels = Pixels::ct_slice(self.seed, index);
        let frame_of_reference = derived_uid(self.seed, "frame of reference", 0);
        let attributes =
            attributes::ct_image(&identity, &frame_of_reference, self.seed, index, pixels.length());
        Instance { identity, attributes, pixels }
    }

    /// All slices, one at a time.
    pub fn instances(&self) -> impl Iterator<Item = Instance> + use<> {
        let study = self.clone();
        (0..study.slices).map(move |index| study.instance(index))
    }

    /// Writes every slice as a Part 10 file `000001.dcm`, `000002.dcm`, ... into `folder`, which is
    /// made when it does not exist, and gives the paths in order. Blocks on the disk.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write_folder(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::create_dir_all(folder)?;
        let mut paths = Vec::new();
        for (instance, number) in self.instances().zip(1_u32..) {
            let path = folder.join(format!("{number:06}.dcm"));
            instance.write_file(&path)?;
            paths.push(path);
        }
        Ok(paths)
    }
}

impl Instance {
    /// One instance of Multi-frame Grayscale Byte Secondary Capture Image Storage (PS3.3 §A.8.3)
    /// with at least `pixel_bytes` bytes of Pixel Data: rounded up to whole rows of 1,024 bytes, and
    /// above 1 MiB to whole frames of 1 MiB; at most 4,095 MiB, the most that a native Pixel Data
    /// element can hold.
    #[must_use]
    pub fn of_size(seed: u64, pixel_bytes: u64) -> Self {
        let identity = Identity {
            sop_class_uid: known_uid(attributes::MULTI_FRAME_GRAYSCALE_BYTE),
            sop_instance_uid: derived_uid(seed, "large instance", pixel_bytes),
            study_instance_uid: derived_uid(seed, "large study", 0),
            series_instance_uid: derived_uid(seed, "large series", 0),
        };
        let pixels = Pixels::frames(seed, pixel_bytes);
        let attributes =
            attributes::multi_frame(&identity, seed, pixels.rows(), pixels.frames_left(), pixels.length());
        Self { identity, attributes, pixels }
    }

    /// Class and UIDs.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Explicit VR Little Endian.
    #[must_use]
    pub fn transfer_syntax(&self) -> TransferSyntax {
        TransferSyntax::new(known_uid(EXPLICIT_VR_LITTLE_ENDIAN))
    }

    /// What the File Meta Information says.
    #[must_use]
    pub fn file_meta(&self) -> FileMeta {
        FileMeta {
            sop_class_uid: self.identity.sop_class_uid.clone(),
            sop_instance_uid: self.identity.sop_instance_uid.clone(),
            transfer_syntax: self.transfer_syntax(),
        }
    }

    /// Bytes of the value of Pixel Data.
    #[must_use]
    pub const fn pixel_data_length(&self) -> u64 {
        self.pixels.length()
    }

    /// Bytes of the data set, without Part 10 framing.
    #[must_use]
    pub fn data_set_length(&self) -> u64 {
        self.attributes.len() as u64 + self.pixels.length()
    }

    /// The data set, without Part 10 framing.
    #[must_use]
    pub fn data_set(&self) -> Chunks {
        Chunks { head: vec![self.attributes.clone()], pixels: self.pixels.clone() }
    }

    /// The Part 10 file: preamble, File Meta Information and data set (PS3.10 §7).
    #[must_use]
    pub fn file(&self) -> Chunks {
        let head = part10::write(&self.file_meta(), None);
        Chunks { head: vec![self.attributes.clone(), Bytes::from(head)], pixels: self.pixels.clone() }
    }

    /// Writes the Part 10 file. Blocks on the disk.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write_file(&self, path: &Path) -> io::Result<()> {
        let mut file = File::create(path)?;
        for chunk in self.file() {
            file.write_all(&chunk)?;
        }
        Ok(())
    }
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.head.pop().or_else(|| self.pixels.next())
    }
}

/// A UID that depends on nothing but its arguments, in the form of PS3.5 §B.2.
fn derived_uid(seed: u64, what: &str, index: u64) -> Uid {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(index.to_be_bytes());
    hash.update(what.as_bytes());
    let digest = hash.finalize();
    let number = digest.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    known_uid(&format!("2.25.{number}"))
}

#[expect(clippy::expect_used, reason = "constants of this module and numbers below 2^128 are UIDs")]
fn known_uid(text: &str) -> Uid {
    // INVARIANT: every caller passes digits and dots, at most 44 characters.
    text.parse().expect("a UID")
}

#[cfg(test)]
mod tests;
