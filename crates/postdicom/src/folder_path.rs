//! Folders in folders, by their names.

use crate::request::{CreateFolder, SearchFolder};
use crate::{Client, Error, Fault, Folder, FolderUuid, Text};

/// Folders of the longest path. 16: nobody finds anything deeper.
const DEPTH_MAX: usize = 16;

/// The names of folders, each in the one before it: `a/b/c`. The vendor's browser interface takes such a
/// name as one; whether its web service does is not documented, so each folder is made by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPath(Vec<Text>);

/// A folder that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderAtPath {
    /// The last folder of the path.
    pub folder: FolderUuid,
    /// How many folders of the path were made for it; 0: all were there.
    pub made: usize,
}

/// Why a folder was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderPathError {
    /// A call failed; it was that for this folder of the path, counted from 0.
    #[error("folder {at} of the path: {error}")]
    Call {
        /// Which folder.
        at: usize,
        /// Whether it was the call that makes the folder, and not a search.
        making: bool,
        /// Why.
        #[source]
        error: Box<Error>,
    },
    /// A folder was made or found, but neither the answer nor a search tells its name for the vendor.
    #[error("folder {at} of the path exists, but the vendor does not tell its UUID")]
    Nameless {
        /// Which folder.
        at: usize,
    },
}

impl FolderPath {
    /// The names, from the outermost.
    #[must_use]
    pub fn names(&self) -> &[Text] {
        &self.0
    }
}

impl std::str::FromStr for FolderPath {
    type Err = Fault;

    /// Reads names with slashes between them; slashes at both ends and blanks around names are left out.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let names = text.trim().trim_matches('/').split('/').map(|name| name.trim().parse());
        let names: Vec<Text> = names.collect::<Result<_, _>>()?;
        if names.len() > DEPTH_MAX { Err(Fault::TooMany(DEPTH_MAX)) } else { Ok(Self(names)) }
    }
}

impl Client {
    /// The folder at a path below `parent`, the top if none; folders that are not there are made. The
    /// description is that of the last one, if it is made.
    ///
    /// # Errors
    /// [`FolderPathError`]. Folders further out than the one that is named were made or were there, so the
    /// same call goes on where it failed.
    pub async fn create_folder_path(
        &self,
        parent: Option<FolderUuid>,
        path: &FolderPath,
        description: Option<Text>,
    ) -> Result<FolderAtPath, FolderPathError> {
        let (mut folder, mut made) = (parent, 0);
        for (at, name) in path.names().iter().enumerate() {
            let failed = |making| move |error| FolderPathError::Call { at, making, error: Box::new(error) };
            let found = self.folder_named(folder.as_ref(), name).await.map_err(failed(false))?;
            let uuid = match found {
                Some(found) => found.uuid,
                None => {
                    let last = at + 1 == path.names().len();
                    let description = description.clone().filter(|_| last);
                    let request = CreateFolder { name: name.clone(), description, parent: folder.clone() };
                    let created = self.create_folder(request).await.map_err(failed(true))?;
                    made += 1;
                    match created.uuid {
                        Some(uuid) => Some(uuid),
                        None => self
                            .folder_named(folder.as_ref(), name)
                            .await
                            .map_err(failed(false))?
                            .and_then(|found| found.uuid),
                    }
                }
            };
            folder = Some(uuid.ok_or(FolderPathError::Nameless { at })?);
        }
        // INVARIANT: splitting any text gives at least one name, so the path has a folder.
        #[expect(clippy::expect_used, reason = "a path has at least one folder")]
        let folder = folder.expect("a folder");
        Ok(FolderAtPath { folder, made })
    }

    /// The folder of exactly that name right below another; without one, the first of that name that the
    /// vendor finds, which need not be at the top.
    ///
    /// # Errors
    /// As [`Self::search_folder`].
    pub async fn folder_named(
        &self,
        parent: Option<&FolderUuid>,
        name: &Text,
    ) -> Result<Option<Folder>, Error> {
        let request =
            SearchFolder { parent: parent.cloned(), name: Some(name.clone()), get_orders_in_folder: false };
        let list = self.search_folder(request).await?;
        Ok(list.folders.into_iter().find(|folder| folder.is_named(name)))
    }
}
