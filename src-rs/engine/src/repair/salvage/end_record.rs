//! Checks bytes that may be the end record. It is held in memory only after its MAC was verified.

use crate::format::{
    ByteRange, END_RECORD_FIXED_SIZE, END_RECORD_TRAILER_SIZE, EndRecord, FOOTER_SIZE, Footer, RunningCrc32c,
    WireOffset, end_record_size,
};
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::core::unlock::UnlockedStream;

/// What was found at an end record's marker.
pub(super) enum EndCandidate {
    /// It can't be this stream's end record.
    Implausible,
    /// The checksum is wrong.
    Damaged {
        /// Where the entries start.
        entries_at: u64,
    },
    /// The checksum is right but the MAC is wrong.
    Foreign,
    /// It is this stream's end record.
    Verified(VerifiedEnd),
}

/// An authentic end record.
pub(super) struct VerifiedEnd {
    pub(super) offset: u64,
    pub(super) record: EndRecord,
    /// A sound footer follows it.
    pub(super) has_footer: bool,
}

/// Checks possible end records, as long as that costs at most reading the source twice.
pub(super) struct EndRecordReader<'a> {
    source: &'a FaultTolerantSource<'a>,
    stream: &'a UnlockedStream,
    budget: u64,
}

impl<'a> EndRecordReader<'a> {
    pub(super) fn new(source: &'a FaultTolerantSource<'a>, stream: &'a UnlockedStream) -> Self {
        Self {
            source,
            stream,
            budget: source.size().saturating_mul(2),
        }
    }

    /// Checks the bytes at `offset`.
    pub(super) fn check(&mut self, offset: u64) -> EndCandidate {
        let Some((size, entries_at)) = self.plausible(offset) else {
            return EndCandidate::Implausible;
        };
        self.verify(offset, size)
            .unwrap_or(EndCandidate::Damaged { entries_at })
    }

    /// The size of the record at `offset`, and where its entries start. `None` if its fields don't fit this stream or the source ends
    /// before it does.
    fn plausible(&mut self, offset: u64) -> Option<(u64, u64)> {
        let fixed: [u8; END_RECORD_FIXED_SIZE] = self.source.read_array(offset)?;
        let extensions = EndRecord::extensions_size(&fixed)?;
        let (segments, total) = (
            EndRecord::claimed_segments(&fixed),
            EndRecord::claimed_total(&fixed),
        );
        let core = &self.stream.header.core;
        let fits = core.plaintext_size.is_none_or(|stated| stated == total)
            && core.geometry.segment_count(total) == segments;
        let size = end_record_size(core.geometry.digest(), segments, u64::from(extensions));
        (fits && size <= self.source.size() - offset).then_some(())?;
        self.budget = self.budget.checked_sub(size)?;
        let entries_at = offset + END_RECORD_FIXED_SIZE as u64 + u64::from(extensions);
        Some((size, entries_at))
    }

    /// `None` if the record is damaged.
    fn verify(&self, offset: u64, size: u64) -> Option<EndCandidate> {
        let end_key = &self.stream.end_key;
        let covered = ByteRange {
            start: offset,
            end: offset + size - END_RECORD_TRAILER_SIZE as u64,
        };
        let (mut crc, mut running) = (RunningCrc32c::new(), end_key.start());
        let is_complete = self.source.stream(covered, |bytes| {
            crc.update(bytes);
            running.update(bytes);
        });
        let mac: [u8; 48] = self.source.read_array(covered.end)?;
        let stored: [u8; 4] = self.source.read_array(covered.end + 48)?;
        crc.update(&mac);
        if !is_complete || crc.value() != u32::from_be_bytes(stored) {
            return None;
        }
        if !running.verify(&mac) {
            return Some(EndCandidate::Foreign);
        }
        // The source may have changed meanwhile, so the bytes in memory are verified once more.
        let mut bytes = vec![0; usize::try_from(size).ok()?];
        self.source.read(offset, &mut bytes);
        let segments = EndRecord::claimed_segments(bytes.first_chunk()?);
        let (record, covered, mac) =
            EndRecord::parse(&bytes, self.stream.header.core.geometry.digest(), segments).ok()?;
        (end_key.verify(covered, &mac)
            && EndRecord::check_extensions(&record.extensions, WireOffset::new(offset)).is_ok())
        .then_some(())?;
        let has_footer = self.has_footer(offset, size);
        Some(EndCandidate::Verified(VerifiedEnd {
            offset,
            record,
            has_footer,
        }))
    }

    /// Whether a sound footer follows the end record of `size` bytes at `offset` and the header's copy.
    fn has_footer(&self, offset: u64, size: u64) -> bool {
        let inner = size + self.stream.header.copy_size();
        let footer = self.source.read_array(offset + inner);
        footer
            .and_then(|bytes| Footer::parse(&bytes))
            .is_some_and(|footer| footer.end_size == inner + FOOTER_SIZE as u64)
    }
}
