//! The SOP Classes of Query/Retrieve and of the worklist, and the options that are negotiated for them
//! (PS3.4 §C, §K).

use bytes::Bytes;
use dicom_dictionary_std::uids;
use instance::Uid;

use super::ExtendedNegotiation;

/// The hierarchy that a query or a retrieve works on (PS3.4 §C.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InformationModel {
    /// PATIENT, STUDY, SERIES, IMAGE (PS3.4 §C.6.1).
    PatientRoot,
    /// STUDY, SERIES, IMAGE; attributes of the patient belong to the study (PS3.4 §C.6.2).
    StudyRoot,
    /// PATIENT, STUDY; retired, and still asked for by old workstations.
    PatientStudyOnly,
    /// Scheduled Procedure Steps, which have one level and C-FIND alone (PS3.4 §K.6.1).
    ModalityWorklist,
}

/// What a SOP Class of Query/Retrieve does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryRetrieveOperation {
    /// C-FIND (PS3.4 §C.4.1).
    Find,
    /// C-MOVE (PS3.4 §C.4.2).
    Move,
    /// C-GET (PS3.4 §C.4.3).
    Get,
}

/// A SOP Class of Query/Retrieve (PS3.4 §C.6), or that of the worklist (PS3.4 §K.6.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueryRetrieveClass {
    /// Its hierarchy.
    pub model: InformationModel,
    /// Its operation.
    pub operation: QueryRetrieveOperation,
}

impl QueryRetrieveClass {
    /// All of them, by information model.
    pub const ALL: [Self; 10] = {
        use {InformationModel as Model, QueryRetrieveOperation as Operation};
        const fn class(model: Model, operation: Operation) -> QueryRetrieveClass {
            QueryRetrieveClass { model, operation }
        }
        [
            class(Model::PatientRoot, Operation::Find),
            class(Model::PatientRoot, Operation::Move),
            class(Model::PatientRoot, Operation::Get),
            class(Model::StudyRoot, Operation::Find),
            class(Model::StudyRoot, Operation::Move),
            class(Model::StudyRoot, Operation::Get),
            class(Model::PatientStudyOnly, Operation::Find),
            class(Model::PatientStudyOnly, Operation::Move),
            class(Model::PatientStudyOnly, Operation::Get),
            Self::WORKLIST,
        ]
    };

    /// Modality Worklist Information Model - FIND (PS3.4 §K.6.1.4).
    pub const WORKLIST: Self =
        Self { model: InformationModel::ModalityWorklist, operation: QueryRetrieveOperation::Find };

    /// The class with this UID, if it is one of Query/Retrieve or that of the worklist.
    #[must_use]
    pub fn from_uid(uid: &Uid) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == uid.as_str())
    }

    /// The SOP Class UID as text.
    #[must_use]
    #[expect(deprecated, reason = "retired SOP Classes are served too")]
    pub const fn as_str(self) -> &'static str {
        use {InformationModel as Model, QueryRetrieveOperation as Operation};
        match (self.model, self.operation) {
            (Model::PatientRoot, Operation::Find) => uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND,
            (Model::PatientRoot, Operation::Move) => uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE,
            (Model::PatientRoot, Operation::Get) => uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET,
            (Model::StudyRoot, Operation::Find) => uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND,
            (Model::StudyRoot, Operation::Move) => uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE,
            (Model::StudyRoot, Operation::Get) => uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET,
            (Model::PatientStudyOnly, Operation::Find) => {
                uids::PATIENT_STUDY_ONLY_QUERY_RETRIEVE_INFORMATION_MODEL_FIND
            }
            (Model::PatientStudyOnly, Operation::Move) => {
                uids::PATIENT_STUDY_ONLY_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE
            }
            (Model::PatientStudyOnly, Operation::Get) => {
                uids::PATIENT_STUDY_ONLY_QUERY_RETRIEVE_INFORMATION_MODEL_GET
            }
            // It has no other operation.
            (Model::ModalityWorklist, _) => uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND,
        }
    }

    /// The SOP Class UID.
    #[must_use]
    pub fn uid(self) -> Uid {
        // INVARIANT: the dictionary holds UIDs.
        #[expect(clippy::expect_used, reason = "a constant of the dictionary")]
        let uid = self.as_str().parse().expect("a UID");
        uid
    }
}

/// What the two sides may agree on for a SOP Class of Query/Retrieve, beyond the baseline (PS3.4 §C.5).
/// The default is the baseline: what holds without a negotiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct QueryRetrieveOptions {
    /// Relational queries, and relational retrieval: keys of any level without those above (PS3.4 §C.4.1.3.2).
    pub relational: bool,
    /// A date range and a time range together are one range of moments (PS3.4 §C.2.2.2.5). C-FIND only.
    pub combined_date_time: bool,
    /// Fuzzy semantic matching of person names (PS3.4 §C.2.2.2.1). C-FIND only.
    pub fuzzy: bool,
    /// Timezone query adjustment (PS3.4 §C.5.1.1). C-FIND only.
    pub time_zone: bool,
}

