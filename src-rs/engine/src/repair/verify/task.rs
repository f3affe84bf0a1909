//! One segment, checked.

use super::end::Manifest;
use super::problems::{Problem, Problems};
use super::sample::Selection;
use crate::error::{SealError, SizeRelation};
use crate::format::{ByteRange, Geometry, ManifestEntry, SegmentIndex, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::pipeline::{Destination, RecordReader, TaskError, Worker};
use crate::stream_v2::segment_worker::{DecryptSegmentWorker, SegmentChecker, SegmentCryptoContext};
use crate::telemetry::ProgressMeter;

/// Checks segments, each for itself: with a context every tag of theirs too.
pub(super) struct VerifyTask<'a> {
    pub(super) source: &'a dyn ReadAt,
    pub(super) geometry: Geometry,
    pub(super) header_size: u32,
    pub(super) total: Option<u64>,
    pub(super) source_size: u64,
    /// With the key, where there is one.
    pub(super) context: Option<&'a SegmentCryptoContext>,
    pub(super) manifest: Option<&'a Manifest>,
    pub(super) selection: &'a Selection,
    pub(super) problems: &'a Problems,
    pub(super) cancel: &'a CancellationToken,
    pub(super) meter: &'a ProgressMeter<'a>,
}

impl VerifyTask<'_> {
    /// Checks the segment at `index` of the selection and adds its failure to the problems.
    pub(super) fn run(&self, worker: &mut Worker<'_>, index: SegmentIndex) -> Result<(), TaskError> {
        // A segment that fails at its first bytes does not check for cancellation itself.
        self.cancel.check()?;
        let segment = self.selection.segment(index);
        let plaintext_size = self.geometry.plaintext_due(self.total, segment);
        let offset = self.geometry.record_offset(self.header_size, segment);
        let wire = ByteRange::at(offset.get(), self.geometry.record_size(plaintext_size));
        let mut checked = 0;
        let result = self.check(worker, segment, offset, plaintext_size, &mut checked);
        // After an early failure the rest counts as done.
        self.meter.add(wire.size() - checked);
        let failure = match result {
            Ok(entry) => match self.manifest {
                Some(manifest) if manifest.record.entry(segment) != Some(&entry) => {
                    SealError::other_sealing(manifest.offset, segment)
                }
                _ => return Ok(()),
            },
            Err(TaskError::Segment(error)) => error.into(),
            Err(TaskError::Fatal(failure @ SealError::Io { .. })) => failure,
            Err(TaskError::Fatal(SealError::Truncated { .. })) => {
                let (expected, relation) = (self.source_size, SizeRelation::Shorter);
                return Err(SealError::SourceChanged { expected, relation }.into());
            }
            Err(error) => return Err(error),
        };
        let problem = Problem {
            segment: Some(segment),
            plaintext: Some(ByteRange::at(
                self.geometry.plaintext_offset(segment),
                u64::from(plaintext_size),
            )),
            wire,
            failure,
        };
        Ok(self.problems.add(problem)?)
    }

    /// Checks a record, with the key if there is one, and returns the entry that the manifest must have for it.
    fn check(
        &self,
        worker: &mut Worker<'_>,
        segment: SegmentIndex,
        offset: WireOffset,
        plaintext_size: u32,
        checked: &mut u64,
    ) -> Result<ManifestEntry, TaskError> {
        let (geometry, total) = (&self.geometry, self.total);
        let mut add = |slots: &[u8]| {
            self.meter.add(slots.len() as u64);
            *checked += slots.len() as u64;
        };
        let record = RecordReader::new(
            self.source,
            geometry,
            segment,
            offset,
            plaintext_size,
            Destination::None,
        );
        let summary = match self.context {
            Some(context) => record.read(
                worker,
                |preamble| DecryptSegmentWorker::new(context).begin(segment, offset, preamble),
                |runner, opener, slots, times| {
                    add(slots);
                    // `finish` returns the failure of a frame.
                    runner.open(opener, slots, times).map(drop)
                },
                |opener, digest| opener.finish(digest),
            ),
            None => record.read(
                worker,
                |preamble| SegmentChecker::begin(geometry, total, segment, offset, preamble),
                |runner, checker, slots, times| {
                    add(slots);
                    runner.check(checker, slots, times)
                },
                |checker, digest| checker.finish(digest),
            ),
        };
        Ok(summary?.entry)
    }
}
