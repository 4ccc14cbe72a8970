//! Whether an origin server tells what was stored since.

/// How a server lists what was stored, replaced and deleted, in order. Not part of PS3.18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeFeed {
    /// Not at all.
    Absent,
    /// By the number of a change: `offset` is the number behind which the list begins and `limit` how many
    /// numbers it spans. That of Azure's v1, from its documentation.
    BySequence,
    /// By the time of a change: `startTime` up to but without `endTime`, with `offset` and `limit` counting
    /// changes. That of Azure's v2, from its documentation.
    ByTime,
}
