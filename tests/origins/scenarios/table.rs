//! Scenario by scenario: what the bridge does, and where that is proved.

use super::service::Service;
use super::{answers, searching, storing};

/// A scenario of `origin::azure::SCENARIOS`.
pub(crate) struct Row {
    /// Its name there.
    pub(crate) scenario: &'static str,
    /// What the bridge does, for the page.
    pub(crate) does: &'static str,
    /// What shows that.
    pub(crate) proof: Proof,
}

/// What shows that the bridge does so.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// A daemon in front of the stand-in.
    WithService(fn(&Service)),
    /// A daemon in front of a server that answers what the stand-in cannot be brought to.
    WithAnswers(fn()),
    /// A test elsewhere: its file below the workspace, and its name.
    At(&'static str, &'static str),
}

const fn row(scenario: &'static str, does: &'static str, proof: Proof) -> Row {
    Row { scenario, does, proof }
}

/// Every scenario, in the order of the list.
pub(crate) const ROWS: [Row; 30] = [
    row(
        "empty content",
        "Is never sent: a C-STORE without a data set is answered A900, nothing is accepted.",
        Proof::WithService(storing::empty_content),
    ),
    row(
        "invalid study UID",
        "Is never sent: a C-STORE or a C-FIND with such a UID is answered A900.",
        Proof::WithService(storing::invalid_study_uid),
    ),
    row(
        "another Accept",
        "Never asks for another. Were it answered: `held` at once, not tried again; C122 where the peer waits.",
        Proof::WithAnswers(answers::not_acceptable),
    ),
    row(
        "form data",
        "Never sends it. Were it answered: `held` at once, not tried again; C122 where the peer waits.",
        Proof::WithAnswers(answers::unsupported_media_type),
    ),
    row(
        "multipart without parts",
        "Never sends it. Were it answered: not taken for success, but looked up, and sent again; A700 where the \
         peer waits.",
        Proof::WithAnswers(answers::no_content),
    ),
    row(
        "an empty part",
        "Never sends it. An instance that the service cannot read is `held` with failure reason 0110, not tried \
         again; 0110 where the peer waits.",
        Proof::WithAnswers(answers::unreadable),
    ),
    row(
        "one bad part",
        "The bad one is `held` with its failure reason, the others are `delivered`.",
        Proof::WithService(storing::one_bad_part),
    ),
    row(
        "part without Content-Type",
        "Names the type of every part.",
        Proof::At(
            "crates/dicomweb/src/store/tests.rs",
            "a_body_of_known_length_has_a_content_length_and_any_other_is_chunked",
        ),
    ),
    row(
        "all studies differ from the path",
        "Never names a study in the path of a store. Were it answered: `held` with A901; A901 where the peer waits.",
        Proof::WithAnswers(answers::another_study),
    ),
    row(
        "one study differs from the path",
        "Never names a study. Were it answered: that one is `held` with A901, the other is `delivered`.",
        Proof::WithAnswers(answers::one_of_another_study),
    ),
    row(
        "duplicates in one request",
        "Never sends a UID twice in one request: the second one follows the first, and is compared with it.",
        Proof::WithService(storing::duplicates_follow_each_other),
    ),
    row(
        "an existing instance",
        "Compares: the same content is `delivered`, other content is `held`; 0111 where the peer waits. `duplicate` \
         says otherwise.",
        Proof::WithService(storing::an_existing_instance),
    ),
    row(
        "single part",
        "Stores so where `store_form = \"single-part\"`.",
        Proof::WithService(storing::single_part),
    ),
    row(
        "stored bytes",
        "The data set that is kept is the one that was sent.",
        Proof::WithService(storing::stored_bytes),
    ),
    row(
        "a searched attribute of several values",
        "`delivered` at the first attempt: the warning is about searches.",
        Proof::WithService(storing::several_values),
    ),
    row(
        "unsupported query tag",
        "Does not ask for it, and matches it itself: 0000 with what matches.",
        Proof::WithService(searching::unsupported_tag),
    ),
    row("no match", "C-FIND ends with 0000 and no answer.", Proof::WithService(searching::no_match)),
    row(
        "name in another case",
        "Found by C-FIND as well.",
        Proof::WithService(searching::name_in_another_case),
    ),
    row(
        "name without its accent",
        "Asked for so, matched strictly: a name without its accent is another one for C-FIND.",
        Proof::WithService(searching::name_without_its_accent),
    ),
    row(
        "limit too high",
        "Asks for 200 at a time: C-FIND has all 250 instances of a study.",
        Proof::WithService(searching::more_than_a_page),
    ),
    row("viewer", "The same keys in a C-FIND find the study.", Proof::WithService(searching::as_a_viewer)),
    row(
        "mixed syntaxes, one named",
        "Names none but `*`, so it is never refused.",
        Proof::WithService(searching::mixed_syntaxes),
    ),
    row(
        "mixed syntaxes, any",
        "C-GET of a study in mixed transfer syntaxes gives each instance as it is kept: 0000.",
        Proof::WithService(searching::mixed_syntaxes),
    ),
    row(
        "unknown study",
        "C-GET ends with 0000 and no sub-operation.",
        Proof::WithService(searching::unknown_study),
    ),
    row(
        "deletion for the second time",
        "`dimseway delete` says that it is not there, exit code 65.",
        Proof::WithService(searching::deleted_for_the_second_time),
    ),
    row(
        "deletion of an invalid UID",
        "`dimseway delete` does not ask, exit code 64.",
        Proof::WithService(searching::deletion_of_an_invalid_uid),
    ),
    row(
        "metadata that is known",
        "Keeps no answers, so no request has `If-None-Match`.",
        Proof::WithAnswers(answers::never_conditional),
    ),
    row(
        "metadata that has changed",
        "Asks anew each time: what was deleted is not found by the next C-FIND.",
        Proof::WithService(searching::deleted_for_the_second_time),
    ),
    row(
        "cancel twice",
        "Workitems are read for the worklist, and never canceled.",
        Proof::WithAnswers(answers::workitems_are_read),
    ),
    row(
        "cancel an unknown one",
        "Workitems are read for the worklist, and never canceled.",
        Proof::WithAnswers(answers::workitems_are_read),
    ),
];
