//! The whole program, from the socket of a modality to the archive.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]

mod admin_http;
mod association_rejected;
mod asynchronous_operations;
mod c_find_canceled;
mod c_find_origin_answers;
mod c_find_peers;
mod c_find_refused;
mod c_find_undelivered;
mod c_move_destination_fails;
mod c_move_origin_fails;
mod c_move_refused;
mod c_move_to_destination;
mod c_store_cut_in_data_set;
mod c_store_refused;
mod c_store_to_origin;
mod check;
mod configuration_refused;
mod credentials;
mod demonstration;
mod encrypted_origin;
mod failures_are_told;
mod nothing_about_a_patient;
mod origin_answers;
mod pass_through;
mod presentation_contexts;
mod protocol_broken;
mod queue_says_why;
mod retrieve_site;
mod routes;
mod same_instance_twice;
mod several_destinations;
mod shutdown_and_reload;
mod silent_duplicates;
mod start_refused;
mod verification;
