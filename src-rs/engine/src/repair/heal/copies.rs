//! The copies of a stream: which headers they have, where their records are, and how much was read of them.

use crate::error::SealError;
use crate::format::{
    ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex, StreamCore, StreamHeader,
};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::invalid;
use crate::stream_v2::core::locate::{FoundHeader, find_header};
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::segment_worker::{MESSAGE_TAG_AT, PREAMBLE_SIZE, RecordPreamble};
use base16ct::lower::encode_string;
use std::io;
use std::io::IoSliceMut;
use std::sync::atomic::{AtomicU64, Ordering};

/// One copy.
pub(super) struct Copy<'a> {
    source: &'a dyn ReadAt,
    /// Bytes that it had at the start.
    pub(super) size: u64,
    /// Its header or the copy of that, if either is sound.
    pub(super) header: Option<FoundHeader>,
    /// Where its records start: what its header says, or a guess by the headers of others.
    pub(super) header_size: u32,
    read: AtomicU64,
}

impl ReadAt for Copy<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.source.read_at(offset, buffers)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Copy<'_> {
    /// Fills `buffer` from `offset` on; what can't be read is as good as not there.
    pub(super) fn read_exactly(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let wanted = buffer.len();
        offset < self.size
            && matches!(self.read_at(offset, &mut [IoSliceMut::new(buffer)]), Ok(read) if read == wanted)
    }

    /// Bytes that were read of it.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Whether the record of `segment` would begin as it must if the copy's header had `header_size` bytes.
    pub(super) fn holds(&self, header_size: u32, segment: &DueSegment, core: &StreamCore) -> bool {
        let mut preamble: RecordPreamble = [0; PREAMBLE_SIZE];
        let at = core.geometry.record_offset(header_size, segment.index);
        self.read_exactly(at.get(), &mut preamble) && segment.begins(&preamble)
    }
}

/// A segment as the header and the manifest describe it.
pub(super) struct DueSegment {
    pub(super) index: SegmentIndex,
    /// Plaintext bytes.
    pub(super) plaintext_size: u32,
    /// The segment header, of which every byte is known beforehand.
    pub(super) header: [u8; SEGMENT_HEADER_SIZE],
    pub(super) entry: ManifestEntry,
}

impl DueSegment {
    /// The segment at `index` of a stream with `total` bytes of plaintext, which has one there.
    pub(super) fn new(core: &StreamCore, total: u64, index: SegmentIndex, entry: ManifestEntry) -> Self {
        let header = SegmentHeader::due(index, total, &core.geometry);
        Self {
            index,
            plaintext_size: header.plaintext_size,
            header: header.encode(&core.geometry),
            entry,
        }
    }

    /// Whether a record that begins so is this segment in the sealing that the manifest names.
    pub(super) fn begins(&self, record: &[u8]) -> bool {
        record.get(..SEGMENT_HEADER_SIZE) == Some(&self.header)
            && record.get(MESSAGE_TAG_AT..PREAMBLE_SIZE) == Some(&self.entry.message_tag)
    }

    /// Writes what is known of the record's first bytes whatever stands there.
    pub(super) fn restore_beginning(&self, record: &mut [u8]) {
        if let Some(preamble) = record.first_chunk_mut::<PREAMBLE_SIZE>() {
            preamble[..SEGMENT_HEADER_SIZE].copy_from_slice(&self.header);
            preamble[MESSAGE_TAG_AT..].copy_from_slice(&self.entry.message_tag);
        }
    }
}

/// All copies of one stream; the damaged one is the first.
pub(super) struct Copies<'a> {
    pub(super) all: Vec<Copy<'a>>,
    /// What the stream is.
    pub(super) core: StreamCore,
    /// Why the damaged copy's header is of no use, if so.
    header_failure: Option<SealError>,
    cancel: &'a CancellationToken,
}

