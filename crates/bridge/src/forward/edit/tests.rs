use super::{re_encoding::reachable, *};
use dataset::element::{VR, Writer};
use futures::stream;
use instance::{
    Encoding, Tag, Uid,
    transfer_syntax::{
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN,
        IMPLICIT_VR_LITTLE_ENDIAN,
    },
};
use sha2::{Digest, Sha256};
use spool::{EntryHeader, PayloadWriter};

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const PRIVATE: &str = "1.2.3.4.5";

/// Bytes from which on the spool hands a data set out as one chunk, larger than any real one.
const LARGE: usize = 1024 * 1024;

/// One data set, in chunks of a few bytes; none where the disk fails.
struct OneEntry(Option<Vec<u8>>);

#[async_trait]
impl Payloads for OneEntry {
    async fn begin(&self, _header: EntryHeader) -> Result<Box<dyn PayloadWriter>, spool::Error> {
        Err(spool::Error::Closed)
    }

    fn read(
        &self,
        _entry_id: EntryId,
        _range: std::ops::Range<u64>,
    ) -> BoxStream<'static, Result<Bytes, spool::Error>> {
        let Some(bytes) = &self.0 else {
            return stream::iter([Err(spool::Error::Io(std::io::Error::other("worn out")))]).boxed();
        };
        if bytes.len() > LARGE {
            return stream::iter([Ok(Bytes::from(bytes.clone()))]).boxed();
        }
        let chunks: Vec<_> = bytes.chunks(11).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        stream::iter(chunks).boxed()
    }
}

fn syntax(uid: &str) -> TransferSyntax {
    TransferSyntax::new(uid.parse().unwrap())
}

fn these(uids: &[&str]) -> TransferSyntaxes {
    TransferSyntaxes::These(uids.iter().map(|uid| syntax(uid)).collect())
}

fn original(transfer_syntax: &str, data_set: Option<Vec<u8>>) -> Original {
    let length = data_set.as_ref().map_or(0, |bytes| bytes.len() as u64);
    Original {
        payloads: Arc::new(OneEntry(data_set)),
        entry_id: "1".parse().unwrap(),
        transfer_syntax: syntax(transfer_syntax),
        length,
    }
}

fn data_set(encoding: Encoding) -> Vec<u8> {
    let mut writer = Writer::new(encoding);
    writer
        .element(Tag::SOP_CLASS_UID, VR::UI, b"1.2.3\0")
        .begin_sequence(Tag(0x0008, 0x1140))
        .begin_item()
        .element(Tag(0x0008, 0x1155), VR::UI, b"1.2.3.4\0")
        .end_item()
        .end_sequence()
        .element(Tag::PIXEL_DATA, VR::OW, &[7; 100]);
    writer.into_bytes()
}

