//! Segment boundaries in bytes that arrive in order: cuts plaintext into segments, finds records one after the other. No IO
//! and no cryptography, so that readers and sessions share it.

mod cutter;
mod records;

#[cfg(test)]
mod tests;

pub use cutter::SegmentCutter;
pub use records::{RecordCursor, RecordPlace};