impl QueryRetrieveOptions {
    /// Reads the Service-class-application-information of an extended negotiation for `operation`
    /// (PS3.4 §C.5.1.1, §C.5.2.1, §C.5.3.1): absent bytes and values other than 1 mean no.
    #[must_use]
    pub fn read(operation: QueryRetrieveOperation, application_information: &[u8]) -> Self {
        let is_set = |at: usize| application_information.get(at) == Some(&1);
        let is_find = operation == QueryRetrieveOperation::Find;
        Self {
            relational: is_set(0),
            combined_date_time: is_find && is_set(1),
            fuzzy: is_find && is_set(2),
            time_zone: is_find && is_set(3),
        }
    }

    /// What was agreed on for `class` by `negotiated`; the baseline where nothing was.
    #[must_use]
    pub fn agreed(class: QueryRetrieveClass, negotiated: &[ExtendedNegotiation]) -> Self {
        let information = negotiated.iter().find(|n| n.sop_class_uid.as_str() == class.as_str());
        information.map_or_else(Self::default, |n| Self::read(class.operation, &n.application_information))
    }

    /// The Service-class-application-information that says this for `operation`: four bytes for C-FIND, one
    /// for the others, whose further byte is about the conversion of enhanced multi-frame images.
    #[must_use]
    pub fn application_information(self, operation: QueryRetrieveOperation) -> Bytes {
        let flags = [self.relational, self.combined_date_time, self.fuzzy, self.time_zone];
        let length = if operation == QueryRetrieveOperation::Find { flags.len() } else { 1 };
        flags.into_iter().take(length).map(u8::from).collect()
    }

    /// The extended negotiation that proposes or answers this for `class`.
    #[must_use]
    pub fn negotiation(self, class: QueryRetrieveClass) -> ExtendedNegotiation {
        ExtendedNegotiation {
            sop_class_uid: class.uid(),
            application_information: self.application_information(class.operation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InformationModel as Model;
    use QueryRetrieveOperation as Operation;

    #[test]
    fn classes_are_found_by_their_uid() {
        let cases = [
            ("1.2.840.10008.5.1.4.1.2.1.1", Some((Model::PatientRoot, Operation::Find))),
            ("1.2.840.10008.5.1.4.1.2.1.3", Some((Model::PatientRoot, Operation::Get))),
            ("1.2.840.10008.5.1.4.1.2.2.2", Some((Model::StudyRoot, Operation::Move))),
            ("1.2.840.10008.5.1.4.1.2.3.1", Some((Model::PatientStudyOnly, Operation::Find))),
            ("1.2.840.10008.5.1.4.1.2.4.2", None),
            ("1.2.840.10008.5.1.4.31", Some((Model::ModalityWorklist, Operation::Find))),
            ("1.2.840.10008.5.1.4.34.6.3", None),
        ];
        for (uid, expected) in cases {
            let found = QueryRetrieveClass::from_uid(&uid.parse().unwrap());
            assert_eq!(found.map(|class| (class.model, class.operation)), expected, "{uid}");
        }
        for class in QueryRetrieveClass::ALL {
            assert_eq!(QueryRetrieveClass::from_uid(&class.uid()), Some(class));
        }
    }

    /// PS3.4 §C.5.1.1: one byte each, and those behind the first may be absent.
    #[test]
    fn options_are_read_and_written_byte_by_byte() {
        let none = QueryRetrieveOptions::default();
        let relational = QueryRetrieveOptions { relational: true, ..none };
        let fuzzy = QueryRetrieveOptions { fuzzy: true, ..none };
        let all =
            QueryRetrieveOptions { relational: true, combined_date_time: true, fuzzy: true, time_zone: true };
        let cases: [(Operation, &[u8], QueryRetrieveOptions); 8] = [
            (Operation::Find, &[], none),
            (Operation::Find, &[1], relational),
            (Operation::Find, &[0, 0, 1], fuzzy),
            (Operation::Find, &[1, 1, 1, 1, 1, 1, 1], all),
            (Operation::Find, &[2, 255], none),
            (Operation::Move, &[1, 1], relational),
            (Operation::Get, &[1, 1, 1, 1], relational),
            (Operation::Get, &[0, 1], none),
        ];
        for (operation, bytes, expected) in cases {
            assert_eq!(QueryRetrieveOptions::read(operation, bytes), expected, "{operation:?} {bytes:?}");
            let written = expected.application_information(operation);
            assert_eq!(QueryRetrieveOptions::read(operation, &written), expected);
        }
        assert_eq!(all.application_information(Operation::Find), &[1, 1, 1, 1][..]);
        assert_eq!(all.application_information(Operation::Move), &[1][..]);
    }

    #[test]
    fn what_was_not_negotiated_is_the_baseline() {
        let find = QueryRetrieveClass { model: Model::StudyRoot, operation: Operation::Find };
        let other = QueryRetrieveClass { model: Model::PatientRoot, operation: Operation::Find };
        let relational = QueryRetrieveOptions { relational: true, ..QueryRetrieveOptions::default() };
        let negotiated = [relational.negotiation(find)];
        assert_eq!(QueryRetrieveOptions::agreed(find, &negotiated), relational);
        assert_eq!(QueryRetrieveOptions::agreed(other, &negotiated), QueryRetrieveOptions::default());
    }
}
