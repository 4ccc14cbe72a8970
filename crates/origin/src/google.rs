//! A DICOM store of the Google Cloud Healthcare API, as far as its conformance statement goes.
//!
//! - Bearer tokens of a service account, by the JWT bearer grant or from the metadata server of a machine.
//! - Every transfer syntax is stored. The same instance again is stored again; another one of the same UID is a
//!   processing failure (0110H), with a private attribute that says that it already exists.
//! - Nine attributes are matched, each exactly, but for a range of Study Date and, with `fuzzymatching=true`,
//!   the beginnings of words of Patient's Name. `limit` is at most 5,000 studies or series, or 50,000
//!   instances, and `offset` at most 1,000,000.
//! - A retrieve without a transfer syntax means Explicit VR Little Endian. The real store transcodes; this one
//!   answers 406.
//! - No worklists.

mod options;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State as Shared},
    middleware::{self, Next},
    response::Response,
};

use crate::{
    routes::{archive, target::Mounted},
    server::State,
};

pub use options::Options;

/// The resources of the store.
pub(crate) fn router(state: &Arc<State>) -> Router<Arc<State>> {
    let path = state.options.google.base_path();
    let mounted = middleware::from_fn_with_state(Mounted(path.clone()), mount);
    Router::new().nest(&path, archive(state)).layer(mounted)
}

/// Says where the resources are.
async fn mount(Shared(mounted): Shared<Mounted>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(mounted);
    next.run(request).await
}
