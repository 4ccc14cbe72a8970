//! The presentation contexts that the instances of a retrieve will need, as far as a search can tell.

use std::collections::{BTreeMap, BTreeSet};

use dimse::requestor::PRESENTATION_CONTEXTS_MAX;
use instance::{TransferSyntax, Uid, transfer_syntax};

/// An abstract syntax and a transfer syntax.
pub(crate) type Pair = (Uid, TransferSyntax);

/// Transfer syntaxes proposed where it is not known in which one the instances are stored, the more
/// common ones first (PS3.5 §10). The uncompressed ones are proposed always: what a destination does not
/// take as it is stored is transcoded to one of them.
const COMMON: [&str; 14] = [
    transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN,
    transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN,
    "1.2.840.10008.1.2.4.70",  // JPEG lossless, first-order prediction
    "1.2.840.10008.1.2.4.50",  // JPEG baseline
    "1.2.840.10008.1.2.4.90",  // JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91",  // JPEG 2000
    "1.2.840.10008.1.2.4.80",  // JPEG-LS lossless
    "1.2.840.10008.1.2.5",     // RLE
    "1.2.840.10008.1.2.4.51",  // JPEG extended
    "1.2.840.10008.1.2.4.201", // HTJ2K lossless
    "1.2.840.10008.1.2.4.202", // HTJ2K lossless, RPCL
    "1.2.840.10008.1.2.4.81",  // JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.57",  // JPEG lossless
    "1.2.840.10008.1.2.1.99",  // Deflated
];

/// How many of [`COMMON`] are proposed always.
const ALWAYS: usize = 2;

/// What a retrieve will need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Foreseen {
    classes: BTreeMap<Uid, OfClass>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfClass {
    known: BTreeSet<Uid>,
    /// Whether there are instances of which the transfer syntax is not known.
    unknown: bool,
}

impl Foreseen {
    /// Adds an instance.
    pub(crate) fn add(&mut self, sop_class: &Uid, transfer_syntax: Option<&Uid>) {
        let of_class = self.classes.entry(sop_class.clone()).or_default();
        match transfer_syntax {
            Some(syntax) => {
                of_class.known.insert(syntax.clone());
            }
            None => of_class.unknown = true,
        }
    }

    /// What to propose, `needed` and `before` included: one presentation context for each pair, so that
    /// the answer tells about each of them. As many as an association can have, the more certain first.
    pub(super) fn pairs(&self, needed: &Pair, before: impl IntoIterator<Item = Pair>) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut proposed = BTreeSet::new();
        let mut propose = |sop_class: &Uid, syntax: &Uid| {
            if pairs.len() < PRESENTATION_CONTEXTS_MAX && proposed.insert((sop_class.clone(), syntax.clone()))
            {
                pairs.push((sop_class.clone(), TransferSyntax::new(syntax.clone())));
            }
        };
        let common: Vec<Uid> = COMMON.iter().filter_map(|uid| uid.parse().ok()).collect();
        propose(&needed.0, needed.1.uid());
        // Of a SOP Class that no search told, nothing is known.
        let unforeseen = !self.classes.contains_key(&needed.0);
        for syntax in common.iter().take(if unforeseen { COMMON.len() } else { ALWAYS }) {
            propose(&needed.0, syntax);
        }
        for (sop_class, of_class) in &self.classes {
            of_class.known.iter().for_each(|syntax| propose(sop_class, syntax));
        }
        for (at, syntax) in common.iter().enumerate() {
            for (sop_class, of_class) in &self.classes {
                if at < ALWAYS || of_class.unknown {
                    propose(sop_class, syntax);
                }
            }
        }
        for (sop_class, syntax) in before {
            propose(&sop_class, syntax.uid());
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const J2K: &str = "1.2.840.10008.1.2.4.90";

    fn pair(class: &str, syntax: &str) -> Pair {
        (class.parse().unwrap(), TransferSyntax::new(syntax.parse().unwrap()))
    }

    fn foreseen(instances: &[(&str, Option<&str>)]) -> Foreseen {
        let mut foreseen = Foreseen::default();
        for (class, syntax) in instances {
            let syntax = syntax.map(|uid| uid.parse().unwrap());
            foreseen.add(&class.parse().unwrap(), syntax.as_ref());
        }
        foreseen
    }

    #[test]
    fn what_is_known_is_proposed_and_the_uncompressed_ones() {
        let needed = pair(CT, J2K);
        let pairs = foreseen(&[(CT, Some(J2K)), (CT, Some("1.2.3"))]).pairs(&needed, []);
        let syntaxes: Vec<_> = pairs.iter().map(|(_, syntax)| syntax.uid().as_str()).collect();
        assert_eq!(syntaxes, [J2K, "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.3"]);
    }

    #[test]
    fn where_nothing_is_known_the_common_ones_are() {
        let pairs = foreseen(&[(CT, None)]).pairs(&pair(CT, J2K), []);
        assert_eq!(pairs.len(), COMMON.len());
        let others = foreseen(&[]).pairs(&pair(CT, J2K), [pair("1.2.3.4", "1.2.3.5")]);
        assert!(others.contains(&pair("1.2.3.4", "1.2.3.5")), "{others:?}");
        assert_eq!(others.len(), COMMON.len() + 1);
    }

    #[test]
    fn no_more_than_an_association_can_have_and_the_needed_one_among_them() {
        let classes: Vec<String> = (0..200).map(|number| format!("1.2.3.{number}")).collect();
        let instances: Vec<_> = classes.iter().map(|class| (class.as_str(), None)).collect();
        let needed = pair("1.2.3.199", "9.9");
        let pairs = foreseen(&instances).pairs(&needed, []);
        assert_eq!(pairs.len(), PRESENTATION_CONTEXTS_MAX);
        assert_eq!(pairs[0], needed);
        let distinct: BTreeSet<_> = pairs.iter().map(|(class, syntax)| (class, syntax.uid())).collect();
        assert_eq!(distinct.len(), pairs.len());
    }
}
