//! Segments in order: what came out to the sink, what did not to the map.

use super::landmarks::Findings;
use super::map::{Conflict, DamageMap, LostRanges, MAX_CONFLICTS, Outcome, Reason, Recovered};
use super::places::Place;
use super::recover::{RecoveredSegment, Recovery};
use super::{Lost, Work};
use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex, WireOffset};
use crate::operation::options::Control;
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::framing::contents;
use crate::stream_v2::io::WriteAt;
use crate::stream_v2::pipeline::{guard, run_ordered};
use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, SegmentWorkerError};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::{ErrorKind, IoSlice};
use std::ops::ControlFlow;
use std::time::Duration;

/// Takes segments in order.
pub(super) struct Delivery<'a> {
    findings: &'a Findings<'a>,
    source: &'a FaultTolerantSource<'a>,
    sink: &'a dyn WriteAt,
    mode: Lost,
    work: &'a Work,
    /// The segment that is due next.
    next: u64,
    /// The last record that came by: those around it should stand at whole steps from it.
    anchor: (u64, u64),
    lost: LostRanges,
    recovered: Recovered,
    conflicts: Vec<Conflict>,
    conflict_count: u64,
    /// Where the output ends so far.
    output_end: u64,
    times: StageTimes,
}

type Answer = Result<Option<RecoveredSegment>, SealError>;

impl<'a> Delivery<'a> {
    pub(super) fn new(
        findings: &'a Findings<'a>,
        source: &'a FaultTolerantSource<'a>,
        sink: &'a dyn WriteAt,
        mode: Lost,
        work: &'a Work,
    ) -> Self {
        // A header that was found behind records is the copy: the stream's own was at the source's start.
        let first_place = findings.places.iter().map(|place| place.offset).min();
        let header_at = findings.stream.place.offset.map(WireOffset::get);
        let header_at = header_at
            .filter(|&at| first_place.is_none_or(|first| at < first))
            .unwrap_or(0);
        let first_record = header_at + u64::from(findings.stream.incoming.header.size());
        Self {
            findings,
            source,
            sink,
            mode,
            work,
            next: 0,
            anchor: (0, first_record),
            lost: LostRanges::default(),
            recovered: Recovered::default(),
            conflicts: Vec::new(),
            conflict_count: 0,
            output_end: 0,
            times: findings.times,
        }
    }

