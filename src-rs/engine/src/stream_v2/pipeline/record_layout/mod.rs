//! Where one segment ends and the next begins, as bytes come in order: plaintext cut into segments, records found one
//! after the other. No IO and no cryptography, so that who reads and who is handed bytes use the same.

mod cutter;
mod records;

#[cfg(test)]
mod tests;

pub use cutter::SegmentCutter;
pub use records::{RecordCursor, RecordPlace};