async fn whole(data_set: &DataSet) -> Vec<u8> {
    let pieces: Vec<Bytes> = data_set.bytes().try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn what_the_origin_takes_is_untouched() {
    let bytes = b"not even a data set".to_vec();
    let cases = [
        (TransferSyntaxes::All, IMPLICIT_VR_LITTLE_ENDIAN),
        (TransferSyntaxes::ExplicitVr, JPEG),
        (TransferSyntaxes::ExplicitVr, PRIVATE),
        (these(&[JPEG, PRIVATE]), PRIVATE),
    ];
    for (accepted, uid) in cases {
        let profile = Profile { transfer_syntaxes: accepted, ..Profile::standard() };
        let data_set = of(&profile).prepare(original(uid, Some(bytes.clone()))).await.unwrap();
        assert_eq!((data_set.transfer_syntax.clone(), data_set.length), (syntax(uid), bytes.len() as u64));
        assert_eq!(whole(&data_set).await, bytes);
        assert!(data_set.change_in_words().is_none() && data_set.changed_from().is_none());
    }
}

#[tokio::test]
async fn the_rest_becomes_what_it_takes_with_a_known_length_and_as_often_as_needed() {
    let (implicit, explicit) = (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN);
    let cases = [
        (TransferSyntaxes::ExplicitVr, implicit, explicit),
        (these(&[JPEG, implicit, explicit]), EXPLICIT_VR_BIG_ENDIAN, explicit),
        (these(&[implicit]), explicit, implicit),
    ];
    for (accepted, from, to) in cases {
        let arrived = data_set(syntax(from).encoding());
        let edit = ReEncoding::new(accepted);
        let made = edit.prepare(original(from, Some(arrived))).await.unwrap();
        assert_eq!(made.transfer_syntax, syntax(to));
        assert_eq!(made.change_in_words().unwrap(), format!("re-encoded in transfer syntax {to}"));
        let expected = data_set(syntax(to).encoding());
        assert_eq!(made.length, expected.len() as u64, "{from}");
        for _ in 0..2 {
            assert_eq!(whole(&made).await, expected, "{from}");
        }
        let hash: String = Sha256::digest(&expected).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(made.change_in_words().unwrap().ends_with(&hash), "what was sent is known now");
        assert_eq!(made.changed_from().unwrap().transfer_syntax, syntax(from));
    }
}

#[tokio::test]
async fn what_cannot_be_made_into_it_is_refused_before_a_byte_is_sent() {
    let prepare = async |accepted, uid, bytes: &[u8]| {
        let edit = ReEncoding::new(accepted);
        edit.prepare(original(uid, Some(bytes.to_vec()))).await.unwrap_err().to_string()
    };
    for uid in [JPEG, PRIVATE] {
        let words = prepare(these(&[EXPLICIT_VR_LITTLE_ENDIAN]), uid, b"").await;
        assert!(words.contains(uid) && words.contains("nothing else is made of it"), "{words}");
    }
    let words = prepare(these(&[JPEG]), IMPLICIT_VR_LITTLE_ENDIAN, b"").await;
    assert!(words.contains("nothing else is made of it"), "{words}");
    let cut = &data_set(Encoding::ImplicitVrLittleEndian)[..30];
    let words = prepare(TransferSyntaxes::ExplicitVr, IMPLICIT_VR_LITTLE_ENDIAN, cut).await;
    assert!(words.contains("the data set ends inside (0008,1140)"), "{words}");
    let lost = b"\x08\0\x16\0\x06\0\0\x001.2.3\0\x08\0\x40\x11\x04\0\0\0lost";
    let words = prepare(TransferSyntaxes::ExplicitVr, IMPLICIT_VR_LITTLE_ENDIAN, lost).await;
    assert!(words.contains("(0008,1140)"), "{words}");
    let failing = original(IMPLICIT_VR_LITTLE_ENDIAN, None);
    let error = ReEncoding::new(TransferSyntaxes::ExplicitVr).prepare(failing).await.unwrap_err();
    assert!(matches!(error, EditError::Source(source) if source.is::<spool::Error>()));
}

#[tokio::test]
async fn a_large_value_passes_in_small_pieces() {
    let mut writer = Writer::new(Encoding::ImplicitVrLittleEndian);
    writer.element(Tag::SOP_CLASS_UID, VR::UI, b"1.2.3\0").element(
        Tag::PIXEL_DATA,
        VR::OW,
        &vec![7; 2 * LARGE],
    );
    let arrived = original(IMPLICIT_VR_LITTLE_ENDIAN, Some(writer.into_bytes()));
    let made = ReEncoding::new(TransferSyntaxes::ExplicitVr).prepare(arrived).await.unwrap();
    let lengths: Vec<usize> = made.bytes().map_ok(|piece| piece.len()).try_collect().await.unwrap();
    assert_eq!(lengths.iter().sum::<usize>() as u64, made.length);
    assert!(lengths.iter().all(|length| *length < 66 * 1024), "{lengths:?}");
}

#[test]
fn a_peer_may_offer_what_can_be_made_into_what_the_origin_takes() {
    let reachable = |accepted: &TransferSyntaxes| {
        reachable(accepted).map(|uids| uids.iter().map(Uid::to_string).collect::<Vec<_>>())
    };
    assert_eq!(reachable(&TransferSyntaxes::All), None);
    assert_eq!(reachable(&TransferSyntaxes::ExplicitVr), None);
    assert_eq!(reachable(&these(&[JPEG])).unwrap(), [JPEG]);
    assert_eq!(
        reachable(&these(&[JPEG, EXPLICIT_VR_LITTLE_ENDIAN])).unwrap(),
        [
            JPEG,
            EXPLICIT_VR_LITTLE_ENDIAN,
            IMPLICIT_VR_LITTLE_ENDIAN,
            EXPLICIT_VR_BIG_ENDIAN,
            DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
        ]
    );
}
