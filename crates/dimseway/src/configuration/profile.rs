//! What an origin server can do: its profile, and where the file says that it differs.
//!
//! A field of a profile that has no key here does not compile, and neither does a key without a field.

use super::{capabilities, origin::Reading};
use crate::config_file::{
    Azure, AzureVersion, Capabilities, ChangeFeed, Level, Lookup, Problem, StoreForm, StoreMethod,
    StoreResponse, TransferSyntaxes,
};
use dicomweb::{BaseUrl, Profile, multipart::Boundary, profile};
use instance::TransferSyntax;
use std::borrow::Cow;

/// Name of the profile that has versions and partitions.
const AZURE: &str = "azure";

impl Reading<'_> {
    /// The profile in force, and the base URL that goes with it.
    ///
    /// # Errors
    /// The first problem; also keys of one service with the profile of another, where they would mean nothing.
    pub(super) fn profile(&self, base_url: BaseUrl) -> Result<(BaseUrl, Profile), Problem> {
        let origin = self.origin;
        let (base_url, mut profile) = match origin.profile.as_str() {
            AZURE => self.azure(base_url)?,
            name => {
                if self.document.holds(&self.path.key(AZURE)) {
                    let message = format!("has no meaning with profile `{name}`, only with `{AZURE}`");
                    return Err(self.problem(AZURE, message));
                }
                let known = Profile::BUILT_IN.join(", ");
                let message = format!("this version has no profile `{name}`; there are {known}");
                (base_url, Profile::built_in(name).ok_or_else(|| self.problem("profile", message))?)
            }
        };
        self.override_profile(&mut profile)?;
        Ok((base_url, profile))
    }

    /// The version that the URL or the key names, 2 where neither does, and its profile.
    fn azure(&self, base_url: BaseUrl) -> Result<(BaseUrl, Profile), Problem> {
        let Azure { version, partition } = &self.origin.azure;
        let problem =
            |key: &str, message: String| self.document.problem(&self.path.key(AZURE).key(key), message);
        let wanted = version.map(|version| match version {
            AzureVersion::V1 => profile::AzureVersion::V1,
            AzureVersion::V2 => profile::AzureVersion::V2,
        });
        let of_url = profile::AzureVersion::of_url(&base_url);
        let base_url = match (of_url, wanted) {
            (Some(of_url), Some(wanted)) if of_url != wanted => {
                let message = format!("is not the version that `url` ends in, {}", of_url.as_segment());
                return Err(problem("version", message));
            }
            (None, Some(wanted)) => base_url.below(wanted.as_segment()),
            _ => base_url,
        };
        let mut profile = Profile::azure_in(of_url.or(wanted).unwrap_or(profile::AzureVersion::V2));
        if let Some(name) = partition {
            profile
                .paths
                .enter_partition(name)
                .map_err(|error| problem("partition", format!("`{name}`: {error}")))?;
        }
        Ok((base_url, profile))
    }

    /// Puts what the file says of the server in the place of what its profile says.
    fn override_profile(&self, profile: &mut Profile) -> Result<(), Problem> {
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
        let written: &Capabilities = &self.origin.capabilities;
        set(store_form, written.store_form.map(form));
        set(store_method, written.store_method.map(method));
        set(put_replaces, written.put_replaces);
        set(store_boundary, written.store_boundary.as_deref().map(|text| self.boundary(text)).transpose()?);
        set(unknown_length_accepted, written.unknown_length_accepted);
        set(request_bytes_max, written.request_bytes_max.map(|size| (size.0 > 0).then_some(size.0)));
        set(request_instances_max, written.request_instances_max.map(super::count));
        set(transfer_syntaxes, written.transfer_syntaxes.as_ref().map(syntaxes));
        set(store_response, self.origin.store_response.map(response));
        set(duplicate_failure_reasons, written.duplicate_failure_reasons.clone());
        set(duplicate_remark, written.duplicate_remark.clone().map(unless_empty));
        set(busy_failure_reasons, written.busy_failure_reasons.clone());
        set(duplicate_statuses, written.duplicate_statuses.clone());
        set(duplicates_unreported, written.duplicates_unreported);
        set(lookup, written.lookup.map(look_up));
        set(any_transfer_syntax, written.any_transfer_syntax);
        set(delete, written.delete.as_ref().map(|levels| levels.iter().copied().map(level).collect()));
        set(change_feed, written.change_feed.map(feed));
        capabilities::override_search(search, &written.search);
        capabilities::override_retrieve(retrieve, &written.retrieve);
        capabilities::override_worklist(worklist, &written.worklist);
        let place = self.path.key("capabilities").key("paths");
        capabilities::override_paths(paths, &written.paths, &place, self.document)
    }

    /// The boundary of store requests; none where nothing is written.
    fn boundary(&self, written: &str) -> Result<Option<Boundary>, Problem> {
        let path = self.path.key("capabilities").key("store_boundary");
        let boundary = Some(written).filter(|written| !written.is_empty()).map(Boundary::new);
        boundary.transpose().map_err(|error| self.document.problem(&path, error.to_string()))
    }
}

/// Overwrites a field where something was written.
pub(super) fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Text that says that there is none by being empty.
pub(super) fn unless_empty(text: String) -> Option<Cow<'static, str>> {
    (!text.is_empty()).then_some(Cow::Owned(text))
}

const fn form(written: StoreForm) -> profile::StoreForm {
    match written {
        StoreForm::Multipart => profile::StoreForm::Multipart,
        StoreForm::SinglePart => profile::StoreForm::SinglePart,
    }
}

const fn method(written: StoreMethod) -> profile::StoreMethod {
    match written {
        StoreMethod::Post => profile::StoreMethod::Post,
        StoreMethod::Put => profile::StoreMethod::Put,
    }
}

const fn response(written: StoreResponse) -> profile::StoreResponse {
    match written {
        StoreResponse::Verify => profile::StoreResponse::Verify,
        StoreResponse::StatusOnly => profile::StoreResponse::StatusOnly,
        StoreResponse::Hold => profile::StoreResponse::Hold,
    }
}

const fn look_up(written: Lookup) -> profile::Lookup {
    match written {
        Lookup::Search => profile::Lookup::Search,
        Lookup::Metadata => profile::Lookup::Metadata,
        Lookup::None => profile::Lookup::None,
    }
}

const fn feed(written: ChangeFeed) -> profile::ChangeFeed {
    match written {
        ChangeFeed::Absent => profile::ChangeFeed::Absent,
        ChangeFeed::BySequence => profile::ChangeFeed::BySequence,
        ChangeFeed::ByTime => profile::ChangeFeed::ByTime,
    }
}

const fn level(written: Level) -> dicomweb::Level {
    match written {
        Level::Study => dicomweb::Level::Study,
        Level::Series => dicomweb::Level::Series,
        Level::Instance => dicomweb::Level::Instance,
    }
}

fn syntaxes(written: &TransferSyntaxes) -> profile::TransferSyntaxes {
    match written {
        TransferSyntaxes::All => profile::TransferSyntaxes::All,
        TransferSyntaxes::ExplicitVr => profile::TransferSyntaxes::ExplicitVr,
        TransferSyntaxes::These(uids) => {
            profile::TransferSyntaxes::These(uids.iter().cloned().map(TransferSyntax::new).collect())
        }
    }
}
