//! Decisions about damage: the output, the report, and the questions to the caller.

use crate::crypto::Crc64;
use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex};
use crate::operation::cancel::CancellationToken;
use crate::operation::damage::{Damage, DamageDecision, DamageOutcome, DamagePolicy};
use crate::operation::options::{Control, DecryptOptions};
use crate::stream_v2::core::decrypt_stream_v2;
use crate::stream_v2::io::{InputSource, ReadAt};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{
    ENDS, End, FRAME, Output, SEGMENT, compact, control, fresh, open_by, plaintext, reading, seal,
    seal_unsized,
};
use std::io;
use std::io::IoSliceMut;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(super) const SEGMENTS: u64 = 7;
pub(super) const SIZE: u64 = (SEGMENTS - 1) * SEGMENT + FRAME + 1;

fn deciding(policy: DamagePolicy<'_>) -> DecryptOptions<'_> {
    DecryptOptions {
        on_damage: policy,
        ..reading()
    }
}

pub(super) fn segment_range(segment: u64) -> Range<usize> {
    let start = (segment * SEGMENT) as usize;
    start..(start + SEGMENT as usize).min(SIZE as usize)
}

/// The stream with a byte of each of these segments changed.
pub(super) fn damaged(stream: &[u8], segments: &[u64]) -> Vec<u8> {
    StreamParts::changed(stream, |parts| {
        for &segment in segments {
            parts.records[segment as usize][300] ^= 1;
        }
    })
}

fn zeroed(segments: &[u64]) -> Vec<u8> {
    let mut expected = plaintext(SIZE);
    for &segment in segments {
        expected[segment_range(segment)].fill(0);
    }
    expected
}

fn without(segments: &[u64]) -> Vec<u8> {
    let plaintext = plaintext(SIZE);
    (0..SEGMENTS)
        .filter(|segment| !segments.contains(segment))
        .flat_map(|segment| plaintext[segment_range(segment)].to_vec())
        .collect()
}

#[test]
fn damaged_segments_are_skipped_or_zeroed_and_listed() {
    for stream in [
        seal(&plaintext(SIZE), &compact()),
        seal_unsized(&plaintext(SIZE), &compact()),
    ] {
        for lost in [
            vec![],
            vec![0],
            vec![2, 3],
            vec![SEGMENTS - 1],
            (0..SEGMENTS).collect(),
        ] {
            let broken = damaged(&stream, &lost);
            for (threads, to) in [1, 3]
                .into_iter()
                .flat_map(|threads| ENDS.map(|to| (threads, to)))
            {
                for (decision, expected) in [
                    (DamageDecision::Zero, zeroed(&lost)),
                    (DamageDecision::Skip, without(&lost)),
                ] {
                    let what = format!("{lost:?}, {threads} threads, {to:?}, {decision:?}");
                    let options = deciding(DamagePolicy::Always(decision));
                    let (output, report) = open_by((End::ByOffset, to), &broken, &options, &control(threads));
                    let report = report.unwrap();
                    assert_eq!(output, expected, "{what}");
                    assert_eq!(report.output_crc64, Crc64::of(&expected), "{what}");
                    assert_eq!(report.plaintext_size, expected.len() as u64, "{what}");
                    assert_eq!(report.segments, SEGMENTS, "{what}");
                    assert_eq!(report.damage.count, lost.len() as u64, "{what}");
                    let outcome = match decision {
                        DamageDecision::Zero => DamageOutcome::Zeroed,
                        _ => DamageOutcome::Skipped,
                    };
                    for ((damage, listed), &segment) in report.damage.listed.iter().zip(&lost) {
                        check_damage(damage, segment, &broken);
                        assert_eq!(*listed, outcome);
                    }
                }
            }
        }
    }
}

fn check_damage(damage: &Damage, segment: u64, stream: &[u8]) {
    let parts = StreamParts::of(stream);
    let range = segment_range(segment);
    assert_eq!(damage.segment, SegmentIndex::new(segment));
    assert_eq!(
        damage.plaintext,
        ByteRange::at(range.start as u64, range.len() as u64)
    );
    assert_eq!(
        damage.sealed,
        ByteRange::at(
            parts.record_offset(segment as usize),
            parts.records[segment as usize].len() as u64
        )
    );
    assert!(
        matches!(
            &damage.failure,
            SealError::Segment { error: SegmentWorkerError::DigestMismatch { segment: found, .. } } if found.get() == segment
        ),
        "{}",
        damage.failure
    );
}

#[test]
fn the_caller_decides_about_each_damage_in_order() {
    let broken = damaged(&seal(&plaintext(SIZE), &compact()), &[1, 4, 5]);
    let asked = Mutex::new(Vec::new());
    let ask = |damage: &Damage, _: &CancellationToken| {
        asked.lock().unwrap().push(damage.segment.get());
        match damage.segment.get() {
            1 => DamageDecision::Skip,
            4 => DamageDecision::Zero,
            _ => DamageDecision::Abort,
        }
    };
    let options = deciding(DamagePolicy::Ask(Arc::new(&ask)));
    for threads in [1, 3] {
        let (output, result) = open_by(
            (End::ByOffset, End::InOrder),
            &broken,
            &options,
            &control(threads),
        );
        let SealError::Segment { error } = result.unwrap_err() else {
            panic!("another failure")
        };
        assert_eq!(error.segment().get(), 5);
        let mut expected = zeroed(&[4]);
        expected.truncate(segment_range(4).end);
        expected.drain(segment_range(1));
        assert_eq!(output, expected, "segments before the abort are written");
        assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), [1, 4, 5]);
    }
}

