//! Every segment from the first copy that has it, or out of several.

use super::combine::{Candidate, combine, tries_for};
use super::copies::{Copies, Copy, DueSegment};
use super::manifest::Manifest;
use crate::crypto::{Crc64, SegmentHasher};
use crate::error::SealError;
use crate::format::SegmentIndex;
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::io::WriteAt;
use crate::stream_v2::pipeline::{SegmentTask, TaskError, Worker};
use crate::stream_v2::segment_worker::{Join, SegmentWorkerError};
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

impl SegmentTask for HealTask<'_> {
    type Output = Healed;

    fn count(&self) -> u64 {
        self.manifest.segments()
    }

    fn slot_size(&self) -> usize {
        self.copies.core.geometry.frame_slot_size()
    }

    fn run<J: Join>(&self, worker: &mut Worker<'_, J>, index: SegmentIndex) -> Result<Healed, TaskError> {
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
}

impl HealTask<'_> {
    /// Writes a copy's record to its place, and returns its CRC if it turned out to be sound: otherwise another one will
    /// be written over it, or nothing will become of the output.
    fn transfer<J: Join>(
        &self,
        worker: &mut Worker<'_, J>,
        copy: &Copy<'_>,
        due: &DueSegment,
    ) -> Result<Option<u64>, TaskError> {
        let Worker {
            portion,
            buffer,
            times,
            ..
        } = worker;
        let (from, to) = (self.offset_in(copy, due), self.target(due));
        let mut check = DigestCheck::new(self.copies, due);
        let size = due.entry.wire_size as usize;
        let mut at = 0;
        while at < size {
            self.cancel.check()?;
            let (read_at, write_at) = (from + at as u64, to + at as u64);
            let bytes = buffer.take((size - at).min(*portion), write_at, read_at);
            if !times.time(Stage::Read, || copy.read_exactly(read_at, bytes)) {
                return Ok(None);
            }
            if at == 0 && !due.begins(bytes) {
                return Ok(None);
            }
            times.time(Stage::Digest, || check.update(bytes));
            times.time(Stage::Write, || self.write(write_at, bytes))?;
            at += bytes.len();
        }
        Ok(times.time(Stage::Digest, || check.finish()))
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
        times.time(Stage::Write, || self.write(self.target(due), &record))?;
        let origin = Origin::Combined;
        Ok(Healed { origin, crc64 })
    }

    /// The CRC of a whole record, if its digest is right.
    fn check(&self, due: &DueSegment, record: &[u8]) -> Option<u64> {
        let mut check = DigestCheck::new(self.copies, due);
        check.update(record);
        check.finish()
    }

    fn offset_in(&self, copy: &Copy<'_>, due: &DueSegment) -> u64 {
        let geometry = &self.copies.core.geometry;
        geometry.record_offset(copy.header_size, due.index).get()
    }

    fn target(&self, due: &DueSegment) -> u64 {
        let geometry = &self.copies.core.geometry;
        geometry.record_offset(self.header_size, due.index).get()
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), TaskError> {
        let written = self.sink.write_at(offset, &mut [IoSlice::new(bytes)]);
        written.map_err(|error| TaskError::Fatal(SealError::writing(error)))
    }
}

/// Compares a record that comes in portions with the digest at its end.
struct DigestCheck {
    hasher: SegmentHasher,
    /// The CRC of everything; none where the digest is that CRC and it need not be computed twice.
    crc: Option<Crc64>,
    /// Bytes until the digest.
    until_digest: usize,
    stored: Vec<u8>,
}

impl DigestCheck {
    fn new(copies: &Copies<'_>, due: &DueSegment) -> Self {
        let kind = copies.core.geometry.digest();
        let hasher = SegmentHasher::new(kind);
        let crc = hasher.crc64().is_none().then(Crc64::default);
        Self {
            hasher,
            crc,
            until_digest: (due.entry.wire_size as usize).saturating_sub(kind.size()),
            stored: Vec::with_capacity(kind.size()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        let (content, digest) = bytes.split_at(self.until_digest.min(bytes.len()));
        self.until_digest -= content.len();
        self.hasher.update(content);
        self.stored.extend_from_slice(digest);
        if let Some(crc) = &mut self.crc {
            crc.update(bytes);
        }
    }

    /// The record's CRC, if the digest is that of the bytes before it.
    fn finish(self) -> Option<u64> {
        let Self {
            hasher, crc, stored, ..
        } = self;
        let crc = crc.or_else(|| {
            let mut crc = hasher.crc64()?;
            crc.update(&stored);
            Some(crc)
        });
        let is_right = hasher.finish().as_bytes() == stored;
        crc.filter(|_| is_right).map(|crc| crc.value())
    }
}

/// Records over this are combined one at a time.
const LARGE: usize = 16 * 1024 * 1024;
