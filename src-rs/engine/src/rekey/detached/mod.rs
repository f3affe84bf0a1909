//! Headers apart from their streams: a small object that says who can open a large one.
//!
//! What is left of a stream without its header is its body. Header and body in this order are the stream, byte for byte, so
//! nothing else knows of it: adapters keep a header out of what is written, and put it in front of what is read. Offsets in
//! failures and reports are those of the whole stream.

mod attach;
mod export;
mod files;
mod header_file;

pub use attach::{attach_header, detach_header};
pub use export::export_header;
pub use files::{decrypt_file_detached, encrypt_file_detached};
pub use header_file::HeaderFile;

#[cfg(test)]
pub(crate) use files::seal_apart;

use crate::error::SealError;
use crate::format::StreamHeader;
use crate::operation::options::invalid;

/// A detached header: all of the bytes, and nothing behind it.
fn parse(header: &[u8]) -> Result<StreamHeader, SealError> {
    let problem = |problem: String| invalid("header", format!("is no header of a sealed stream: {problem}"));
    let parsed = StreamHeader::parse(header).map_err(|error| problem(error.to_string()))?;
    let beyond = header.len() - parsed.bytes.len();
    if beyond > 0 {
        return Err(problem(format!("{beyond} bytes follow it")));
    }
    Ok(parsed)
}
