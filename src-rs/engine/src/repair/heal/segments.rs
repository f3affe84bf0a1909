//! Writes every segment, from the first copy with a sound record or combined from several copies.

use super::combine::{Candidate, combine, tries_for};
use super::copies::{Copies, ExpectedRecord, StreamCopy};
use super::end_record::ChosenEnd;
use crate::error::SealError;
use crate::format::{SegmentIndex, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::io::WriteAt;
use crate::stream_v2::pipeline::{Destination, RecordReader, TaskError, Worker};
use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, SegmentChecker, has_right_digest};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::IoSlice;
use std::sync::{Mutex, PoisonError};

/// Where a segment was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentOrigin {
    /// One copy, by its number.
    Copy(usize),
    /// Several copies.
    Combined,
    /// No copy has it.
    Lost,
}

/// Result of healing one segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct HealedSegment {
    pub(super) origin: SegmentOrigin,
    /// CRC-64/NVME of the record.
    pub(super) crc64: u64,
    /// Bytes of the record.
    pub(super) size: u64,
}

/// Writes segments.
pub(super) struct HealTask<'a> {
    pub(super) copies: &'a Copies<'a>,
    pub(super) end: &'a ChosenEnd,
    /// Bytes of the output's header.
    pub(super) header_size: u32,
    pub(super) sink: &'a dyn WriteAt,
    pub(super) cancel: &'a CancellationToken,
    pub(super) meter: &'a ProgressMeter<'a>,
    /// Held while a large record is combined, which takes a buffer for each copy.
    pub(super) combines_large: Mutex<()>,
}

