//! What is accepted of a proposal (PS3.8 §9.3.3.2).

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::{CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use tests::scripted_origin::ScriptedOrigin;
use tests::scripted_peer::ScriptedPeer;
use tests::wire::{Proposal, VERIFICATION};

const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
const PRIVATE: &str = "1.2.826.0.1.3680043.9.1.2.3";

#[test]
fn storage_is_taken_in_any_syntax_and_other_services_are_named_unsupported() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let study_root_find = "1.2.840.10008.5.1.4.1.2.2.1";
    let grayscale_print = "1.2.840.10008.5.1.1.9";
    let table: &[(&str, &[&str], u8, &str)] = &[
        (VERIFICATION, &[IMPLICIT_VR_LITTLE_ENDIAN], 0, IMPLICIT_VR_LITTLE_ENDIAN),
        (
            CT_IMAGE_STORAGE,
            &[IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN],
            0,
            EXPLICIT_VR_LITTLE_ENDIAN,
        ),
        (CT_IMAGE_STORAGE, &[BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN], 0, IMPLICIT_VR_LITTLE_ENDIAN),
        (CT_IMAGE_STORAGE, &[JPEG_BASELINE, EXPLICIT_VR_LITTLE_ENDIAN], 0, JPEG_BASELINE),
        (CT_IMAGE_STORAGE, &[PRIVATE], 0, PRIVATE),
        (PRIVATE, &[PRIVATE], 0, PRIVATE),
        (study_root_find, &[IMPLICIT_VR_LITTLE_ENDIAN], 0, IMPLICIT_VR_LITTLE_ENDIAN),
        (study_root_find, &[JPEG_BASELINE], 4, ""),
        (grayscale_print, &[IMPLICIT_VR_LITTLE_ENDIAN], 3, ""),
    ];
    let contexts: Vec<_> = table.iter().map(|(syntax, transfer, _, _)| (*syntax, *transfer)).collect();
    let peer = ScriptedPeer::associate(daemon.dimse(), &Proposal::new(&contexts));
    for (index, (abstract_syntax, transfer_syntaxes, result, chosen)) in table.iter().enumerate() {
        let id = tests::wire::context_id(index);
        let (found, syntax) = peer.acceptance().contexts.get(&id).expect("an answer for each context");
        assert_eq!(found, result, "{abstract_syntax} {transfer_syntaxes:?}");
        if *result == 0 {
            assert_eq!(syntax, chosen, "{abstract_syntax} {transfer_syntaxes:?}");
        }
    }
    peer.release();
}

#[test]
fn all_128_contexts_are_answered() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let syntaxes: &[&str] =
        &[EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, JPEG_BASELINE, BIG_ENDIAN];
    let contexts = vec![(CT_IMAGE_STORAGE, syntaxes); 128];
    let peer = ScriptedPeer::associate(daemon.dimse(), &Proposal::new(&contexts));
    assert_eq!(peer.acceptance().contexts.len(), 128);
    peer.release();
}
