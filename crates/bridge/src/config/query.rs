//! How C-FIND is answered (PS3.4 §C.4.1).

use dataset::{character_set::CharacterSet, identifier::OnUnmappable};

use super::{Config, ServedAe};

/// How C-FIND is answered, and what exists for C-MOVE and C-GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Names of the origins that are searched for AE titles that name none of their own. Results are
    /// merged by UID, and where two origins have the same entity the attributes of the earlier one are
    /// shown. Default: none, which means the only origin there is; with several of them and none
    /// named here, no AE title offers Query/Retrieve unless it names its own.
    pub origins: Vec<String>,
    /// Responses of one C-FIND. Default: 100,000. Beyond it the final status is A700 (PS3.4
    /// §C.4.1.1.4) with a comment that says so: a workstation that asks for everything there is should
    /// learn that it has not got everything. Each result costs up to 32 bytes while the query runs,
    /// which makes 3 MiB.
    pub results_max: usize,
    /// Results of origins that one C-FIND may read before what does not match is left out. Default:
    /// 1,000,000. Where an origin cannot match a key, what it finds without that key is matched here;
    /// beyond the limit the final status is A700. At 5,000 rows in a second that is three minutes.
    pub rows_max: usize,
    /// Requests to origins that one C-FIND may make. Default: 10,000. Lists of UID become one request
    /// for each where the origin takes no lists, and counts take one for each result.
    pub requests_max: usize,
    /// Whether Number of Study Related Instances and its like are counted where the origin does not
    /// give them, and Modalities in Study collected. Default: yes. Each result then costs a further
    /// request.
    pub count_related: bool,
    /// Rows that one C-FIND may read to count. Default: 200,000; where they are used up the counts of
    /// further results are left empty, or the query ends in A700 where results must match by them.
    pub count_rows_max: usize,
    /// Results whose metadata one C-FIND looks up, because it has a key by an attribute that no search
    /// of the origin gives. Default: 200: some seconds at most origins, two requests for each. Results
    /// beyond them are shown as if the key were not supported, and their status FF01 says so; with a
    /// limit above the number of results, a server that tells little gives the same results as one
    /// that tells all.
    pub look_ups_max: usize,
    /// Whether instances that were accepted for an origin and not delivered yet are part of what
    /// exists there. Default: yes, so that what was stored can be found at once.
    pub pending_visible: bool,
    /// Undelivered instances that may be of what one C-FIND asks for. Default: 100,000; beyond it the
    /// final status is A700. Those of other patients and studies do not count.
    pub pending_max: usize,
    /// Largest identifier of a request in bytes. Default: 1 MiB, which holds 15,000 UIDs. A larger
    /// one is refused without being read.
    pub identifier_max: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            results_max: 100_000,
            rows_max: 1_000_000,
            requests_max: 10_000,
            count_related: true,
            count_rows_max: 200_000,
            look_ups_max: 200,
            pending_visible: true,
            pending_max: 100_000,
            identifier_max: 1024 * 1024,
        }
    }
}

/// What a peer needs that does not keep to the rules of Query/Retrieve, or keeps to them too well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerQuery {
    /// Assumed where a request names no character set, and used in the answers then. Default: none,
    /// which means the default repertoire (PS3.5 §6.1.2.2) in requests; many workstations name none
    /// and yet send and expect the set of their country.
    pub character_set: Option<CharacterSet>,
    /// What answers do whose text has no place in the character set of the request. Default: UTF-8.
    pub on_unmappable: OnUnmappable,
    /// Whether relational queries and retrieves are allowed. Default: where negotiated (PS3.4 §C.5).
    pub relational: Relational,
    /// What answers do with optional keys that are not supported. Default: leave them out, as PS3.4
    /// §C.4.1.1.3.2 wants it.
    pub unsupported_keys: UnsupportedKeys,
    /// Whether answers tell by status FF01 that optional keys were not supported (PS3.4 §C.4.1.1.4).
    /// Default: as the standard wants it; some workstations take FF01 for an error.
    pub warn_ff01: WarnFf01,
    /// Whether identifiers pass that lack a unique key (PS3.4 §C.4.1.2.1, §C.4.2.2.1), as long as it
    /// is clear what they mean: a key of the level itself counts as universal matching, and in
    /// Patient Root a Study Instance UID stands without Patient ID. Default: no.
    pub lenient: bool,
}

/// When relational queries and retrieves are allowed (PS3.4 §C.4.1.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Relational {
    /// Where extended negotiation agreed on them.
    #[default]
    Negotiated,
    /// Always: for peers that leave out unique keys without negotiation.
    Always,
}

/// What to do with optional keys that are not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnsupportedKeys {
    /// They are left out of the answer.
    #[default]
    Omit,
    /// They are there without a value: for peers that expect every key again.
    Empty,
}

/// Whether status FF01 is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WarnFf01 {
    /// FF01 where an optional key was not supported.
    #[default]
    Yes,
    /// Always FF00.
    No,
}

impl Config {
    /// The names of the origins behind an AE title, in the order in which results are merged; none
    /// where it offers no Query/Retrieve.
    #[must_use]
    pub fn query_origins<'a>(&'a self, served: &'a ServedAe) -> Vec<&'a str> {
        let named = [&served.query, &self.query.origins].into_iter().find(|names| !names.is_empty());
        match (named, self.origins.as_slice()) {
            (Some(names), _) => names.iter().map(String::as_str).collect(),
            (None, [only]) => vec![only.name.as_str()],
            (None, _) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    #[test]
    fn an_ae_title_searches_its_own_origins_or_those_of_all() {
        let url = "http://127.0.0.1:1/dicom-web".parse().unwrap();
        let client = dicomweb::ClientConfig::new(url, dicomweb::Profile::standard());
        let mut config = Config { origins: vec![Origin::new("a", client.clone())], ..Config::default() };
        let mut served = ServedAe::default();
        assert_eq!(config.query_origins(&served), ["a"], "the only one");
        config.origins.push(Origin::new("b", client));
        assert_eq!(config.query_origins(&served), [""; 0], "which one is not said");
        config.query.origins = vec!["b".into()];
        assert_eq!(config.query_origins(&served), ["b"]);
        served.query = vec!["a".into(), "b".into()];
        assert_eq!(config.query_origins(&served), ["a", "b"]);
    }
}
