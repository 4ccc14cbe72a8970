//! The functions of the vendor's DICOMweb guide, their routes and what they change.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a call changes at the vendor, which decides what may be done when its outcome is unknown.
///
/// The vendor's calls are GET requests, which anybody on the way may repeat or keep; so a call is sent over
/// a connection of its own, with `Cache-Control: no-store`, and by this room never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SideEffect {
    /// It only reads: it may be repeated at will.
    None,
    /// It changes something that a search shows: [`crate::Client::look_up`] tells whether it took effect.
    Searchable,
    /// It changes something that no function shows: with its outcome unknown it waits for a person.
    Hidden,
}

/// A function of the vendor's DICOMweb guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Function {
    /// A public or password-protected link to orders.
    CreateShareLink,
    /// A link to orders, with other words for the same.
    SharePatientOrderWithUrl,
    /// A folder.
    CreateFolder,
    /// Folders by name or parent, with their orders if asked.
    SearchFolder,
    /// A link to a folder.
    ShareFolderWithUrl,
    /// Shows an order in folders; nothing is copied or moved.
    AddOrderToFolder,
    /// Gives an order to a user.
    AssignOrderToUser,
    /// Gives an order to a group of users.
    AssignOrderToUserGroup,
    /// An order.
    CreatePatientOrder,
    /// Everything about one order.
    GetPatientOrderProperties,
    /// Values of elements of an order's instances; for accounts authorised for it.
    GetDicomTagContent,
    /// Orders by patient, accession number, modality and dates.
    GetPatientOrderList,
    /// Removes an order for good.
    DeletePatientOrder,
}

impl Function {
    /// All of them, in the order of the guide.
    pub const ALL: [Self; 13] = [
        Self::CreateShareLink,
        Self::SharePatientOrderWithUrl,
        Self::CreateFolder,
        Self::SearchFolder,
        Self::ShareFolderWithUrl,
        Self::AddOrderToFolder,
        Self::AssignOrderToUser,
        Self::AssignOrderToUserGroup,
        Self::CreatePatientOrder,
        Self::GetPatientOrderProperties,
        Self::GetDicomTagContent,
        Self::GetPatientOrderList,
        Self::DeletePatientOrder,
    ];

    /// Its name in the guide.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// Its path below the base URL when its parameters travel in a header field, as the vendor's clients
    /// send it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.row().1
    }

    /// The header field that carries its parameters, spelt as the vendor's clients do. Names of header
    /// fields have no case (RFC 9110 §5.1), and the HTTP library writes them in small letters.
    #[must_use]
    pub const fn header(self) -> &'static str {
        self.row().2
    }

    /// What it changes.
    #[must_use]
    pub const fn side_effect(self) -> SideEffect {
        self.row().3
    }

    /// Name, path, header field, side effect. Two names of [`Self::DeletePatientOrder`] differ from its own.
    const fn row(self) -> (&'static str, &'static str, &'static str, SideEffect) {
        use SideEffect::{Hidden, None, Searchable};
        match self {
            Self::CreateShareLink => ("CreateShareLink", "/createsharelink", "ShareParameters", Hidden),
            Self::SharePatientOrderWithUrl => (
                "SharePatientOrderWithUrl",
                "/sharepatientorderwithurl",
                "SharePatientOrderParameters",
                Hidden,
            ),
            Self::CreateFolder => ("CreateFolder", "/createfolder", "CreateFolderParameters", Searchable),
            Self::SearchFolder => ("SearchFolder", "/searchfolder", "SearchFolderParameters", None),
            Self::ShareFolderWithUrl => {
                ("ShareFolderWithUrl", "/sharefolderwithurl", "ShareFolderParameters", Hidden)
            }
            Self::AddOrderToFolder => {
                ("AddOrderToFolder", "/addordertofolder", "AddOrderToFolderParameters", Searchable)
            }
            Self::AssignOrderToUser => {
                ("AssignOrderToUser", "/assignordertouser", "AssignOrderToUserParameters", Hidden)
            }
            Self::AssignOrderToUserGroup => (
                "AssignOrderToUserGroup",
                "/assignordertousergroup",
                "AssignOrderToUserGroupParameters",
                Hidden,
            ),
            Self::CreatePatientOrder => {
                ("CreatePatientOrder", "/createpatientorder", "CreatePatientOrderParameters", Searchable)
            }
            Self::GetPatientOrderProperties => (
                "GetPatientOrderProperties",
                "/getpatientorderproperties",
                "GetPatientOrderPropertiesParameters",
                None,
            ),
            Self::GetDicomTagContent => {
                ("GetDicomTagContent", "/getdicomtagcontent", "GetDicomTagContentParameters", None)
            }
            Self::GetPatientOrderList => {
                ("GetPatientOrderList", "/getpatientorderlist", "GetPatientOrderListParameters", None)
            }
            Self::DeletePatientOrder => {
                ("DeletePatientOrder", "/deleteorder", "DeleteOrderParameters", Searchable)
            }
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No function has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no function of the vendor's guide has this name")]
pub struct UnknownFunction;

impl FromStr for Function {
    type Err = UnknownFunction;

    /// Reads a name of the guide; capitals do not matter.
    fn from_str(text: &str) -> Result<Self, UnknownFunction> {
        Self::ALL
            .into_iter()
            .find(|function| function.name().eq_ignore_ascii_case(text))
            .ok_or(UnknownFunction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_those_of_the_vendors_clients() {
        for function in Function::ALL {
            let expected = match function {
                Function::DeletePatientOrder => "/deleteorder".to_owned(),
                other => format!("/{}", other.name().to_ascii_lowercase()),
            };
            assert_eq!(function.path(), expected);
            assert!(function.header().ends_with("Parameters"), "{function}");
            assert_eq!(function.name().to_ascii_uppercase().parse::<Function>(), Ok(function));
        }
        assert_eq!("createorder".parse::<Function>(), Err(UnknownFunction));
    }

    #[test]
    fn only_searches_and_lookups_change_nothing() {
        for function in Function::ALL {
            let reads = function.name().starts_with("Get") || function.name().starts_with("Search");
            assert_eq!(function.side_effect() == SideEffect::None, reads, "{function}");
        }
    }
}
