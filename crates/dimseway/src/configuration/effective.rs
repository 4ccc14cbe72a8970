//! A profile in force, as the keys of the configuration file would say it.

use crate::config_file::{
    self, Attribute, AttributePath, Attributes, Capabilities, ChangeFeed, Level, Lookup, Parsed,
    PathsOverride, RetrieveOverride, SearchOverride, Size, StoreForm, StoreMethod, StoreResponse,
    TransferSyntaxes, WorklistOverride,
};
use dicomweb::{
    Profile,
    profile::{
        self, IncludeField, Paths, PersonNames, RetrieveCapabilities, SearchCapabilities, Searchable, Values,
        WorklistCapabilities, WorklistKeys,
    },
    url::PathTemplate,
};
use toml::{Table, Value};

/// All fields of a profile but its name, each as `key = value` below `capabilities`; what an answer without a
/// data set means is a key of the origin itself.
pub(crate) fn keys(profile: &Profile) -> Vec<(String, String)> {
    let (capabilities, store_response) = written(profile);
    let mut keys = Vec::new();
    // Text, numbers and lists of them are always TOML.
    if let Ok(table) = Table::try_from(&capabilities) {
        collect("", &table, &mut keys);
    }
    if let Ok(value) = Value::try_from(store_response) {
        keys.push(("store_response".to_owned(), value.to_string()));
    }
    keys
}

fn collect(prefix: &str, table: &Table, keys: &mut Vec<(String, String)>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => collect(&format!("{prefix}{key}."), inner, keys),
            value => keys.push((format!("{prefix}{key}"), value.to_string())),
        }
    }
}

/// What would have to be written for any profile to become this one.
pub(super) fn written(profile: &Profile) -> (Capabilities, StoreResponse) {
    let Profile {
        name: _,
        paths,
        store_form,
        store_method,
        put_replaces,
        store_boundary,
        unknown_length_accepted,
        request_bytes_max,
        request_instances_max,
        transfer_syntaxes,
        store_response,
        duplicate_failure_reasons,
        duplicate_remark,
        busy_failure_reasons,
        duplicate_statuses,
        duplicates_unreported,
        lookup,
        any_transfer_syntax,
        search,
        retrieve,
        worklist,
        delete,
        change_feed,
    } = profile;
    let boundary = store_boundary.as_ref().map(|boundary| boundary.as_str().to_owned());
    let capabilities = Capabilities {
        store_form: Some(form(*store_form)),
        store_method: Some(method(*store_method)),
        put_replaces: Some(*put_replaces),
        store_boundary: Some(boundary.unwrap_or_default()),
        unknown_length_accepted: Some(*unknown_length_accepted),
        request_bytes_max: Some(Size(request_bytes_max.unwrap_or(0))),
        request_instances_max: Some(number(*request_instances_max)),
        transfer_syntaxes: Some(syntaxes(transfer_syntaxes)),
        duplicate_failure_reasons: Some(duplicate_failure_reasons.clone()),
        duplicate_remark: Some(duplicate_remark.as_deref().unwrap_or_default().to_owned()),
        busy_failure_reasons: Some(busy_failure_reasons.clone()),
        duplicate_statuses: Some(duplicate_statuses.clone()),
        duplicates_unreported: Some(*duplicates_unreported),
        lookup: Some(look_up(*lookup)),
        any_transfer_syntax: Some(*any_transfer_syntax),
        delete: Some(delete.iter().copied().map(level).collect()),
        change_feed: Some(feed(*change_feed)),
        search: written_search(search),
        retrieve: written_retrieve(retrieve),
        worklist: written_worklist(worklist),
        paths: written_paths(paths),
    };
    (capabilities, response(*store_response))
}

fn written_search(capabilities: &SearchCapabilities) -> SearchOverride {
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
    SearchOverride {
        accept: Some(accept.to_string()),
        nothing_found_statuses: Some(nothing_found_statuses.clone()),
        key_required: Some(*key_required),
        keys_together: Some(*keys_together),
        limit: Some(*limit),
        limit_max: Some(limit_max.unwrap_or(0)),
        offset: Some(*offset),
        unannounced_cut: Some(unannounced_cut.unwrap_or(0)),
        wildcard: Some(*wildcard),
        uid_list: Some(*uid_list),
        uid_list_max: Some(number(*uid_list_max)),
        ranges: Some(attributes(ranges)),
        fuzzy: Some(attributes(fuzzy)),
        person_names: Some(person_names_of(*person_names)),
        numbers_as_text: Some(*numbers_as_text),
        values: Some(values_of(*values)),
        comma_separates: Some(*comma_separates),
        studies: Some(attributes(studies)),
        series: Some(attributes(series)),
        instances: Some(attributes(instances)),
        study_series: Some(attributes(study_series)),
        study_instances: Some(attributes(study_instances)),
        series_instances: Some(attributes(series_instances)),
        repeats_path_uid_as_key: Some(*repeats_path_uid_as_key),
        include_field: Some(include_field_of(*include_field)),
        erroneous_attributes: Some(erroneous_attributes.as_deref().unwrap_or_default().to_owned()),
    }
}

