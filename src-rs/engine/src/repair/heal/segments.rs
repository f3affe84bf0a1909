//! Every segment from the first copy that has it, or out of several.

use super::combine::{Candidate, combine, tries_for};
use super::copies::{Copies, Copy, DueSegment};
use super::manifest::Manifest;
use crate::error::SealError;
use crate::format::{SegmentIndex, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::io::WriteAt;
use crate::stream_v2::pipeline::{Destination, RecordReader, TaskError, Worker};
use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, SegmentChecker, SegmentWorkerError};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::IoSlice;
use std::sync::{Mutex, PoisonError};

/// Where a segment came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// One copy had all of it.
    Copy(usize),
    /// No copy had all of it, but together they had.
    Combined,
    /// It is nowhere.
    Lost,
}

/// What is left of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Healed {
    pub(super) origin: Origin,
    /// CRC-64/NVME of the record.
    pub(super) crc64: u64,
}

/// Writes sound segments.
pub(super) struct HealTask<'a> {
    pub(super) copies: &'a Copies<'a>,
    pub(super) manifest: &'a Manifest,
    /// Bytes of the output's header.
    pub(super) header_size: u32,
    pub(super) sink: &'a dyn WriteAt,
    pub(super) cancel: &'a CancellationToken,
    pub(super) meter: &'a ProgressMeter<'a>,
    /// Held while a large record is combined, which takes as many buffers as there are copies.
    pub(super) combines_large: Mutex<()>,
}

impl HealTask<'_> {
    /// Writes one segment, from a copy that has it or out of several.
    pub(super) fn run(&self, worker: &mut Worker<'_>, index: SegmentIndex) -> Result<Healed, TaskError> {
        let Some(due) = self.manifest.due(self.copies, index) else {
            return Err(SegmentWorkerError::FrameWorkerDisconnected { segment: index }.into()); // the manifest has `count` entries
        };
        let mut healed = None;
        for (number, copy) in self.copies.all.iter().enumerate() {
            if let Some(crc64) = self.transfer(worker, copy, &due)? {
                let origin = Origin::Copy(number);
                healed = Some(Healed { origin, crc64 });
                break;
            }
        }
        let healed = match healed {
            Some(healed) => healed,
            None => self.combine(&due, &mut worker.times)?,
        };
        self.meter.add(due.plaintext_size.into());
        Ok(healed)
    }

    /// Writes a copy's record to its place, and returns its CRC if it turned out to be sound: otherwise another one will
    /// be written over it, or nothing will become of the output.
    fn transfer(
        &self,
        worker: &mut Worker<'_>,
        copy: &Copy<'_>,
        due: &DueSegment,
    ) -> Result<Option<u64>, TaskError> {
        let Worker {
            runner,
            portion,
            buffer,
            times,
        } = worker;
        let geometry = &self.copies.core.geometry;
        let offset = WireOffset::new(self.offset_in(copy, due));
        let mut write_at = self.target(due);
        let destination = Destination::Record(write_at);
        let mut record =
            RecordReader::new(copy, geometry, due.index, offset, due.plaintext_size, destination);
        let mut checker = None;
        while !record.is_at_end() {
            runner.cancel.check()?;
            let Ok(slots) = record.next(buffer, *portion, times) else {
                return Ok(None);
            };
            let (checker, head) = match &mut checker {
                Some(checker) => (checker, &[][..]),
                none => {
                    let preamble = record.preamble();
                    if !due.begins(preamble) {
                        return Ok(None);
                    }
                    let new = SegmentChecker::begin_with_crc64(geometry, due.index, offset, preamble)?;
                    (none.insert(new), &preamble[..])
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

    /// Puts a record together from what the copies have of it.
    fn combine(&self, due: &DueSegment, times: &mut StageTimes) -> Result<Healed, TaskError> {
        let size = due.entry.wire_size as usize;
        let _alone = (size > LARGE).then(|| {
            let held = self.combines_large.lock();
            held.unwrap_or_else(PoisonError::into_inner)
        });
        let mut candidates = Vec::new();
        for copy in &self.copies.all {
            self.cancel.check()?;
            let offset = self.offset_in(copy, due);
            let Some(mut candidate) = times.time(Stage::Read, || Candidate::read(copy, offset, size)) else {
                continue;
            };
            // Another sealing, whole in itself, has nothing in common with this one.
            if !due.begins(&candidate.bytes)
                && times
                    .time(Stage::Digest, || self.check(due, &candidate.bytes))
                    .is_some()
            {
                continue;
            }
            due.restore_beginning(&mut candidate.bytes);
            candidates.push(candidate);
        }
        let judge = |record: &[u8]| -> Result<_, TaskError> {
            self.cancel.check()?;
            Ok(self.check(due, record))
        };
        let combined = times.time(Stage::Digest, || combine(candidates, tries_for(size), judge))?;
        let Some((record, crc64)) = combined else {
            let origin = Origin::Lost;
            return Ok(Healed { origin, crc64: 0 });
        };
        times.time(Stage::Write, || self.write(self.target(due), [&record, &[], &[]]))?;
        let origin = Origin::Combined;
        Ok(Healed { origin, crc64 })
    }

    /// The CRC of a whole record, if its digest is right.
    fn check(&self, due: &DueSegment, record: &[u8]) -> Option<u64> {
        let geometry = &self.copies.core.geometry;
        let (preamble, rest) = record.split_first_chunk::<PREAMBLE_SIZE>()?;
        let (slots, digest) = rest.split_at_checked(geometry.frames_wire_size(due.plaintext_size))?;
        let mut checker =
            SegmentChecker::begin_with_crc64(geometry, due.index, WireOffset::ZERO, preamble).ok()?;
        checker.check_frames(slots);
        Some(checker.finish(digest).ok()?.output_crc64)
    }

    fn offset_in(&self, copy: &Copy<'_>, due: &DueSegment) -> u64 {
        let geometry = &self.copies.core.geometry;
        geometry.record_offset(copy.header_size, due.index).get()
    }

    fn target(&self, due: &DueSegment) -> u64 {
        let geometry = &self.copies.core.geometry;
        geometry.record_offset(self.header_size, due.index).get()
    }

    fn write(&self, offset: u64, parts: [&[u8]; 3]) -> Result<(), TaskError> {
        let written = self.sink.write_at(offset, &mut parts.map(IoSlice::new));
        Ok(written.map_err(SealError::writing)?)
    }
}

/// Records over this are combined one at a time.
const LARGE: usize = 16 * 1024 * 1024;
