//! `dimseway folders`.

use crate::{
    account::{Account, Failed},
    cli::account::{Folders, FoldersAction, ShareFolder},
    command::orders,
    exit::{Exit, fail},
    table,
};
use postdicom::{
    Call, Folder, FolderPath, FolderPathError, FolderUuid, Incomplete, OrderUuid, SideEffect, Text,
    request::{AddOrderToFolder, CreateFolder, SearchFolder, ShareFolderWithUrl},
};
use serde_json::json;
use std::path::Path;

/// Does what was asked and prints the outcome.
///
/// # Errors
/// See [`crate::account::Account::told`]; a folder that is not there ([`Exit::Data`]).
pub(crate) async fn run(path: &Path, arguments: Folders) -> anyhow::Result<()> {
    let account = Account::open(path, arguments.account.origin.as_deref())?;
    let json = arguments.account.json;
    match arguments.action {
        FoldersAction::Create { path, description, parent } => {
            let (folder, made) = make(&account, parent, &path, description).await?;
            if json {
                let outcome = if made == 0 { "existed" } else { "created" };
                println!("{}", json!({ "outcome": outcome, "folder": folder.as_str(), "made": made }));
            } else if made == 0 {
                println!("existed {folder}; nothing was made");
            } else {
                println!("created {folder}");
            }
            Ok(())
        }
        FoldersAction::Search { name, parent, orders } => {
            search(&account, SearchFolder { parent, name, get_orders_in_folder: orders }, json).await
        }
        FoldersAction::Add { orders, folder, folder_uuid } => {
            let mut folders = folder_uuid;
            for path in &folder {
                folders.push(there(&account, path).await?);
            }
            for order in &orders {
                add(&account, order, &folders).await?;
            }
            if json {
                let orders: Vec<_> = orders.iter().map(OrderUuid::as_str).collect();
                let folders: Vec<_> = folders.iter().map(FolderUuid::as_str).collect();
                println!("{}", json!({ "outcome": "added", "orders": orders, "folders": folders }));
            } else {
                println!("added {} orders to {} folders", orders.len(), folders.len());
            }
            Ok(())
        }
        FoldersAction::Share(share) => link(&account, share, json).await,
    }
}

/// The folder at a path, made where it is not there, and how many of the path were made. A folder whose
/// making ended without an answer is looked up, since a folder of the name is as good.
///
/// # Errors
/// A call failed.
pub(crate) async fn make(
    account: &Account,
    parent: Option<FolderUuid>,
    path: &FolderPath,
    description: Option<Text>,
) -> anyhow::Result<(FolderUuid, usize)> {
    let call = |name: &Text| Call::from(CreateFolder { name: name.clone(), description: None, parent: None });
    match account.client.create_folder_path(parent, path, description).await {
        Ok(found) => Ok((found.folder, found.made)),
        Err(FolderPathError::Call { at, making: true, error }) => {
            let Some(name) = path.names().get(at) else {
                return Err(account.told(&error, SideEffect::Searchable));
            };
            let told = match account.failed(&call(name), *error).await {
                Failed::Told(error) => error,
                Failed::Done(_) => fail(
                    Exit::Unavailable,
                    "the answer was lost, and the folder is there; run the same command again to go on",
                ),
            };
            Err(told.context(format!("folder `{}`", table::shown(name.expose()))))
        }
        Err(FolderPathError::Call { error, .. }) => Err(account.told(&error, SideEffect::None)),
        Err(other) => Err(fail(Exit::Unavailable, other.to_string())),
    }
}

