//! Ranges of bytes.

use crate::types::convert::object;
use sealstream::format;

object! {
    /// A range of bytes.
    ByteRange from range: format::ByteRange {
        /// Offset of the first byte.
        offset: f64 = range.start,
        /// Number of bytes.
        length: f64 = range.size(),
    }
}
