//! What a path is about: a study, a series of it, an instance of that.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, header, request::Parts, uri::Authority},
};
use instance::Uid;
use serde::Deserialize;

use crate::{
    azure::Version,
    index::Target,
    media::{Refused, refused},
    personality::Paths,
    server::State,
};

/// The UIDs in a path, and the base URL that the client used, for links in answers.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) study: Option<Uid>,
    pub(crate) series: Option<Uid>,
    pub(crate) instance: Option<Uid>,
    /// `http://host:port/dicom-web`.
    pub(crate) base: String,
    /// The version that the path names.
    pub(crate) version: Version,
}

/// Where a personality has its resources for one request, if that is not always the same.
#[derive(Debug, Clone)]
pub(crate) struct Mounted(pub(crate) String);

#[derive(Deserialize)]
struct Segments {
    study: Option<String>,
    series: Option<String>,
    instance: Option<String>,
}

impl Resource {
    /// The target of a path that names a study.
    pub(crate) fn target(&self) -> Result<Target, Refused> {
        let study = self.study.clone().ok_or_else(|| refused(StatusCode::NOT_FOUND, "no study named"))?;
        Ok(Target { study, series: self.series.clone(), instance: self.instance.clone() })
    }
}

impl FromRequestParts<Arc<State>> for Resource {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Refused> {
        let segments = Path::<Segments>::from_request_parts(parts, state).await;
        let Path(segments) = segments.map_err(|error| refused(StatusCode::BAD_REQUEST, error.body_text()))?;
        let uid = |text: Option<String>| {
            let uid = text.map(|text| text.parse::<Uid>()).transpose();
            uid.map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))
        };
        Ok(Self {
            study: uid(segments.study)?,
            series: uid(segments.series)?,
            instance: uid(segments.instance)?,
            base: base(parts, state.options.personality.rules().base_path),
            version: parts.extensions.get().copied().unwrap_or_default(),
        })
    }
}

/// The base URL as the client wrote it: HTTP/2 has the host in the URI, HTTP/1.1 in its field.
pub(crate) fn base(parts: &Parts, base_path: &str) -> String {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = parts.uri.authority().map(Authority::as_str).or(host).unwrap_or("localhost");
    let mounted = parts.extensions.get::<Mounted>();
    format!("http://{host}{}", mounted.map_or(base_path, |Mounted(path)| path))
}

/// The URL of an instance, or of what holds it.
pub(crate) fn url(
    base: &str,
    paths: Paths,
    study: &str,
    series: Option<&str>,
    instance: Option<&str>,
) -> String {
    match (paths, series, instance) {
        (Paths::Flat, _, Some(instance)) => return format!("{base}/studies/series/instances/{instance}"),
        (Paths::Flat, Some(series), None) => return format!("{base}/studies/series/{series}"),
        _ => {}
    }
    let mut url = format!("{base}/studies/{study}");
    for (name, uid) in [("series", series), ("instances", instance)] {
        if let Some(uid) = uid {
            url.push_str(&format!("/{name}/{uid}"));
        }
    }
    url
}
