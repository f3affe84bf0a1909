//! Checks one segment.

use super::problems::{Problem, Problems};
use super::sample::Selection;
use super::trailer::NamedRecords;
use crate::error::{SealError, SizeRelation};
use crate::format::{ByteRange, SegmentIndex, SegmentReason, StreamHeader, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::pipeline::{Destination, RecordReader, TaskError, Worker};
use crate::stream_v2::segment_worker::{
    DecryptSegmentWorker, SegmentChecker, SegmentCryptoContext, SegmentWorkerError,
};
use crate::telemetry::ProgressMeter;

/// Checks segments, each on its own; with a context their tags too.
pub(super) struct VerifyTask<'a> {
    pub(super) source: &'a dyn ReadAt,
    pub(super) header: &'a StreamHeader,
    pub(super) total: Option<u64>,
    pub(super) source_size: u64,
    /// The keys, if given.
    pub(super) context: Option<&'a SegmentCryptoContext>,
    pub(super) manifest: Option<&'a NamedRecords>,
    /// Senders are given, of whom one must have signed the manifest.
    pub(super) for_senders: bool,
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
        let geometry = &self.header.core.geometry;
        let segment = self.selection.segment(index);
        let plaintext_size = geometry.expected_plaintext(self.total, segment);
        let offset = geometry.record_offset(self.header.size(), segment);
        let sealed = ByteRange::at(offset.get(), geometry.record_size(plaintext_size));
        let mut checked = 0;
        let result = self.check(worker, segment, offset, plaintext_size, &mut checked);
        // After an early failure the rest counts as done.
        self.meter.add(sealed.size() - checked);
        let failure = match result {
            Ok(()) => return Ok(()),
            Err(TaskError::Segment(error)) => self.by_senders(segment, error),
            Err(TaskError::Fatal(failure @ SealError::Io { .. })) => failure,
            Err(TaskError::Fatal(SealError::Truncated { .. })) => {
                return Err(SealError::source_changed(self.source_size, SizeRelation::Shorter).into());
            }
            Err(error) => return Err(error),
        };
        let problem = Problem {
            segment: Some(segment),
            segment_count: 1,
            plaintext: Some(ByteRange::at(
                geometry.plaintext_offset(segment),
                u64::from(plaintext_size),
            )),
            sealed,
            failure,
        };
        Ok(self.problems.add(problem)?)
    }

    /// The failure of a record. Without a key, only the sender's signature tells which records belong to the stream.
    fn by_senders(&self, segment: SegmentIndex, error: SegmentWorkerError) -> SealError {
        use SegmentReason as R;
        match (&error, self.total) {
            (
                SegmentWorkerError::InvalidSegment {
                    reason: R::Digest | R::MessageTag,
                    ..
                },
                Some(total),
            ) if self.for_senders && self.context.is_none() => {
                let end = self
                    .header
                    .core
                    .geometry
                    .trailer_offset(self.header.size(), total);
                SealError::other_sealing(WireOffset::new(end), segment)
            }
            _ => error.into(),
        }
    }

    /// Checks a record, with the key if there is one.
    fn check(
        &self,
        worker: &mut Worker<'_>,
        segment: SegmentIndex,
        offset: WireOffset,
        plaintext_size: u32,
        checked: &mut u64,
    ) -> Result<(), TaskError> {
        let (geometry, total) = (&self.header.core.geometry, self.total);
        let named = self
            .manifest
            .and_then(|manifest| manifest.entry(self.source, segment));
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
        let checked = match self.context {
            Some(context) => record.read(
                worker,
                |preamble| {
                    let opener = DecryptSegmentWorker::new(context).begin(segment, offset, preamble)?;
                    Ok(opener.named(named))
                },
                |runner, opener, slots, times| {
                    add(slots);
                    // `finish` returns the failure of a frame.
                    runner.open(opener, slots, times).map(drop)
                },
                |opener, digest| opener.finish(digest),
            ),
            None => record.read(
                worker,
                |preamble| {
                    let checker = SegmentChecker::begin(geometry, total, segment, offset, preamble)?;
                    Ok(checker.named(named))
                },
                |runner, checker, slots, times| {
                    add(slots);
                    runner.check(checker, slots, times)
                },
                |checker, digest| checker.finish(digest),
            ),
        };
        checked.map(drop)
    }
}
