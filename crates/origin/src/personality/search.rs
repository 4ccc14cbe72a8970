//! How a personality searches (PS3.18 §10.6), as data. Attributes are named by their keywords.

use crate::index::attributes::{Attribute, Level};

/// One of the six search resources (PS3.18 §10.6.1): what is listed, and below what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchResource {
    Studies,
    AllSeries,
    StudySeries,
    AllInstances,
    StudyInstances,
    SeriesInstances,
}

/// What a search may ask for and what it gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchRules {
    /// Keys that may be matched; none where every attribute of the index may be.
    pub(crate) keys: Option<Keys>,
    /// How text is compared.
    pub(crate) comparison: Comparison,
    /// Keys for which a range is taken; none for all dates and times.
    pub(crate) ranges: Option<&'static [&'static str]>,
    /// What becomes of a key, a value or a parameter that is not supported.
    pub(crate) unsupported: Unsupported,
    /// Person names that `fuzzymatching=true` compares word by word.
    pub(crate) fuzzy: &'static [&'static str],
    /// The largest `limit`, and the one of a search that gives none.
    pub(crate) limit: Option<LimitRules>,
    /// What is returned; none where the index decides and everything in it can be included.
    pub(crate) returned: Option<Returned>,
    /// In which order matches come.
    pub(crate) order: Order,
    /// Whether keys of what the path names may be matched too.
    pub(crate) keys_above: bool,
    /// Whether matches have Specific Character Set, Instance Availability and Retrieve URL.
    pub(crate) tells_where: bool,
}

/// The keys of each resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    /// Keys of the study: matched where no study is in the path.
    study: &'static [&'static str],
    /// Keys of the series: matched where no series is in the path and series are listed or passed.
    series: &'static [&'static str],
    /// Keys of the instance.
    instance: &'static [&'static str],
}

/// How a key is compared with what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// As PS3.4 §C.2.2.2 says: wildcards, lists of UIDs, each component group of a person name.
    Standard,
    /// Equal as a whole, whatever the case, and for person names whatever the accents.
    Insensitive,
    /// Equal as it is written.
    Exact,
}

/// What becomes of what is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsupported {
    /// It is ignored, and a Warning field says so (PS3.18 §8.3.4).
    Ignored,
    /// 400 for the whole request.
    Refused,
}

/// Bounds of `limit` (PS3.18 §8.3.4.4); outside of 1 to `max` is 400.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitRules {
    /// The largest `offset`; a larger one is 400.
    pub(crate) offset_max: Option<u64>,
    pub(crate) max: u64,
    /// The same of a search for instances.
    pub(crate) max_of_instances: u64,
    pub(crate) default: u64,
}

/// Attributes in answers; the UIDs that name a match are always among them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Returned {
    /// Without being asked for.
    pub(crate) default: &'static [&'static str],
    /// Where `includefield` asks for them.
    pub(crate) included: &'static [&'static str],
}

/// The order of matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they were first stored.
    OldestFirst,
    NewestFirst,
}

/// An origin server that does all that PS3.18 §10.6 asks for.
pub(crate) const STANDARD: SearchRules = SearchRules {
    keys: None,
    comparison: Comparison::Standard,
    ranges: None,
    unsupported: Unsupported::Ignored,
    fuzzy: &[],
    limit: None,
    returned: None,
    order: Order::OldestFirst,
    keys_above: false,
    tells_where: true,
};

