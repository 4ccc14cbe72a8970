//! `dimseway tags`.

use crate::{
    account::{Account, invalid},
    cli::account::{Tags, TagsAction},
    config_file::Attribute,
    table,
};
use postdicom::{
    SideEffect, TagContent,
    request::{DicomTagId, GetDicomTagContent},
};
use std::path::Path;

/// Does what was asked and prints the outcome.
///
/// # Errors
/// See [`crate::account::Account::told`].
pub(crate) async fn run(path: &Path, arguments: Tags) -> anyhow::Result<()> {
    let account = Account::open(path, arguments.account.origin.as_deref())?;
    let TagsAction::Get { order, tags, series } = arguments.action;
    let institution = account.institution(order.institution.as_ref())?;
    let tags = tags.iter().map(|tag| asked(tag)).collect::<anyhow::Result<_>>()?;
    let request = GetDicomTagContent { institution, order: order.order, series, tags };
    let contents = account.client.get_dicom_tag_content(request).await;
    let contents = contents.map_err(|error| account.told(&error, SideEffect::None))?;
    if arguments.account.json {
        let contents: Vec<_> = contents.iter().map(described).collect();
        println!("{}", serde_json::to_string_pretty(&contents)?);
    } else if contents.is_empty() {
        println!("nothing");
    } else {
        print!("{}", lines(&contents));
    }
    Ok(())
}

/// A tag by its keyword or number; anything else as it stands, since the vendor's form is not documented.
fn asked(text: &str) -> anyhow::Result<DicomTagId> {
    match text.parse::<Attribute>() {
        Ok(attribute) => Ok(DicomTagId::Tag(attribute.0)),
        Err(_) => text.parse().map_err(|fault: postdicom::Fault| invalid(fault.at("DicomTagIdList"))),
    }
}

fn named(content: &TagContent) -> String {
    match content.tag {
        Some(tag) => tag.to_string(),
        None => content.name.expose().to_owned(),
    }
}

fn described(content: &TagContent) -> serde_json::Value {
    serde_json::json!({
        "tag": content.tag.map(|tag| format!("{:08X}", tag.to_u32())),
        "name": content.name.expose(),
        "value": content.value.as_ref().map(|value| value.expose()),
    })
}

fn lines(contents: &[TagContent]) -> String {
    let mut rows = vec![["TAG", "VALUE"].map(str::to_owned)];
    rows.extend(contents.iter().map(|content| {
        let value = content.value.as_ref().map(|value| value.expose().to_owned()).unwrap_or_default();
        [named(content), value]
    }));
    table::columns(&rows)
}
