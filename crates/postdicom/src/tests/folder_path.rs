//! Folders in folders.

use serde_json::{Value, json};

use super::samples::of;
use crate::testing::{Play, Seen, Server, answer, json};
use crate::*;

fn folders(rows: &[(&str, &str)]) -> Play {
    let rows: Vec<_> =
        rows.iter().map(|(uuid, name)| json!({"FolderUuid": uuid, "FolderName": name})).collect();
    json(&json!({"Success": true, "Folder": {"SubFolderList": rows}}))
}

/// Paths and parameters of the requests so far.
fn asked(server: &Server) -> Vec<(String, String)> {
    let parameters = |seen: &Seen| {
        let (name, value) = seen.headers.iter().find(|(name, _)| name.ends_with("parameters")).unwrap();
        let value: Value = serde_json::from_slice(value).unwrap();
        let text = |name: &str| value[name].as_str().unwrap().to_owned();
        (name.clone(), format!("{}<{}", text("FolderName"), text("ParentFolderUuid")))
    };
    server.seen().iter().map(parameters).collect()
}

#[tokio::test]
async fn blanks_at_the_ends_make_no_other_folder() {
    let server = Server::start([folders(&[("u-1", "a")]), folders(&[("u-2", "b ")])]).await;
    let at = server.client().create_folder_path(None, &of(" a / b"), None).await.unwrap();
    assert_eq!((at.folder.as_str(), at.made), ("u-2", 0));
}

#[tokio::test]
async fn folders_that_are_missing_are_made() {
    let server = Server::start([
        folders(&[("u-1", "alpha"), ("u-2", "a")]),
        folders(&[("u-3", "bb")]),
        json(&json!({"Success": true})),
        folders(&[("u-4", "b")]),
        folders(&[]),
        json(&json!({"FolderUuid": "u-5"})),
    ])
    .await;
    let at = server.client().create_folder_path(None, &of("/a/b/c/"), Some(of("d"))).await.unwrap();
    assert_eq!((at.folder.as_str(), at.made), ("u-5", 2));
    let (search, create) = ("searchfolderparameters".to_owned(), "createfolderparameters".to_owned());
    let expected = [
        (search.clone(), "a<".to_owned()),
        (search.clone(), "b<u-2".to_owned()),
        (create.clone(), "b<u-2".to_owned()),
        (search.clone(), "b<u-2".to_owned()),
        (search, "c<u-4".to_owned()),
        (create, "c<u-4".to_owned()),
    ];
    assert_eq!(asked(&server), expected);
}

#[tokio::test]
async fn a_path_says_where_it_ended() {
    let server = Server::start([folders(&[("u-1", "a")]), answer(500, "", "")]).await;
    let error = server.client().create_folder_path(None, &of("a/b"), None).await.unwrap_err();
    assert!(matches!(error, FolderPathError::Call { at: 1, making: false, .. }), "{error}");
    let server = Server::start([folders(&[]), Play::Hang]).await;
    let error = server.client().create_folder_path(Some(of("p")), &of("a"), None).await.unwrap_err();
    let FolderPathError::Call { at: 0, making: true, error } = error else { panic!("{error}") };
    assert_eq!(error.delivery(), Delivery::OutcomeUnknown);
    let nameless = json(&json!([{"FolderName": "a"}]));
    let server = Server::start([nameless]).await;
    let error = server.client().create_folder_path(None, &of("a"), None).await.unwrap_err();
    assert!(matches!(error, FolderPathError::Nameless { at: 0 }), "{error}");
}

#[test]
fn paths_are_read() {
    let path: FolderPath = of("/2026/Müller, \"CT\"/");
    assert_eq!(path.names().iter().map(Text::expose).collect::<Vec<_>>(), ["2026", "Müller, \"CT\""]);
    assert!(!format!("{path:?}").contains("ller"));
    for (text, fault) in [("", Fault::Missing), ("/", Fault::Missing), ("a//b", Fault::Missing)] {
        assert_eq!(text.parse::<FolderPath>(), Err(fault), "{text:?}");
    }
    assert_eq!("a/".repeat(17).parse::<FolderPath>(), Err(Fault::TooMany(16)));
}
