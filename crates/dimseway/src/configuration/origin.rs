//! Origins of the configuration: where they are, what they can do, who we are there.

use super::{capabilities, rate_limit, secret};
use crate::config_file::{
    self, Auth, AuthType, Capabilities, Document, Duplicate, File, HeaderValue, KeyPath, Lookup, Origin,
    Problem, StoreForm, StoreResponse,
};
use bridge::config::Origin as BridgeOrigin;
use dicomweb::{
    ClientConfig, Credentials, Pace, Profile, Proxy, Timeouts, Tls,
    multipart::Boundary,
    profile::{Paths, TransferSyntaxes},
    url::{InvalidBaseUrl, InvalidPathTemplate},
};
use http::{HeaderName, header::AUTHORIZATION};
use instance::TransferSyntax;
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, path::PathBuf};

/// All origins. `files` gets the files whose change asks for a reload.
///
/// # Errors
/// The first problem.
pub(super) fn all(
    file: &File,
    document: &Document,
    files: &mut Vec<PathBuf>,
) -> Result<Vec<BridgeOrigin>, Problem> {
    let mut origins = Vec::with_capacity(file.origin.len());
    for (name, origin) in &file.origin {
        let mut reading =
            Reading { origin, path: KeyPath::from("origin").key(name.as_str()), document, files };
        let client = reading.client()?;
        let postdicom = reading.postdicom(&client)?;
        origins.push(BridgeOrigin {
            name: name.clone(),
            client,
            duplicate: match origin.duplicate {
                Duplicate::Verify => bridge::config::Duplicate::Verify,
                Duplicate::Success => bridge::config::Duplicate::Success,
                Duplicate::Reject => bridge::config::Duplicate::Reject,
                Duplicate::Overwrite => bridge::config::Duplicate::Overwrite,
            },
            workers: origin.workers.map(super::count),
            postdicom,
        });
    }
    Ok(origins)
}

/// One origin while it is read.
pub(super) struct Reading<'a> {
    pub(super) origin: &'a Origin,
    pub(super) path: KeyPath,
    pub(super) document: &'a Document,
    files: &'a mut Vec<PathBuf>,
}

