//! Ranges of bytes, as JavaScript sees them.

use napi_derive::napi;

/// Bytes from `start` up to, but not with, `end`.
#[napi(object, object_from_js = false, js_name = "ByteRange")]
pub struct Range {
    /// The first byte.
    pub start: f64,
    /// The byte behind the last.
    pub end: f64,
}

impl From<sealstream::format::ByteRange> for Range {
    fn from(range: sealstream::format::ByteRange) -> Self {
        Self {
            start: range.start as f64,
            end: range.end as f64,
        }
    }
}