impl<'a> Copies<'a> {
    /// Looks at every copy's header.
    ///
    /// # Errors
    /// `ForeignReplica`; the damaged copy's header error where no copy has a sound header; a source whose size can't be
    /// told.
    pub(super) fn examine(
        sources: impl Iterator<Item = &'a dyn ReadAt>,
        cancel: &'a CancellationToken,
    ) -> Result<Self, SealError> {
        let mut all = Vec::new();
        let mut header_failure = None;
        for source in sources {
            let mut copy = Copy {
                source,
                size: source.size().map_err(SealError::reading)?,
                header: None,
                header_size: 0,
                read: AtomicU64::new(0),
            };
            match find_header(&copy, copy.size) {
                Ok(header) => copy.header = Some(header),
                Err(failure) if all.is_empty() => header_failure = Some(failure),
                Err(_) => {}
            }
            all.push(copy);
        }
        let mut known = all.iter().filter_map(|copy| copy.header.as_ref());
        let Some((core, size)) = known
            .next()
            .map(|found| (found.header.core.clone(), found.header.size()))
        else {
            return Err(header_failure.unwrap_or_else(no_copies));
        };
        for (number, copy) in all.iter_mut().enumerate() {
            let theirs = copy.header.as_ref().map(|found| &found.header.core);
            if let Some(theirs) = theirs.filter(|theirs| theirs.stream_id != core.stream_id) {
                return Err(SealError::ForeignReplica {
                    replica: (number as u64).saturating_sub(1),
                    expected: encode_string(&core.stream_id),
                    actual: encode_string(&theirs.stream_id),
                });
            }
            // A core never changes: one that differs was changed by somebody.
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

    /// Whether to go on with a search that can be long. One that ended early may have missed what it was for.
    pub(super) fn may_search(&self) -> bool {
        !self.cancel.is_cancelled()
    }

    /// # Errors
    /// `Cancelled`, if the operation was.
    pub(super) fn check_searched(&self) -> Result<(), SealError> {
        Ok(self.cancel.check()?)
    }

    /// Looks for the damaged copy's header behind its end record, where its own is lost and no footer leads to the copy.
    pub(super) fn find_copy_behind(&mut self, end_record: &[u8], records_size: u64) {
        let core = &self.core;
        let Some(damaged) = self
            .all
            .first_mut()
            .filter(|copy| copy.header.is_none() && core.header_copy)
        else {
            return;
        };
        let at = u64::from(damaged.header_size)
            .saturating_add(records_size)
            .saturating_add(end_record.len() as u64);
        let mut bytes = vec![0; damaged.header_size as usize];
        if !damaged.read_exactly(at, &mut bytes) {
            return;
        }
        let parsed = StreamHeader::parse(&bytes).ok();
        damaged.header = parsed
            .filter(|header| header.core == *core && header.bytes.len() == bytes.len())
            .map(|header| FoundHeader::copy(header, None));
    }

    /// The damaged copy's header error, for where no other header serves.
    pub(super) fn header_failure(self) -> SealError {
        self.header_failure.unwrap_or_else(no_copies)
    }

    /// The sizes that a copy's header can have: its own, or all that the others have.
    pub(super) fn header_sizes(&self, copy: &Copy<'_>) -> Vec<u32> {
        let size_of = |copy: &Copy<'_>| copy.header.as_ref().map(|found| found.header.size());
        let mut sizes: Vec<_> = match size_of(copy) {
            Some(own) => vec![own],
            None => self.all.iter().filter_map(size_of).collect(),
        };
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// A header to measure by: the copy's own, or the first that another has.
    pub(super) fn header_for(&self, copy: &'a Copy<'_>) -> Option<&StreamHeader> {
        let mut known = self.all.iter().filter_map(|copy| copy.header.as_ref());
        let found = copy.header.as_ref().or_else(|| known.next());
        found.map(|found| &found.header)
    }
}

fn no_copies() -> SealError {
    invalid("copies", "must be one or more")
}
