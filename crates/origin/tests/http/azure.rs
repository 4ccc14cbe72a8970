//! The DICOM service of Azure. Names and expectations of the scenarios follow those of the public tests of the
//! open source server.

mod change_feed;
mod delete;
mod faults;
mod instances;
mod metadata;
mod partitions;
mod retrieve;
mod search;
mod store;
mod tokens;
mod tutorial;
mod workitems;

use origin::{Options, Personality};

use crate::served::{Served, serve_with};

/// The service without tokens, which have tests of their own.
async fn azure() -> Served {
    azure_with(|_| {}).await
}

async fn azure_with(change: impl FnOnce(&mut Options)) -> Served {
    serve_with(|options| {
        options.personality = Personality::Azure;
        change(options);
    })
    .await
}
