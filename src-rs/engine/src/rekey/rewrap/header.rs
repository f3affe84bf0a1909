//! Changes the key slots of a header that is kept apart from its body.

use super::SlotChange;
use super::plan::NewHeader;
use crate::error::SealError;
use crate::format::MAX_SEGMENT_SIZE;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{DecryptOptions, invalid};
use crate::rekey::detached::parse_header;
use crate::stream_v2::core::unlock::UnlockedStream;

/// Returns the header with other key slots. The body is not needed and stays as it is.
///
/// The header of a stream that has a copy of it keeps its size, because the copy in the body shows where the body ends.
///
/// # Errors
/// Those of unlocking a header. `InvalidOption` for bytes that are not exactly a header, for a selector without a match, and for
/// slots that the header can't have. `Cancelled`.
pub fn rewrap_header(
    header: &[u8],
    change: &SlotChange,
    open: &DecryptOptions<'_>,
    cancel: &CancellationToken,
) -> Result<Vec<u8>, SealError> {
    // Segments are not read, so their size does not matter.
    let open = DecryptOptions {
        max_segment_size: MAX_SEGMENT_SIZE,
        ..open.clone()
    };
    let stream = UnlockedStream::unlock(parse_header(header)?, &open, cancel)?;
    let NewHeader { old, bytes, .. } = NewHeader::make(&stream, change, &open, cancel)?;
    if old.core.header_copy && bytes.len() != old.bytes.len() {
        let problem = format!(
            "need a header of more than {} bytes, and the body has a copy of that size: attach the header, and rewrap the file",
            old.bytes.len()
        );
        return Err(invalid(change.name_of_added(), problem));
    }
    Ok(bytes)
}
