//! The reported failure, cancellation and progress do not depend on the number of threads.

use crate::error::SealError;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::Control;
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::io::{InputSource, ReadAt};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use crate::telemetry::Progress;
use crate::testing::failing_io::{Fault, FaultySource};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{
    ENDS, End, Output, SEGMENT, compact, control, open_by, pick, plaintext, reading, seal, seal_unsized,
    source,
};
use std::collections::BTreeSet;
use std::io;
use std::io::IoSliceMut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

fn content() -> Vec<u8> {
    plaintext(12 * SEGMENT - 5)
}

#[test]
fn the_lowest_failing_segment_is_reported_on_any_number_of_threads() {
    let content = plaintext(40 * SEGMENT);
    let sealed = seal(&content, &compact());
    let mut seed = 1;
    for threads in [1, 2, 16] {
        let control = control(threads);
        for _ in 0..30 {
            // A set: two flips of one bit are none.
            let bad: BTreeSet<_> = (0..4).map(|_| pick(&mut seed, 40)).collect();
            let lowest = *bad.first().unwrap() as u64;
            let stream = StreamParts::changed(&sealed, |parts| {
                bad.iter()
                    .for_each(|&segment| parts.records[segment][150] ^= 1 << (segment % 8));
            });
            for ends in [
                (End::ByOffset, End::ByOffset),
                (End::ByOffset, End::InOrder),
                (End::InOrder, End::InOrder),
            ] {
                match open_by(ends, &stream, &reading(), &control).1.unwrap_err() {
                    SealError::Segment {
                        error: error @ SegmentWorkerError::DigestMismatch { .. },
                    } => {
                        assert_eq!(error.segment().get(), lowest, "{bad:?}: {error}");
                    }
                    other => panic!("{bad:?}: {other}"),
                }
            }
        }
    }
}

#[test]
fn a_raised_token_stops_an_operation_before_it_starts() {
    let sealed = seal(&content(), &compact());
    for threads in [1, 2] {
        for end in ENDS {
            let control = Control {
                cancel: CancellationToken::new(),
                ..control(threads)
            };
            control.cancel.cancel();
            let output = Output::default();
            let failure = decrypt_stream_v2(source(end, &sealed), output.sink(end), &reading(), &control);
            assert_eq!(failure.unwrap_err(), SealError::Cancelled);
            assert!(output.into_bytes().is_empty());
            let content = content();
            let sink = Output::default();
            let failure = encrypt_stream_v2(source(end, &content), sink.sink(end), &compact(), &control);
            assert_eq!(failure.unwrap_err(), SealError::Cancelled);
            // Of the sealed stream there is its header at most.
            assert!(sink.into_bytes().iter().skip(400).all(|&byte| byte == 0));
        }
    }
}

#[test]
fn a_token_raised_during_an_operation_stops_it_soon() {
    let content = plaintext(500 * SEGMENT);
    let sealed = seal(&content, &compact());
    for threads in [1, 2] {
        for end in ENDS {
            for (bytes, sealing) in [(&content, true), (&sealed, false)] {
                let control = Control {
                    cancel: CancellationToken::new(),
                    ..control(threads)
                };
                let source = FaultySource::new(bytes, 20, Fault::Cancel(control.cancel.clone()));
                let output = Output::default();
                let sink = output.sink(end);
                let failure = match sealing {
                    true => encrypt_stream_v2(source.input(end), sink, &compact(), &control),
                    false => decrypt_stream_v2(source.input(end), sink, &reading(), &control),
                };
                assert_eq!(
                    failure.unwrap_err(),
                    SealError::Cancelled,
                    "{end:?}, {threads} threads"
                );
                // A window of segments may be read meanwhile, with a few reads each, but not the whole of it.
                let reads = source.operations();
                assert!(
                    (20..200).contains(&reads),
                    "{reads} reads, {end:?}, {threads} threads"
                );
            }
        }
    }
}

#[test]
fn progress_ends_with_all_bytes_done() {
    let content = content();
    let size = content.len() as u64;
    let sealed = seal(&content, &compact());
    let unsized_stream = seal_unsized(&content, &compact());
    let told = Mutex::new(Vec::new());
    let listener = |progress: Progress| told.lock().unwrap().push(progress);
    for threads in [1, 2] {
        for end in ENDS {
            let control = || Control {
                progress: Some(&listener),
                ..control(threads)
            };
            let total = (end == End::ByOffset).then_some(size);
            for to in ENDS {
                let output = Output::default();
                encrypt_stream_v2(source(end, &content), output.sink(to), &compact(), &control()).unwrap();
                check_progress(&told, size, total);
                for (stream, known) in [(&sealed, Some(size)), (&unsized_stream, total)] {
                    let output = Output::default();
                    decrypt_stream_v2(source(end, stream), output.sink(to), &reading(), &control()).unwrap();
                    check_progress(&told, size, known);
                }
            }
        }
    }
}

/// Bytes done never pass the total, and end with everything.
fn check_progress(told: &Mutex<Vec<Progress>>, size: u64, total: Option<u64>) {
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(
        told.last(),
        Some(&Progress {
            bytes_done: size,
            bytes_total: total
        })
    );
    assert!(
        told.iter()
            .all(|progress| progress.bytes_total == total && progress.bytes_done <= size)
    );
}

#[test]
fn a_slow_segment_before_a_failed_one_is_awaited() {
    /// Segment 2 is not read before segment 5 was.
    struct Slow<'a> {
        stream: &'a [u8],
        low: std::ops::Range<u64>,
        high: std::ops::Range<u64>,
        high_was_read: AtomicBool,
    }
    impl ReadAt for &Slow<'_> {
        fn size(&self) -> io::Result<u64> {
            Ok(self.stream.len() as u64)
        }

        fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
            if self.high.contains(&offset) {
                self.high_was_read.store(true, Ordering::SeqCst);
            }
            while self.low.contains(&offset) && !self.high_was_read.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            ReadAt::read_at(&self.stream, offset, buffers)
        }
    }
    let sealed = seal(&plaintext(40 * SEGMENT), &compact());
    let stream = StreamParts::changed(&sealed, |parts| {
        [2, 5]
            .iter()
            .for_each(|&segment: &usize| parts.records[segment][150] ^= 1);
    });
    let at = |segment| StreamParts::of(&sealed).record_offset(segment);
    for threads in [2, 16] {
        for _ in 0..20 {
            let high_was_read = AtomicBool::new(false);
            let slow = Slow {
                stream: &stream,
                low: at(2)..at(3),
                high: at(5)..at(6),
                high_was_read,
            };
            let (from, output) = (InputSource::Positioned(Box::new(&slow)), Output::default());
            let failure = decrypt_stream_v2(from, output.sink(End::ByOffset), &reading(), &control(threads));
            match failure.unwrap_err() {
                SealError::Segment { error } => assert_eq!(error.segment().get(), 2, "{threads} threads"),
                other => panic!("{other}"),
            }
        }
    }
}
