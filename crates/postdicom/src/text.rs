//! Words about patients and orders.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::Fault;

/// Characters of the longest text of one parameter. 1024, the length of an LT element is 10240 and that
/// of all parameters together is limited by the header field they travel in.
const CHARACTERS_MAX: usize = 1024;

/// Characters of Accession Number (0008,0050), an SH element (PS3.5 §6.2); the vendor has the same limit.
const ACCESSION_NUMBER_CHARACTERS_MAX: usize = 16;

/// Characters of a code, a CS element (PS3.5 §6.2).
const CODE_CHARACTERS_MAX: usize = 16;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $check:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// Never empty. `Debug` does not show it.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The characters, which may be a patient's: not for logs.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Fault;

            fn from_str(text: &str) -> Result<Self, Fault> {
                let check: fn(&str) -> Result<(), Fault> = $check;
                if text.trim().is_empty() {
                    return Err(Fault::Missing);
                }
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Fault;

            fn try_from(text: String) -> Result<Self, Fault> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

texts! {
    /// Free text. Line breaks and quotes may stand in it; they travel escaped.
    Text, |text| up_to(text, CHARACTERS_MAX);
    /// A patient's name as `LAST^FIRST^MIDDLE`, or a part of it in a search.
    PatientName, |text| up_to(text, CHARACTERS_MAX);
    /// (0010,0020) Patient ID.
    PatientId, |text| up_to(text, CHARACTERS_MAX);
    /// (0008,0050) Accession Number: at most 16 characters, no backslash.
    AccessionNumber, |text| {
        if text.contains('\\') {
            return Err(Fault::Backslash);
        }
        up_to(text, ACCESSION_NUMBER_CHARACTERS_MAX)
    };
    /// (0008,0060) Modality: one code, of capital letters, digits, blanks and underscores.
    Modality, |text| {
        let known = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || " _".contains(letter);
        if text.chars().all(known) && text.len() <= CODE_CHARACTERS_MAX { Ok(()) } else { Err(Fault::Code) }
    };
}

fn up_to(text: &str, characters_max: usize) -> Result<(), Fault> {
    if text.chars().count() > characters_max { Err(Fault::TooLong(characters_max)) } else { Ok(()) }
}

impl Modality {
    /// The code. It says nothing about a patient.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Modalities that a search takes, in the order given and each once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Modality>", into = "Vec<Modality>")]
pub struct ModalityList(Vec<Modality>);

impl ModalityList {
    /// The codes.
    #[must_use]
    pub fn as_slice(&self) -> &[Modality] {
        &self.0
    }
}

impl From<Vec<Modality>> for ModalityList {
    fn from(codes: Vec<Modality>) -> Self {
        let mut list = Self::default();
        for code in codes {
            if !list.0.contains(&code) {
                list.0.push(code);
            }
        }
        list
    }
}

impl From<ModalityList> for Vec<Modality> {
    fn from(list: ModalityList) -> Self {
        list.0
    }
}

impl FromStr for ModalityList {
    type Err = Fault;

    /// Reads codes separated by commas or backslashes; nothing at all is an empty list.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let codes = text.split([',', '\\']).map(str::trim).filter(|code| !code.is_empty());
        Ok(codes.map(str::parse).collect::<Result<Vec<Modality>, _>>()?.into())
    }
}

/// (0010,0040) Patient's Sex, as the vendor takes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// `M`.
    #[serde(rename = "M")]
    Male,
    /// `F`.
    #[serde(rename = "F")]
    Female,
    /// `O`.
    #[serde(rename = "O")]
    Other,
}

impl Sex {
    /// The code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Male => "M",
            Self::Female => "F",
            Self::Other => "O",
        }
    }
}

impl FromStr for Sex {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        match text {
            "M" => Ok(Self::Male),
            "F" => Ok(Self::Female),
            "O" => Ok(Self::Other),
            "" => Err(Fault::Missing),
            _ => Err(Fault::Sex),
        }
    }
}

impl fmt::Debug for Sex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sex(..)")
    }
}

/// The password of a share. It is written nowhere but into the request.
#[derive(Debug, Clone)]
pub struct SharePassword(Option<SecretString>);

impl SharePassword {
    /// The place of a password that was not stored with its call.
    pub(crate) const WITHHELD: Self = Self(None);

    /// The characters, unless they were withheld.
    pub(crate) fn expose(&self) -> Option<&str> {
        self.0.as_ref().map(SecretString::expose_secret)
    }
}

impl FromStr for SharePassword {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::Missing);
        }
        up_to(text, CHARACTERS_MAX)?;
        Ok(Self(Some(SecretString::from(text))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_rule() {
        assert_eq!("".parse::<PatientName>(), Err(Fault::Missing));
        assert_eq!(" \r\n".parse::<Text>(), Err(Fault::Missing));
        assert_eq!("x".repeat(1025).parse::<Text>(), Err(Fault::TooLong(1024)));
        assert!("山".repeat(1024).parse::<Text>().is_ok(), "characters are counted, not bytes");
        assert_eq!("A\\B".parse::<AccessionNumber>(), Err(Fault::Backslash));
        assert_eq!("12345678901234567".parse::<AccessionNumber>(), Err(Fault::TooLong(16)));
        assert!("1234567890123456".parse::<AccessionNumber>().is_ok());
        for wrong in ["ct", "CT,MR", "Ä", "ABCDEFGHIJKLMNOPQ"] {
            assert_eq!(wrong.parse::<Modality>(), Err(Fault::Code), "{wrong}");
        }
        assert_eq!("X".parse::<Sex>(), Err(Fault::Sex));
        assert_eq!("M".parse::<Sex>().unwrap().code(), "M");
    }

    #[test]
    fn lists_of_modalities_are_read() {
        let list: ModalityList = "CT, MR\\US,CT,".parse().unwrap();
        assert_eq!(list.as_slice().iter().map(Modality::as_str).collect::<Vec<_>>(), ["CT", "MR", "US"]);
        assert!("".parse::<ModalityList>().unwrap().as_slice().is_empty());
        assert_eq!("CT,mr".parse::<ModalityList>(), Err(Fault::Code));
    }

    #[test]
    fn nothing_shows_in_debug() {
        let name: PatientName = "DOE^JOHN".parse().unwrap();
        let password: SharePassword = "hunter2".parse().unwrap();
        let shown =
            format!("{name:?} {:?} {password:?} {:?}", "PID".parse::<PatientId>(), "F".parse::<Sex>());
        for hidden in ["DOE", "PID", "hunter2", "Female"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
