//! Retrieve transaction, WADO-RS, of whole instances (PS3.18 §10.4).

use std::{collections::VecDeque, io, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::State as Shared,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use dicomweb::multipart::{Boundary, Part, Writer, part_headers};
use futures::{Stream, StreamExt as _, stream};
use instance::transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN;
use tokio_util::io::ReaderStream;

use super::{InWork, target::Resource};
use crate::{
    Error,
    index::{Entry, Target},
    media::{Refused, accepted, covers, not_acceptable, not_found},
    personality::{OtherSyntax, Rules},
    server::State,
};

/// Bytes read from a file at a time.
const CHUNK: usize = 128 * 1024;

/// The forms in which an instance leaves.
enum Form {
    Multipart,
    Single,
}

/// What the client takes.
pub(crate) struct Wanted {
    form: Form,
    /// The only transfer syntax that it takes; none where any will do.
    transfer_syntax: Option<String>,
}

/// Gives the files of a study, series or instance, as they were received. Nothing is transcoded: a
/// client that names no transfer syntax gets the stored one, a client that names another one than
/// the stored one does not get that instance.
pub(super) async fn retrieve(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let target = resource.target()?;
    let rules = state.options.personality.rules();
    let wanted = Wanted::read(&headers, target.instance.is_some(), &rules).ok_or_else(not_acceptable)?;
    give(state, target, wanted, in_work).await
}

/// Gives the files of a target that the client takes.
pub(crate) async fn give(
    state: Arc<State>,
    target: Target,
    wanted: Wanted,
    in_work: InWork,
) -> Result<Response, Refused> {
    let other_syntax = state.options.personality.rules().other_syntax;
    let first = entries(&state, &target, 0).await?;
    if first.is_empty() {
        return Err(not_found());
    }
    if !first.iter().any(|(_, entry)| wanted.takes(entry)) {
        return Err(not_acceptable());
    }
    if let (OtherSyntax::Refused, Some(uid)) = (other_syntax, &wanted.transfer_syntax)
        && state.storage.has_other_than(target.clone(), uid.clone()).await?
    {
        return Err(not_acceptable());
    }
    match (wanted.form, first.front()) {
        (Form::Single, Some((_, entry))) => {
            let data = data(&state, entry).await?;
            let body = Body::from_stream(held(data, in_work));
            let headers =
                [(header::CONTENT_TYPE, content_type(entry)), (header::CONTENT_LENGTH, entry.length.into())];
            Ok((headers, body).into_response())
        }
        _ => {
            let writer = Writer::new(Boundary::random());
            let content_type = writer.content_type("application/dicom");
            let parts = parts(state, target, first, wanted.transfer_syntax);
            let body = Body::from_stream(held(writer.write(parts), in_work));
            Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
        }
    }
}

impl Wanted {
    /// Everything in multipart, as it is stored, whatever the client says that it takes.
    pub(crate) const fn whole_files() -> Self {
        Self { form: Form::Multipart, transfer_syntax: None }
    }

    /// What the Accept fields take, the first that fits.
    fn read(headers: &HeaderMap, one_instance: bool, rules: &Rules) -> Option<Self> {
        let accepted = accepted(headers);
        if accepted.is_empty() {
            return Some(Self { form: Form::Multipart, transfer_syntax: None });
        }
        accepted.iter().find_map(|one| {
            let form = if covers(one, "multipart", "related") {
                let part = one.parameter("type").unwrap_or("application/dicom");
                ["application/dicom", "application/*", "*/*"].contains(&part).then_some(Form::Multipart)
            } else {
                (one_instance && covers(one, "application", "dicom")).then_some(Form::Single)
            };
            let unnamed = match rules.other_syntax {
                // Who takes anything takes any transfer syntax too.
                OtherSyntax::Refused if !one.is("*", "*") => EXPLICIT_VR_LITTLE_ENDIAN,
                _ => "*",
            };
            let transfer_syntax = one.parameter("transfer-syntax").unwrap_or(unnamed);
            let transfer_syntax = Some(transfer_syntax.to_owned()).filter(|uid| uid != "*");
            let named = transfer_syntax.as_deref();
            let is_offered = |offered: &[&str]| named.is_none_or(|uid| offered.contains(&uid));
            let form = form.filter(|_| rules.offered_syntaxes.is_none_or(is_offered));
            form.map(|form| Self { form, transfer_syntax })
        })
    }

    fn takes(&self, entry: &Entry) -> bool {
        self.transfer_syntax.as_ref().is_none_or(|uid| uid == entry.transfer_syntax.uid().as_str())
    }
}

/// A page of the entries of a target.
pub(crate) async fn entries(
    state: &State,
    target: &Target,
    after: i64,
) -> Result<VecDeque<(i64, Entry)>, Error> {
    Ok(state.storage.entries(target.clone(), after).await?.into())
}

/// The entries of a target one by one, a page of them in memory at a time; `page` is the first one.
pub(super) fn entry_stream(
    state: Arc<State>,
    target: Target,
    page: VecDeque<(i64, Entry)>,
) -> impl Stream<Item = Result<Entry, Error>> + Send {
    stream::try_unfold((page, 0), move |(mut page, mut after)| {
        let (state, target) = (Arc::clone(&state), target.clone());
        async move {
            if page.is_empty() {
                page = entries(&state, &target, after).await?;
            }
            let Some((row, entry)) = page.pop_front() else { return Ok(None) };
            after = row;
            Ok(Some((entry, (page, after))))
        }
    })
}

fn parts(
    state: Arc<State>,
    target: Target,
    first: VecDeque<(i64, Entry)>,
    transfer_syntax: Option<String>,
) -> impl Stream<Item = io::Result<Part<ReaderStream<tokio::fs::File>>>> + Send {
    let wanted = Arc::new(Wanted { form: Form::Multipart, transfer_syntax });
    entry_stream(Arc::clone(&state), target, first).filter_map(move |entry| {
        let (state, wanted) = (Arc::clone(&state), Arc::clone(&wanted));
        async move {
            match entry {
                Ok(entry) if !wanted.takes(&entry) => None,
                Ok(entry) => {
                    let headers = part_headers(content_type(&entry));
                    let data = data(&state, &entry).await.map_err(io::Error::other);
                    Some(data.map(|data| Part { headers, data }))
                }
                Err(error) => Some(Err(io::Error::other(error))),
            }
        }
    })
}

/// The bytes of a stored file.
async fn data(state: &State, entry: &Entry) -> Result<ReaderStream<tokio::fs::File>, Error> {
    let entry = entry.clone();
    let file = state.storage.blocking(move |storage| storage.open_file(&entry)).await?;
    Ok(ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK))
}

fn content_type(entry: &Entry) -> HeaderValue {
    let text = format!("application/dicom; transfer-syntax={}", entry.transfer_syntax.uid());
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("application/dicom"))
}

/// Counts the request as in work until its body has gone or was dropped.
pub(super) fn held<S: Stream>(body: S, in_work: InWork) -> impl Stream<Item = S::Item> {
    body.inspect(move |_| {
        let _held = &in_work;
    })
}
