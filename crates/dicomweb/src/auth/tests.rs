//! Clients against token end points and origins that are played here.

mod end_points;
mod grants;
mod rotation;
