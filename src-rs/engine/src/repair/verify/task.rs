//! One segment, checked.

use super::end::Manifest;
use super::problems::{Problem, Problems};
use super::sample::Selection;
use crate::error::{SealError, SizeRelation};
use crate::format::{ByteRange, Geometry, ManifestEntry, SegmentIndex, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::pipeline::{Broken, PortionRunner, RecordReader, SegmentTask, TaskError, Worker};
use crate::stream_v2::segment_worker::{
    DecryptSegmentWorker, Join, RecordPreamble, SegmentChecker, SegmentCryptoContext, SegmentOpener,
    SegmentWorkerError,
};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};

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

impl SegmentTask for VerifyTask<'_> {
    /// What is wrong goes to the problems.
    type Output = ();

    fn count(&self) -> u64 {
        self.selection.count()
    }

    fn slot_size(&self) -> usize {
        self.geometry.frame_slot_size()
    }

    fn run<J: Join>(&self, worker: &mut Worker<'_, J>, index: SegmentIndex) -> Result<(), TaskError> {
        // Segments that fail at their first bytes come to no other look at the token.
        self.cancel.check()?;
        let segment = self.selection.segment(index);
        let plaintext_size = self.geometry.plaintext_due(self.total, segment);
        let offset = self.geometry.record_offset(self.header_size, segment);
        let size = self.geometry.record_size(plaintext_size);
        let mut record = RecordReader::new(self.source, &self.geometry, offset, plaintext_size);
        let checked = self.check(worker, segment, offset, &mut record);
        // Of a segment that fails early the rest counts as done.
        self.meter
            .add((offset.get() + size).saturating_sub(record.position()));
        let failure = match checked {
            Ok(entry) => match self.manifest {
                Some(manifest) if manifest.record.entry(segment) != Some(&entry) => {
                    SealError::other_sealing(manifest.offset, segment)
                }
                _ => return Ok(()),
            },
            Err(TaskError::Segment(error)) => error.into(),
            Err(TaskError::Fatal(failure @ SealError::Io { .. })) => failure,
            Err(halt) => return Err(halt),
        };
        let problem = Problem {
            segment: Some(segment),
            plaintext: Some(ByteRange::at(
                self.geometry.plaintext_offset(segment),
                u64::from(plaintext_size),
            )),
            wire: ByteRange::at(offset.get(), size),
            failure,
        };
        self.problems.add(problem).map_err(TaskError::Fatal)
    }
}

impl VerifyTask<'_> {
    /// Reads a record to its end and returns it as the manifest should name it.
    fn check<J: Join>(
        &self,
        worker: &mut Worker<'_, J>,
        segment: SegmentIndex,
        offset: WireOffset,
        record: &mut RecordReader<'_>,
    ) -> Result<ManifestEntry, TaskError> {
        let Worker {
            join,
            portion,
            buffer,
            times,
        } = worker;
        let stepper = PortionRunner {
            join: *join,
            cancel: self.cancel,
            slot_size: self.geometry.frame_slot_size(),
        };
        let mut inspector = None;
        loop {
            let before = record.position();
            let next = record.next(buffer, *portion, None, times);
            let Some(slots) = next.map_err(|broken| self.broken(broken))? else {
                break;
            };
            self.meter.add(record.position() - before);
            let inspector = match &mut inspector {
                Some(inspector) => inspector,
                none => none.insert(self.begin(segment, offset, record.preamble())?),
            };
            match inspector {
                Inspector::Keyless(checker) => stepper.look(checker, slots, times)?,
                // Whether frames verified is for the end of the segment.
                Inspector::Keyed(opener) => stepper.open(opener, slots, times).map(drop)?,
            }
        }
        let Some(inspector) = inspector else {
            return Err(SegmentWorkerError::FrameWorkerDisconnected { segment }.into()); // no segment is without frames
        };
        Ok(inspector.finish(record.digest(), times)?)
    }

    fn begin(
        &self,
        segment: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
    ) -> Result<Inspector<'_>, SegmentWorkerError> {
        Ok(match self.context {
            Some(context) => {
                Inspector::Keyed(DecryptSegmentWorker::new(context).begin(segment, offset, preamble)?)
            }
            None => Inspector::Keyless(SegmentChecker::begin(
                &self.geometry,
                self.total,
                segment,
                offset,
                preamble,
            )?),
        })
    }

    fn broken(&self, broken: Broken) -> TaskError {
        TaskError::Fatal(match broken {
            Broken::Failed(error) => SealError::reading(error),
            Broken::Ended(_) => SealError::SourceChanged {
                expected: self.source_size,
                relation: SizeRelation::Shorter,
            },
        })
    }
}

/// Who looks at a record.
#[allow(
    clippy::large_enum_variant,
    reason = "a worker has one at a time, on its stack"
)]
enum Inspector<'c> {
    Keyless(SegmentChecker),
    Keyed(SegmentOpener<'c>),
}

impl Inspector<'_> {
    fn finish(self, digest: &[u8], times: &mut StageTimes) -> Result<ManifestEntry, SegmentWorkerError> {
        times.time(Stage::Digest, || match self {
            Self::Keyless(checker) => checker.finish(digest),
            Self::Keyed(opener) => opener.finish(digest).map(|summary| summary.entry),
        })
    }
}