impl Reading<'_> {
    fn client(&mut self) -> Result<ClientConfig, Problem> {
        let origin = self.origin;
        // The text is not repeated: it may hold a password, and problems are logged.
        let base_url = origin.url.parse().map_err(|error| {
            let message = match error {
                InvalidBaseUrl::Credentials => format!("{error}; write them under `auth` of this origin"),
                other => other.to_string(),
            };
            self.problem("url", message)
        })?;
        let mut profile = Profile::built_in(&origin.profile).ok_or_else(|| {
            let known = Profile::BUILT_IN.join(", ");
            let message = format!("this version has no profile `{}`; there are {known}", origin.profile);
            self.problem("profile", message)
        })?;
        override_profile(&mut profile, &origin.capabilities);
        if let Some(boundary) = &origin.capabilities.store_boundary {
            profile.store_boundary = self.boundary(boundary)?;
        }
        self.override_paths(&mut profile.paths)?;
        if let Some(meaning) = origin.store_response {
            profile.store_response = match meaning {
                StoreResponse::Verify => dicomweb::profile::StoreResponse::Verify,
                StoreResponse::StatusOnly => dicomweb::profile::StoreResponse::StatusOnly,
                StoreResponse::Hold => dicomweb::profile::StoreResponse::Hold,
            };
        }
        let mut headers = self.headers()?;
        let credentials = self.credentials(&mut headers)?;
        let tls = self.tls()?;
        let timeouts = Timeouts {
            connect: origin.connect_timeout.0,
            send_idle: origin.send_timeout.0,
            answer: origin.answer_timeout.0,
            read_idle: origin.read_timeout.0,
            unavailable: origin.unavailable_timeout.0,
            ..Timeouts::default()
        };
        let limit = rate_limit::rate_limit(&origin.rate_limit, &self.path.key("rate_limit"), self.document)?;
        let pace = Pace::new(limit);
        let proxy = Proxy::Environment;
        Ok(ClientConfig { base_url, profile, credentials, tls, headers, proxy, timeouts, pace })
    }

    /// The boundary of store requests; none where nothing is written.
    fn boundary(&self, written: &str) -> Result<Option<Boundary>, Problem> {
        let path = self.path.key("capabilities").key("store_boundary");
        let boundary = Some(written).filter(|written| !written.is_empty()).map(Boundary::new);
        boundary.transpose().map_err(|error| self.document.problem(&path, error.to_string()))
    }

    fn credentials(
        &mut self,
        headers: &mut Vec<(HeaderName, http::HeaderValue)>,
    ) -> Result<Credentials, Problem> {
        let auth = &self.origin.auth;
        self.refuse_unused(auth)?;
        match auth.r#type {
            AuthType::None => Ok(Credentials::None),
            AuthType::Basic => {
                let Some(username) = auth.username.clone() else {
                    return Err(self.problem("auth", "`basic` needs `username`"));
                };
                let password =
                    self.secret("password", auth.password_file.as_deref(), auth.password_env.as_deref())?;
                Ok(Credentials::Basic { username, password })
            }
            AuthType::Bearer => match (&auth.token_file, &auth.token_env) {
                (Some(file), None) => {
                    let key = self.path.key("auth").key("token_file");
                    // Read once now, so that an empty file is found before a port opens; the client
                    // reads it again when it changes, so it is not watched here.
                    secret::from_file(file, &key, self.document, &mut Vec::new())?;
                    Ok(Credentials::BearerFile(self.document.directory().join(file)))
                }
                (file, variable) => {
                    let token = self.secret("token", file.as_deref(), variable.as_deref())?;
                    let value = SecretString::from(format!("Bearer {}", token.expose_secret()));
                    let value = self.header_value(&self.path.key("auth").key("token_env"), &value)?;
                    headers.push((AUTHORIZATION, value));
                    Ok(Credentials::None)
                }
            },
        }
    }

    /// The secret `{name}_file` or `{name}_env`.
    fn secret(
        &mut self,
        name: &str,
        file: Option<&str>,
        variable: Option<&str>,
    ) -> Result<SecretString, Problem> {
        let path = self.path.key("auth");
        match (file, variable) {
            (Some(file), None) => {
                secret::from_file(file, &path.key(format!("{name}_file")), self.document, self.files)
            }
            (None, Some(variable)) => {
                secret::from_environment(variable, &path.key(format!("{name}_env")), self.document)
            }
            (None, None) => Err(self.problem("auth", format!("`{name}_file` or `{name}_env` is needed"))),
            (Some(_), Some(_)) => {
                Err(self.problem("auth", format!("`{name}_file` and `{name}_env` exclude each other")))
            }
        }
    }

    /// A key that the type of authentication does not use is a mistake.
    fn refuse_unused(&self, auth: &Auth) -> Result<(), Problem> {
        let basic = [
            ("username", &auth.username),
            ("password_file", &auth.password_file),
            ("password_env", &auth.password_env),
        ];
        let bearer = [("token_file", &auth.token_file), ("token_env", &auth.token_env)];
        let (unused, word): (Vec<_>, _) = match auth.r#type {
            AuthType::None => (basic.into_iter().chain(bearer).collect(), "none"),
            AuthType::Basic => (bearer.to_vec(), "basic"),
            AuthType::Bearer => (basic.to_vec(), "bearer"),
        };
        match unused.into_iter().find(|(_, value)| value.is_some()) {
            Some((key, _)) => {
                let path = self.path.key("auth").key(key);
                Err(self.document.problem(&path, format!("has no meaning with type = \"{word}\"")))
            }
            None => Ok(()),
        }
    }

    fn headers(&mut self) -> Result<Vec<(HeaderName, http::HeaderValue)>, Problem> {
        let path = self.path.key("headers");
        self.header_fields(&path, &self.origin.headers)
    }

    /// Header fields as they are sent; `path` is where they are written.
    pub(super) fn header_fields(
        &mut self,
        path: &KeyPath,
        written: &BTreeMap<String, HeaderValue>,
    ) -> Result<Vec<(HeaderName, http::HeaderValue)>, Problem> {
        let mut headers = Vec::with_capacity(written.len());
        for (name, value) in written {
            let path = path.key(name.as_str());
            let header = HeaderName::try_from(name.as_str())
                .map_err(|_| self.document.problem(&path, "not the name of an HTTP header"))?;
            let value = match value {
                HeaderValue::Plain(value) => SecretString::from(value.as_str()),
                HeaderValue::File(file) => secret::from_file(file, &path, self.document, self.files)?,
                HeaderValue::Environment(variable) => {
                    secret::from_environment(variable, &path, self.document)?
                }
            };
            headers.push((header, self.header_value(&path, &value)?));
        }
        Ok(headers)
    }

    fn header_value(&self, path: &KeyPath, value: &SecretString) -> Result<http::HeaderValue, Problem> {
        let mut value = http::HeaderValue::try_from(value.expose_secret())
            .map_err(|_| self.document.problem(path, "holds characters that an HTTP header cannot carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn tls(&mut self) -> Result<Tls, Problem> {
        let origin = self.origin;
        let mut file = |key: &str, name: &Option<String>| {
            let path = self.path.key("tls").key(key);
            name.as_deref().map(|name| secret::readable(name, &path, self.document, self.files)).transpose()
        };
        let tls = Tls {
            ca_file: file("ca", &origin.tls.ca)?,
            certificate_file: file("certificate", &origin.tls.certificate)?,
            key_file: file("key", &origin.tls.key)?,
        };
        if tls.certificate_file.is_some() != tls.key_file.is_some() {
            return Err(self.problem("tls", "`certificate` and `key` are needed together"));
        }
        Ok(tls)
    }

    fn override_paths(&self, paths: &mut Paths) -> Result<(), Problem> {
        let written = &self.origin.capabilities.paths;
        let pairs = [
            ("store", &written.store, &mut paths.store),
            ("search_instances", &written.search_instances, &mut paths.search_instances),
            ("instance_metadata", &written.instance_metadata, &mut paths.instance_metadata),
            ("instance", &written.instance, &mut paths.instance),
            ("studies", &written.studies, &mut paths.studies),
            ("series", &written.series, &mut paths.series),
            ("instances", &written.instances, &mut paths.instances),
            ("study_series", &written.study_series, &mut paths.study_series),
            ("study_instances", &written.study_instances, &mut paths.study_instances),
            ("series_instances", &written.series_instances, &mut paths.series_instances),
            ("retrieve_study", &written.retrieve_study, &mut paths.retrieve_study),
            ("retrieve_series", &written.retrieve_series, &mut paths.retrieve_series),
            ("study_metadata", &written.study_metadata, &mut paths.study_metadata),
            ("series_metadata", &written.series_metadata, &mut paths.series_metadata),
            ("probe", &written.probe, &mut paths.probe),
        ];
        for (key, written, path) in pairs {
            if let Some(text) = written {
                let place = self.path.key("capabilities").key("paths").key(key);
                // A query may hold an API key, so the text is not repeated.
                *path = text
                    .parse()
                    .map_err(|error: InvalidPathTemplate| self.document.problem(&place, error.to_string()))?;
            }
        }
        Ok(())
    }

    pub(super) fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.document.problem(&self.path.key(key), message)
    }
}

