//! Attributes by their names.

use super::super::Parsed;
use instance::Tag;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

/// An attribute by its keyword or its tag: `"StudyDate"`, `"00080020"`, `"(0008,0020)"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute(pub(crate) Tag);

impl FromStr for Attribute {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write a keyword of PS3.6 or a tag, such as \"StudyDate\" or \"00080020\"";
        dataset::json::tag(value).map(Self).ok_or(FORM)
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match dataset::json::keyword(self.0) {
            Some(keyword) => f.write_str(keyword),
            None => write!(f, "{:04X}{:04X}", self.0.group(), self.0.element()),
        }
    }
}

/// An attribute, perhaps in a sequence: `"ReferencedRequestSequence.AccessionNumber"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttributePath(pub(crate) Vec<Tag>);

impl FromStr for AttributePath {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        value
            .split('.')
            .map(|step| step.parse::<Attribute>().map(|attribute| attribute.0))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, tag) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            Attribute(*tag).fmt(f)?;
        }
        Ok(())
    }
}

/// Attributes by which something can be searched: all, none because it is not there, or these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attributes<T = Attribute> {
    All,
    Absent,
    These(Vec<T>),
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Attributes<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: FromStr<Err: fmt::Display>> de::Visitor<'de> for Visitor<T> {
            type Value = Attributes<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", \"absent\" or a list of attributes")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
                match value {
                    "all" => Ok(Attributes::All),
                    "absent" => Ok(Attributes::Absent),
                    other => Err(E::custom(format_args!(
                        "`{other}`: write \"all\", \"absent\" or a list of attributes"
                    ))),
                }
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut attributes = Vec::new();
                while let Some(Parsed(attribute)) = list.next_element::<Parsed<T>>()? {
                    attributes.push(attribute);
                }
                Ok(Attributes::These(attributes))
            }
        }

        from.deserialize_any(Visitor(PhantomData))
    }
}

impl<T: fmt::Display> Serialize for Attributes<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => to.serialize_str("all"),
            Self::Absent => to.serialize_str("absent"),
            Self::These(attributes) => to.collect_seq(attributes.iter().map(ToString::to_string)),
        }
    }
}

impl<T> JsonSchema for Attributes<T> {
    fn schema_name() -> Cow<'static, str> {
        "attributes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["all", "absent"] },
            { "type": "array", "items": { "type": "string" } },
        ] })
    }
}
