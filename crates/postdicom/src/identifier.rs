//! The vendor's names for orders, folders, people and devices.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Fault;

/// Characters of the longest identifier. 64: a UUID in braces has 38, and the rest is for forms that
/// nobody has seen yet.
const CHARACTERS_MAX: usize = 64;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        ///
        /// What the vendor's clients send is not checked by them, so any identifier of letters, digits
        /// and `- . _ : { }` is taken; [`crate::UuidForm`] asks for more.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The characters.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Fault;

            fn from_str(text: &str) -> Result<Self, Fault> {
                checked(text).map(|text| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Fault;

            fn try_from(text: String) -> Result<Self, Fault> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(identifier: $name) -> Self {
                identifier.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

identifiers! {
    /// A patient order: the vendor's name for a study with what was ordered about it.
    OrderUuid,
    /// An institution of the account, which orders belong to.
    InstitutionUuid,
    /// A folder of the account.
    FolderUuid,
    /// A user of the account.
    UserUuid,
    /// A group of users of the account.
    UserGroupUuid,
    /// A device of the account, for which orders are scheduled.
    EquipmentUuid,
    /// A series of an order.
    SeriesUuid,
}

fn checked(text: &str) -> Result<&str, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Fault::Missing);
    }
    let known = |letter: char| letter.is_ascii_alphanumeric() || "-._:{}".contains(letter);
    if text.len() > CHARACTERS_MAX || !text.chars().all(known) {
        return Err(Fault::Uuid);
    }
    Ok(text)
}

/// Whether this is a UUID as the vendor's browser library wants it: RFC 4122 of the versions 1 to 5 and
/// the variant 8 to b, or the nil UUID.
pub(crate) fn is_rfc_4122(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    let hexadecimal = groups.iter().all(|group| group.chars().all(|letter| letter.is_ascii_hexdigit()));
    if !lengths.eq([8, 4, 4, 4, 12]) || !hexadecimal {
        return false;
    }
    let nil = text.chars().all(|letter| matches!(letter, '0' | '-'));
    nil || matches!(groups[2].as_bytes()[0], b'1'..=b'5')
        && matches!(groups[3].as_bytes()[0].to_ascii_lowercase(), b'8' | b'9' | b'a' | b'b')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_was_seen_and_no_more() {
        for text in
            ["uuid-1", "{0B5D2B1C-36A5-4CB0-9F37-0B5D2B1C36A5}", "00000000-0000-0000-0000-000000000000"]
        {
            assert_eq!(text.parse::<OrderUuid>().unwrap().as_str(), text);
        }
        let long = "a".repeat(65);
        for text in ["a b", "a\"", "a\r\nb", "ä", "a,b", "a\\", long.as_str()] {
            assert_eq!(text.parse::<FolderUuid>(), Err(Fault::Uuid), "{text:?}");
        }
        assert_eq!(" ".parse::<UserUuid>(), Err(Fault::Missing));
    }

    #[test]
    fn knows_rfc_4122() {
        let table = [
            ("00000000-0000-0000-0000-000000000000", true),
            ("c232ab00-9414-11ec-b3c8-9f6bdeced846", true),
            ("0B5D2B1C-36A5-4CB0-9F37-0B5D2B1C36A5", true),
            ("0b5d2b1c-36a5-6cb0-9f37-0b5d2b1c36a5", false),
            ("0b5d2b1c-36a5-4cb0-cf37-0b5d2b1c36a5", false),
            ("0b5d2b1c36a54cb09f370b5d2b1c36a5", false),
            ("0b5d2b1g-36a5-4cb0-9f37-0b5d2b1c36a5", false),
            ("uuid-1", false),
            ("", false),
        ];
        for (text, expected) in table {
            assert_eq!(is_rfc_4122(text), expected, "{text}");
        }
    }
}