/// An origin server that is as limited as the large clouds are.
pub(crate) const LIMITED: SearchRules = SearchRules {
    keys: Some(Keys {
        study: &[
            "StudyInstanceUID",
            "PatientName",
            "PatientID",
            "PatientBirthDate",
            "AccessionNumber",
            "ReferringPhysicianName",
            "StudyDate",
            "StudyDescription",
            "ModalitiesInStudy",
        ],
        series: &[
            "SeriesInstanceUID",
            "Modality",
            "PerformedProcedureStepStartDate",
            "ManufacturerModelName",
        ],
        instance: &["SOPInstanceUID"],
    }),
    comparison: Comparison::Insensitive,
    ranges: Some(&["StudyDate", "PatientBirthDate"]),
    unsupported: Unsupported::Refused,
    fuzzy: &["PatientName", "ReferringPhysicianName"],
    limit: Some(LimitRules { offset_max: None, max: 200, max_of_instances: 200, default: 100 }),
    returned: Some(Returned {
        default: &[
            "StudyDate",
            "AccessionNumber",
            "StudyDescription",
            "ReferringPhysicianName",
            "PatientName",
            "PatientID",
            "PatientBirthDate",
            "StudyInstanceUID",
            "Modality",
            "ManufacturerModelName",
            "SeriesInstanceUID",
            "PerformedProcedureStepStartDate",
            "SOPInstanceUID",
        ],
        included: &[
            "StudyTime",
            "ModalitiesInStudy",
            "PatientSex",
            "PatientAge",
            "StudyID",
            "NumberOfStudyRelatedInstances",
            "SeriesNumber",
            "SeriesDate",
            "SeriesTime",
            "SeriesDescription",
            "PerformedProcedureStepStartTime",
            "RequestAttributesSequence",
            "NumberOfSeriesRelatedInstances",
            "SOPClassUID",
            "InstanceNumber",
            "Rows",
            "Columns",
            "BitsAllocated",
            "NumberOfFrames",
        ],
    }),
    order: Order::NewestFirst,
    keys_above: false,
    tells_where: true,
};

/// The DICOM service of Azure.
pub(crate) const AZURE: SearchRules = SearchRules { tells_where: false, ..LIMITED };

/// dcm4chee-arc-light 5, from its conformance statement: it ignores all other keys. Each of these is matched as
/// PS3.4 §C.2.2.2 says.
pub(crate) const DCM4CHEE: SearchRules = SearchRules {
    keys: Some(Keys {
        study: &[
            "StudyDate",
            "StudyTime",
            "AccessionNumber",
            "ModalitiesInStudy",
            "ReferringPhysicianName",
            "StudyDescription",
            "PatientName",
            "PatientID",
            "StudyInstanceUID",
            "StudyID",
        ],
        series: &[
            "Modality",
            "InstitutionName",
            "StationName",
            "SeriesDescription",
            "BodyPartExamined",
            "SeriesInstanceUID",
            "SeriesNumber",
            "PerformedProcedureStepStartDate",
            "PerformedProcedureStepStartTime",
        ],
        instance: &["SOPClassUID", "SOPInstanceUID", "ContentDate", "ContentTime", "InstanceNumber"],
    }),
    ..STANDARD
};

/// AWS HealthImaging, from its Developer Guide ("Searching DICOM data").
pub(crate) const AWS: SearchRules = SearchRules {
    keys: Some(Keys {
        study: &[
            "StudyDate",
            "StudyTime",
            "AccessionNumber",
            "ModalitiesInStudy",
            "ReferringPhysicianName",
            "StudyDescription",
            "PatientName",
            "PatientID",
            "PatientBirthDate",
            "PatientBirthTime",
            "StudyInstanceUID",
            "StudyID",
        ],
        series: &[
            "Modality",
            "SeriesInstanceUID",
            "SeriesNumber",
            "PerformedProcedureStepStartDate",
            "PerformedProcedureStepStartTime",
        ],
        instance: &["SOPClassUID", "SOPInstanceUID"],
    }),
    unsupported: Unsupported::Refused,
    fuzzy: &["PatientName", "ReferringPhysicianName"],
    limit: Some(LimitRules { offset_max: None, max: 1000, max_of_instances: 1000, default: 1000 }),
    order: Order::NewestFirst,
    ..STANDARD
};

/// A DICOM store of the Google Cloud Healthcare API, from its conformance statement and its page on quotas and
/// limits. The `limit` of a search that gives none is assumed.
pub(crate) const GOOGLE: SearchRules = SearchRules {
    keys: Some(Keys {
        study: &[
            "StudyInstanceUID",
            "PatientName",
            "PatientID",
            "AccessionNumber",
            "ReferringPhysicianName",
            "StudyDate",
        ],
        series: &["SeriesInstanceUID", "Modality"],
        instance: &["SOPInstanceUID"],
    }),
    comparison: Comparison::Exact,
    ranges: Some(&["StudyDate"]),
    unsupported: Unsupported::Refused,
    fuzzy: &["PatientName"],
    limit: Some(LimitRules {
        offset_max: Some(1_000_000),
        max: 5000,
        max_of_instances: 50_000,
        default: 1000,
    }),
    order: Order::NewestFirst,
    keys_above: true,
    ..STANDARD
};

