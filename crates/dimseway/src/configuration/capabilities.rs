//! How a server searches, what it gives back and where, where it differs from its profile.

use super::profile::{set, unless_empty};
use crate::config_file::{
    self, AttributePath, Attributes, Document, KeyPath, PathsOverride, Problem, RetrieveOverride,
    SearchOverride, WorklistOverride,
};
use dicomweb::{
    profile::{
        IncludeField, Paths, PersonNames, RetrieveCapabilities, SearchCapabilities, Searchable, Values,
        WorklistCapabilities, WorklistKeys,
    },
    url::InvalidPathTemplate,
};
use instance::TransferSyntax;
use std::borrow::Cow;

/// Puts what the file says in the place of what the profile says.
pub(super) fn override_search(capabilities: &mut SearchCapabilities, written: &SearchOverride) {
    // A maximum of zero results would be no search, so zero says that there is no maximum.
    let unless_zero = |number: Option<u32>| number.map(|number| (number > 0).then_some(number));
    let SearchCapabilities {
        accept,
        nothing_found_statuses,
        key_required,
        keys_together,
        limit,
        limit_max,
        offset,
        unannounced_cut,
        wildcard,
        uid_list,
        uid_list_max,
        ranges,
        fuzzy,
        person_names,
        numbers_as_text,
        values,
        comma_separates,
        studies,
        series,
        instances,
        study_series,
        study_instances,
        series_instances,
        repeats_path_uid_as_key,
        include_field,
        erroneous_attributes,
    } = capabilities;
    set(accept, written.accept.clone().map(Cow::Owned));
    set(nothing_found_statuses, written.nothing_found_statuses.clone());
    set(key_required, written.key_required);
    set(keys_together, written.keys_together);
    set(limit, written.limit);
    set(limit_max, unless_zero(written.limit_max));
    set(offset, written.offset);
    set(unannounced_cut, unless_zero(written.unannounced_cut));
    set(wildcard, written.wildcard);
    set(uid_list, written.uid_list);
    set(uid_list_max, written.uid_list_max.map(super::count));
    set(ranges, written.ranges.as_ref().map(searchable));
    set(fuzzy, written.fuzzy.as_ref().map(searchable));
    set(person_names, written.person_names.map(person_names_of));
    set(numbers_as_text, written.numbers_as_text);
    set(values, written.values.map(values_of));
    set(comma_separates, written.comma_separates);
    set(studies, written.studies.as_ref().map(searchable));
    set(series, written.series.as_ref().map(searchable));
    set(instances, written.instances.as_ref().map(searchable));
    set(study_series, written.study_series.as_ref().map(searchable));
    set(study_instances, written.study_instances.as_ref().map(searchable));
    set(series_instances, written.series_instances.as_ref().map(searchable));
    set(repeats_path_uid_as_key, written.repeats_path_uid_as_key);
    set(include_field, written.include_field.map(include_field_of));
    set(erroneous_attributes, written.erroneous_attributes.clone().map(unless_empty));
}

/// Puts what the file says in the place of what the profile says.
pub(super) fn override_retrieve(capabilities: &mut RetrieveCapabilities, written: &RetrieveOverride) {
    let RetrieveCapabilities {
        whole_study,
        whole_series,
        whole_preferred,
        metadata,
        instance_metadata,
        frames,
        transcodes_to,
        several_transfer_syntaxes,
        single_part_instance,
    } = capabilities;
    let syntaxes = written.transcodes_to.as_ref();
    let syntaxes = syntaxes.map(|list| list.iter().map(|uid| TransferSyntax::new(uid.0.clone())).collect());
    set(whole_study, written.whole_study);
    set(whole_series, written.whole_series);
    set(whole_preferred, written.whole_preferred);
    set(metadata, written.metadata);
    set(instance_metadata, written.instance_metadata);
    set(frames, written.frames);
    set(transcodes_to, syntaxes);
    set(several_transfer_syntaxes, written.several_transfer_syntaxes);
    set(single_part_instance, written.single_part_instance);
}

