//! Ranges of bytes.

use crate::types::convert::object;
use sealstream::format;

object! {
    /// The bytes from `start` up to, but not including, `end`.
    ByteRange from range: format::ByteRange {
        /// Offset of the first byte.
        start: f64,
        /// Offset of the byte after the last.
        end: f64,
    }
}
