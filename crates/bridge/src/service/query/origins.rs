//! The origins behind an AE title.

use std::sync::Arc;

use crate::{association::Context, snapshot::Origin};

/// The origins that a query or retrieve on this association asks, in the order in which results are
/// merged; none where the called AE title offers no Query/Retrieve.
pub(crate) fn origins(context: &Context) -> Vec<Arc<Origin>> {
    let snapshot = &context.snapshot;
    let Some(served) = snapshot.served(&context.called) else { return Vec::new() };
    let names = snapshot.config.query_origins(served);
    names.into_iter().filter_map(|name| snapshot.origins.get(name)).cloned().collect()
}
