//! The extension areas of a header: type-length-value entries of which version 1 defines none.

use super::cursor::Cursor;
use super::{HeaderError, HeaderField};

/// Reads one area (`size u32`, then entries) and returns its entries' bytes, kept as they are for a rewrap.
///
/// Unknown entries are skipped unless their type has bit 15 set, which refuses the stream.
pub(super) fn parse<'a>(cursor: &mut Cursor<'a>, field: HeaderField) -> Result<&'a [u8], HeaderError> {
    let start = cursor.position();
    let available = cursor.rest().len().saturating_sub(4);
    let size = cursor
        .u32()
        .ok_or_else(|| HeaderError::field(field, start, "cut short", "a size"))?;
    let bytes = cursor.take(size as usize).ok_or_else(|| {
        HeaderError::field(
            field,
            start,
            format!("{size} bytes long"),
            format!("at most {available} bytes"),
        )
    })?;
    check_entries(bytes, start + 4, field)?;
    Ok(bytes)
}

/// Walks the entries of one area; `start` is the offset of its first byte.
pub(super) fn check_entries(bytes: &[u8], start: usize, field: HeaderField) -> Result<(), HeaderError> {
    let mut entries = Cursor::new(bytes, start);
    while !entries.rest().is_empty() {
        let at = entries.position();
        let entry = entries.u16().zip(entries.u32());
        let Some((kind, length)) = entry else {
            return Err(HeaderError::field(
                field,
                at,
                "an entry cut short",
                "a type and a length",
            ));
        };
        if entries.take(length as usize).is_none() {
            let found = format!("an entry of {length} bytes that runs past the end");
            return Err(HeaderError::field(field, at, found, "entries that fill the area"));
        }
        if is_critical(kind) {
            let found = format!("the unknown critical type {kind:#06x}");
            return Err(HeaderError::field(
                field,
                at,
                found,
                "types of version 1 (use a newer release)",
            ));
        }
    }
    Ok(())
}

/// A type with bit 15 set must be understood, or the stream be refused.
pub(super) const fn is_critical(kind: u16) -> bool {
    kind & 0x8000 != 0
}
