//! C-MOVE and C-GET through the bridge as a whole.

mod archive;
mod at_postdicom;
mod broken_answers;
mod destination;
mod getting;
mod moving;
mod outlined;
mod recipients;
mod workstation;
