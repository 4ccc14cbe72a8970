//! The whole program, from the socket of a modality to the archive.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]

mod admin_http;
mod association_rejected;
mod c_store_cut_in_data_set;
mod c_store_refused;
mod c_store_to_origin;
mod configuration_refused;
mod origin_answers;
mod pass_through;
mod presentation_contexts;
mod protocol_broken;
mod routes;
mod same_instance_twice;
mod shutdown_and_reload;
mod verification;
