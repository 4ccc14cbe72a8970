//! The rewritten data set means what the original meant, as another reader sees it.

use dicom_object::{InMemDicomObject, mem::InMemElement};
use dicom_transfer_syntax_registry::entries;
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// An element as it is written.
#[derive(Debug, Clone)]
enum Node {
    Value(Tag, Vec<u8>),
    Sequence(Tag, Lengths, Vec<Vec<Self>>),
}

/// How the lengths of a sequence and of its items are written.
#[derive(Debug, Clone, Copy)]
struct Lengths {
    sequence_defined: bool,
    items_defined: bool,
}

impl Node {
    const fn tag(&self) -> Tag {
        match self {
            Self::Value(tag, _) | Self::Sequence(tag, ..) => *tag,
        }
    }

    /// In Implicit VR Little Endian.
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Value(tag, value) => framed(*tag, Some(value.len()), value, to),
            Self::Sequence(tag, lengths, items) => {
                let mut inner = Vec::new();
                for item in items {
                    let bytes = write(item);
                    framed(ITEM, lengths.items_defined.then_some(bytes.len()), &bytes, &mut inner);
                    if !lengths.items_defined {
                        framed(ITEM_DELIMITATION, Some(0), &[], &mut inner);
                    }
                }
                framed(*tag, lengths.sequence_defined.then_some(inner.len()), &inner, to);
                if !lengths.sequence_defined {
                    framed(SEQUENCE_DELIMITATION, Some(0), &[], to);
                }
            }
        }
    }
}

fn framed(tag: Tag, length: Option<usize>, bytes: &[u8], to: &mut Vec<u8>) {
    to.extend(tag.group().to_le_bytes());
    to.extend(tag.element().to_le_bytes());
    to.extend(length.map_or(u32::MAX, |length| length as u32).to_le_bytes());
    to.extend(bytes);
}

/// Elements in the order of their tags, each once.
fn write(nodes: &[Node]) -> Vec<u8> {
    let mut sorted: Vec<&Node> = nodes.iter().collect();
    sorted.sort_by_key(|node| node.tag());
    sorted.dedup_by_key(|node| node.tag());
    let mut bytes = Vec::new();
    sorted.iter().for_each(|node| node.write(&mut bytes));
    bytes
}

const ZERO_VELOCITY_PIXEL_VALUE: Tag = Tag(0x0018, 0x9810);
const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);
const PRIVATE_SEQUENCE: Tag = Tag(0x0009, 0x1002);

/// Values whose length fits their VR.
fn value() -> impl Strategy<Value = Node> {
    let text = (
        select(vec![Tag(0x0008, 0x0050), Tag(0x0010, 0x0010), Tag(0x0010, 0x4000), Tag(0x0008, 0x103E)]),
        "[A-Z^ ]{0,20}",
    );
    let text = text.prop_map(|(tag, mut text)| {
        text.push_str(if text.len() % 2 == 1 { " " } else { "" });
        Node::Value(tag, text.into_bytes())
    });
    let numbers = (
        select(vec![
            (Tag(0x0018, 0x9073), 8),
            (ZERO_VELOCITY_PIXEL_VALUE, 2),
            (Tag(0x0028, 0x0009), 4),
            (Tag(0x0028, 0x0106), 2),
            (Tag(0x0028, 0x3002), 6),
            (Tag(0x0028, 0x3006), 2),
            (Tag(0x0028, 0x1201), 2),
            (Tag(0x0040, 0x9224), 8),
            (Tag(0x7FE0, 0x0010), 2),
            (Tag(0x7FE0, 0x0008), 4),
        ]),
        vec(any::<u8>(), 48),
        0..3usize,
    );
    let numbers =
        numbers.prop_map(|((tag, width), bytes, count)| Node::Value(tag, bytes[..width * count].to_vec()));
    let long = (select(vec![Tag(0x0018, 0x1050), Tag(0x0010, 0x4000)]), 0x7FF0..0x8010usize)
        .prop_map(|(tag, half)| Node::Value(tag, vec![b'1'; half * 2]));
    let private = vec(any::<u8>(), 0..20).prop_map(|mut bytes| {
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        Node::Value(Tag(0x0009, 0x1001), bytes)
    });
    let representation =
        any::<bool>().prop_map(|signed| Node::Value(PIXEL_REPRESENTATION, vec![u8::from(signed), 0]));
    prop_oneof![4 => text, 4 => numbers, 1 => long, 2 => private, 2 => representation]
}

fn data_set() -> impl Strategy<Value = Vec<Node>> {
    let lengths = (any::<bool>(), any::<bool>())
        .prop_map(|(sequence_defined, items_defined)| Lengths { sequence_defined, items_defined });
    let node = value().prop_recursive(5, 60, 4, move |inner| {
        let tags = vec![Tag(0x0008, 0x1140), Tag(0x0008, 0x9215), Tag(0x0040, 0xA730), PRIVATE_SEQUENCE];
        (select(tags), lengths.clone(), vec(vec(inner, 0..4), 0..3)).prop_map(|(tag, lengths, items)| {
            // The bytes of a private sequence of defined length are a value like any other.
            let sequence_defined = lengths.sequence_defined && tag != PRIVATE_SEQUENCE;
            Node::Sequence(tag, Lengths { sequence_defined, ..lengths }, items)
        })
    });
    vec(node, 0..10).prop_map(|mut nodes| {
        nodes.push(Node::Value(Tag(0x0008, 0x0016), b"1.2.840.10008.5.1.4.1.1.2\0".to_vec()));
        nodes.push(Node::Value(Tag(0x0009, 0x0010), b"ACME".to_vec()));
        nodes
    })
}

