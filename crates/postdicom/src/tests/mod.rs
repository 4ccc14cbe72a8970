//! The client against servers that were told what to answer.

mod captures;
mod evidence;
mod exchange;
mod lists;
mod names;
mod once;
mod samples;
