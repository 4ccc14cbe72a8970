//! Status of a DIMSE response (PS3.7 §C, PS3.4 §B.2.3).

use std::fmt;

/// The value of (0000,0900) Status.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u16);

/// What a status says about the operation (PS3.7 §C).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Done.
    Success,
    /// Done, with something to tell.
    Warning,
    /// Not done.
    Failure,
    /// Ended because the invoker asked for it.
    Cancel,
    /// More responses follow.
    Pending,
}

impl Status {
    /// Success (PS3.7 §C.1.1).
    pub const SUCCESS: Self = Self(0x0000);
    /// Warning: optional attributes that were asked for are not supported (PS3.4 §F.8.2.1.4).
    pub const OPTIONAL_ATTRIBUTES_NOT_SUPPORTED: Self = Self(0x0001);
    /// Warning: attributes were not recognized (PS3.7 §C.4.2).
    pub const ATTRIBUTE_LIST_ERROR: Self = Self(0x0107);
    /// Warning: an attribute value is out of range (PS3.7 §C.4.3).
    pub const ATTRIBUTE_VALUE_OUT_OF_RANGE: Self = Self(0x0116);
    /// Failure: class and instance do not belong together (PS3.7 §C.5.7).
    pub const CLASS_INSTANCE_CONFLICT: Self = Self(0x0119);
    /// Failure: the SOP Instance exists already (PS3.7 §C.5.8).
    pub const DUPLICATE_SOP_INSTANCE: Self = Self(0x0111);
    /// Failure: the Message ID is in use (PS3.7 §C.5.9).
    pub const DUPLICATE_INVOCATION: Self = Self(0x0210);
    /// Failure: an argument has a wrong value (PS3.7 §C.5.10).
    pub const INVALID_ARGUMENT_VALUE: Self = Self(0x0115);
    /// Failure: an attribute has a wrong value (PS3.7 §C.5.11).
    pub const INVALID_ATTRIBUTE_VALUE: Self = Self(0x0106);
    /// Failure: the SOP Instance UID breaks the rules of UIDs (PS3.7 §C.5.12).
    pub const INVALID_SOP_INSTANCE: Self = Self(0x0117);
    /// Failure: a required attribute is absent (PS3.7 §C.5.13).
    pub const MISSING_ATTRIBUTE: Self = Self(0x0120);
    /// Failure: a required attribute has no value (PS3.7 §C.5.14).
    pub const MISSING_ATTRIBUTE_VALUE: Self = Self(0x0121);
    /// Failure: a parameter is not as agreed (PS3.7 §C.5.15).
    pub const MISTYPED_ARGUMENT: Self = Self(0x0212);
    /// Failure: no such action (PS3.7 §C.5.24).
    pub const NO_SUCH_ACTION: Self = Self(0x0123);
    /// Failure: no such attribute (PS3.7 §C.5.17).
    pub const NO_SUCH_ATTRIBUTE: Self = Self(0x0105);
    /// Failure: no such event type (PS3.7 §C.5.18).
    pub const NO_SUCH_EVENT_TYPE: Self = Self(0x0113);
    /// Failure: no such SOP Instance (PS3.7 §C.5.19).
    pub const NO_SUCH_SOP_INSTANCE: Self = Self(0x0112);
    /// Failure: no such SOP Class (PS3.7 §C.5.20).
    pub const NO_SUCH_SOP_CLASS: Self = Self(0x0118);
    /// Failure: a general fault in processing (PS3.7 §C.5.21).
    pub const PROCESSING_FAILURE: Self = Self(0x0110);
    /// Failure: resource limitation (PS3.7 §C.5.22).
    pub const RESOURCE_LIMITATION: Self = Self(0x0213);
    /// Refused: SOP Class not supported (PS3.7 §C.5.6).
    pub const SOP_CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// Failure: unrecognized operation (PS3.7 §C.5.23).
    pub const UNRECOGNIZED_OPERATION: Self = Self(0x0211);
    /// Refused: not authorized (PS3.7 §C.5.25, PS3.4 §B.2.3).
    pub const NOT_AUTHORIZED: Self = Self(0x0124);
    /// C-STORE refused: out of resources, A7xx (PS3.4 §B.2.3).
    pub const OUT_OF_RESOURCES: Self = Self(0xA700);
    /// C-STORE error: data set does not match SOP Class, A9xx (PS3.4 §B.2.3).
    pub const DATA_SET_DOES_NOT_MATCH_SOP_CLASS: Self = Self(0xA900);
    /// C-STORE error: cannot understand, Cxxx (PS3.4 §B.2.3).
    pub const CANNOT_UNDERSTAND: Self = Self(0xC000);
    /// C-STORE warning: coercion of data elements (PS3.4 §B.2.3).
    pub const COERCION_OF_DATA_ELEMENTS: Self = Self(0xB000);
    /// C-STORE warning: elements discarded (PS3.4 §B.2.3).
    pub const ELEMENTS_DISCARDED: Self = Self(0xB006);
    /// C-STORE warning: data set does not match SOP Class (PS3.4 §B.2.3).
    pub const DATA_SET_DOES_NOT_MATCH_SOP_CLASS_WARNING: Self = Self(0xB007);
    /// Matching or sub-operations ended by C-CANCEL (PS3.4 §C.4.1.1.4).
    pub const CANCEL: Self = Self(0xFE00);
    /// Pending: a match follows (PS3.4 §C.4.1.1.4).
    pub const PENDING: Self = Self(0xFF00);
    /// Pending: a match follows, optional keys were not supported (PS3.4 §C.4.1.1.4).
    pub const PENDING_WITH_WARNING: Self = Self(0xFF01);

    /// The category of the status, by the ranges that PS3.7 §C reserves.
    #[must_use]
    pub const fn category(self) -> Category {
        match self.0 {
            0x0000 => Category::Success,
            0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF => Category::Warning,
            0xFE00 => Category::Cancel,
            0xFF00 | 0xFF01 => Category::Pending,
            _ => Category::Failure,
        }
    }

    /// Whether the operation was done, with or without a warning.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self.category(), Category::Success | Category::Warning)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_category_of_its_range() {
        let cases = [
            (0x0000, Category::Success),
            (0x0001, Category::Warning),
            (0x0107, Category::Warning),
            (0x0116, Category::Warning),
            (0xB000, Category::Warning),
            (0xB007, Category::Warning),
            (0x0110, Category::Failure),
            (0x0211, Category::Failure),
            (0xA700, Category::Failure),
            (0xA900, Category::Failure),
            (0xC000, Category::Failure),
            (0xCFFF, Category::Failure),
            (0xFE00, Category::Cancel),
            (0xFF00, Category::Pending),
            (0xFF01, Category::Pending),
        ];
        for (status, category) in cases {
            assert_eq!(Status(status).category(), category, "{status:04X}");
        }
        assert_eq!(Status::OUT_OF_RESOURCES.to_string(), "A700");
    }
}
