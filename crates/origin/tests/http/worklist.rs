//! Worklists, as a client that knows nothing of ours sees them.

mod performed;
mod restart;
mod scheduled;
mod workitems;

use dataset::json::{Item, ReadLimits, read_all};
use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use crate::served::Served;

/// An element of the JSON Model.
pub(crate) fn element(vr: &str, value: impl Into<Value>) -> Value {
    json!({ "vr": vr, "Value": [value.into()] })
}

pub(crate) fn item(json: &Value) -> Item {
    read_all(json.to_string().as_bytes(), ReadLimits::default()).unwrap().remove(0)
}

/// Sends a data set.
async fn send(served: &Served, method: Method, path: &str, body: &Value) -> Response {
    let request = served.client.request(method, format!("{}{path}", served.base));
    let request = request.header(header::CONTENT_TYPE, "application/dicom+json");
    request.body(body.to_string()).send().await.unwrap()
}

async fn post(served: &Served, path: &str, body: &Value) -> u16 {
    send(served, Method::POST, path, body).await.status().as_u16()
}

/// The first values of an attribute in all results.
fn values(found: &Value, key: &str) -> Vec<String> {
    let first = |result: &Value| result[key]["Value"][0].as_str().unwrap_or_default().to_owned();
    found.as_array().unwrap().iter().map(first).collect()
}
