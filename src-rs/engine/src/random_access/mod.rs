//! Random access: opens only the frames that a range of the plaintext needs. The stream's end is verified first.
//!
//! A read has two steps, so that the caller can fetch the bytes from anywhere: [`RangeReader::plan`] tells which bytes are
//! needed, and [`RangeReader::read`] opens them. A cache of limited size keeps opened frames.

mod cache;
mod open_ranges;
mod plan;
mod reader;

#[cfg(test)]
pub(crate) mod tests;

pub use open_ranges::open_ranges;
pub use plan::ReadPlan;
pub use reader::RangeReader;
