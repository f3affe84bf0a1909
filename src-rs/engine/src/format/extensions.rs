//! Extension areas: entries of type, length and value. Version 1 defines none (docs/FORMAT.md, "Extensions").

use super::cursor::Cursor;
use super::{HeaderError, HeaderField};

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
    check_entries(bytes, start + 4, field)?;
    Ok(bytes)
}

/// Checks the entries of one area, whose first byte is at offset `start`.
pub(super) fn check_entries(bytes: &[u8], start: usize, field: HeaderField) -> Result<(), HeaderError> {
    let mut entries = Cursor::new(bytes, start);
    while !entries.rest().is_empty() {
        let at = entries.position();
        let Some((code, length)) = entries.u16().zip(entries.u32()) else {
            return HeaderError::refuse(field, at, "an entry cut short", "a type and a length");
        };
        if entries.take(length as usize).is_none() {
            let found = format!("an entry of {length} bytes that runs past the end");
            return HeaderError::refuse(field, at, found, "entries that fill the area");
        }
        if is_critical(code) {
            let found = format!("the unknown critical type {code:#06x}");
            return HeaderError::refuse(field, at, found, "types of version 1 (use a newer release)");
        }
    }
    Ok(())
}

/// Whether a reader that does not know this type must refuse the stream: bit 15 is set.
pub(super) const fn is_critical(code: u16) -> bool {
    code & 0x8000 != 0
}
