//! Extension areas: entries of type, length and value (docs/FORMAT.md, "Extensions").

mod metadata;
#[cfg(test)]
mod tests;

pub use metadata::{Metadata, Modified};

use super::cursor::Cursor;
use super::{HeaderError, HeaderField};
use std::collections::BTreeSet;

/// An area that holds extension entries. The number is part of the key of a sealed entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionArea {
    /// The core extensions, which never change.
    Core = 1,
    /// The header extensions, which a rewrap may change.
    Header = 2,
    /// The extensions of the end record.
    End = 3,
}

/// Reads one area (`size u32`, then entries) and returns the bytes of its entries, for a rewrap to copy.
///
/// Unknown entries are skipped, unless bit 15 of their type is set: then the stream is refused.
pub(super) fn parse<'a>(cursor: &mut Cursor<'a>, field: HeaderField) -> Result<&'a [u8], HeaderError> {
    let start = cursor.position();
    let Some(size) = cursor.u32() else {
        return HeaderError::refuse(field, start, "cut short", "a size");
    };
    let available = cursor.rest().len();
    let Some(bytes) = cursor.take(size as usize) else {
        let (found, expected) = (format!("{size} bytes long"), format!("at most {available} bytes"));
        return HeaderError::refuse(field, start, found, expected);
    };
    check_entries(bytes, start.saturating_add(4), field)?;
    Ok(bytes)
}

/// Checks the entries of one area, whose first byte is at offset `start`: they fill the area, and each type is there at most
/// once. A sender's signature is the last entry of its area, because it covers all before.
pub(super) fn check_entries(bytes: &[u8], start: usize, field: HeaderField) -> Result<(), HeaderError> {
    let mut entries = Cursor::new(bytes, start);
    let mut seen = BTreeSet::new();
    while !entries.rest().is_empty() {
        let at = entries.position();
        let Some((code, length)) = entries.u16().zip(entries.u32()) else {
            return HeaderError::refuse(field, at, "an entry cut short", "a type and a length");
        };
        if entries.take(length as usize).is_none() {
            let found = format!("an entry of {length} bytes that runs past the end");
            return HeaderError::refuse(field, at, found, "entries that fill the area");
        }
        if !seen.insert(code) {
            let found = format!("a second entry of type {code:#06x}");
            return HeaderError::refuse(field, at, found, "each type at most once");
        }
        if is_critical(code) {
            let found = format!("the unknown critical type {code:#06x}");
            return HeaderError::refuse(field, at, found, "types of version 1 (use a newer release)");
        }
        if field == HeaderField::EndExtensions && code == END_SENDER && !entries.rest().is_empty() {
            return HeaderError::refuse(
                field,
                at,
                "a sender before other entries",
                "a sender as the last entry",
            );
        }
    }
    Ok(())
}

/// The entries of an area, or of a sealed entry, as types and values. Ends before an entry that is cut short.
pub(crate) fn entries(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut cursor = Cursor::new(bytes, 0);
    std::iter::from_fn(move || {
        let (code, length) = cursor.u16().zip(cursor.u32())?;
        Some((code, cursor.take(length as usize)?))
    })
}

/// The value of the entry with this type, if the area has one.
#[must_use]
pub fn find_extension(bytes: &[u8], code: u16) -> Option<&[u8]> {
    entries(bytes).find_map(|(found, value)| (found == code).then_some(value))
}

/// Appends an entry to an area. The caller keeps to the limit of the area, and appends no type twice.
pub fn append_extension(area: &mut Vec<u8>, code: u16, value: &[u8]) {
    area.extend_from_slice(&code.to_be_bytes());
    area.extend_from_slice(&(value.len() as u32).to_be_bytes());
    area.extend_from_slice(value);
}

/// Bytes of an entry whose value has this size.
pub(crate) const fn extension_size(value: usize) -> usize {
    ENTRY_PREFIX_SIZE.saturating_add(value)
}

/// The entries of an opened sealed entry: they fill it, each type is there at most once, and padding is zero. `None` if not.
pub(crate) fn inner_entries(bytes: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let found: Vec<_> = entries(bytes).collect();
    let size: usize = found.iter().map(|(_, value)| extension_size(value.len())).sum();
    let types: BTreeSet<_> = found.iter().map(|(code, _)| code).collect();
    let is_padding = |code| code == INNER_PADDING;
    let is_zero = |value: &[u8]| value.iter().all(|&byte| byte == 0);
    let fits = size == bytes.len()
        && types.len() == found.len()
        && found
            .iter()
            .all(|&(code, value)| !is_padding(code) || is_zero(value));
    fits.then_some(found)
}

/// Whether a reader that does not know this type must refuse the stream: bit 15 is set.
pub(crate) const fn is_critical(code: u16) -> bool {
    code & 0x8000 != 0
}

/// Type of the core extension that announces the stream's sender.
pub const CORE_SENDER: u16 = 0x0001;
/// Type of the end record's entry that holds a sender's signature.
pub const END_SENDER: u16 = 0x0001;
/// Type of the end record's sealed entry that holds the file's [`Metadata`].
pub const END_METADATA: u16 = 0x4003;
/// Inner type of zeros, which hide the size of the other entries.
pub(super) const INNER_PADDING: u16 = 0;
const ENTRY_PREFIX_SIZE: usize = 6;
