//! Streams that are worked on as their bytes come: whoever has the bytes hands them over, and nobody waits for them here.
//!
//! A session holds what a stream's segments share. Its holder cuts the input into segments with a
//! [`SegmentCutter`](super::segmentation::SegmentCutter) or a [`RecordCursor`](super::segmentation::RecordCursor), has each
//! worked on in memory of its own, on whichever thread and several at once, and ends the session when all are done. No
//! thread belongs to a stream, so that any number of them can be open.

mod open;
mod seal;
mod tally;

#[cfg(test)]
pub(crate) mod tests;

pub use open::{OpenSession, Pieces, SessionEnd};
pub use seal::SealSession;
