//! The entries of a journal: one for each finished segment, and one that closes it.

use super::{MAC_SIZE, TRAILER_SIZE};
use crate::crypto::JournalKey;
use crate::format::{
    DigestKind, DigestValue, MAX_DIGEST_SIZE, ManifestEntry, SegmentIndex, crc32c, manifest_entry_size,
};
use crate::stream_v2::io::read_full;
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

/// Encodes and parses the entries of one journal: they depend on its key, on its header, and on the size of the stream's
/// digests.
#[derive(Clone, Debug)]
pub(crate) struct EntryCodec {
    key: JournalKey,
    /// The MAC of the journal's header, to which every entry is bound.
    header_mac: [u8; MAC_SIZE],
    digest: DigestKind,
}

impl EntryCodec {
    /// The entries of the journal with this key and header, for a stream with this digest.
    pub(crate) const fn new(key: JournalKey, header_mac: [u8; MAC_SIZE], digest: DigestKind) -> Self {
        Self {
            key,
            header_mac,
            digest,
        }
    }

    /// Closes the journal: after this entry only the end of the output is written.
    #[must_use]
    pub(crate) fn closing(&self) -> JournalEntry {
        JournalEntry {
            index: SegmentIndex::new(u64::MAX),
            record: ManifestEntry {
                wire_size: 0,
                message_tag: [0; 32],
                digest: DigestValue::new(&[0; MAX_DIGEST_SIZE][..self.digest.size()]),
            },
            output_crc64: 0,
        }
    }

    /// Bytes of an entry.
    #[must_use]
    pub(crate) const fn entry_size(&self) -> usize {
        INDEX_SIZE + manifest_entry_size(self.digest) + CRC64_SIZE + TRAILER_SIZE
    }

    /// The entry's bytes in the journal.
    #[must_use]
    pub(crate) fn encode(&self, entry: &JournalEntry) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entry_size());
        out.extend_from_slice(&entry.index.get().to_be_bytes());
        entry.record.append_to(&mut out);
        out.extend_from_slice(&entry.output_crc64.to_be_bytes());
        out.extend_from_slice(&self.key.sign(&self.authenticated(&out)));
        out.extend_from_slice(&crc32c(&out).to_be_bytes());
        out
    }

    /// The entry, if its checksum and MAC are right.
    fn parse(&self, bytes: &[u8]) -> Option<JournalEntry> {
        let (checked, crc) = bytes.split_last_chunk::<4>()?;
        let (fields, mac) = checked.split_last_chunk()?;
        let is_valid =
            crc32c(checked) == u32::from_be_bytes(*crc) && self.key.verify(&self.authenticated(fields), mac);
        let (index, rest) = fields.split_first_chunk()?;
        let (record, output_crc64) = rest.split_last_chunk()?;
        is_valid.then_some(JournalEntry {
            index: SegmentIndex::new(u64::from_be_bytes(*index)),
            record: ManifestEntry::parse(record)?,
            output_crc64: u64::from_be_bytes(*output_crc64),
        })
    }

    /// The bytes that an entry's MAC covers: the header's MAC, which binds the entry to its journal, and the fields.
    fn authenticated(&self, fields: &[u8]) -> Vec<u8> {
        [&self.header_mac, fields].concat()
    }
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
pub(crate) fn read_entries(reader: &mut dyn Read, codec: &EntryCodec, segments: u64) -> io::Result<Entries> {
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
    let closing = codec.closing();
    let mut bytes = vec![0; codec.entry_size()];
    while read_full(&mut reader, &mut bytes)? == bytes.len()
        && let Some(entry) = codec.parse(&bytes)
    {
        if entry == closing {
            entries.closed = true;
        } else {
            let index = usize::try_from(entry.index.get()).ok();
            let Some(slot) = index.and_then(|index| entries.finished.get_mut(index)) else {
                break;
            };
            *slot = Some(entry);
        }
        entries.size += bytes.len() as u64;
    }
    Ok(entries)
}

const INDEX_SIZE: usize = 8;
const CRC64_SIZE: usize = 8;
const READ_SIZE: usize = 64 * 1024;