/// Puts what the file says in the place of what the profile says.
pub(super) fn override_worklist(capabilities: &mut WorklistCapabilities, written: &WorklistOverride) {
    let WorklistCapabilities { scheduled_steps, workitems } = capabilities;
    set(scheduled_steps, written.scheduled_steps.as_ref().map(worklist_keys));
    set(workitems, written.workitems.as_ref().map(worklist_keys));
}

/// Puts the paths of the file in the place of those of the profile; `place` is where they are written.
///
/// # Errors
/// Text that is no path template, or a path of a deletion that would delete more than was meant.
pub(super) fn override_paths(
    paths: &mut Paths,
    written: &PathsOverride,
    place: &KeyPath,
    document: &Document,
) -> Result<(), Problem> {
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
    } = paths;
    let all = [
        ("store", &written.store, store),
        ("search_instances", &written.search_instances, search_instances),
        ("instance_metadata", &written.instance_metadata, instance_metadata),
        ("instance", &written.instance, instance),
        ("studies", &written.studies, studies),
        ("series", &written.series, series),
        ("instances", &written.instances, instances),
        ("study_series", &written.study_series, study_series),
        ("study_instances", &written.study_instances, study_instances),
        ("series_instances", &written.series_instances, series_instances),
        ("retrieve_study", &written.retrieve_study, retrieve_study),
        ("retrieve_series", &written.retrieve_series, retrieve_series),
        ("study_metadata", &written.study_metadata, study_metadata),
        ("series_metadata", &written.series_metadata, series_metadata),
        ("delete_study", &written.delete_study, delete_study),
        ("delete_series", &written.delete_series, delete_series),
        ("delete_instance", &written.delete_instance, delete_instance),
        ("change_feed", &written.change_feed, change_feed),
        ("change_feed_latest", &written.change_feed_latest, change_feed_latest),
        ("scheduled_steps", &written.scheduled_steps, scheduled_steps),
        ("workitems", &written.workitems, workitems),
        ("workitem", &written.workitem, workitem),
        ("probe", &written.probe, probe),
    ];
    for (key, written, path) in all {
        if let Some(text) = written {
            // A query may hold an API key, so the text is not repeated.
            *path = text
                .parse()
                .map_err(|error: InvalidPathTemplate| document.problem(&place.key(key), error.to_string()))?;
            let named = match key {
                "delete_study" => "{study}",
                "delete_series" => "{series}",
                "delete_instance" => "{instance}",
                _ => continue,
            };
            if !text.contains(named) {
                let message = format!("without {named} it would delete more than was meant");
                return Err(document.problem(&place.key(key), message));
            }
        }
    }
    Ok(())
}

fn searchable(written: &Attributes) -> Searchable {
    match written {
        Attributes::All => Searchable::All,
        Attributes::Absent => Searchable::Absent,
        Attributes::These(list) => Searchable::These(list.iter().map(|attribute| attribute.0).collect()),
    }
}

fn worklist_keys(written: &Attributes<AttributePath>) -> WorklistKeys {
    match written {
        Attributes::All => WorklistKeys::All,
        Attributes::Absent => WorklistKeys::Absent,
        Attributes::These(list) => WorklistKeys::These(list.iter().map(|path| path.0.clone()).collect()),
    }
}

const fn person_names_of(written: config_file::PersonNames) -> PersonNames {
    match written {
        config_file::PersonNames::ByGroup => PersonNames::ByGroup,
        config_file::PersonNames::AsText => PersonNames::AsText,
        config_file::PersonNames::AsTextIgnoringCase => PersonNames::AsTextIgnoringCase,
    }
}

const fn values_of(written: config_file::Values) -> Values {
    match written {
        config_file::Values::PercentEncoded => Values::PercentEncoded,
        config_file::Values::Literal => Values::Literal,
    }
}

const fn include_field_of(written: config_file::IncludeField) -> IncludeField {
    match written {
        config_file::IncludeField::Each => IncludeField::Each,
        config_file::IncludeField::List => IncludeField::List,
        config_file::IncludeField::All => IncludeField::All,
        config_file::IncludeField::None => IncludeField::None,
    }
}