/// Shows an order in folders.
///
/// # Errors
/// A call failed.
pub(crate) async fn add(account: &Account, order: &OrderUuid, folders: &[FolderUuid]) -> anyhow::Result<()> {
    let request = AddOrderToFolder { order: order.clone(), folders: folders.to_vec() };
    match account.client.add_order_to_folder(request).await {
        Ok(_) => Ok(()),
        Err(Incomplete { mut rest, error, .. }) if rest.len() == 1 => {
            account.unless_done(&rest.swap_remove(0), *error).await
        }
        Err(Incomplete { done, rest, error }) => {
            let told = account.told(&error, SideEffect::Searchable);
            // Adding what is in a folder already changes nothing.
            Err(told.context(format!(
                "{} of {} parts were done; the same command can be run again",
                done.len(),
                done.len() + rest.len()
            )))
        }
    }
}

async fn there(account: &Account, path: &FolderPath) -> anyhow::Result<FolderUuid> {
    let names: Vec<_> = path.names().iter().map(|name| table::shown(name.expose())).collect();
    account.folder(path).await?.ok_or_else(|| {
        let path = names.join("/");
        fail(Exit::Data, format!("--folder: there is no folder `{path}`; `dimseway folders create` makes it"))
    })
}

async fn search(account: &Account, request: SearchFolder, json: bool) -> anyhow::Result<()> {
    let list = account.client.search_folder(request).await;
    let list = list.map_err(|error| account.told(&error, SideEffect::None))?;
    if list.skipped > 0 {
        eprintln!("{} items of the answer could not be read", list.skipped);
    }
    if json {
        let folders: Vec<_> = list.folders.iter().map(described).collect();
        let orders: Option<Vec<_>> =
            list.orders.as_ref().map(|orders| orders.iter().map(orders::print::json).collect());
        println!("{}", serde_json::to_string_pretty(&json!({ "folders": folders, "orders": orders }))?);
        return Ok(());
    }
    print!("{}", lines(&list.folders));
    if let Some(orders) = &list.orders {
        print!("\n{}", orders::print::lines(orders));
    }
    Ok(())
}

fn described(folder: &Folder) -> serde_json::Value {
    json!({
        "folder": folder.uuid.as_ref().map(FolderUuid::as_str),
        "name": folder.name.as_ref().map(|name| name.expose()),
        "description": folder.description.as_ref().map(|text| text.expose()),
        "shared": folder.is_shared,
        "orders": folder.order_count,
        "folders": folder.sub_folder_count,
    })
}

fn lines(folders: &[Folder]) -> String {
    if folders.is_empty() {
        return "nothing\n".to_owned();
    }
    let mut rows = vec![["FOLDER", "NAME", "ORDERS", "FOLDERS", "SHARED", "DESCRIPTION"].map(str::to_owned)];
    let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.expose().to_owned()).unwrap_or_default();
    rows.extend(folders.iter().map(|folder| {
        [
            folder.uuid.as_ref().map(ToString::to_string).unwrap_or_default(),
            text(&folder.name),
            count(folder.order_count),
            count(folder.sub_folder_count),
            folder.is_shared.map(|shared| if shared { "yes" } else { "no" }.to_owned()).unwrap_or_default(),
            text(&folder.description),
        ]
    }));
    table::columns(&rows)
}

async fn link(account: &Account, share: ShareFolder, json: bool) -> anyhow::Result<()> {
    let expires = share.expires.map(orders::expiry).transpose()?;
    let password = orders::secret(&share.password)?;
    let folder = match (share.folder_uuid, &share.folder) {
        (Some(uuid), _) => uuid,
        (None, Some(path)) => there(account, path).await?,
        (None, None) => return Err(fail(Exit::Usage, "--folder or --folder-uuid is needed")),
    };
    let request = ShareFolderWithUrl {
        folder,
        password,
        title: share.title,
        description: share.description,
        expires,
        user_can_download_studies: share.downloadable,
    };
    match account.client.share_folder_with_url(request.clone()).await {
        Ok(link) => orders::tell(&[link], expires, json),
        Err(error) => {
            account.unless_done(&Call::from(request), error).await?;
            Err(fail(Exit::Unavailable, "the link was made, but its address is lost"))
        }
    }
}
