//! Writes the recovered frames in order, and records in the damage map what is lost.

use super::damage_map::{
    Conflict, DamageMap, LossReason, LostRange, LostRanges, MAX_CONFLICTS, Outcome, Recovered,
};
use super::found_record::FoundRecord;
use super::recover::{RecoveredSegment, Recovery};
use super::survey::Survey;
use super::{LostBytes, SalvageOptions};
use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex, WireOffset};
use crate::operation::options::Control;
use crate::stream_v2::framing::contents;
use crate::stream_v2::io::WriteAt;
use crate::stream_v2::pipeline::{guard, run_ordered};
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::{ErrorKind, IoSlice};
use std::ops::{ControlFlow, Range};
use std::time::Duration;

/// Takes recovered segments in order.
pub(super) struct Output<'a> {
    survey: &'a Survey<'a>,
    recovery: Recovery<'a>,
    sink: &'a dyn WriteAt,
    lost_bytes: LostBytes,
    max_output_size: u64,
    /// The next segment.
    next: u64,
    /// Index and offset of the last record. Those around it should stand at multiples of the record size from it.
    anchor: (u64, u64),
    map: DamageMap,
}

type SegmentResult = Result<Option<RecoveredSegment>, SealError>;

impl<'a> Output<'a> {
    pub(super) fn new(recovery: Recovery<'a>, sink: &'a dyn WriteAt, options: &SalvageOptions<'_>) -> Self {
        let survey = recovery.survey;
        let header = &survey.stream.unlocked.header;
        // A header that was found after records is the copy; the header itself was at the source's start.
        let first_offset = survey.records.iter().map(|record| record.offset).min();
        let header_at = survey.stream.header.offset.map(WireOffset::get);
        let header_at = header_at
            .filter(|&at| first_offset.is_none_or(|first| at < first))
            .unwrap_or(0);
        let map = DamageMap {
            source_size: survey.source.size(),
            unreadable: 0,
            stream_id: header.core.stream_id,
            header: survey.stream.header,
            end: survey.trailer_state(),
            sender: survey.sender(),
            frame_size: survey.geometry.frame_size(),
            segment_size: survey.geometry.segment_size(),
            digest: survey.geometry.digest(),
            plaintext_size: survey.total,
            segments: survey.segments,
            outcome: Outcome::Nothing,
            recovered: Recovered::default(),
            output_size: 0,
            lost: LostRanges::default(),
            conflicts: Vec::new(),
            conflict_count: 0,
            other_streams: survey.other_streams.clone(),
            threads: 0,
            times: survey.times,
            elapsed: Duration::ZERO,
        };
        Self {
            survey,
            recovery,
            sink,
            lost_bytes: options.lost,
            max_output_size: options.open.max_output_size,
            next: 0,
            anchor: (0, header_at + u64::from(header.size())),
            map,
        }
    }

