//! C-FIND through the bridge as a whole.

mod answers;
mod broken_rows;
mod limits;
mod same_results;
mod scripted;
mod several_origins;
mod undelivered;
mod untold;
mod workstation;
