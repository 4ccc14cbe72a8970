//! Values that may be written in more than one way.

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    borrow::Cow,
    fmt,
    marker::PhantomData,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// One value or a list of values. Written back, a single one stands alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
                T::deserialize(de::value::StrDeserializer::new(value)).map(|one| OneOrMany(vec![one]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
        }

        from.deserialize_any(Visitor(PhantomData))
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(to),
            many => many.serialize(to),
        }
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("one or many {}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// A string that some type of another room reads: an AE title, a UID, a CIDR block. The document
/// keeps the type's own error at the place of the string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Parsed<T>(pub(crate) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> de::Visitor<'_> for Visitor<T> {
            type Value = Parsed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
                value.parse().map(Parsed).map_err(|error| E::custom(format_args!("`{value}`: {error}")))
            }
        }

        from.deserialize_str(Visitor(PhantomData))
    }
}

impl<T: fmt::Display> Serialize for Parsed<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<T> JsonSchema for Parsed<T> {
    fn schema_name() -> Cow<'static, str> {
        "string".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// An address to listen on: IP address and port, `"0.0.0.0:11112"`, `"[::]:11112"`; port 0 lets the
/// system choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListenAddress(pub(crate) SocketAddr);

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Parsed(Address(address)) = Parsed::deserialize(from)?;
        Ok(Self(address))
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl JsonSchema for ListenAddress {
    fn schema_name() -> Cow<'static, str> {
        "address".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "address" })
    }
}

struct Address(SocketAddr);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let address =
            value.parse().map_err(|_| "write an IP address and a port, such as \"0.0.0.0:11112\"")?;
        Ok(Self(address))
    }
}

/// Host and port of a peer: `"10.0.0.5:104"`, `"ct1.example.org:104"`, `"[2001:db8::5]:104"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPort {
    /// Host name or address, an IPv6 address without its brackets.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
}

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write a host and a port, such as \"10.0.0.5:104\"";
        let (host, port) = value.rsplit_once(':').ok_or(FORM)?;
        let port: u16 = port.parse().map_err(|_| FORM)?;
        let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        if host.is_empty() || port == 0 || bare_ipv6 || host.contains(char::is_whitespace) {
            return Err(FORM);
        }
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A network or a single address that a peer may call from: `"10.0.0.0/24"`, `"10.0.0.5"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network(pub(crate) IpNet);

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let single = || value.parse::<IpAddr>().map(IpNet::from);
        value
            .parse()
            .or_else(|_| single())
            .map(Self)
            .map_err(|_| "write an IP address or a CIDR block, such as \"10.0.0.0/24\"")
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The value of an HTTP header: a string where it is no secret, else a table that says where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderValue {
    /// Written in the file.
    Plain(String),
    /// The name of a file that holds it.
    File(String),
    /// The name of an environment variable that holds it.
    Environment(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    value_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_env: Option<String>,
}

impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = HeaderValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or a table with `value_file` or `value_env`")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
                Ok(HeaderValue::Plain(value.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let table = HeaderTable::deserialize(de::value::MapAccessDeserializer::new(map))?;
                match (table.value_file, table.value_env) {
                    (Some(file), None) => Ok(HeaderValue::File(file)),
                    (None, Some(name)) => Ok(HeaderValue::Environment(name)),
                    _ => Err(de::Error::custom("write either `value_file` or `value_env`")),
                }
            }
        }

        from.deserialize_any(Visitor)
    }
}

impl Serialize for HeaderValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let table = match self {
            Self::Plain(value) => return to.serialize_str(value),
            Self::File(file) => HeaderTable { value_file: Some(file.clone()), value_env: None },
            Self::Environment(name) => HeaderTable { value_file: None, value_env: Some(name.clone()) },
        };
        table.serialize(to)
    }
}

impl JsonSchema for HeaderValue {
    fn schema_name() -> Cow<'static, str> {
        "header value".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "object", "additionalProperties": false,
              "properties": { "value_file": { "type": "string" }, "value_env": { "type": "string" } } },
        ] })
    }
}
