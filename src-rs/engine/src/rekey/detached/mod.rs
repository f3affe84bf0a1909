//! Detached headers: a small object that controls access to a large one.
//!
//! A stream without its header is its body. Header and body in this order are the stream, byte for byte, so the rest of the
//! engine does not know about detached headers: `DetachingSink` takes the header out of a stream that is written, and
//! [`JoinedSource`](crate::stream_v2::io::JoinedSource) joins both when the stream is read. Offsets in failures and reports
//! are those of the whole stream.

mod attach;
mod files;
mod header_file;

pub use attach::{attach_header, detach_header};
pub use files::{decrypt_file_detached, encrypt_file_detached, with_detached_header};
pub use header_file::HeaderFile;

#[cfg(test)]
pub(crate) use files::seal_detached;

use crate::error::SealError;
use crate::format::StreamHeader;
use crate::operation::options::invalid;
use crate::stream_v2::core::locate::find_header;
use crate::stream_v2::io::ReadAt;

/// The bytes of a stream's header: the header itself if it is valid and not older than its copy, else the copy. The bytes
/// are neither secret nor authenticated.
///
/// # Errors
/// A header that is damaged or of another version, if no copy replaces it.
pub fn export_header(source: &dyn ReadAt) -> Result<Vec<u8>, SealError> {
    let size = source.size().map_err(SealError::reading)?;
    Ok(find_header(source, size)?.header.bytes)
}

/// Checks a detached header's form, without a key.
///
/// # Errors
/// `InvalidOption` if it is not a header, or if bytes follow it.
pub fn check_header(header: &[u8]) -> Result<(), SealError> {
    parse_header(header).map(drop)
}

/// Parses a detached header, which must have no bytes after it.
pub(crate) fn parse_header(header: &[u8]) -> Result<StreamHeader, SealError> {
    let problem = |problem: String| invalid("header", format!("is no header of a sealed stream: {problem}"));
    let parsed = StreamHeader::parse(header).map_err(|error| problem(error.to_string()))?;
    let beyond = header.len() - parsed.bytes.len();
    if beyond > 0 {
        return Err(problem(format!("{beyond} bytes follow it")));
    }
    Ok(parsed)
}
