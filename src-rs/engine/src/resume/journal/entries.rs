//! The entries of a journal: one for each finished segment, and one that closes it.

use super::{MAC_SIZE, TRAILER_SIZE, read_array};
use crate::crypto::JournalKey;
use crate::format::{ManifestEntry, SegmentIndex, crc32c};
use std::io;
use std::io::Read;

/// A finished segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JournalEntry {
    pub(crate) index: SegmentIndex,
    /// The segment's record in the sealed stream.
    pub(crate) record: ManifestEntry,
    /// CRC-64/NVME of the segment's bytes in the output.
    pub(crate) output_crc64: u64,
}

impl JournalEntry {
    /// Closes the journal: after this entry only the end of the output is written.
    pub(crate) const CLOSED: Self = Self {
        index: SegmentIndex::new(u64::MAX),
        record: ManifestEntry {
            wire_size: 0,
            message_tag: [0; 32],
        },
        output_crc64: 0,
    };

    /// The entry's bytes in the journal with this header.
    #[must_use]
    pub(crate) fn encode(&self, key: &JournalKey, header_mac: &[u8; MAC_SIZE]) -> [u8; ENTRY_SIZE] {
        let mut out = [0; ENTRY_SIZE];
        out[..8].copy_from_slice(&self.index.get().to_be_bytes());
        out[8..12].copy_from_slice(&self.record.wire_size.to_be_bytes());
        out[12..44].copy_from_slice(&self.record.message_tag);
        out[44..FIELDS_SIZE].copy_from_slice(&self.output_crc64.to_be_bytes());
        let mac = key.sign(&authenticated(header_mac, &out));
        out[FIELDS_SIZE..ENTRY_SIZE - 4].copy_from_slice(&mac);
        let crc = crc32c(&out[..ENTRY_SIZE - 4]);
        out[ENTRY_SIZE - 4..].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// The entry, if its checksum and MAC are right.
    fn parse(bytes: &[u8; ENTRY_SIZE], key: &JournalKey, header_mac: &[u8; MAC_SIZE]) -> Option<Self> {
        let (checked, crc) = bytes.split_last_chunk::<4>()?;
        let (fields, mac) = checked.split_last_chunk()?;
        let is_valid =
            crc32c(checked) == u32::from_be_bytes(*crc) && key.verify(&authenticated(header_mac, bytes), mac);
        let (index, rest) = fields.split_first_chunk()?;
        let (wire_size, rest) = rest.split_first_chunk()?;
        let (message_tag, output_crc64) = rest.split_first_chunk()?;
        is_valid.then_some(Self {
            index: SegmentIndex::new(u64::from_be_bytes(*index)),
            record: ManifestEntry {
                wire_size: u32::from_be_bytes(*wire_size),
                message_tag: *message_tag,
            },
            output_crc64: u64::from_be_bytes(output_crc64.try_into().ok()?),
        })
    }
}

/// The bytes that an entry's MAC covers: the header's MAC, which binds the entry to its journal, and the fields.
fn authenticated(header_mac: &[u8; MAC_SIZE], entry: &[u8; ENTRY_SIZE]) -> [u8; MAC_SIZE + FIELDS_SIZE] {
    let mut out = [0; MAC_SIZE + FIELDS_SIZE];
    out[..MAC_SIZE].copy_from_slice(header_mac);
    out[MAC_SIZE..].copy_from_slice(&entry[..FIELDS_SIZE]);
    out
}

/// The entries of a journal, up to the first one that is torn or invalid.
#[derive(Clone, Debug)]
pub(crate) struct Entries {
    /// For each segment of the stream, the last entry about it.
    pub(crate) finished: Vec<Option<JournalEntry>>,
    /// Whether the end of the sealed output can have been written.
    pub(crate) closed: bool,
    /// Bytes of the valid entries.
    pub(crate) size: u64,
}

/// Reads the entries after a header that was authenticated, up to the first one that is torn or invalid. `segments` is the
/// number of segments of the stream; it bounds the memory that is used.
///
/// # Errors
/// The reader's error.
pub(crate) fn read_entries(
    reader: &mut dyn Read,
    key: &JournalKey,
    header_mac: &[u8; MAC_SIZE],
    segments: u64,
) -> io::Result<Entries> {
    let out_of_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
    let count = usize::try_from(segments).map_err(|_| out_of_memory())?;
    let mut finished = Vec::new();
    finished.try_reserve_exact(count).map_err(|_| out_of_memory())?;
    finished.resize(count, None);
    let mut entries = Entries {
        finished,
        closed: false,
        size: 0,
    };
    let mut reader = io::BufReader::with_capacity(READ_SIZE, reader);
    while let Some(bytes) = read_array::<ENTRY_SIZE>(&mut reader)?
        && let Some(entry) = JournalEntry::parse(&bytes, key, header_mac)
    {
        if entry == JournalEntry::CLOSED {
            entries.closed = true;
        } else {
            let index = usize::try_from(entry.index.get()).ok();
            let Some(slot) = index.and_then(|index| entries.finished.get_mut(index)) else {
                break;
            };
            *slot = Some(entry);
        }
        entries.size += ENTRY_SIZE as u64;
    }
    Ok(entries)
}

/// Index 8, record size 4, message tag 32, CRC-64 8.
const FIELDS_SIZE: usize = 52;
/// Bytes of an entry.
pub(crate) const ENTRY_SIZE: usize = FIELDS_SIZE + TRAILER_SIZE;
const READ_SIZE: usize = 64 * 1024;
