//! The worklist through the bridge as a whole: C-FIND over a real association, from every kind of source.

mod answers;
mod modality;
mod offline;
mod postdicom;
mod return_keys;
mod web;
