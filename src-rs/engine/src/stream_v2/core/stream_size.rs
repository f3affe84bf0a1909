//! The size of a whole stream, and the reader's limit on it.

use crate::error::{Limit, SealError};
use crate::format::{FOOTER_SIZE, Geometry, StreamHeader, end_record_size};

/// Bytes of a stream with `plaintext_size` bytes and a header of `header` bytes.
pub(crate) fn total_size(
    geometry: &Geometry,
    (header, has_copy): (u64, bool),
    end_extensions: usize,
    plaintext_size: u64,
) -> u64 {
    let segments = geometry.segment_count(plaintext_size);
    let end = end_record_size(geometry.digest(), segments, end_extensions as u64);
    let end = end.saturating_add(FOOTER_SIZE as u64);
    let headers = if has_copy { 2 * header } else { header };
    headers
        .saturating_add(geometry.records_size(plaintext_size))
        .saturating_add(end)
}

/// Fails if the stream with this header and `total` plaintext bytes, if known, has more than `maximum` bytes.
///
/// # Errors
/// `LimitExceeded`.
pub(crate) fn check_stated_size(
    header: &StreamHeader,
    total: Option<u64>,
    maximum: u64,
) -> Result<(), SealError> {
    let core = &header.core;
    let size = total.map_or(0, |total| {
        total_size(&core.geometry, (header.size().into(), core.header_copy), 0, total)
    });
    check_size(size, maximum)
}

/// Fails if `size`, in bytes, is more than `maximum`.
///
/// # Errors
/// `LimitExceeded`.
pub(crate) fn check_size(size: u64, maximum: u64) -> Result<(), SealError> {
    if size > maximum {
        return Err(SealError::LimitExceeded {
            limit: Limit::Size,
            maximum,
            value: size,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_refused_exactly_above_the_limit() {
        let refused = SealError::LimitExceeded {
            limit: Limit::Size,
            maximum: 5,
            value: 6,
        };
        assert_eq!(check_size(5, 5), Ok(()));
        assert_eq!(check_size(6, 5), Err(refused));
        assert_eq!(check_size(u64::MAX, u64::MAX), Ok(()));
    }
}
