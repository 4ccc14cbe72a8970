//! The worklist and its sources.

use super::count;
use crate::config_file::{self, Document, File, KeyPath, Problem, SourceType, Span};
use bridge::config::{
    Discontinued, Equipment, MissingStart, Unassigned, Worklist, WorklistFallback, WorklistSource,
    WorklistSourceKind,
};
use jiff::tz::TimeZone;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Orders or workitems that one refresh looks into, where the file does not say.
const LOOKED_INTO_MAX: u32 = 200;

/// Keys of a source that only some types take.
const OF_SOME_TYPE: [&str; 7] =
    ["directory", "character_set", "origin", "peer", "with_images", "properties_max", "workitems_max"];

/// The worklist.
///
/// # Errors
/// The first problem.
pub(super) fn worklist(file: &File, document: &Document) -> Result<Worklist, Problem> {
    let written = &file.worklist;
    let reading = Reading { file, document };
    Ok(Worklist {
        sources: reading.sources()?,
        days_before: reading.days("window", written.window)?,
        days_after: match written.window_after {
            Some(after) => reading.days("window_after", after)?,
            None => reading.days("window", written.window)?,
        },
        refresh: written.refresh.0,
        refresh_timeout: written.refresh_timeout.0,
        max_age: written.max_age.0,
        orders_max: count(written.orders_max),
        results_max: count(written.results_max),
        look_up_timeout: written.look_up_timeout.0,
        look_ups_max: count(written.look_ups_max),
        combined_date_time: written.combined_date_time,
        time_zone: written.time_zone.as_ref().map_or_else(TimeZone::system, |zone| zone.0.0.clone()),
        equipment: file.equipment.iter().map(equipment).collect(),
        unassigned: match written.unassigned {
            config_file::Unassigned::Hide => Unassigned::Hide,
            config_file::Unassigned::All => Unassigned::All,
        },
        fallback: fallback(&written.fallback),
        discontinued: match written.discontinued {
            config_file::Discontinued::Returns => Discontinued::Returns,
            config_file::Discontinued::Leaves => Discontinued::Leaves,
        },
        completed_leaves: written.completed_leaves,
        status_retention: written.status_retention.0,
    })
}

fn fallback(written: &config_file::WorklistFallback) -> WorklistFallback {
    WorklistFallback {
        start_date: match written.start_date {
            config_file::MissingStart::LeaveOut => MissingStart::LeaveOut,
            config_file::MissingStart::Today => MissingStart::Today,
        },
        start_time: written.start_time.0.0,
        modality: Some(written.modality.clone()).filter(|modality| !modality.is_empty()),
        patient_name: written.patient_name.clone(),
        patient_id: written.patient_id.clone(),
    }
}

fn equipment(written: &config_file::Equipment) -> Equipment {
    Equipment {
        uuid: written.uuid.clone(),
        ae_title: written.ae_title.0.clone(),
        station_name: written.station_name.clone(),
        location: written.location.clone(),
        modality: written.modality.clone(),
    }
}

struct Reading<'a> {
    file: &'a File,
    document: &'a Document,
}

