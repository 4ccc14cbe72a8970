//! Items in the very shape of PS3.18 §F.2, read without a tree of JSON values between. Whatever has
//! another shape is an error here and left to the tolerant reader, so that a page of some megabytes
//! costs little and tolerance costs only those who need it.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use dicom_core::VR;
use instance::Tag;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    Content, Element, Item, PersonName, Value,
    item::{from_number, from_text, tag},
};
use crate::element::vr_of;

/// Reads one object.
///
/// # Errors
/// Anything that is not JSON, and anything unusual.
pub(super) fn read(json: &[u8]) -> Result<Item, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let item = ItemVisitor.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(item)
}

/// A seed that is its own visitor; `$how` is what it asks the deserializer for.
macro_rules! seed {
    ($visitor:ty, $how:ident) => {
        impl<'de> DeserializeSeed<'de> for $visitor {
            type Value = <Self as Visitor<'de>>::Value;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.$how(self)
            }
        }
    };
}

struct ItemVisitor;
seed!(ItemVisitor, deserialize_map);

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Item, A::Error> {
        // Room for a usual search answer.
        let mut elements = Vec::with_capacity(16);
        while let Some(tag) = members.next_key_seed(TagVisitor)? {
            elements.push((tag, members.next_value_seed(ElementVisitor(tag))?));
        }
        Ok(elements.into_iter().collect())
    }
}

struct TagVisitor;
seed!(TagVisitor, deserialize_str);

impl Visitor<'_> for TagVisitor {
    type Value = Tag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tag")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Tag, E> {
        tag(key).ok_or_else(|| E::custom("no tag"))
    }
}

struct ElementVisitor(Tag);
seed!(ElementVisitor, deserialize_map);

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an element")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Element, A::Error> {
        let (mut written, mut taken_for) = (None, None);
        let (mut values, mut bytes, mut uri) = (None, None, None);
        while let Some(member) = members.next_key_seed(MemberVisitor)? {
            match member {
                Member::Vr => written = Some(members.next_value_seed(VrVisitor)?),
                // Some servers sort their keys, so that the value stands before the VR.
                Member::Value => {
                    let vr = written.or_else(|| vr_of(self.0).map(|(vr, _)| vr));
                    let vr = vr.ok_or_else(|| A::Error::custom("no VR before the value"))?;
                    taken_for = Some(vr);
                    values = Some(members.next_value_seed(ValuesVisitor(vr))?);
                }
                Member::InlineBinary => bytes = Some(members.next_value_seed(BytesVisitor)?),
                Member::BulkDataUri => uri = Some(members.next_value::<String>()?),
                Member::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        let vr = written.or_else(|| vr_of(self.0).map(|(vr, _)| vr));
        let vr = vr.ok_or_else(|| A::Error::custom("no VR"))?;
        if taken_for.is_some_and(|taken_for| kind(taken_for) != kind(vr)) {
            return Err(A::Error::custom("not the VR of PS3.6"));
        }
        Ok(match (uri, bytes, values) {
            (Some(uri), ..) => Element { vr, content: Content::BulkDataUri(uri) },
            (None, Some(bytes), _) => Element { vr, content: Content::InlineBinary(bytes) },
            (None, None, Some(values)) => Element::values(vr, values),
            (None, None, None) => Element::empty(vr),
        })
    }
}

/// VRs whose values are read alike.
const fn kind(vr: VR) -> u8 {
    match vr {
        VR::SQ => 0,
        VR::PN => 1,
        VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV => 2,
        VR::FL | VR::FD => 3,
        VR::DS => 4,
        VR::IS => 5,
        _ => 6,
    }
}

enum Member {
    Vr,
    Value,
    InlineBinary,
    BulkDataUri,
    Other,
}

struct MemberVisitor;
seed!(MemberVisitor, deserialize_str);

impl Visitor<'_> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Member, E> {
        Ok(match key {
            "vr" => Member::Vr,
            "Value" => Member::Value,
            "InlineBinary" => Member::InlineBinary,
            "BulkDataURI" => Member::BulkDataUri,
            key if ["vr", "Value", "InlineBinary", "BulkDataURI"]
                .iter()
                .any(|k| k.eq_ignore_ascii_case(key)) =>
            {
                return Err(E::custom("a name in another case"));
            }
            _ => Member::Other,
        })
    }
}

struct VrVisitor;
seed!(VrVisitor, deserialize_str);

impl Visitor<'_> for VrVisitor {
    type Value = VR;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a VR")
    }

    fn visit_str<E: Error>(self, vr: &str) -> Result<VR, E> {
        let letters = <[u8; 2]>::try_from(vr.as_bytes()).ok();
        letters.and_then(VR::from_binary).ok_or_else(|| E::custom("no VR"))
    }
}

struct BytesVisitor;
seed!(BytesVisitor, deserialize_str);

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        STANDARD.decode(text).map_err(E::custom)
    }
}

struct ValuesVisitor(VR);
seed!(ValuesVisitor, deserialize_seq);

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Value>, A::Error> {
        let Some(first) = seq.next_element_seed(ValueVisitor(self.0))? else {
            return Ok(Vec::new());
        };
        // Most elements have one value, and room for four would be most of an item's memory.
        let mut values = Vec::with_capacity(1);
        values.push(first);
        while let Some(value) = seq.next_element_seed(ValueVisitor(self.0))? {
            values.push(value);
        }
        Ok(values)
    }
}

struct ValueVisitor(VR);
seed!(ValueVisitor, deserialize_any);

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(from_text(self.0, text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(from_number(self.0, number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(from_number(self.0, number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        let number = serde_json::Number::from_f64(number);
        Ok(number.map_or(Value::Null, |number| from_number(self.0, number)))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        match self.0 {
            VR::SQ => ItemVisitor.visit_map(members).map(Value::Item),
            VR::PN => NameVisitor.visit_map(members),
            _ => Err(A::Error::custom("an object is no value")),
        }
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a person's name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut name = PersonName::default();
        while let Some(group) = members.next_key_seed(GroupVisitor)? {
            let text = members.next_value::<String>()?;
            match group {
                Group::Alphabetic => name.alphabetic = text,
                Group::Ideographic => name.ideographic = text,
                Group::Phonetic => name.phonetic = text,
            }
        }
        Ok(if name.is_empty() { Value::Null } else { Value::Name(Box::new(name)) })
    }
}

enum Group {
    Alphabetic,
    Ideographic,
    Phonetic,
}

struct GroupVisitor;
seed!(GroupVisitor, deserialize_str);

impl Visitor<'_> for GroupVisitor {
    type Value = Group;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a group of a person's name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Group, E> {
        match key {
            "Alphabetic" => Ok(Group::Alphabetic),
            "Ideographic" => Ok(Group::Ideographic),
            "Phonetic" => Ok(Group::Phonetic),
            _ => Err(E::custom("no group of a person's name")),
        }
    }
}