impl SearchResource {
    /// The resource that lists `level` below what the path names.
    pub(crate) const fn new(level: Level, in_study: bool, in_series: bool) -> Self {
        match (level, in_study, in_series) {
            (Level::Study, ..) => Self::Studies,
            (Level::Series, false, _) => Self::AllSeries,
            (Level::Series, true, _) => Self::StudySeries,
            (Level::Instance, _, true) => Self::SeriesInstances,
            (Level::Instance, true, false) => Self::StudyInstances,
            (Level::Instance, false, false) => Self::AllInstances,
        }
    }

    /// The highest level whose attributes the path does not fix.
    pub(crate) const fn top(self) -> Level {
        match self {
            Self::Studies | Self::AllSeries | Self::AllInstances => Level::Study,
            Self::StudySeries | Self::StudyInstances => Level::Series,
            Self::SeriesInstances => Level::Instance,
        }
    }

    /// What is listed.
    pub(crate) const fn level(self) -> Level {
        match self {
            Self::Studies => Level::Study,
            Self::AllSeries | Self::StudySeries => Level::Series,
            Self::AllInstances | Self::StudyInstances | Self::SeriesInstances => Level::Instance,
        }
    }
}

impl SearchRules {
    /// Whether a key is matched on a resource.
    pub(crate) fn matches(&self, attribute: &Attribute, resource: SearchResource) -> bool {
        if attribute.level > resource.level() || !attribute.can_match() {
            return false;
        }
        let Some(keys) = &self.keys else { return true };
        let keys = match attribute.level {
            Level::Study => keys.study,
            Level::Series => keys.series,
            Level::Instance => keys.instance,
        };
        (self.keys_above || attribute.level >= resource.top()) && keys.contains(&attribute.keyword)
    }

    /// Whether it is a key of some resource.
    pub(crate) fn has_key(&self, attribute: &Attribute) -> bool {
        self.keys
            .as_ref()
            .is_none_or(|keys| [keys.study, keys.series, keys.instance].concat().contains(&attribute.keyword))
    }

    /// Whether an attribute is returned without being asked for, by the level that it belongs to.
    pub(crate) fn returns(&self, attribute: &Attribute) -> bool {
        match &self.returned {
            None => attribute.default,
            Some(returned) => returned.default.contains(&attribute.keyword),
        }
    }

    /// Whether an attribute is returned where it is asked for.
    pub(crate) fn includes(&self, attribute: &Attribute) -> bool {
        self.returned.as_ref().is_none_or(|returned| {
            returned.default.contains(&attribute.keyword) || returned.included.contains(&attribute.keyword)
        })
    }

    /// Whether a value of the attribute may be a range.
    pub(crate) fn ranges(&self, attribute: &Attribute) -> bool {
        self.ranges.is_none_or(|ranges| ranges.contains(&attribute.keyword))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_keys_are_those_of_the_resource() {
        use SearchResource::{
            AllInstances, AllSeries, SeriesInstances, Studies, StudyInstances, StudySeries,
        };
        let all = [Studies, AllSeries, AllInstances, StudySeries, StudyInstances, SeriesInstances];
        let cases: [(&str, &[SearchResource]); 6] = [
            ("PatientID", &[Studies, AllSeries, AllInstances]),
            ("StudyInstanceUID", &[Studies, AllSeries, AllInstances]),
            ("Modality", &[AllSeries, AllInstances, StudySeries, StudyInstances]),
            ("SOPInstanceUID", &[AllInstances, StudyInstances, SeriesInstances]),
            ("PatientSex", &[]),
            ("InstanceNumber", &[]),
        ];
        for (keyword, resources) in cases {
            let attribute = Attribute::named(keyword).unwrap();
            for resource in all {
                let matched = LIMITED.matches(attribute, resource);
                assert_eq!(matched, resources.contains(&resource), "{keyword} {resource:?}");
            }
        }
    }

    #[test]
    fn every_keyword_is_one_of_the_index() {
        let [keys, aws, dcm4chee] = [LIMITED, AWS, DCM4CHEE].map(|rules| rules.keys.unwrap());
        let returned = LIMITED.returned.unwrap();
        let lists = [keys.study, keys.series, keys.instance, returned.default, returned.included];
        let lists = lists.into_iter().chain([aws.study, aws.series, aws.instance]);
        let lists = lists.chain([dcm4chee.study, dcm4chee.series, dcm4chee.instance]);
        for keyword in lists.flatten().chain(LIMITED.fuzzy) {
            assert!(Attribute::named(keyword).is_some(), "{keyword}");
        }
    }
}
