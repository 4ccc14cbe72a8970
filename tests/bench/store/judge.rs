//! The targets of the store path, and whether they are met.

use super::figures::Figures;
use crate::verdict::{OVERHEAD, Verdict};

/// How often faster an acknowledgement has to be than the delayed one of the peer.
const FASTER_THAN_DELAYED: f64 = 10.0;
/// Most resident memory with ordinary work and with one large object, in KiB.
const MEMORY_KIB: u64 = 64 * 1024;
/// Most resident memory with 64 associations that send at once, in KiB.
const MEMORY_ASSOCIATIONS_KIB: u64 = 128 * 1024;

/// The verdict on every target.
pub(crate) fn judge(figures: &Figures) -> Vec<Verdict> {
    let instances = f64::from(figures.extent.instances);
    let delayed = figures.peer_default.map(|peer| peer / FASTER_THAN_DELAYED);
    let unavoidable =
        figures.peer_ignoring.zip(&figures.sync, |peer, sync| OVERHEAD * (peer + instances * sync));
    let direct = figures.direct.map(|direct| OVERHEAD * direct);
    let mut verdicts = vec![
        Verdict::time("acknowledged, defaults: a tenth of storescp", &figures.own_default, &delayed),
        Verdict::ratio("  storescp / Dimseway, defaults", &figures.peer_default, &figures.own_default),
        Verdict::ratio("  storescp / Dimseway, TCP_NODELAY=1", &figures.peer_at_once, &figures.own_at_once),
        Verdict::time(
            "acknowledged, TCP_NODELAY=1: 1.5 (--ignore + syncs)",
            &figures.own_at_once,
            &unavoidable,
        ),
        Verdict::time(
            "delivered to Orthanc, one association: 1.5 direct STOW",
            &figures.own_one.delivered,
            &direct,
        ),
        Verdict::time(
            "delivered to Orthanc, 4 associations: 1.5 direct STOW",
            &figures.own_several.delivered,
            &direct,
        ),
        Verdict::memory("VmHWM, runs above".to_owned(), figures.memory_rounds_kib, MEMORY_KIB),
    ];
    verdicts.extend(figures.large_objects.iter().map(|object| {
        let name =
            format!("VmHWM, one object of {} MiB, {}", figures.extent.large_object >> 20, object.called);
        Verdict::memory(name, object.memory_kib, MEMORY_KIB)
    }));
    verdicts.push(Verdict::memory(
        format!("VmHWM, {} associations at once", figures.extent.associations),
        figures.memory_associations_kib,
        MEMORY_ASSOCIATIONS_KIB,
    ));
    verdicts
}
