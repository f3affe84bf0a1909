//! Records at known places to plaintext in order, with a decision for each that fails.

use super::lost;
use crate::crypto::Crc64;
use crate::error::SealError;
use crate::format::{ByteRange, ManifestEntry, SegmentIndex};
use crate::operation::damage::{Damage, DamageDecision, DamageLog, DamageOutcome, DamagePolicy};
use crate::operation::options::Control;
use crate::operation::report::{Run, Totals};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::pipeline::run_ordered;
use crate::stream_v2::segment_worker::DecryptedSegment;
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::mpsc::channel;
use std::time::Instant;

/// Opens every segment, whatever became of the others, and has `policy` decide about those that fail.
pub(crate) fn open_around_damage_in_order(
    opened: &SeekableStream,
    source: &dyn ReadAt,
    writer: &mut (dyn Write + Send + '_),
    policy: DamagePolicy<'_>,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<(Run, DamageLog), SealError> {
    let (buffers, free) = channel::<Vec<u8>>();
    let mut next = 0;
    // A buffer goes with every index, since the pool's threads can't share the channel that they come back through.
    // What is missing at the end is one damage, however many segments it has.
    let count = opened.segments().min(opened.segments_present() + 1);
    let produce = move || {
        let index = (next < count).then(|| SegmentIndex::new(next))?;
        next += 1;
        Some((index, free.try_recv().unwrap_or_default()))
    };
    let open = |(index, buffer)| {
        let mut times = StageTimes::default();
        let result = opened.open_segment(source, index, buffer, &control.cancel, &mut times);
        Ok((index, result, times))
    };
    let mut delivery = DamageSkippingDelivery {
        opened,
        source,
        writer,
        policy,
        control,
        meter,
        totals: Totals::default(),
        verified: 0,
        entries: Vec::new(),
        times: StageTimes::default(),
        log: DamageLog::default(),
    };
    let mut outcome = Ok(());
    let mut idle_since = Instant::now();
    let consume =
        |item: Result<(SegmentIndex, Result<DecryptedSegment, SealError>, StageTimes), SealError>| {
            delivery.times.add(Stage::Wait, idle_since.elapsed());
            let delivered = item.and_then(|(index, result, times)| delivery.accept(index, result, times));
            idle_since = Instant::now();
            match delivered {
                Ok(Some((buffer, is_final))) => {
                    // The other end may be done already, and then needs no buffers.
                    let _ = buffers.send(buffer);
                    // Where the length is unknown, the last segment is the one that says so.
                    if is_final {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                }
                Ok(None) => ControlFlow::Continue(()),
                Err(failure) => {
                    outcome = Err(failure);
                    ControlFlow::Break(())
                }
            }
        };
    let window = control.window(opened.stream.context.geometry());
    run_ordered(&control.threads, window, produce, open, lost, consume)?;
    outcome?;
    delivery.finish()
}

struct DamageSkippingDelivery<'a, 'w> {
    opened: &'a SeekableStream,
    source: &'a dyn ReadAt,
    writer: &'a mut (dyn Write + Send + 'w),
    policy: DamagePolicy<'a>,
    control: &'a Control<'a>,
    meter: &'a ProgressMeter<'a>,
    totals: Totals,
    /// Plaintext bytes.
    verified: u64,
    /// The sealings that were read, with `None` for those that were not.
    entries: Vec<Option<ManifestEntry>>,
    times: StageTimes,
    log: DamageLog,
}

impl DamageSkippingDelivery<'_, '_> {
    /// Takes the next segment's result. Returns its buffer and whether it is the last, unless nothing came of it.
    fn accept(
        &mut self,
        index: SegmentIndex,
        mut result: Result<DecryptedSegment, SealError>,
        mut times: StageTimes,
    ) -> Result<Option<(Vec<u8>, bool)>, SealError> {
        let mut retried: Option<Damage> = None;
        let outcome = loop {
            self.control.cancel.check()?;
            let failure = match result {
                Ok(segment) => {
                    if let Some(damage) = retried.take() {
                        self.log.add(damage, DamageOutcome::Recovered);
                    }
                    return self
                        .deliver(&segment, times)
                        .map(|is_final| Some((segment.into_buffer(), is_final)));
                }
                Err(failure) if failure.is_damage() => failure,
                Err(failure) => return Err(failure),
            };
            let (plaintext, wire) = self.opened.stretch(index);
            let damage = Damage {
                segment: index,
                plaintext,
                wire,
                failure: failure.after(self.verified),
                retries: retried.map_or(0, |damage| damage.retries + 1),
            };
            match self.decide(&damage)? {
                DamageDecision::Abort => return Err(damage.failure),
                DamageDecision::Retry => {
                    let again = self.opened.open_segment(
                        self.source,
                        index,
                        Vec::new(),
                        &self.control.cancel,
                        &mut times,
                    );
                    result = again;
                    retried = Some(damage);
                }
                DamageDecision::Skip => break (damage, DamageOutcome::Skipped),
                DamageDecision::Zero => break (damage, DamageOutcome::Zeroed),
            }
        };
        let (damage, outcome) = outcome;
        self.times += times;
        let lost = if outcome == DamageOutcome::Zeroed {
            self.write_zeros(damage.plaintext)?
        } else {
            (0, 0)
        };
        let segments = if index.get() == self.opened.segments_present() {
            self.opened.segments() - index.get()
        } else {
            1
        };
        self.totals.add_lost(segments, lost.0, lost.1);
        self.meter.add(damage.plaintext.size());
        self.entries.push(None);
        self.log.add(damage, outcome);
        Ok(None)
    }

    fn deliver(&mut self, segment: &DecryptedSegment, times: StageTimes) -> Result<bool, SealError> {
        for frame in segment.frames() {
            self.write(frame)?;
        }
        let summary = &segment.summary;
        self.totals.add(summary, u64::from(summary.plaintext_size));
        self.verified += u64::from(summary.plaintext_size);
        self.entries.push(Some(summary.entry));
        self.times += times;
        self.meter.add(u64::from(summary.plaintext_size));
        self.meter.segment(&summary.done(times));
        Ok(summary.is_final)
    }

    /// Returns the zeros' checksum and number.
    fn write_zeros(&mut self, range: ByteRange) -> Result<(u64, u64), SealError> {
        let mut left = range.size();
        while left > 0 {
            self.control.cancel.check()?;
            let zeros = &ZEROS[..left.min(ZEROS.len() as u64) as usize];
            self.write(zeros)?;
            left -= zeros.len() as u64;
        }
        Ok((Crc64::of_zeros(range.size()), range.size()))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        let Self { writer, times, .. } = self;
        let written = times.time(Stage::Write, || writer.write_all(bytes));
        written.map_err(SealError::writing)
    }

    /// Asks, and does not take an answer that was given only because the operation was cancelled.
    fn decide(&self, damage: &Damage) -> Result<DamageDecision, SealError> {
        let cancel = &self.control.cancel;
        let decision = self.policy.decide(damage, cancel);
        cancel.check()?;
        Ok(decision)
    }

    fn finish(mut self) -> Result<(Run, DamageLog), SealError> {
        self.writer.flush().map_err(SealError::writing)?;
        self.decide_about_end()?;
        let end = self.opened.end();
        let run = Run {
            totals: self.totals,
            times: self.times,
            stream_size: end.map_or(self.opened.source_size(), |end| end.stream_size),
        };
        Ok((run, self.log))
    }

    fn decide_about_end(&mut self) -> Result<(), SealError> {
        let total = self.opened.plaintext_size().unwrap_or(self.totals.plaintext_size);
        let mut verdict = self.opened.end().map(|_| ()).map_err(Clone::clone);
        let mut retried: Option<Damage> = None;
        loop {
            let Err(failure) = verdict else {
                if let Some(damage) = retried {
                    self.log.add(damage, DamageOutcome::Recovered);
                }
                return Ok(());
            };
            self.control.cancel.check()?;
            if !failure.is_damage() {
                return Err(failure);
            }
            let damage = Damage {
                segment: SegmentIndex::new(self.totals.segments),
                plaintext: ByteRange::at(total, 0),
                wire: self.opened.end_range(),
                failure: failure.after(self.verified),
                retries: retried.map_or(0, |damage| damage.retries + 1),
            };
            let outcome = match self.decide(&damage)? {
                DamageDecision::Abort => return Err(damage.failure),
                DamageDecision::Retry => {
                    verdict = self.check_end_again();
                    retried = Some(damage);
                    continue;
                }
                DamageDecision::Skip => DamageOutcome::Skipped,
                DamageDecision::Zero => DamageOutcome::Zeroed,
            };
            self.log.add(damage, outcome);
            return Ok(());
        }
    }

    /// Reads the end again, and compares the segments that were opened without it.
    fn check_end_again(&self) -> Result<(), SealError> {
        let end = self.opened.verify_end(self.source)?;
        let foreign = end.manifest.first_foreign(&self.entries);
        foreign.map_or(Ok(()), |segment| {
            Err(SealError::other_sealing(end.offset, segment))
        })
    }
}

static ZEROS: [u8; 65_536] = [0; 65_536];