    /// Recovers all segments.
    pub(super) fn run(
        mut self,
        control: &Control<'_>,
        meter: &ProgressMeter<'_>,
    ) -> Result<DamageMap, SealError> {
        let survey = self.survey;
        let recovery = self.recovery;
        let mut segments = survey.records.chunk_by(|a, b| a.index() == b.index());
        let mut failure = None;
        run_ordered(
            &control.threads,
            control.window(&survey.geometry),
            || segments.next(),
            |records: &[FoundRecord]| -> (u64, SegmentResult, StageTimes) {
                let index = records.first().map(FoundRecord::index).unwrap_or_default();
                let size: u64 = records.iter().map(|record| record.next - record.offset).sum();
                let mut times = StageTimes::default();
                let recovered = guard(index, || recovery.segment(records, &mut times));
                (size, recovered, times)
            },
            || {
                let missing = SealError::no_result(SegmentIndex::ZERO);
                (0, Err(missing), StageTimes::default())
            },
            |(size, recovered, times)| {
                self.map.times += times;
                // The search was the other half of the progress.
                meter.add(size / 2);
                let taken =
                    recovered.and_then(|segment| segment.map_or(Ok(()), |segment| self.take(&segment)));
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
        self.skip_to(survey.segments)?;
        control.cancel.check()?;
        meter.add(survey.source.size().saturating_sub(meter.done()));
        self.finish()
    }

    fn take(&mut self, segment: &RecoveredSegment) -> Result<(), SealError> {
        let geometry = &self.survey.geometry;
        let header = &segment.record.header;
        let index = header.index.get();
        self.skip_to(index)?;
        self.next = index.saturating_add(1);
        self.anchor = (index, segment.record.offset);
        let start = geometry.plaintext_offset(header.index);
        let frame_size = u64::from(geometry.frame_size());
        let end = start + u64::from(header.plaintext_size);
        for (from, to, is_recovered) in segment.frames.runs() {
            let plaintext = ByteRange {
                start: start + from as u64 * frame_size,
                end: end.min(start + to as u64 * frame_size),
            };
            if is_recovered {
                self.write(plaintext, segment.frames.opened(from, to))?;
                self.map.recovered.frames += (to - from) as u64;
            } else {
                self.lose_frames(segment, plaintext, from..to);
            }
        }
        self.map.recovered.segments += u64::from(segment.frames.is_complete());
        // A final sealing that is followed by other segments leaves a gap, whose bytes were never found.
        let full_end = start + u64::from(geometry.segment_size());
        if self.next < self.survey.segments && end < full_end {
            let gap = ByteRange {
                start: end,
                end: full_end,
            };
            self.lose(index..index + 1, gap, None, LossReason::NoRecord);
        }
        if let Some(resolution) = segment.conflict {
            self.map.conflict_count += 1;
            if self.map.conflicts.len() < MAX_CONFLICTS {
                let segment = header.index;
                self.map.conflicts.push(Conflict { segment, resolution });
            }
        }
        Ok(())
    }

    fn lose_frames(&mut self, segment: &RecoveredSegment, plaintext: ByteRange, frames: Range<usize>) {
        let FoundRecord { offset, header, .. } = segment.record;
        let sealed = if segment.frames.count() == 0 {
            ByteRange::at(offset, self.survey.geometry.record_size(header.plaintext_size))
        } else {
            let slots_at = offset + PREAMBLE_SIZE as u64;
            ByteRange {
                start: slots_at + segment.frames.range(frames.start).start,
                end: slots_at + segment.frames.range(frames.end - 1).end,
            }
        };
        let reason = if self.survey.source.has_bad_range(sealed) {
            LossReason::Unreadable
        } else {
            segment.loss.unwrap_or(LossReason::NoRecord)
        };
        let index = header.index.get();
        self.lose(index..index + 1, plaintext, Some(sealed), reason);
    }

    fn lose(
        &mut self,
        segments: Range<u64>,
        plaintext: ByteRange,
        sealed: Option<ByteRange>,
        reason: LossReason,
    ) {
        self.map.lost.add(LostRange {
            plaintext,
            sealed,
            segment: SegmentIndex::new(segments.start),
            segment_count: segments.end.saturating_sub(segments.start),
            reason,
        });
    }

    /// Records that the segments before `index` were not found. There may be any number of them.
    fn skip_to(&mut self, index: u64) -> Result<(), SealError> {
        let survey = self.survey;
        for (&unverified, &at) in survey.unverified.range(self.next..index.max(self.next)) {
            self.recovery.cancel.check()?;
            self.skip_unfound(unverified);
            let sealed = ByteRange::at(at, survey.geometry.record_size(self.size_of(unverified)));
            let reason = if survey.source.has_bad_range(sealed) {
                LossReason::Unreadable
            } else {
                self.recovery.check_digest(sealed, &mut self.map.times)
            };
            let segments = unverified..unverified + 1;
            self.lose(
                segments.clone(),
                self.plaintext_of(&segments),
                Some(sealed),
                reason,
            );
            self.next = segments.end;
        }
        self.skip_unfound(index);
        Ok(())
    }

    fn skip_unfound(&mut self, index: u64) {
        if self.next >= index {
            return;
        }
        let step = self.survey.geometry.full_record_size();
        let (known, at) = self.anchor;
        let offset = |index: u64| at.saturating_add((index - known.min(index)).saturating_mul(step));
        // The first segment that would stand after the source's end. If segments after the gap were found, none does.
        let room = self.survey.source.size().saturating_sub(at).div_ceil(step);
        let past_end = if index == self.survey.segments {
            known.saturating_add(room).clamp(self.next, index)
        } else {
            index
        };
        for (segments, reason) in [
            (self.next..past_end, LossReason::NoRecord),
            (past_end..index, LossReason::PastEnd),
        ] {
            if segments.is_empty() {
                continue;
            }
            let last = segments.end - 1;
            let size = self.survey.geometry.record_size(self.size_of(last));
            let sealed = ByteRange {
                start: offset(segments.start),
                end: offset(last).saturating_add(size),
            };
            self.lose(
                segments.clone(),
                self.plaintext_of(&segments),
                Some(sealed),
                reason,
            );
        }
        self.next = index;
    }

    /// Plaintext bytes of a segment that was not found.
    fn size_of(&self, index: u64) -> u32 {
        let Survey { geometry, total, .. } = self.survey;
        geometry.expected_plaintext(*total, SegmentIndex::new(index))
    }

    fn plaintext_of(&self, segments: &Range<u64>) -> ByteRange {
        let at = |index| {
            let offset = self.survey.geometry.plaintext_offset(SegmentIndex::new(index));
            self.survey.total.map_or(offset, |total| offset.min(total))
        };
        ByteRange {
            start: at(segments.start),
            end: at(segments.end),
        }
    }

    fn write(&mut self, plaintext: ByteRange, slots: &[u8]) -> Result<(), SealError> {
        let at = match self.lost_bytes {
            LostBytes::Zero => plaintext.start,
            LostBytes::Skip => self.map.output_size,
        };
        let slot_size = self.survey.geometry.frame_slot_size();
        let mut content: Vec<_> = contents(slots, slot_size).map(IoSlice::new).collect();
        self.map
            .times
            .time(Stage::Write, || self.sink.write_at(at, &mut content))
            .map_err(SealError::writing)?;
        self.map.output_size = at + plaintext.size();
        self.map.recovered.bytes += plaintext.size();
        Ok(())
    }

    /// Extends the output with zeros for what is lost at the end. If no file can have the stream's claimed size, or it is over the limit,
    /// the output ends with the last recovered frame.
    fn set_size(&mut self) -> Result<(), SealError> {
        let Some(total) = self.survey.total.filter(|_| self.lost_bytes == LostBytes::Zero) else {
            return Ok(());
        };
        if total > self.max_output_size {
            return Ok(());
        }
        match self.sink.set_size(total) {
            Ok(()) => self.map.output_size = total,
            Err(error) if matches!(error.kind(), ErrorKind::FileTooLarge | ErrorKind::InvalidInput) => {}
            Err(error) => return Err(SealError::writing(error)),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<DamageMap, SealError> {
        if self.map.recovered.frames > 0 {
            let is_whole = self.map.lost.ranges.is_empty() && self.survey.total.is_some();
            self.map.outcome = if is_whole {
                Outcome::Whole
            } else {
                Outcome::Partial
            };
            self.set_size()?;
        }
        self.map.unreadable = self.survey.source.unreadable_bytes();
        Ok(self.map)
    }
}
