use instance::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use instance::{Tag, TransferSyntax};

use super::built_in::REFERRING_PHYSICIAN_NAME;
use crate::url::PathTemplate;

use super::*;

#[test]
fn built_in_profiles_carry_their_names_and_sound_templates() {
    for name in Profile::BUILT_IN {
        let profile = Profile::built_in(name).unwrap();
        assert_eq!(profile.name, name);
        let Paths {
            store,
            search_instances,
            instance_metadata,
            instance,
            studies,
            series,
            instances,
            study_series,
            study_instances,
            series_instances,
            retrieve_study,
            retrieve_series,
            study_metadata,
            series_metadata,
            delete_study,
            delete_series,
            delete_instance,
            change_feed,
            change_feed_latest,
            scheduled_steps,
            workitems,
            workitem,
            probe,
        } = &profile.paths;
        let whole = [
            store,
            studies,
            series,
            instances,
            change_feed,
            change_feed_latest,
            scheduled_steps,
            workitems,
            probe,
        ];
        let of_study = [study_series, study_instances, retrieve_study, study_metadata, delete_study];
        let of_series = [series_instances, retrieve_series, series_metadata, delete_series];
        let of_instance = [search_instances, instance_metadata, instance, delete_instance, workitem];
        // A request cannot fill a placeholder for what it is not about.
        let unknown: [(&[&PathTemplate], &[&str]); 4] = [
            (&whole, &["{"]),
            (&of_study, &["{series}", "{instance}"]),
            (&of_series, &["{instance}"]),
            (&of_instance, &[]),
        ];
        for (templates, absent) in unknown {
            for template in templates {
                assert_eq!(template.as_str().parse::<PathTemplate>().as_ref(), Ok(*template));
                assert!(!absent.iter().any(|name| template.as_str().contains(name)), "{template:?}");
            }
        }
    }
    assert_eq!(Profile::built_in("acme"), None);
}

/// What sets the servers apart, a row for each.
#[test]
fn the_servers_differ_where_they_are_known_to() {
    use Level::{Instance, Series, Study};
    struct Row {
        profile: Profile,
        /// Largest `limit`, whether there are wildcards, and lists of UIDs.
        search: (Option<u32>, bool, bool),
        /// Whether patients', and referring physicians' names can be searched fuzzily.
        fuzzy: (bool, bool),
        include_field: IncludeField,
        /// Whether Implicit VR Little Endian is stored.
        implicit: bool,
        /// Whether a store request need not say its length.
        unknown_length: bool,
        duplicate: Option<u16>,
        deletes: &'static [Level],
        /// Whether an instance that is there can be replaced.
        overwrites: bool,
        change_feed: ChangeFeed,
        /// Whether there are scheduled procedure steps, and workitems.
        worklists: (bool, bool),
    }
    let row = |profile: Profile| Row {
        profile,
        search: (None, true, true),
        fuzzy: (false, false),
        include_field: IncludeField::Each,
        implicit: true,
        unknown_length: true,
        duplicate: Some(0x0111),
        deletes: &[],
        overwrites: false,
        change_feed: ChangeFeed::Absent,
        worklists: (false, false),
    };
    let azure = |profile, change_feed| Row {
        search: (Some(200), false, false),
        fuzzy: (true, true),
        include_field: IncludeField::All,
        implicit: false,
        duplicate: Some(0xB00E),
        deletes: &[Study, Series, Instance],
        overwrites: true,
        change_feed,
        worklists: (false, true),
        ..row(profile)
    };
    let rows = [
        Row { worklists: (true, true), ..row(Profile::standard()) },
        Row { unknown_length: false, ..row(Profile::orthanc()) },
        Row {
            search: (None, true, false),
            deletes: &[Study],
            worklists: (true, true),
            ..row(Profile::dcm4chee())
        },
        Row {
            search: (Some(5000), false, false),
            fuzzy: (true, false),
            include_field: IncludeField::List,
            deletes: &[Study, Series, Instance],
            overwrites: true,
            ..row(Profile::google())
        },
        Row {
            search: (Some(1000), true, false),
            fuzzy: (true, true),
            unknown_length: false,
            duplicate: None,
            ..row(Profile::aws())
        },
        azure(Profile::azure(), ChangeFeed::ByTime),
        azure(Profile::azure_v1(), ChangeFeed::BySequence),
        Row {
            search: (None, false, false),
            include_field: IncludeField::None,
            unknown_length: false,
            ..row(Profile::postdicom())
        },
    ];
    let implicit = syntax(IMPLICIT_VR_LITTLE_ENDIAN);
    for row in rows {
        let Profile { name, search, .. } = &row.profile;
        assert_eq!((search.limit_max, search.wildcard, search.uid_list), row.search, "{name}");
        let fuzzy = (search.fuzzy.has(Tag::PATIENT_NAME), search.fuzzy.has(REFERRING_PHYSICIAN_NAME));
        assert_eq!(fuzzy, row.fuzzy, "{name}");
        assert_eq!(search.include_field, row.include_field, "{name}");
        assert_eq!(row.profile.transfer_syntaxes.accept(&implicit), row.implicit, "{name}");
        assert_eq!(row.profile.unknown_length_accepted, row.unknown_length, "{name}");
        assert!(row.duplicate.is_none_or(|reason| row.profile.is_duplicate(reason)), "{name}");
        assert!(!row.profile.is_duplicate(0x0110), "{name}: a failure of any kind");
        for level in [Study, Series, Instance] {
            assert_eq!(row.profile.deletes(level), row.deletes.contains(&level), "{name} {level:?}");
        }
        assert_eq!(row.profile.overwrites(), row.overwrites, "{name}");
        assert_eq!(row.profile.change_feed, row.change_feed, "{name}");
        let worklist = &row.profile.worklist;
        let worklists = (worklist.scheduled_steps.is_present(), worklist.workitems.is_present());
        assert_eq!(worklists, row.worklists, "{name}");
    }
}