/// Memory in which a read at `from` fails the first `failures` times.
struct Flaky<'a> {
    bytes: &'a [u8],
    from: u64,
    failures: AtomicUsize,
}

impl ReadAt for &Flaky<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let one_less = |left: usize| left.checked_sub(1);
        if offset == self.from
            && self
                .failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok()
        {
            return Err(io::ErrorKind::TimedOut.into());
        }
        ReadAt::read_at(&self.bytes, offset, buffers)
    }
}

#[test]
fn a_retry_reads_the_source_again() {
    let stream = seal(&plaintext(SIZE), &compact());
    let parts = StreamParts::of(&stream);
    // A segment, and the end. The end is read once before any segment.
    for (segment, from, failures) in [(3, parts.record_offset(3), 2), (SEGMENTS, parts.end_offset(), 3)] {
        let source = Flaky {
            bytes: &stream,
            from,
            failures: failures.into(),
        };
        let retries = Mutex::new(Vec::new());
        let ask = |damage: &Damage, _: &CancellationToken| {
            assert_eq!(damage.segment.get(), segment);
            assert!(
                matches!(damage.failure, SealError::Io { .. }),
                "{}",
                damage.failure
            );
            retries.lock().unwrap().push(damage.retries);
            DamageDecision::Retry
        };
        let output = Output::default();
        let options = deciding(DamagePolicy::Ask(Arc::new(&ask)));
        let report = decrypt_stream_v2(
            InputSource::Positioned(Box::new(&source)),
            output.sink(End::ByOffset),
            &options,
            &Control::serial(),
        )
        .unwrap();
        assert_eq!(output.into_bytes(), plaintext(SIZE));
        let asked: Vec<u32> = (0..).take(failures).collect();
        assert_eq!(*retries.lock().unwrap(), asked);
        let [(damage, DamageOutcome::Recovered)] = &report.damage.listed[..] else {
            panic!("{:?}", report.damage)
        };
        assert_eq!(damage.retries as usize + 1, asked.len());
    }
}

#[test]
fn a_constant_retry_aborts() {
    let broken = damaged(&seal(&plaintext(SIZE), &compact()), &[2]);
    let options = deciding(DamagePolicy::Always(DamageDecision::Retry));
    let (_, result) = open_by((End::ByOffset, End::InOrder), &broken, &options, &control(2));
    assert_eq!(result.unwrap_err().code(), "DIGEST_MISMATCH");
}

#[test]
fn a_truncated_stream_gives_the_segments_that_it_has() {
    let stream = seal(&plaintext(SIZE), &compact());
    let parts = StreamParts::of(&stream);
    for kept in 0..SEGMENTS {
        let cut = parts.record_offset(kept as usize) as usize + 1;
        let missing: Vec<u64> = (kept..SEGMENTS).collect();
        let options = deciding(DamagePolicy::Always(DamageDecision::Zero));
        let (output, report) = open_by(
            (End::ByOffset, End::ByOffset),
            &stream[..cut],
            &options,
            &control(2),
        );
        let damage = report.unwrap().damage;
        assert_eq!(output, zeroed(&missing));
        let listed: Vec<u64> = damage
            .listed
            .iter()
            .map(|(damage, _)| damage.segment.get())
            .collect();
        // The truncated segment, all segments after it, and the end.
        let mut expected = vec![kept, kept + 1, SEGMENTS];
        expected.dedup();
        assert_eq!(listed, expected);
        let lost: u64 = damage
            .listed
            .iter()
            .map(|(damage, _)| damage.plaintext.size())
            .sum();
        assert_eq!(lost, SIZE - kept * SEGMENT);
        assert!(
            damage
                .listed
                .iter()
                .all(|(damage, _)| matches!(damage.failure, SealError::Truncated { verified_bytes, .. } if verified_bytes == kept * SEGMENT)),
            "{:?}",
            damage.listed
        );
    }
}

