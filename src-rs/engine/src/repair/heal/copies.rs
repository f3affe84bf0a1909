//! The copies of a stream: their headers, where their records start, and how much was read of them.

use crate::error::SealError;
use crate::format::{
    ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex, StreamCore, StreamHeader,
};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::invalid;
use crate::stream_v2::core::locate::{FoundHeader, find_header, read_array, read_header};
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use crate::stream_v2::segment_worker::{MESSAGE_TAG_AT, PREAMBLE_SIZE};
use base16ct::lower::encode_string;
use std::io;
use std::io::IoSliceMut;
use std::sync::atomic::{AtomicU64, Ordering};

/// One copy of the stream. Counts the bytes that are read of it.
pub(super) struct StreamCopy<'a> {
    source: &'a dyn ReadAt,
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its header or that header's copy, if one is sound.
    pub(super) header: Option<FoundHeader>,
    /// Where its records start: the size of its own header, or a guess by the other copies' headers.
    pub(super) header_size: u32,
    bytes_read: AtomicU64,
}

impl ReadAt for StreamCopy<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.source.read_at(offset, buffers)?;
        self.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl StreamCopy<'_> {
    /// Bytes that were read of it.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Whether the expected record starts where it should if this copy's header has `header_size` bytes.
    pub(super) fn holds(&self, header_size: u32, record: &ExpectedRecord, core: &StreamCore) -> bool {
        let at = core.geometry.record_offset(header_size, record.index);
        let preamble = read_array::<PREAMBLE_SIZE>(self, at.get());
        preamble.is_some_and(|preamble| record.starts(&preamble))
    }
}

/// A record as header and manifest describe it.
pub(super) struct ExpectedRecord {
    pub(super) index: SegmentIndex,
    /// Plaintext bytes.
    pub(super) plaintext_size: u32,
    header: [u8; SEGMENT_HEADER_SIZE],
    pub(super) entry: ManifestEntry,
}

impl ExpectedRecord {
    /// The record of segment `index`, which a stream with `total` bytes of plaintext has.
    pub(super) fn new(core: &StreamCore, total: u64, index: SegmentIndex, entry: ManifestEntry) -> Self {
        let header = SegmentHeader::expected(index, total, &core.geometry);
        Self {
            index,
            plaintext_size: header.plaintext_size,
            header: header.encode(&core.geometry),
            entry,
        }
    }

    /// Whether `bytes` start with this record's header and message tag.
    pub(super) fn starts(&self, bytes: &[u8]) -> bool {
        bytes.get(..SEGMENT_HEADER_SIZE) == Some(&self.header)
            && bytes.get(MESSAGE_TAG_AT..PREAMBLE_SIZE) == Some(&self.entry.message_tag)
    }

    /// Writes what the manifest tells of this record: header, message tag and digest.
    pub(super) fn restore(&self, record: &mut [u8]) {
        if let Some(preamble) = record.first_chunk_mut::<PREAMBLE_SIZE>() {
            preamble[..SEGMENT_HEADER_SIZE].copy_from_slice(&self.header);
            preamble[MESSAGE_TAG_AT..].copy_from_slice(&self.entry.message_tag);
        }
        let digest = self.entry.digest.as_bytes();
        if let Some(start) = record.len().checked_sub(digest.len()) {
            record[start..].copy_from_slice(digest);
        }
    }
}

/// All copies of one stream. The damaged one is the first.
pub(super) struct Copies<'a> {
    pub(super) all: Vec<StreamCopy<'a>>,
    /// The stream's core.
    pub(super) core: StreamCore,
    /// The failure of the damaged copy's header.
    header_failure: Option<SealError>,
    cancel: &'a CancellationToken,
}

impl<'a> Copies<'a> {
    /// Reads every copy's header.
    ///
    /// # Errors
    /// `ForeignReplica`; the failure of the damaged copy's header if no copy has a sound one; a source whose size is not known.
    pub(super) fn open(
        sources: impl Iterator<Item = &'a dyn ReadAt>,
        cancel: &'a CancellationToken,
    ) -> Result<Self, SealError> {
        let mut all = Vec::new();
        let mut header_failure = None;
        for source in sources {
            let mut copy = StreamCopy {
                source,
                size: source.size().map_err(SealError::reading)?,
                header: None,
                header_size: 0,
                bytes_read: AtomicU64::new(0),
            };
            match find_header(&copy, copy.size) {
                Ok(header) => copy.header = Some(header),
                Err(failure) if all.is_empty() => header_failure = Some(failure),
                Err(_) => {}
            }
            all.push(copy);
        }
        let first = all.iter().find_map(|copy| copy.header.as_ref());
        let Some((core, size)) = first.map(|found| (found.header.core.clone(), found.header.size())) else {
            return Err(header_failure.unwrap_or_else(no_copies));
        };
        for (number, copy) in all.iter_mut().enumerate() {
            if let Some(found) = &copy.header
                && found.header.core.stream_id != core.stream_id
            {
                return Err(SealError::ForeignReplica {
                    replica: (number as u64).saturating_sub(1),
                    expected: encode_string(&core.stream_id),
                    actual: encode_string(&found.header.core.stream_id),
                });
            }
            // A core never changes, so a header with another one was tampered with.
            copy.header.take_if(|found| found.header.core != core);
            copy.header_size = copy.header.as_ref().map_or(size, |found| found.header.size());
        }
        Ok(Self {
            all,
            core,
            header_failure,
            cancel,
        })
    }

    /// Whether to continue a search that can be long. One that ended early may have missed its target.
    pub(super) fn may_search(&self) -> bool {
        !self.cancel.is_cancelled()
    }

    /// Finds the damaged copy's header after its end record, if the header itself is lost and no footer leads to its copy.
    pub(super) fn find_header_copy(&mut self, end_record_size: u64, total: u64) {
        let core = &self.core;
        let damaged = self.all.first_mut();
        let Some(damaged) = damaged.filter(|copy| copy.header.is_none() && core.header_copy) else {
            return;
        };
        let at = core.geometry.trailer_offset(damaged.header_size, total);
        let mut reader = ReadAtCursor::new(&*damaged, at.saturating_add(end_record_size));
        let found = read_header(&mut reader).ok();
        damaged.header = found
            .filter(|header| header.core == *core && header.size() == damaged.header_size)
            .map(|header| FoundHeader::copy(header, None));
    }

    /// The failure of the damaged copy's header, for streams without any usable header.
    pub(super) fn header_failure(self) -> SealError {
        self.header_failure.unwrap_or_else(no_copies)
    }

    /// The possible sizes of a copy's header: its own, or all that the others have.
    pub(super) fn header_sizes(&self, copy: &StreamCopy<'_>) -> Vec<u32> {
        let size_of = |copy: &StreamCopy<'_>| copy.header.as_ref().map(|found| found.header.size());
        let mut sizes: Vec<_> = match size_of(copy) {
            Some(own) => vec![own],
            None => self.all.iter().filter_map(size_of).collect(),
        };
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The copy's own header, or the first one of the others.
    pub(super) fn header_for(&self, copy: &'a StreamCopy<'_>) -> Option<&StreamHeader> {
        let mut headers = std::iter::once(copy).chain(&self.all);
        let found = headers.find_map(|copy| copy.header.as_ref())?;
        Some(&found.header)
    }
}

fn no_copies() -> SealError {
    invalid("copies", "must be one or more")
}
