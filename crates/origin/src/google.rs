//! A DICOM store of the Google Cloud Healthcare API, as far as its conformance statement goes.

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
