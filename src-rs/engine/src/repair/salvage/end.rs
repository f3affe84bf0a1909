//! The end record, wherever it stands. It is believed when its MAC is right, and held in memory only then.

use crate::format::{
    ByteRange, END_RECORD_FIXED_SIZE, END_RECORD_TRAILER_SIZE, EndRecord, FOOTER_SIZE, Footer, RunningCrc32c,
    WireOffset, end_record_size,
};
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::core::unlock::UnlockedStream;

/// What stands where an end record should.
pub(super) enum EndCandidate {
    /// Nothing that could be this stream's.
    Implausible,
    /// The checksum is wrong. Its entries start here.
    Damaged(u64),
    /// The checksum is right and the MAC wrong.
    Foreign,
    /// This stream's.
    Verified(FoundEnd),
}

/// An end record whose MAC is right.
pub(super) struct FoundEnd {
    pub(super) offset: u64,
    pub(super) record: EndRecord,
    /// The footer behind it is sound.
    pub(super) has_footer: bool,
}

/// Checks what looks like end records, as long as that costs no more than reading the source twice more.
pub(super) struct EndReader<'a> {
    source: &'a FaultTolerantSource<'a>,
    stream: &'a UnlockedStream,
    budget: u64,
}

impl<'a> EndReader<'a> {
    pub(super) fn new(source: &'a FaultTolerantSource<'a>, stream: &'a UnlockedStream) -> Self {
        Self {
            source,
            stream,
            budget: source.size().saturating_mul(2),
        }
    }

    /// Looks at what starts at `offset`.
    pub(super) fn check(&mut self, offset: u64) -> EndCandidate {
        let Some((size, entries_at)) = self.plausible(offset) else {
            return EndCandidate::Implausible;
        };
        self.verify(offset, size)
            .unwrap_or(EndCandidate::Damaged(entries_at))
    }

    /// The size of the record at `offset`, and where its entries start, if it claims what this stream's could and the
    /// source has as many bytes.
    fn plausible(&mut self, offset: u64) -> Option<(u64, u64)> {
        let fixed: [u8; END_RECORD_FIXED_SIZE] = self.source.read_array(offset)?;
        let extensions = EndRecord::extensions_size(&fixed)?;
        let (segments, total) = (
            EndRecord::claimed_segments(&fixed),
            EndRecord::claimed_total(&fixed),
        );
        let core = &self.stream.header.core;
        let fits = core.plaintext_size.is_none_or(|due| due == total)
            && core.geometry.segment_count(total) == segments;
        let size = end_record_size(segments, u64::from(extensions));
        (fits && size <= self.source.size() - offset).then_some(())?;
        self.budget = self.budget.checked_sub(size)?;
        let entries_at = offset + END_RECORD_FIXED_SIZE as u64 + u64::from(extensions);
        Some((size, entries_at))
    }

    /// `None` for damage.
    fn verify(&self, offset: u64, size: u64) -> Option<EndCandidate> {
        let checksum_at = offset + size - 4;
        let mac_at = offset + size - END_RECORD_TRAILER_SIZE as u64;
        let stored: [u8; 4] = self.source.read_array(checksum_at)?;
        let mut crc = RunningCrc32c::new();
        let whole = self.source.stream(
            ByteRange {
                start: offset,
                end: checksum_at,
            },
            |bytes| crc.update(bytes),
        );
        if !whole || crc.value() != u32::from_be_bytes(stored) {
            return None;
        }
        let end_key = &self.stream.end_key;
        let mac: [u8; 48] = self.source.read_array(mac_at)?;
        let mut running = end_key.start();
        self.source.stream(
            ByteRange {
                start: offset,
                end: mac_at,
            },
            |bytes| running.update(bytes),
        );
        if !running.verify(&mac) {
            return Some(EndCandidate::Foreign);
        }
        // The source may have changed since: what is kept is verified once more, in memory.
        let mut bytes = vec![0; usize::try_from(size).ok()?];
        self.source.read(offset, &mut bytes);
        let segments = EndRecord::claimed_segments(bytes.first_chunk()?);
        let (record, covered, mac) = EndRecord::parse(&bytes, segments).ok()?;
        (end_key.verify(covered, &mac) && record.check_extensions(WireOffset::new(offset)).is_ok())
            .then_some(())?;
        let has_footer = self.has_footer(offset, size);
        Some(EndCandidate::Verified(FoundEnd {
            offset,
            record,
            has_footer,
        }))
    }

    /// Whether a sound footer stands behind the end record of `size` bytes at `offset`, and the header's copy.
    fn has_footer(&self, offset: u64, size: u64) -> bool {
        let inner = size + self.stream.header.copy_size();
        let footer = self.source.read_array(offset + inner);
        footer
            .and_then(|bytes| Footer::parse(&bytes))
            .is_some_and(|footer| footer.end_size == inner + FOOTER_SIZE as u64)
    }
}