/// Puts what the file says of the server in the place of what its profile says.
fn override_profile(profile: &mut Profile, written: &Capabilities) {
    let form = written.store_form.map(|form| match form {
        StoreForm::Multipart => dicomweb::profile::StoreForm::Multipart,
        StoreForm::SinglePart => dicomweb::profile::StoreForm::SinglePart,
    });
    let lookup = written.lookup.map(|lookup| match lookup {
        Lookup::Search => dicomweb::profile::Lookup::Search,
        Lookup::Metadata => dicomweb::profile::Lookup::Metadata,
        Lookup::None => dicomweb::profile::Lookup::None,
    });
    let syntaxes = written.transfer_syntaxes.as_ref();
    let syntaxes = syntaxes.map(|list| list.iter().map(|uid| TransferSyntax::new(uid.0.clone())).collect());
    set(&mut profile.store_form, form);
    set(&mut profile.unknown_length_accepted, written.unknown_length_accepted);
    set(&mut profile.request_bytes_max, written.request_bytes_max.map(|size| Some(size.0)));
    set(&mut profile.request_instances_max, written.request_instances_max.map(super::count));
    set(&mut profile.transfer_syntaxes, syntaxes.map(TransferSyntaxes::These));
    set(&mut profile.duplicate_failure_reasons, written.duplicate_failure_reasons.clone());
    set(&mut profile.duplicate_statuses, written.duplicate_statuses.clone());
    set(&mut profile.duplicates_unreported, written.duplicates_unreported);
    set(&mut profile.lookup, lookup);
    set(&mut profile.any_transfer_syntax, written.any_transfer_syntax);
    let levels = |levels: &Vec<config_file::Level>| levels.iter().copied().map(capabilities::level).collect();
    set(&mut profile.delete, written.delete.as_ref().map(levels));
    capabilities::override_search(&mut profile.search, &written.search);
    capabilities::override_retrieve(&mut profile.retrieve, &written.retrieve);
}

/// Overwrites a field where something was written.
pub(super) fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
