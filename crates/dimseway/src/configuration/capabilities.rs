//! What a server can search and give back, where it differs from its profile.

use super::origin::set;
use crate::config_file::{self, Attributes, RetrieveOverride, SearchOverride};
use dicomweb::Level;
use dicomweb::profile::{
    IncludeField, PersonNames, RetrieveCapabilities, SearchCapabilities, Searchable, Values,
};
use instance::TransferSyntax;
use std::borrow::Cow;

/// Puts what the file says in the place of what the profile says.
pub(super) fn override_search(capabilities: &mut SearchCapabilities, written: &SearchOverride) {
    // A maximum of zero results would be no search, so zero says that there is no maximum.
    let unless_zero = |number: Option<u32>| number.map(|number| (number > 0).then_some(number));
    set(&mut capabilities.accept, written.accept.clone().map(Cow::Owned));
    set(&mut capabilities.nothing_found_statuses, written.nothing_found_statuses.clone());
    set(&mut capabilities.key_required, written.key_required);
    set(&mut capabilities.keys_together, written.keys_together);
    set(&mut capabilities.limit, written.limit);
    set(&mut capabilities.limit_max, unless_zero(written.limit_max));
    set(&mut capabilities.offset, written.offset);
    set(&mut capabilities.unannounced_cut, unless_zero(written.unannounced_cut));
    set(&mut capabilities.wildcard, written.wildcard);
    set(&mut capabilities.uid_list, written.uid_list);
    set(&mut capabilities.uid_list_max, written.uid_list_max.map(super::count));
    set(&mut capabilities.fuzzy, written.fuzzy);
    set(&mut capabilities.person_names, written.person_names.map(person_names));
    set(&mut capabilities.numbers_as_text, written.numbers_as_text);
    set(&mut capabilities.values, written.values.map(values));
    set(&mut capabilities.comma_separates, written.comma_separates);
    let attributes = [
        (&mut capabilities.ranges, &written.ranges),
        (&mut capabilities.studies, &written.studies),
        (&mut capabilities.series, &written.series),
        (&mut capabilities.instances, &written.instances),
        (&mut capabilities.study_series, &written.study_series),
        (&mut capabilities.study_instances, &written.study_instances),
        (&mut capabilities.series_instances, &written.series_instances),
    ];
    for (field, written) in attributes {
        set(field, written.as_ref().map(searchable));
    }
    set(&mut capabilities.repeats_path_uid_as_key, written.repeats_path_uid_as_key);
    set(&mut capabilities.include_field, written.include_field.map(include_field));
    let erroneous = written.erroneous_attributes.clone();
    set(
        &mut capabilities.erroneous_attributes,
        erroneous.map(|name| (!name.is_empty()).then_some(Cow::Owned(name))),
    );
}

/// Puts what the file says in the place of what the profile says.
pub(super) fn override_retrieve(capabilities: &mut RetrieveCapabilities, written: &RetrieveOverride) {
    let syntaxes = written.transcodes_to.as_ref();
    let syntaxes = syntaxes.map(|list| list.iter().map(|uid| TransferSyntax::new(uid.0.clone())).collect());
    set(&mut capabilities.whole_study, written.whole_study);
    set(&mut capabilities.whole_series, written.whole_series);
    set(&mut capabilities.whole_preferred, written.whole_preferred);
    set(&mut capabilities.metadata, written.metadata);
    set(&mut capabilities.instance_metadata, written.instance_metadata);
    set(&mut capabilities.transcodes_to, syntaxes);
    set(&mut capabilities.several_transfer_syntaxes, written.several_transfer_syntaxes);
    set(&mut capabilities.single_part_instance, written.single_part_instance);
}

fn searchable(written: &Attributes) -> Searchable {
    match written {
        Attributes::All => Searchable::All,
        Attributes::Absent => Searchable::Absent,
        Attributes::These(list) => Searchable::These(list.iter().map(|attribute| attribute.0).collect()),
    }
}

const fn person_names(written: config_file::PersonNames) -> PersonNames {
    match written {
        config_file::PersonNames::ByGroup => PersonNames::ByGroup,
        config_file::PersonNames::AsText => PersonNames::AsText,
        config_file::PersonNames::AsTextIgnoringCase => PersonNames::AsTextIgnoringCase,
    }
}

const fn values(written: config_file::Values) -> Values {
    match written {
        config_file::Values::PercentEncoded => Values::PercentEncoded,
        config_file::Values::Literal => Values::Literal,
    }
}

const fn include_field(written: config_file::IncludeField) -> IncludeField {
    match written {
        config_file::IncludeField::Each => IncludeField::Each,
        config_file::IncludeField::List => IncludeField::List,
        config_file::IncludeField::All => IncludeField::All,
        config_file::IncludeField::None => IncludeField::None,
    }
}

pub(super) const fn level(written: config_file::Level) -> Level {
    match written {
        config_file::Level::Study => Level::Study,
        config_file::Level::Series => Level::Series,
        config_file::Level::Instance => Level::Instance,
    }
}
