//! Whole streams: sealed and opened on every path, damaged and forged in every way that docs/FORMAT.md refuses.

pub(crate) mod bit_flips;
mod control;
pub(crate) mod damage_decisions;
pub(crate) mod faults;
mod layout;
pub(crate) mod pipeline;
#[cfg(unix)]
mod pipes;
mod readers_agree;
pub(crate) mod refusals;
pub(crate) mod roundtrip;
mod seekable;
mod segment_events;
mod senders;
pub(crate) mod slots;
mod truncated;
pub(crate) mod vectors;
mod worked_stream;