    pub(super) fn run(
        mut self,
        control: &Control<'_>,
        meter: &ProgressMeter<'_>,
    ) -> Result<DamageMap, SealError> {
        let findings = self.findings;
        let recovery = Recovery {
            source: self.source,
            context: findings.context,
            geometry: findings.geometry,
            manifest: findings.end.as_ref().map(|end| &end.record),
            cancel: &control.cancel,
            work: self.work,
        };
        let mut segments = findings.places.chunk_by(|a, b| a.index() == b.index());
        let mut failure = None;
        run_ordered(
            &control.threads,
            control.window(&findings.geometry),
            || segments.next(),
            |places: &[Place]| -> (u64, Answer, StageTimes) {
                let index = places.first().map(Place::index).unwrap_or_default();
                let own: u64 = places.iter().map(|place| place.next - place.offset).sum();
                let mut times = StageTimes::default();
                let recovered = guard(index, || recovery.segment(places, &mut times));
                (own, recovered, times)
            },
            || {
                let segment = SegmentIndex::ZERO;
                let lost = SegmentWorkerError::FrameWorkerDisconnected { segment };
                (0, Err(lost.into()), StageTimes::default())
            },
            |(own, answer, times)| {
                self.times += times;
                // Half of the progress was the search.
                meter.add(own / 2);
                let taken = answer
                    .and_then(|segment| segment.map_or(Ok(()), |segment| self.take(&segment, &recovery)));
                match taken {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failure = Some(error);
                        ControlFlow::Break(())
                    }
                }
            },
        )?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        self.skip_to(findings.segments, &recovery)?;
        control.cancel.check()?;
        meter.add(self.source.size().saturating_sub(meter.done()));
        self.finish()
    }

    fn take(&mut self, segment: &RecoveredSegment, recovery: &Recovery<'_>) -> Result<(), SealError> {
        let geometry = &self.findings.geometry;
        let header = &segment.place.header;
        let index = header.index.get();
        self.skip_to(index, recovery)?;
        self.next = index.saturating_add(1);
        self.anchor = (index, segment.place.offset);
        let start = geometry.plaintext_offset(header.index);
        let frame_size = u64::from(geometry.frame_size());
        let end = start + u64::from(header.plaintext_size);
        for (from, to, is_there) in segment.frames.runs() {
            let plaintext = ByteRange {
                start: start + from as u64 * frame_size,
                end: end.min(start + to as u64 * frame_size),
            };
            if is_there {
                self.write(plaintext, segment.frames.opened(from, to))?;
                self.recovered.frames += (to - from) as u64;
            } else {
                self.lose(segment, plaintext, from, to);
            }
        }
        self.recovered.segments += u64::from(segment.frames.is_complete());
        // A final sealing that others follow: what it leaves open up to the next segment was never seen.
        let due_end = start + u64::from(geometry.segment_size());
        if self.next < self.findings.segments && end < due_end {
            let rest = ByteRange {
                start: end,
                end: due_end,
            };
            self.lost.add(rest, None, (index, index), Reason::NoRecord);
        }
        if let Some(kind) = segment.conflict {
            self.conflict_count += 1;
            if self.conflicts.len() < MAX_CONFLICTS {
                self.conflicts.push(Conflict {
                    segment: header.index,
                    kind,
                    message: kind.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Notes that the frames of a segment from `from` up to, but not with, `to` did not come out.
    fn lose(&mut self, segment: &RecoveredSegment, plaintext: ByteRange, from: usize, to: usize) {
        let Place { offset, header, .. } = segment.place;
        let wire = if segment.frames.count() == 0 {
            ByteRange::at(offset, self.findings.geometry.record_size(header.plaintext_size))
        } else {
            let slots_at = offset + PREAMBLE_SIZE as u64;
            ByteRange {
                start: slots_at + segment.frames.range(from).start,
                end: slots_at + segment.frames.range(to - 1).end,
            }
        };
        let reason = match &segment.lost {
            Some(lost) if lost.has_holes && self.source.has_hole(wire) => Reason::Unreadable,
            Some(lost) => lost.reason,
            None => Reason::NoRecord,
        };
        let index = header.index.get();
        self.lost.add(plaintext, Some(wire), (index, index), reason);
    }

    /// Notes that there is no record of the segments up to `index`. There may be any number of them.
    fn skip_to(&mut self, index: u64, recovery: &Recovery<'_>) -> Result<(), SealError> {
        let geometry = &self.findings.geometry;
        for (&broken, &at) in self.findings.broken.range(self.next..index.max(self.next)) {
            recovery.cancel.check()?;
            self.skip_unfound(broken);
            let size = geometry.record_size(self.size_of(broken));
            let wire = ByteRange::at(at, size);
            let reason = if self.source.has_hole(wire) {
                Reason::Unreadable
            } else {
                recovery.digest(wire, &mut self.times)
            };
            self.lost.add(
                self.plaintext_of(broken, broken + 1),
                Some(wire),
                (broken, broken),
                reason,
            );
            self.next = broken + 1;
        }
        self.skip_unfound(index);
        Ok(())
    }

    fn skip_unfound(&mut self, index: u64) {
        if self.next >= index {
            return;
        }
        let step = self.findings.geometry.full_record_size();
        let (known, at) = self.anchor;
        let place = |index: u64| at.saturating_add((index - known.min(index)).saturating_mul(step));
        // Segments from this one on would stand behind the source's end. Where others were found behind the gap, it is
        // not the source's end that is missing.
        let room = self.source.size().saturating_sub(at).div_ceil(step);
        let beyond = if index == self.findings.segments {
            known.saturating_add(room).clamp(self.next, index)
        } else {
            index
        };
        for (from, to, reason) in [
            (self.next, beyond, Reason::NoRecord),
            (beyond, index, Reason::PastEnd),
        ] {
            if from == to {
                continue;
            }
            let size = self.findings.geometry.record_size(self.size_of(to - 1));
            let wire = ByteRange {
                start: place(from),
                end: place(to - 1).saturating_add(size),
            };
            self.lost
                .add(self.plaintext_of(from, to), Some(wire), (from, to - 1), reason);
        }
        self.next = index;
    }

    /// Plaintext bytes of a segment that was not found.
    fn size_of(&self, index: u64) -> u32 {
        let Findings { geometry, total, .. } = self.findings;
        geometry.plaintext_due(*total, SegmentIndex::new(index))
    }

    /// The plaintext of the segments from `from` up to, but not with, `to`.
    fn plaintext_of(&self, from: u64, to: u64) -> ByteRange {
        let at = |index| {
            let offset = self.findings.geometry.plaintext_offset(SegmentIndex::new(index));
            self.findings.total.map_or(offset, |total| offset.min(total))
        };
        ByteRange {
            start: at(from),
            end: at(to),
        }
    }

    fn write(&mut self, plaintext: ByteRange, slots: &[u8]) -> Result<(), SealError> {
        let at = match self.mode {
            Lost::Zeros => plaintext.start,
            Lost::Omit => self.output_end,
        };
        let slot_size = self.findings.geometry.frame_slot_size();
        let mut content: Vec<_> = contents(slots, slot_size).map(IoSlice::new).collect();
        self.times
            .time(Stage::Write, || self.sink.write_at(at, &mut content))
            .map_err(SealError::writing)?;
        self.output_end = at + plaintext.size();
        self.recovered.bytes += plaintext.size();
        Ok(())
    }

    /// What is lost at the end is zeros too. Where no file can be as long as the stream claims to be, the output ends with
    /// the last frame that came out.
    fn set_size(&mut self) -> Result<(), SealError> {
        let Some(total) = self.findings.total.filter(|_| self.mode == Lost::Zeros) else {
            return Ok(());
        };
        match self.sink.set_size(total) {
            Ok(()) => self.output_end = total,
            Err(error) if matches!(error.kind(), ErrorKind::FileTooLarge | ErrorKind::InvalidInput) => {}
            Err(error) => return Err(SealError::writing(error)),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<DamageMap, SealError> {
        let findings = self.findings;
        let core = &findings.stream.incoming.header.core;
        let outcome = if self.recovered.frames == 0 {
            Outcome::Nothing
        } else if self.lost.is_empty() && findings.total.is_some() {
            Outcome::Whole
        } else {
            Outcome::Partial
        };
        if outcome != Outcome::Nothing {
            self.set_size()?;
        }
        Ok(DamageMap {
            source_size: self.source.size(),
            unreadable: self.source.unreadable(),
            stream_id: core.stream_id,
            header: findings.stream.place,
            end: findings.end_state,
            frame_size: findings.geometry.frame_size(),
            segment_size: findings.geometry.segment_size(),
            digest: findings.geometry.digest(),
            plaintext_size: findings.total,
            segments: findings.segments,
            outcome,
            recovered: self.recovered,
            output_size: self.output_end,
            lost_bytes: self.lost.bytes,
            lost_is_merged: self.lost.is_merged,
            lost: self.lost.finish(),
            conflicts: self.conflicts,
            conflict_count: self.conflict_count,
            other_streams: findings.other_streams.clone(),
            times: self.times,
            elapsed: Duration::ZERO,
        })
    }
}
