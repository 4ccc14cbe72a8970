//! What the service is known to answer, scenario by scenario.

/// The scenarios of the public tests of the open source server, as far as its archive and its workitems go, each
/// with the HTTP status that it answers. The tests of this crate run every one of them, and whoever talks to the
/// service can go through the list to see that none is forgotten.
pub const SCENARIOS: [(&str, u16); 30] = [
    ("empty content", 409),
    ("invalid study UID", 400),
    ("another Accept", 406),
    ("form data", 415),
    ("multipart without parts", 204),
    ("an empty part", 409),
    ("one bad part", 202),
    ("part without Content-Type", 200),
    ("all studies differ from the path", 409),
    ("one study differs from the path", 202),
    ("duplicates in one request", 202),
    ("an existing instance", 409),
    ("single part", 200),
    ("stored bytes", 200),
    ("a searched attribute of several values", 200),
    ("unsupported query tag", 400),
    ("no match", 204),
    ("name in another case", 200),
    ("name without its accent", 200),
    ("limit too high", 400),
    ("viewer", 200),
    ("mixed syntaxes, one named", 406),
    ("mixed syntaxes, any", 200),
    ("unknown study", 404),
    ("deletion for the second time", 404),
    ("deletion of an invalid UID", 400),
    ("metadata that is known", 304),
    ("metadata that has changed", 200),
    ("cancel twice", 409),
    ("cancel an unknown one", 404),
];
