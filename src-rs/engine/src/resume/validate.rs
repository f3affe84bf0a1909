//! Validates the finished segments: their bytes in the output must match the journal.

use crate::crypto::{Crc64, SegmentHasher};
use crate::format::{DigestKind, DigestValue, Manifest, SegmentIndex};
use crate::operation::cancel::CancellationToken;
use crate::resume::journal::JournalEntry;
use crate::stream_v2::io::ReadWriteAt;
use crate::stream_v2::pipeline::{TaskError, Worker};
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE, RecordSummary, SegmentCryptoContext};
use crate::telemetry::{ProgressMeter, Stage};
use std::io::IoSliceMut;

/// Reads each segment that the journal lists, and returns its summary if its bytes match.
pub(super) struct ValidateTask<'a> {
    pub(super) context: &'a SegmentCryptoContext,
    pub(super) output: &'a dyn ReadWriteAt,
    pub(super) entries: &'a [Option<JournalEntry>],
    pub(super) plaintext_size: u64,
    pub(super) layout: OutputLayout<'a>,
    pub(super) cancel: &'a CancellationToken,
    /// Gets the plaintext size of each valid segment.
    pub(super) meter: &'a ProgressMeter<'a>,
}

/// What the output consists of.
#[derive(Clone, Copy)]
pub(super) enum OutputLayout<'a> {
    /// A stream: records after a header of this size.
    Records {
        /// Bytes of the header.
        header_size: u32,
    },
    /// Plaintext of the records in this verified manifest.
    Plaintext(&'a Manifest),
}

impl ValidateTask<'_> {
    pub(crate) fn run(
        &self,
        worker: &mut Worker<'_>,
        index: SegmentIndex,
    ) -> Result<Option<RecordSummary>, TaskError> {
        let at = usize::try_from(index.get()).ok();
        let Some(Some(entry)) = at.and_then(|at| self.entries.get(at)) else {
            return Ok(None);
        };
        let geometry = self.context.geometry();
        let plaintext_size = geometry.segment_plaintext(self.plaintext_size, index);
        let (offset, size, matches, digest) = match self.layout {
            OutputLayout::Records { header_size } => {
                let offset = geometry.record_offset(header_size, index);
                let mut preamble = [0; PREAMBLE_SIZE];
                let matches = self.read(offset.get(), &mut preamble)
                    && FrameOpener::begin(self.context, index, offset, &preamble, None)
                        .is_ok_and(|opener| *opener.message_tag() == entry.record.message_tag)
                    && u64::from(entry.record.wire_size) == geometry.record_size(plaintext_size);
                let digest = Some((geometry.digest(), entry.record.digest));
                (
                    offset.get(),
                    geometry.record_size(plaintext_size),
                    matches,
                    digest,
                )
            }
            OutputLayout::Plaintext(manifest) => {
                let matches = manifest.entry(index) == Some(entry.record);
                (
                    geometry.plaintext_offset(index),
                    u64::from(plaintext_size),
                    matches,
                    None,
                )
            }
        };
        if !matches || self.crc64(worker, offset, size, digest)? != Some(entry.output_crc64) {
            return Ok(None);
        }
        self.meter.add(u64::from(plaintext_size));
        Ok(Some(RecordSummary {
            index,
            is_final: index.get() + 1 == self.entries.len() as u64,
            plaintext_size,
            frames: geometry.frame_count(plaintext_size),
            entry: entry.record,
            output_crc64: entry.output_crc64,
        }))
    }

    /// The CRC-64 of these bytes of the output; `None` if they can't be read, or if they are a record without `digest` at its
    /// end or with another one.
    fn crc64(
        &self,
        worker: &mut Worker<'_>,
        mut offset: u64,
        size: u64,
        digest: Option<(DigestKind, DigestValue)>,
    ) -> Result<Option<u64>, TaskError> {
        let mut crc = Crc64::default();
        let mut record = digest.map(|(kind, expected)| {
            let content = offset + size - kind.size() as u64;
            (SegmentHasher::new(kind), content, expected, Vec::new())
        });
        let end = offset + size;
        while offset < end {
            self.cancel.check()?;
            let length = (end - offset).min(worker.batch_size as u64);
            let bytes = worker.buffer.take(length as usize, 0, offset);
            if !worker.times.time(Stage::Read, || self.read(offset, bytes)) {
                return Ok(None);
            }
            worker.times.time(Stage::Digest, || {
                crc.update(bytes);
                if let Some((hasher, content, _, stored)) = &mut record {
                    let covered = content.saturating_sub(offset).min(length) as usize;
                    hasher.update(&bytes[..covered]);
                    stored.extend_from_slice(&bytes[covered..]);
                }
            });
            offset += length;
        }
        let is_right = record.is_none_or(|(hasher, _, expected, stored)| {
            hasher.finish() == expected && DigestValue::new(&stored) == expected
        });
        Ok(is_right.then(|| crc.value()))
    }

    /// Whether all of these bytes could be read. A segment that can't be read is done again.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> bool {
        let size = bytes.len();
        let read = self.output.read_at(offset, &mut [IoSliceMut::new(bytes)]);
        read.is_ok_and(|read| read == size)
    }
}
