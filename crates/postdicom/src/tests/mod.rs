//! The client against servers that were told what to answer.

mod captures;
mod encrypted;
mod evidence;
mod exchange;
mod folder_path;
mod lists;
mod names;
mod once;
mod samples;