fn read(bytes: &[u8], encoding: Encoding) -> InMemDicomObject {
    let syntax = match encoding {
        Implicit => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        _ => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    InMemDicomObject::read_dataset_with_ts(bytes, &syntax).unwrap()
}

/// Asserts that both have the same elements with the same values.
fn assert_same(implicit: &InMemDicomObject, explicit: &InMemDicomObject) {
    let (before, after): (Vec<&InMemElement>, Vec<_>) =
        (implicit.iter().collect(), explicit.iter().collect());
    let tags = |elements: &[&InMemElement]| -> Vec<_> {
        elements.iter().map(|element| element.header().tag).collect()
    };
    assert_eq!(tags(&before), tags(&after));
    for (before, after) in before.into_iter().zip(after) {
        match (before.items(), after.items()) {
            (Some(before), Some(after)) => {
                assert_eq!(before.len(), after.len());
                before.iter().zip(after).for_each(|(before, after)| assert_same(before, after));
            }
            (None, None) => assert_eq!(before.to_bytes().unwrap(), after.to_bytes().unwrap()),
            _ => panic!("a sequence became none, or the other way round: {before:?} {after:?}"),
        }
    }
}

/// Both passes, and what the first one told.
fn both_passes(implicit: &[u8]) -> (Image, u64, Vec<u8>) {
    let first = || Rewriting::new(Implicit, Explicit, Limits::default(), 256);
    let (mut measuring, mut counted) = (first(), 0);
    for piece in implicit.chunks(7) {
        let mut written = Vec::new();
        measuring.push(piece, &mut written).unwrap();
        counted += written.len() as u64;
    }
    let image = measuring.measured().unwrap();
    let (mut second, mut written) = (first().knowing(image), Vec::new());
    second.push(implicit, &mut written).unwrap();
    second.finish().unwrap();
    (image, counted, written)
}

proptest! {
    #[test]
    fn another_reader_sees_the_same_elements_and_values(nodes in data_set()) {
        let implicit = write(&nodes);
        let (_, length, explicit) = both_passes(&implicit);
        prop_assert_eq!(length, explicit.len() as u64, "what the first pass counted");
        assert_same(&read(&implicit, Implicit), &read(&explicit, Explicit));
    }

    #[test]
    fn to_rewrite_again_changes_nothing(nodes in data_set()) {
        let implicit = write(&nodes);
        let (image, _, explicit) = both_passes(&implicit);
        prop_assert_eq!(rewrite(&explicit, Explicit, Explicit), Ok(explicit.clone()));
        // What is compared with an origin's copy.
        prop_assert_eq!(rewrite(&explicit, Explicit, Implicit), rewrite(&implicit, Implicit, Implicit));
        prop_assert_eq!(image.pixel_representation.is_some(), nodes.iter().any(|node| node.tag() == PIXEL_REPRESENTATION));
    }
}

#[test]
fn what_stands_behind_tells_of_what_stands_before() {
    let nodes = |representation: u8| {
        [
            Node::Value(Tag(0x0008, 0x0016), b"1.2.3\0".to_vec()),
            Node::Sequence(
                Tag(0x0008, 0x9215),
                Lengths { sequence_defined: true, items_defined: true },
                vec![vec![Node::Value(Tag(0x0028, 0x0106), vec![7, 0])]],
            ),
            Node::Value(ZERO_VELOCITY_PIXEL_VALUE, vec![1, 0]),
            Node::Value(PIXEL_REPRESENTATION, vec![representation, 0]),
        ]
    };
    for (representation, vr) in [(0, VR::US), (1, VR::SS)] {
        let (_, _, explicit) = both_passes(&write(&nodes(representation)));
        let read = read(&explicit, Explicit);
        let zero = read.element(dicom_core::Tag(0x0018, 0x9810)).unwrap();
        assert_eq!(zero.vr(), vr);
        let item = &read.element(dicom_core::Tag(0x0008, 0x9215)).unwrap().items().unwrap()[0];
        assert_eq!(item.element(dicom_core::Tag(0x0028, 0x0106)).unwrap().vr(), vr);
    }
}

#[test]
fn bytes_that_would_be_lost_show() {
    let measured = |inner: &[u8]| {
        let mut implicit = HEAD_IMPLICIT.to_vec();
        framed(Tag(0x0008, 0x1140), Some(inner.len()), inner, &mut implicit);
        let mut measuring = Rewriting::new(Implicit, Explicit, Limits::default(), 256);
        measuring.push(&implicit, &mut Vec::new()).unwrap();
        measuring.measured()
    };
    let lost = Err(RewriteError::LeftOut(Tag(0x0008, 0x1140)));
    assert_eq!(measured(b"no item at all"), lost);
    assert_eq!(measured(b"\xFE\xFF\0\xE0\x03\0\0\0abc"), lost, "too short for an element");
    assert_eq!(measured(b"\xFE\xFF\0\xE0\x04\0\0\0\0\0\0\0"), Ok(Image::default()), "padding");
    assert_eq!(measured(b""), Ok(Image::default()));
}
