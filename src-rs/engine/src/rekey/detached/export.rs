//! A stream's header by itself, to be kept apart from the stream.

use crate::error::SealError;
use crate::stream_v2::core::locate::find_header;
use crate::stream_v2::io::ReadAt;

/// The bytes of a stream's header: those of the header itself if it is sound and no older than its copy, else of its copy. None of them is secret,
/// and none has been authenticated.
///
/// # Errors
/// A header that is damaged or of another version, where no copy serves.
pub fn export_header(source: &dyn ReadAt) -> Result<Vec<u8>, SealError> {
    let size = source.size().map_err(SealError::reading)?;
    Ok(find_header(source, size)?.header.bytes)
}