#[test]
fn the_caller_decides_about_a_wrong_end() {
    let sized = seal(&plaintext(SIZE), &compact());
    let unsized_ = seal_unsized(&plaintext(SIZE), &compact());
    let tampered = |stream: &[u8]| {
        StreamParts::changed(stream, |parts| {
            parts.end[40] ^= 1;
            parts.mend_end_checksum();
        })
    };
    let lost_footer = |stream: &[u8]| StreamParts::changed(stream, |parts| parts.footer[3] ^= 1);
    for (stream, code) in [
        (tampered(&sized), "END_TAMPERED"),
        (lost_footer(&sized), "END_DAMAGED"),
        (tampered(&unsized_), "END_TAMPERED"),
        (lost_footer(&unsized_), "END_DAMAGED"),
    ] {
        let options = deciding(DamagePolicy::Always(DamageDecision::Skip));
        let (output, report) = open_by((End::ByOffset, End::InOrder), &stream, &options, &control(3));
        assert_eq!(output, plaintext(SIZE), "{code}");
        let damage = report.unwrap().damage;
        let [(damage, DamageOutcome::Skipped)] = &damage.listed[..] else {
            panic!("{damage:?}")
        };
        assert_eq!((damage.segment.get(), damage.failure.code()), (SEGMENTS, code));
        assert_eq!(damage.plaintext, ByteRange::at(SIZE, 0));
        let aborted = open_by((End::ByOffset, End::InOrder), &stream, &reading(), &control(3)).1;
        assert_eq!(aborted.unwrap_err().code(), code);
    }
}

#[test]
fn a_sealing_that_the_manifest_does_not_name_is_damage() {
    let stream = StreamParts::changed(&seal(&plaintext(SIZE), &compact()), |parts| {
        parts.records[2] = parts.sealed_again(2, &[9; SEGMENT as usize], false);
    });
    let options = deciding(DamagePolicy::Always(DamageDecision::Zero));
    let (output, report) = open_by((End::ByOffset, End::InOrder), &stream, &options, &control(2));
    assert_eq!(output, zeroed(&[2]));
    let report = report.unwrap();
    let (damage, _) = &report.damage.listed[0];
    assert!(
        matches!(&damage.failure, SealError::Segment { error } if error.segment().get() == 2 && damage.failure.code() == "INVALID_SEGMENT")
    );
}

#[test]
fn an_end_that_is_read_after_a_retry_detects_a_foreign_sealing() {
    let stream = StreamParts::changed(&seal(&plaintext(SIZE), &compact()), |parts| {
        parts.records[2] = parts.sealed_again(2, &[9; SEGMENT as usize], false);
    });
    let source = Flaky {
        bytes: &stream,
        from: StreamParts::of(&stream).end_offset(),
        failures: 1.into(),
    };
    let ask = |damage: &Damage, _: &CancellationToken| match damage.failure {
        SealError::Io { .. } => DamageDecision::Retry,
        _ => DamageDecision::Abort,
    };
    let output = Output::default();
    let options = deciding(DamagePolicy::Ask(Arc::new(&ask)));
    let result = decrypt_stream_v2(
        InputSource::Positioned(Box::new(&source)),
        output.sink(End::ByOffset),
        &options,
        &Control::serial(),
    );
    assert!(
        matches!(result, Err(SealError::EndTampered { segment: Some(segment), .. }) if segment.get() == 2)
    );
}

#[test]
fn an_ordered_source_allows_no_decision() {
    let stream = seal(&plaintext(SIZE), &compact());
    let options = deciding(DamagePolicy::Always(DamageDecision::Zero));
    let (output, result) = open_by(
        (End::InOrder, End::InOrder),
        &stream,
        &options,
        &Control::serial(),
    );
    assert_eq!(result.unwrap_err().code(), "INVALID_OPTION");
    assert!(output.is_empty());
}

#[test]
fn a_cancelled_operation_asks_no_more() {
    let broken = damaged(&seal(&plaintext(SIZE), &compact()), &[1, 2]);
    for decision in [DamageDecision::Zero, DamageDecision::Retry] {
        let control = fresh(&control(2));
        let ask = |damage: &Damage, token: &CancellationToken| {
            assert_eq!(damage.segment.get(), 1);
            token.cancel();
            decision
        };
        let options = deciding(DamagePolicy::Ask(Arc::new(&ask)));
        let output = Output::default();
        let result = decrypt_stream_v2(
            InputSource::memory(&broken),
            output.sink(End::InOrder),
            &options,
            &control,
        );
        assert_eq!(result.unwrap_err(), SealError::Cancelled);
    }
}
