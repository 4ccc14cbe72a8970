//! Deliveries: from the spool to origin servers.

pub mod back_off;