impl Reading<'_> {
    fn days(&self, key: &str, written: Span) -> Result<u16, Problem> {
        let whole = written.0.as_secs().is_multiple_of(DAY.as_secs()) && written.0.subsec_nanos() == 0;
        let problem = |message: String| {
            let path = KeyPath::from("worklist").key(key);
            self.document.problem(&path, message)
        };
        if !whole {
            return Err(problem("whole days are needed, such as \"1d\"".to_owned()));
        }
        u16::try_from(written.0.as_secs() / DAY.as_secs())
            .map_err(|_| problem(format!("at most {}d are allowed", u16::MAX)))
    }

    /// The sources that are asked, in the order in which they are merged.
    fn sources(&self) -> Result<Vec<WorklistSource>, Problem> {
        let known = &self.file.worklist_source;
        let path = KeyPath::from("worklist.sources");
        let is_written = self.document.holds(&path);
        if !is_written && known.len() > 1 {
            let message = "there are several sources, so it must be said in which order they are merged";
            return Err(self.document.problem(&path, message));
        }
        let only = known.keys().filter(|_| !is_written);
        let named = self.file.worklist.sources.0.iter().chain(only).enumerate();
        let sources = named.map(|(index, name)| match known.get(name) {
            Some(written) => self.source(name, written),
            None => {
                let path =
                    if self.file.worklist.sources.0.len() > 1 { path.index(index) } else { path.clone() };
                Err(self.document.problem(&path, format!("there is no [worklist_source.{name}]")))
            }
        });
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        // What is wrong with a source that is not asked now is better told before it is.
        for (name, written) in known {
            self.source(name, written)?;
        }
        Ok(sources)
    }

    fn source(&self, name: &str, written: &config_file::WorklistSource) -> Result<WorklistSource, Problem> {
        let of = Typed {
            document: self.document,
            path: KeyPath::from("worklist_source").key(name),
            word: word(written.r#type),
        };
        let for_postdicom = &["origin", "with_images", "properties_max"][..];
        let meant = match written.r#type {
            SourceType::Folder => &["directory", "character_set"][..],
            SourceType::PostDicom => for_postdicom,
            SourceType::MwlRs => &["origin"],
            SourceType::UpsRs => &["origin", "workitems_max"],
            SourceType::Dimse => &["peer"],
        };
        of.only(meant, &OF_SOME_TYPE)?;
        let kind = match written.r#type {
            SourceType::Folder => WorklistSourceKind::Folder {
                directory: self
                    .document
                    .directory()
                    .join(of.needed("directory", written.directory.as_ref())?),
                character_set: super::query::character_set(&written.character_set.0)
                    .map_err(|message| self.document.problem(&of.path.key("character_set"), message))?,
            },
            SourceType::PostDicom => WorklistSourceKind::PostDicom {
                origin: of.needed("origin", written.origin.as_ref())?.clone(),
                with_images: written.with_images.unwrap_or(true),
                properties_max: count(written.properties_max.unwrap_or(LOOKED_INTO_MAX)),
            },
            SourceType::MwlRs => {
                WorklistSourceKind::MwlRs { origin: of.needed("origin", written.origin.as_ref())?.clone() }
            }
            SourceType::UpsRs => WorklistSourceKind::UpsRs {
                origin: of.needed("origin", written.origin.as_ref())?.clone(),
                workitems_max: count(written.workitems_max.unwrap_or(LOOKED_INTO_MAX)),
            },
            SourceType::Dimse => {
                WorklistSourceKind::Dimse { peer: of.needed("peer", written.peer.as_ref())?.0.clone() }
            }
        };
        Ok(WorklistSource {
            refresh: written.refresh.map(|refresh| refresh.0),
            time_zone: written.time_zone.as_ref().map(|zone| zone.0.0.clone()),
            ..WorklistSource::new(name, kind)
        })
    }
}

const fn word(of: SourceType) -> &'static str {
    match of {
        SourceType::Folder => "folder",
        SourceType::PostDicom => "postdicom",
        SourceType::MwlRs => "mwl-rs",
        SourceType::UpsRs => "ups-rs",
        SourceType::Dimse => "dimse",
    }
}

/// A table with a `type`, which decides which other keys it takes.
pub(super) struct Typed<'a> {
    pub(super) document: &'a Document,
    pub(super) path: KeyPath,
    /// The word of the type.
    pub(super) word: &'static str,
}

impl Typed<'_> {
    /// Refuses keys of other types, which would be ignored.
    ///
    /// # Errors
    /// There is one of `all` that is not among `meant`.
    pub(super) fn only(&self, meant: &[&str], all: &[&str]) -> Result<(), Problem> {
        let other = all.iter().filter(|key| !meant.contains(key)).map(|key| self.path.key(*key));
        match other.into_iter().find(|path| self.document.holds(path)) {
            Some(path) => {
                let message = format!("has no meaning with type = \"{}\"", self.word);
                Err(self.document.problem(&path, message))
            }
            None => Ok(()),
        }
    }

    /// A key that this type cannot do without.
    ///
    /// # Errors
    /// It is not written.
    pub(super) fn needed<'v, T>(&self, key: &str, value: Option<&'v T>) -> Result<&'v T, Problem> {
        value.ok_or_else(|| self.document.problem(&self.path, format!("`{}` needs `{key}`", self.word)))
    }
}
