//! Answers of functions, in every shape.

mod members;

use std::collections::BTreeSet;

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use instance::Tag;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    AnswerShape, Folder, Order,
    store::{Series, uuid_of},
};
use crate::media::typed;
use members::Names;

/// What a function answers.
pub(super) enum Answer {
    Done,
    /// Something new: the member that names it, and its UUID.
    Created(&'static str, String),
    /// A URL.
    Link(String),
    Orders(Vec<Order>),
    Order(Box<Details>),
    /// Folders, and orders where they were asked for.
    Folders(Vec<Folder>, Option<Vec<Order>>),
    /// Elements in the JSON Model, and the tags that were asked for.
    Elements(Map<String, Value>, BTreeSet<Tag>),
}

/// An order with its series.
pub(super) struct Details {
    pub(super) order: Order,
    pub(super) series: Vec<Series>,
}

/// How functions name a series; the vendor has a UUID of its own for each.
pub(super) fn series_uuid(series: &Series) -> String {
    let digest = Sha256::digest(format!("{} {}", series.study_instance_uid, series.series_instance_uid));
    uuid_of(digest.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte)), 5)
}

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

impl Answer {
    pub(super) fn into_response(self, shape: AnswerShape) -> Response {
        let ok = |media_type, text: String| typed(StatusCode::OK, media_type, text.into());
        match shape {
            AnswerShape::SearchResult => ok(JSON, self.wrapped(Names::Cloud).to_string()),
            AnswerShape::Array => ok(JSON, self.bare().to_string()),
            AnswerShape::Result => ok(JSON, json!({ "Result": self.bare() }).to_string()),
            AnswerShape::ResponseMessage => {
                let message = self.wrapped(Names::Grouped);
                ok(JSON, json!({ "ResponseCode": 1, "ResponseMessage": message }).to_string())
            }
            AnswerShape::ResponseText => {
                let message = self.wrapped(Names::Grouped).to_string();
                ok(JSON, json!({ "ResponseCode": 1, "ResponseMessage": message }).to_string())
            }
            AnswerShape::Text => ok(
                TEXT,
                match self {
                    Self::Done => "OK".to_owned(),
                    Self::Created(..) => "Created.".to_owned(),
                    Self::Link(url) => url,
                    found => found.bare().to_string(),
                },
            ),
            AnswerShape::Empty if self.is_empty() => StatusCode::OK.into_response(),
            AnswerShape::Empty => ok(JSON, self.bare().to_string()),
        }
    }

    /// Whether nothing was asked for, or found.
    fn is_empty(&self) -> bool {
        match self {
            Self::Done | Self::Created(..) => true,
            Self::Orders(orders) => orders.is_empty(),
            Self::Folders(folders, orders) => folders.is_empty() && orders.as_ref().is_none_or(Vec::is_empty),
            Self::Link(_) | Self::Order(_) | Self::Elements(..) => false,
        }
    }

    /// In an object that says how it went, as the vendor's other interface does.
    fn wrapped(&self, names: Names) -> Value {
        let success = |member: &str, value: Value| {
            let mut object = json!({ "Success": true, "Message": "" });
            object[member] = value;
            object
        };
        let orders = |orders: &[Order]| orders.iter().map(|one| names.order(one)).collect::<Value>();
        match self {
            Self::Done => json!({ "Success": true, "Message": "" }),
            Self::Created(member, uuid) => success(member, json!(uuid)),
            Self::Link(url) => json!({ "Result": url }),
            Self::Orders(found) => success("SearchResultList", orders(found)),
            Self::Order(details) => success("PatientOrder", names.details(details)),
            Self::Folders(folders, within) => {
                let mut folder =
                    json!({ "SubFolderList": folders.iter().map(members::folder).collect::<Value>() });
                if let Some(within) = within {
                    folder["PatientOrderList"] = orders(within);
                }
                success("Folder", folder)
            }
            Self::Elements(elements, tags) => {
                success("DicomTagContentList", members::tag_contents(elements, tags))
            }
        }
    }

    /// Alone, with the names of parameters.
    fn bare(&self) -> Value {
        let orders = |orders: &[Order]| orders.iter().map(|one| Names::Guide.order(one)).collect::<Value>();
        match self {
            Self::Done => json!("OK"),
            Self::Created(_, uuid) => json!(uuid),
            Self::Link(url) => json!(url),
            Self::Orders(found) => orders(found),
            Self::Order(details) => Names::Guide.details(details),
            Self::Folders(folders, within) => {
                let folders = folders.iter().map(members::folder).collect::<Value>();
                match within {
                    None => folders,
                    Some(within) => json!({ "SubFolderList": folders, "PatientOrderList": orders(within) }),
                }
            }
            Self::Elements(elements, _) => json!([elements]),
        }
    }
}
