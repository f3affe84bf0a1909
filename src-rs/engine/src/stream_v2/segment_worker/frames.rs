//! Single frames of a record, for readers at any place: all that opening a whole record checks but its digest, which takes
//! the whole record.

use super::check::RecordCheck;
use super::decrypt::{frame_failure, frame_worker};
use super::{DecryptSegmentWorker, RecordPreamble, SegmentWorkerError, frame_offset};
use crate::format::{FrameIndex, Geometry, ManifestEntry, SegmentHeader, SegmentIndex, WireOffset};
use crate::stream_v2::frame_worker::{DecryptFrameWorker, FrameInput};
use crate::stream_v2::framing::contents;

impl DecryptSegmentWorker<'_> {
    /// Takes up the segment that is due at `offset` to open some of its frames.
    ///
    /// # Errors
    /// [`SegmentWorkerError::InvalidSegment`] where segment header or FLOE header are not those of the segment that is
    /// due.
    pub fn frames(
        &self,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
    ) -> Result<FrameOpener, SegmentWorkerError> {
        let context = self.context();
        let total = context.plaintext_total;
        let record = RecordCheck::begin(&context.geometry, total, index, offset, preamble)?;
        Ok(FrameOpener {
            geometry: context.geometry,
            header: record.header,
            offset,
            entry: record.entry(),
            worker: frame_worker(context, index, offset, preamble)?,
        })
    }
}

/// Opens frames of one record, in any order, each by itself.
#[derive(Debug)]
pub struct FrameOpener {
    geometry: Geometry,
    header: SegmentHeader,
    offset: WireOffset,
    entry: ManifestEntry,
    worker: DecryptFrameWorker,
}

impl FrameOpener {
    /// The record as the EndRecord should name it.
    #[must_use]
    pub const fn entry(&self) -> &ManifestEntry {
        &self.entry
    }

    /// Opens the frame in `slot`, in place, and returns its content. Where it fails the content is zeros, or as it was.
    ///
    /// # Errors
    /// `FrameDecryptionFailed` or `FramingError`, with the frame's place. As the record's digest is not looked at, nobody
    /// knows whether the frame rotted or was changed.
    pub fn open<'s>(&self, frame: FrameIndex, slot: &'s mut [u8]) -> Result<&'s [u8], SegmentWorkerError> {
        let input = FrameInput {
            index: frame,
            is_final: frame.get() + 1 == self.geometry.frame_count(self.header.plaintext_size),
            slot,
        };
        self.worker.open(input).map_err(|source| {
            let offset = frame_offset(&self.geometry, self.offset, frame);
            frame_failure(self.header.index, frame, offset, source)
        })?;
        let size = slot.len();
        Ok(contents(slot, size).next().unwrap_or_default())
    }
}