impl HealTask<'_> {
    /// Writes one segment.
    pub(super) fn run(
        &self,
        worker: &mut Worker<'_>,
        index: SegmentIndex,
    ) -> Result<HealedSegment, TaskError> {
        let size = self.record_size(index);
        // The manifest has an entry for each index, unless it can't be read any more.
        let Some(expected) = self.end.expected(self.copies, index) else {
            let (origin, crc64) = (SegmentOrigin::Lost, 0);
            return Ok(HealedSegment { origin, crc64, size });
        };
        let mut healed = None;
        for (number, copy) in self.copies.all.iter().enumerate() {
            if let Some(crc64) = self.transfer(worker, copy, &expected)? {
                let origin = SegmentOrigin::Copy(number);
                healed = Some(HealedSegment { origin, crc64, size });
                break;
            }
        }
        let healed = match healed {
            Some(healed) => healed,
            None => self.combine(&expected, &mut worker.times)?,
        };
        self.meter.add(expected.plaintext_size.into());
        Ok(healed)
    }

    /// Writes a copy's record, and returns its CRC if it is sound. A damaged one is overwritten later, or the whole output is
    /// discarded.
    fn transfer(
        &self,
        worker: &mut Worker<'_>,
        copy: &StreamCopy<'_>,
        expected: &ExpectedRecord,
    ) -> Result<Option<u64>, TaskError> {
        let Worker {
            runner,
            batch_size,
            buffer,
            times,
        } = worker;
        let geometry = &self.copies.core.geometry;
        let offset = self.offset(copy.header_size, expected);
        let mut write_at = self.offset(self.header_size, expected).get();
        let destination = Destination::Record(write_at);
        let mut record = RecordReader::new(
            copy,
            geometry,
            expected.index,
            offset,
            expected.plaintext_size,
            destination,
        );
        let mut checker = None;
        while !record.is_at_end() {
            runner.cancel.check()?;
            let slots = match record.next(buffer, *batch_size, times) {
                Ok(slots) => slots,
                Err(failure) if failure.is_damage() => return Ok(None),
                Err(failure) => return Err(failure.into()),
            };
            let (checker, head) = match &mut checker {
                Some(checker) => (checker, &[][..]),
                none => {
                    let preamble = record.preamble();
                    if !expected.starts(preamble) {
                        return Ok(None);
                    }
                    let begun = SegmentChecker::begin_with_crc64(geometry, expected.index, offset, preamble);
                    let Ok(new) = begun else { return Ok(None) };
                    (none.insert(new.named(Some(expected.entry))), &preamble[..])
                }
            };
            runner.check(checker, slots, times)?;
            let tail = if record.is_at_end() { record.digest() } else { &[] };
            times.time(Stage::Write, || self.write(write_at, [head, slots, tail]))?;
            write_at += (head.len() + slots.len()) as u64;
        }
        let verdict = checker.map(|checker| times.time(Stage::Digest, || checker.finish(record.digest())));
        Ok(verdict.and_then(Result::ok).map(|summary| summary.output_crc64))
    }

    /// Combines a record from the damaged records of the copies.
    fn combine(&self, expected: &ExpectedRecord, times: &mut StageTimes) -> Result<HealedSegment, TaskError> {
        let size = expected.entry.wire_size as usize;
        let _alone = (size > LARGE).then(|| {
            let held = self.combines_large.lock();
            held.unwrap_or_else(PoisonError::into_inner)
        });
        let mut candidates = Vec::new();
        for copy in &self.copies.all {
            self.cancel.check()?;
            let offset = self.offset(copy.header_size, expected).get();
            let Some(mut candidate) = times.time(Stage::Read, || Candidate::read(copy, offset, size)) else {
                continue;
            };
            // An undamaged record of another segment or sealing has nothing in common with this one.
            let geometry = &self.copies.core.geometry;
            if !expected.starts(&candidate.bytes)
                && times.time(Stage::Digest, || has_right_digest(geometry, &candidate.bytes))
            {
                continue;
            }
            expected.restore(&mut candidate.bytes);
            candidates.push(candidate);
        }
        let judge = |record: &[u8]| -> Result<_, TaskError> {
            self.cancel.check()?;
            Ok(self.check(expected, record))
        };
        let combined = times.time(Stage::Digest, || combine(candidates, tries_for(size), judge))?;
        let Some((record, crc64)) = combined else {
            let origin = SegmentOrigin::Lost;
            return Ok(HealedSegment {
                origin,
                crc64: 0,
                size: size as u64,
            });
        };
        times.time(Stage::Write, || {
            self.write(self.offset(self.header_size, expected).get(), [&record, &[], &[]])
        })?;
        let origin = SegmentOrigin::Combined;
        Ok(HealedSegment {
            origin,
            crc64,
            size: size as u64,
        })
    }

    /// The CRC of a whole record, if it is sound.
    fn check(&self, expected: &ExpectedRecord, record: &[u8]) -> Option<u64> {
        let geometry = &self.copies.core.geometry;
        let (preamble, rest) = record.split_first_chunk::<PREAMBLE_SIZE>()?;
        let (slots, digest) = rest.split_at_checked(geometry.frames_wire_size(expected.plaintext_size))?;
        let checker =
            SegmentChecker::begin_with_crc64(geometry, expected.index, WireOffset::ZERO, preamble).ok()?;
        let mut checker = checker.named(Some(expected.entry));
        checker.check_frames(slots);
        Some(checker.finish(digest).ok()?.output_crc64)
    }

    fn record_size(&self, index: SegmentIndex) -> u64 {
        let geometry = &self.copies.core.geometry;
        geometry.record_size(geometry.segment_plaintext(self.end.total, index))
    }

    /// Where the record is after a header of this size.
    fn offset(&self, header_size: u32, expected: &ExpectedRecord) -> WireOffset {
        self.copies
            .core
            .geometry
            .record_offset(header_size, expected.index)
    }

    fn write(&self, offset: u64, parts: [&[u8]; 3]) -> Result<(), TaskError> {
        let written = self.sink.write_at(offset, &mut parts.map(IoSlice::new));
        Ok(written.map_err(SealError::writing)?)
    }
}

/// Larger records are combined one at a time.
const LARGE: usize = 16 * 1024 * 1024;