fn written_retrieve(capabilities: &RetrieveCapabilities) -> RetrieveOverride {
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
    RetrieveOverride {
        whole_study: Some(*whole_study),
        whole_series: Some(*whole_series),
        whole_preferred: Some(*whole_preferred),
        metadata: Some(*metadata),
        instance_metadata: Some(*instance_metadata),
        frames: Some(*frames),
        transcodes_to: Some(transcodes_to.iter().map(|syntax| Parsed(syntax.uid().clone())).collect()),
        several_transfer_syntaxes: Some(*several_transfer_syntaxes),
        single_part_instance: Some(*single_part_instance),
    }
}

fn written_worklist(capabilities: &WorklistCapabilities) -> WorklistOverride {
    let WorklistCapabilities { scheduled_steps, workitems } = capabilities;
    WorklistOverride {
        scheduled_steps: Some(attribute_paths(scheduled_steps)),
        workitems: Some(attribute_paths(workitems)),
    }
}

fn written_paths(paths: &Paths) -> PathsOverride {
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
    let path = |template: &PathTemplate| Some(template.as_str().to_owned());
    PathsOverride {
        store: path(store),
        search_instances: path(search_instances),
        instance_metadata: path(instance_metadata),
        instance: path(instance),
        studies: path(studies),
        series: path(series),
        instances: path(instances),
        study_series: path(study_series),
        study_instances: path(study_instances),
        series_instances: path(series_instances),
        retrieve_study: path(retrieve_study),
        retrieve_series: path(retrieve_series),
        study_metadata: path(study_metadata),
        series_metadata: path(series_metadata),
        delete_study: path(delete_study),
        delete_series: path(delete_series),
        delete_instance: path(delete_instance),
        change_feed: path(change_feed),
        change_feed_latest: path(change_feed_latest),
        scheduled_steps: path(scheduled_steps),
        workitems: path(workitems),
        workitem: path(workitem),
        probe: path(probe),
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn attributes(searchable: &Searchable) -> Attributes {
    match searchable {
        Searchable::All => Attributes::All,
        Searchable::Absent => Attributes::Absent,
        Searchable::These(tags) => Attributes::These(tags.iter().copied().map(Attribute).collect()),
    }
}

fn attribute_paths(keys: &WorklistKeys) -> Attributes<AttributePath> {
    match keys {
        WorklistKeys::All => Attributes::All,
        WorklistKeys::Absent => Attributes::Absent,
        WorklistKeys::These(paths) => Attributes::These(paths.iter().cloned().map(AttributePath).collect()),
    }
}

fn syntaxes(syntaxes: &profile::TransferSyntaxes) -> TransferSyntaxes {
    match syntaxes {
        profile::TransferSyntaxes::All => TransferSyntaxes::All,
        profile::TransferSyntaxes::ExplicitVr => TransferSyntaxes::ExplicitVr,
        profile::TransferSyntaxes::These(list) => {
            TransferSyntaxes::These(list.iter().map(|syntax| syntax.uid().clone()).collect())
        }
    }
}

const fn form(of: profile::StoreForm) -> StoreForm {
    match of {
        profile::StoreForm::Multipart => StoreForm::Multipart,
        profile::StoreForm::SinglePart => StoreForm::SinglePart,
    }
}

const fn method(of: profile::StoreMethod) -> StoreMethod {
    match of {
        profile::StoreMethod::Post => StoreMethod::Post,
        profile::StoreMethod::Put => StoreMethod::Put,
    }
}

const fn response(of: profile::StoreResponse) -> StoreResponse {
    match of {
        profile::StoreResponse::Verify => StoreResponse::Verify,
        profile::StoreResponse::StatusOnly => StoreResponse::StatusOnly,
        profile::StoreResponse::Hold => StoreResponse::Hold,
    }
}

const fn look_up(of: profile::Lookup) -> Lookup {
    match of {
        profile::Lookup::Search => Lookup::Search,
        profile::Lookup::Metadata => Lookup::Metadata,
        profile::Lookup::None => Lookup::None,
    }
}

const fn feed(of: profile::ChangeFeed) -> ChangeFeed {
    match of {
        profile::ChangeFeed::Absent => ChangeFeed::Absent,
        profile::ChangeFeed::BySequence => ChangeFeed::BySequence,
        profile::ChangeFeed::ByTime => ChangeFeed::ByTime,
    }
}

const fn level(of: dicomweb::Level) -> Level {
    match of {
        dicomweb::Level::Study => Level::Study,
        dicomweb::Level::Series => Level::Series,
        dicomweb::Level::Instance => Level::Instance,
    }
}

const fn person_names_of(of: PersonNames) -> config_file::PersonNames {
    match of {
        PersonNames::ByGroup => config_file::PersonNames::ByGroup,
        PersonNames::AsText => config_file::PersonNames::AsText,
        PersonNames::AsTextIgnoringCase => config_file::PersonNames::AsTextIgnoringCase,
    }
}

const fn values_of(of: Values) -> config_file::Values {
    match of {
        Values::PercentEncoded => config_file::Values::PercentEncoded,
        Values::Literal => config_file::Values::Literal,
    }
}

const fn include_field_of(of: IncludeField) -> config_file::IncludeField {
    match of {
        IncludeField::Each => config_file::IncludeField::Each,
        IncludeField::List => config_file::IncludeField::List,
        IncludeField::All => config_file::IncludeField::All,
        IncludeField::None => config_file::IncludeField::None,
    }
}