fn syntax(uid: &str) -> TransferSyntax {
    TransferSyntax::new(uid.parse().unwrap())
}

#[test]
fn transfer_syntaxes_are_accepted_by_kind_or_by_name() {
    let [implicit, explicit, big_endian, private] =
        [IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.2", "1.2.3.4"].map(syntax);
    let rows = [
        (TransferSyntaxes::All, [true, true, true, true]),
        (TransferSyntaxes::ExplicitVr, [false, true, true, true]),
        (TransferSyntaxes::These(vec![implicit.clone(), private.clone()]), [true, false, false, true]),
        (TransferSyntaxes::These(Vec::new()), [false; 4]),
    ];
    for (accepted, expected) in rows {
        let got = [&implicit, &explicit, &big_endian, &private].map(|syntax| accepted.accept(syntax));
        assert_eq!(got, expected, "{accepted:?}");
    }
}

#[test]
fn failures_that_pass_are_told_from_others() {
    let (standard, azure, google) = (Profile::standard(), Profile::azure(), Profile::google());
    for reason in [0xA700, 0xA7FF] {
        assert!(standard.is_busy(reason) && azure.is_busy(reason), "{reason:04X}");
    }
    assert!(!standard.is_busy(0xB00F) && azure.is_busy(0xB00F), "being created or deleted");
    assert!(!azure.is_busy(0xB00E) && !azure.is_busy(0xA900));
    assert!(google.is_remark_on_duplicate("an instance already exists in this DICOM Store"));
    assert!(!google.is_remark_on_duplicate("invalid DICOM file"));
    assert!(!standard.is_remark_on_duplicate("already exists"));
}

#[test]
fn a_partition_holds_everything_but_the_change_feed() {
    let mut paths = Paths::standard();
    paths.enter_partition("Microsoft.Default").unwrap();
    assert_eq!(paths.store.as_str(), "/partitions/Microsoft.Default/studies");
    let instance = "/partitions/Microsoft.Default/studies/{study}/series/{series}/instances/{instance}";
    assert_eq!(paths.delete_instance.as_str(), instance);
    assert_eq!(paths.workitem.as_str(), "/partitions/Microsoft.Default/workitems/{instance}");
    assert_eq!(paths.partition(), Some("Microsoft.Default"));
    let standard = Paths::standard();
    assert_eq!(standard.partition(), None);
    let feeds = (&standard.change_feed, &standard.change_feed_latest);
    assert_eq!((&paths.change_feed, &paths.change_feed_latest), feeds);
    let longest = "x".repeat(64);
    for (name, is_one) in
        [("a", true), (&*longest, true), ("", false), ("a b", false), ("a/b", false), ("ü", false)]
    {
        assert_eq!(Paths::standard().enter_partition(name).is_ok(), is_one, "{name}");
    }
    assert!(Paths::standard().enter_partition(&"x".repeat(65)).is_err());
}

#[test]
fn the_version_of_azure_is_the_end_of_its_url() {
    let rows = [
        ("https://a.dicom.azurehealthcareapis.com/v2", Some(AzureVersion::V2)),
        ("https://a.dicom.azurehealthcareapis.com/v1/", Some(AzureVersion::V1)),
        ("https://a/v1.0-prerelease", Some(AzureVersion::V1)),
        ("https://a/v2/dicom", None),
        ("https://a", None),
        ("https://a/v3", None),
    ];
    for (url, expected) in rows {
        assert_eq!(AzureVersion::of_url(&url.parse().unwrap()), expected, "{url}");
    }
}
