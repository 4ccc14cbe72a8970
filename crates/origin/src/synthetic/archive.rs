//! A generated archive: some thousand small studies of people who do not exist, in the scripts and
//! with the gaps that real archives have, for tests that compute for themselves what a query finds.
//!
//! Everything is plain data. An [`Archive`] lists its studies, these their series, these their
//! instances, each with its own attributes as text; [`Archive::files`] gives the same as instances
//! that can be stored anywhere, in the character set of the study. The same options give the same
//! archive on every machine. The data sets hold what archives index and a tiny image, not all that
//! their IODs demand.

mod attributes;
mod encode;
mod generate;
mod large;
mod people;
#[cfg(test)]
mod tests;

use instance::{Identity, TransferSyntax};

pub use attributes::{Attributes, Value};
pub use large::{large_study, large_study_uids};

/// What an archive is generated from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Names the archive: another seed, other people and other UIDs.
    pub seed: u64,
    /// How many studies; 2,000 unless said otherwise.
    pub studies: usize,
    /// Whether some patients have the Patient ID of another, under another Issuer of Patient ID.
    /// Default true; an archive that knows patients by their Patient ID alone makes one of them.
    pub shared_patient_ids: bool,
    /// Whether each study is written in a character set of its script, such as ISO 2022 IR 149 for
    /// Korean, rather than all of them in UTF-8. Default true.
    pub native_character_sets: bool,
}

/// Everything that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// In the order in which they are stored.
    pub studies: Vec<Study>,
}

/// One study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// (0008,0005) Specific Character Set of its data sets.
    pub character_set: &'static str,
    /// Attributes of the patient and of the study; all instances have them.
    pub attributes: Attributes,
    /// Its series, in order of Series Number.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Attributes of the series and of the equipment; all its instances have them.
    pub attributes: Attributes,
    /// Its instances, in order of Instance Number.
    pub instances: Vec<Instance>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// UID of the transfer syntax that it is written in.
    pub transfer_syntax: &'static str,
    /// Attributes of the instance alone.
    pub attributes: Attributes,
}

/// One instance with all its attributes, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Class and UIDs.
    pub identity: Identity,
    /// The transfer syntax that it is written in.
    pub transfer_syntax: TransferSyntax,
    /// (0008,0005) Specific Character Set.
    pub character_set: &'static str,
    /// Attributes of patient, study, series and instance.
    pub attributes: Attributes,
}

impl Options {
    /// 2,000 studies with everything in them.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, studies: 2_000, shared_patient_ids: true, native_character_sets: true }
    }
}

impl Archive {
    /// Generates an archive. A study has one to three series of one to three instances.
    #[must_use]
    pub fn generate(options: Options) -> Self {
        generate::archive(options)
    }

    /// All instances, one at a time, study by study.
    pub fn files(&self) -> impl Iterator<Item = File> + '_ {
        self.studies.iter().flat_map(Study::files)
    }

    /// How many instances there are.
    #[must_use]
    pub fn instance_count(&self) -> usize {
        self.studies.iter().map(Study::instance_count).sum()
    }
}

impl Study {
    /// All its instances, one at a time.
    pub fn files(&self) -> impl Iterator<Item = File> + '_ {
        self.series.iter().flat_map(move |series| {
            series.instances.iter().map(move |instance| {
                let attributes = [&self.attributes, &series.attributes, &instance.attributes];
                let attributes = attributes.into_iter().flat_map(Attributes::iter);
                let attributes = attributes.map(|(tag, value)| (tag, value.clone())).collect();
                File::new(attributes, instance.transfer_syntax, self.character_set)
            })
        })
    }

    /// How many instances it has.
    #[must_use]
    pub fn instance_count(&self) -> usize {
        self.series.iter().map(|series| series.instances.len()).sum()
    }
}

impl File {
    /// The data set, without Part 10 framing.
    #[must_use]
    pub fn data_set(&self) -> Vec<u8> {
        encode::data_set(self)
    }

    /// The Part 10 file (PS3.10 §7).
    #[must_use]
    pub fn part10(&self) -> Vec<u8> {
        encode::part10(self)
    }
}
