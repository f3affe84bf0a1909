//! The bytes of a journal: a header, followed by an entry for each finished segment. Integers are big-endian.
//! docs/FORMAT.md describes the layout.

mod entries;
mod header;

pub(crate) use entries::{Entries, EntryCodec, JournalEntry, read_entries};
pub(crate) use header::{JournalDirection, JournalHeader, StoredHeader};

use std::io;
use std::io::Read;

/// The next `N` bytes; `None` if there are fewer.
fn read_array<const N: usize>(reader: &mut (impl Read + ?Sized)) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Bytes of a MAC.
const MAC_SIZE: usize = 48;
/// Bytes at the end of the header and of each entry: MAC and checksum.
const TRAILER_SIZE: usize = MAC_SIZE + 4;
