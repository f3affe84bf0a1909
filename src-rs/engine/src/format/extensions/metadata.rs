//! The facts of a file that a stream can keep: time of modification, permission bits, name.

use super::{INNER_PADDING, append_extension, entries, extension_size, inner_entries, is_critical};
use crate::format::Cursor;

/// Facts of the file that was sealed. The stream's recipients alone can read them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The time of its last modification.
    pub modified: Option<Modified>,
    /// Its permission bits, 0 to 0o777.
    pub permissions: Option<u32>,
    /// Its name without folders, for display alone: never a path. UTF-8, or as the system has it.
    pub name: Option<Vec<u8>>,
    /// It had holes.
    pub is_sparse: bool,
}

/// A time since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modified {
    /// Whole seconds, negative before 1970.
    pub seconds: i64,
    /// Nanoseconds to add, below 1,000,000,000.
    pub nanoseconds: u32,
}

impl Metadata {
    /// The inner entries, padded to a multiple of 64 bytes so that they tell less about the length of the name.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(Modified { seconds, nanoseconds }) = self.modified {
            let value = [&seconds.to_be_bytes()[..], &nanoseconds.to_be_bytes()].concat();
            append_extension(&mut out, MODIFIED, &value);
        }
        if let Some(bits) = self.permissions {
            append_extension(&mut out, PERMISSIONS, &(bits & PERMISSION_BITS).to_be_bytes());
        }
        if let Some(name) = &self.name {
            append_extension(&mut out, NAME, name);
        }
        if self.is_sparse {
            append_extension(&mut out, SPARSE, &[]);
        }
        let size = out.len().saturating_add(extension_size(0));
        let padding = size.next_multiple_of(PADDED_TO).saturating_sub(size);
        append_extension(&mut out, INNER_PADDING, &vec![0; padding]);
        out
    }

    /// Reads the inner entries. Unknown ones are skipped. `None` for entries that do not fit the format.
    pub(crate) fn parse(inner: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        for (code, value) in inner_entries(inner)? {
            match code {
                MODIFIED => found.modified = Some(Modified::parse(value)?),
                PERMISSIONS => {
                    let bits = u32::from_be_bytes(value.try_into().ok()?);
                    found.permissions = Some(bits & PERMISSION_BITS);
                }
                NAME => found.name = Some(value.to_vec()),
                SPARSE if value.is_empty() => found.is_sparse = true,
                SPARSE => return None,
                _ => {}
            }
        }
        Some(found)
    }

    /// The first unknown critical type among the inner entries.
    pub(crate) fn unknown_critical(inner: &[u8]) -> Option<u16> {
        entries(inner)
            .map(|(code, _)| code)
            .find(|&code| is_critical(code))
    }
}

impl Modified {
    fn parse(value: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(value, 0);
        let seconds = i64::from_be_bytes(cursor.array()?);
        let nanoseconds = cursor.u32()?;
        (cursor.rest().is_empty() && nanoseconds < NANOSECONDS).then_some(Self { seconds, nanoseconds })
    }
}

/// Bits of permissions that are kept: none that changes whose rights a program has.
const PERMISSION_BITS: u32 = 0o777;
/// Nanoseconds in a second.
const NANOSECONDS: u32 = 1_000_000_000;
const MODIFIED: u16 = 1;
const PERMISSIONS: u16 = 2;
const NAME: u16 = 3;
/// 4 is reserved for the owner, 5 for extended attributes.
const SPARSE: u16 = 6;
const PADDED_TO: usize = 64;
