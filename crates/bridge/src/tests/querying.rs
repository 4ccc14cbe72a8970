//! C-FIND through the bridge as a whole.

mod answers;
mod at_postdicom;
mod broken_rows;
mod by_orders;
mod limits;
mod same_results;
mod scripted;
mod several_origins;
mod undelivered;
mod untold;
mod workstation;
