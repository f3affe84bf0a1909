//! What many threads may not change: which failure is reported, what goes on after one, and how much is in flight.

use super::parts::Parts;
use super::support::{
    ENDS, End, Output, SEGMENT, compact, control, fresh, open_by, pick, plaintext, reading, seal, source,
};
use crate::crypto::Random;
use crate::headers::{EndRecord, SegmentIndex, WireOffset};
use crate::stream_v2::cancel::CancellationToken;
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::failure::SealFailure;
use crate::stream_v2::in_order::{open_in_order, seal_in_order};
use crate::stream_v2::incoming::{IncomingStream, read_header};
use crate::stream_v2::options::Control;
use crate::stream_v2::outgoing::OutgoingStream;
use crate::stream_v2::pipeline::{DecryptPipeline, OpenTask, SealTask, Transfer, run_positioned};
use crate::stream_v2::segment_worker::{DecryptedSegment, SegmentWire, SegmentWorkerError};
use crate::telemetry::{Progress, ProgressMeter, StageTimes};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

const SEGMENTS: u64 = 12;

fn content() -> Vec<u8> {
    plaintext(SEGMENTS * SEGMENT - 5)
}

fn disconnected(segment: u64) -> SealFailure {
    let segment = SegmentIndex::new(segment);
    SegmentWorkerError::FrameWorkerDisconnected { segment }.into()
}

#[test]
fn a_panic_while_sealing_is_a_failure_of_its_segment() {
    let content = content();
    for threads in [1, 2, 16] {
        let control = control(threads);
        let meter = ProgressMeter::new(None, None);
        for panic_at in [0, 5, SEGMENTS - 1] {
            let mut stream =
                OutgoingStream::new(&compact(), Some(content.len() as u64), &Random::known(1)).unwrap();
            stream.context.panic_at = Some(SegmentIndex::new(panic_at));
            let (memory, output) = (&content[..], Output::default());
            let task = SealTask(Transfer {
                context: &stream.context,
                source: &memory,
                sink: &&output,
                header_size: stream.header_size(),
                plaintext_size: content.len() as u64,
                cancel: &control.cancel,
                meter: &meter,
            });
            let by_offset = run_positioned(&task, &control.threads, &mut StageTimes::default());
            assert_eq!(
                by_offset.unwrap_err(),
                disconnected(panic_at),
                "{threads} threads"
            );

            let (mut reader, mut writer) = (&content[..], Vec::new());
            let in_order =
                seal_in_order(&stream, &mut reader, None, &mut writer, &fresh(&control), &meter).map(|_| ());
            assert_eq!(in_order.unwrap_err(), disconnected(panic_at), "{threads} threads");
        }
    }
}

#[test]
fn a_panic_while_opening_is_a_failure_of_its_segment() {
    let content = content();
    let sealed = seal(&content, &compact());
    let parts = Parts::of(&sealed);
    let manifest = EndRecord::parse(&parts.end, SEGMENTS).unwrap().0.entries;
    for threads in [1, 2, 16] {
        let control = control(threads);
        let meter = ProgressMeter::new(None, None);
        for panic_at in [0, 5, SEGMENTS - 1] {
            let mut stream =
                IncomingStream::unlock(read_header(&mut &sealed[..]).unwrap(), &reading()).unwrap();
            stream.context.panic_at = Some(SegmentIndex::new(panic_at));
            let (memory, output) = (&sealed[..], Output::default());
            let transfer = Transfer {
                context: &stream.context,
                source: &memory,
                sink: &&output,
                header_size: stream.header.size(),
                plaintext_size: content.len() as u64,
                cancel: &control.cancel,
                meter: &meter,
            };
            let task = OpenTask {
                transfer,
                manifest: &manifest,
                end_offset: WireOffset::ZERO,
            };
            let by_offset = run_positioned(&task, &control.threads, &mut StageTimes::default());
            assert_eq!(
                by_offset.unwrap_err(),
                disconnected(panic_at),
                "{threads} threads"
            );

            let (mut reader, mut writer) = (&sealed[parts.header.len()..], Vec::new());
            let in_order =
                open_in_order(&stream, &mut reader, &mut writer, &fresh(&control), &meter).map(|_| ());
            assert_eq!(in_order.unwrap_err(), disconnected(panic_at), "{threads} threads");
            assert_eq!(
                writer,
                content[..(panic_at * SEGMENT) as usize],
                "what came before was delivered"
            );
        }
    }
}

type Opened = Result<DecryptedSegment, SegmentWorkerError>;

/// A pipeline over a stream's segments, with the records that go into it.
fn pipeline(parts: &Parts, threads: usize, window: usize, panic_at: Option<u64>) -> DecryptPipeline {
    let mut context = parts.context(1);
    context.panic_at = panic_at.map(SegmentIndex::new);
    DecryptPipeline::new(Arc::new(context), control(threads).threads, window)
}

fn wire(parts: &Parts, segment: usize) -> SegmentWire {
    SegmentWire {
        index: SegmentIndex::new(segment as u64),
        offset: WireOffset::new(parts.record_offset(segment)),
        record: parts.records[segment].clone(),
    }
}

/// Sends all records, from a thread of its own, and returns every result.
fn process(pipeline: &DecryptPipeline, parts: &Parts) -> Vec<Opened> {
    let (sender, input): (SyncSender<SegmentWire>, Receiver<SegmentWire>) = sync_channel(0);
    let results = pipeline.process_stream(input).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            (0..parts.records.len()).try_for_each(|segment| sender.send(wire(parts, segment)))
        });
        results.iter().collect()
    })
}

#[test]
fn a_stream_of_records_gives_one_result_each_in_order_whatever_is_bad_in_between() {
    let content = content();
    let mut parts = Parts::of(&seal(&content, &compact()));
    parts.records[2][500] ^= 1;
    parts.records[6][0] = b'X';
    parts.records[9][500] ^= 1;
    parts.mend_digest(9);
    parts.records[10].truncate(700);
    for threads in [1, 2, 16] {
        for window in [1, 3, 40] {
            let results = process(&pipeline(&parts, threads, window, Some(4)), &parts);
            assert_eq!(results.len() as u64, SEGMENTS);
            for (index, result) in results.iter().enumerate() {
                use SegmentWorkerError as E;
                match (index, result) {
                    (2, Err(E::DigestMismatch { .. }))
                    | (4, Err(E::FrameWorkerDisconnected { .. }))
                    | (6, Err(E::InvalidSegment { .. }))
                    | (9, Err(E::FrameDecryptionFailed { .. }))
                    | (10, Err(E::InvalidSegment { .. })) => {
                        assert_eq!(result.as_ref().unwrap_err().segment().get(), index as u64);
                    }
                    (2 | 4 | 6 | 9 | 10, other) => panic!("segment {index}: {other:?}"),
                    (_, Ok(segment)) => {
                        let due = content.chunks(SEGMENT as usize).nth(index).unwrap();
                        assert!(segment.summary.index.get() == index as u64 && segment.to_vec() == due);
                    }
                    (_, Err(error)) => panic!("segment {index}: {error}"),
                }
            }
        }
    }
}

#[test]
fn a_producer_waits_for_a_consumer_that_takes_nothing() {
    let content = plaintext(SEGMENT);
    let parts = Parts::of(&seal(&content, &compact()));
    for (threads, window) in [(1, 1), (2, 3), (16, 4)] {
        let (sender, input) = sync_channel(0);
        let results = pipeline(&parts, threads, window, None)
            .process_stream(input)
            .unwrap();
        let sent = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let producer = scope.spawn(|| {
                while sender.send(wire(&parts, 0)).is_ok() {
                    sent.fetch_add(1, Ordering::SeqCst);
                }
                drop(sender);
            });
            // The channel of results fills up; that much is always taken.
            while sent.load(Ordering::SeqCst) < window {
                std::thread::yield_now();
            }
            // Nothing was received so far: what is in flight now is all that ever is. Dropping the results ends it.
            drop(results);
            producer.join().unwrap();
        });
        // Results that wait, records that are worked on, one in each hand between them.
        let most = 2 * window + 4;
        let sent = sent.load(Ordering::SeqCst);
        assert!(
            sent <= most,
            "{sent} records were taken, {most} at most fit ({threads} threads, window {window})"
        );
    }
}

#[test]
fn a_producer_is_never_further_ahead_than_the_window() {
    let content = plaintext(SEGMENT);
    let parts = Parts::of(&seal(&content, &compact()));
    for (threads, window) in [(1, 1), (2, 2), (16, 5)] {
        let (sender, input) = sync_channel(0);
        let results = pipeline(&parts, threads, window, None)
            .process_stream(input)
            .unwrap();
        let begun = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (begun, parts) = (&begun, &parts);
            scope.spawn(move || {
                for _ in 0..200 {
                    begun.fetch_add(1, Ordering::SeqCst);
                    if sender.send(wire(parts, 0)).is_err() {
                        return;
                    }
                }
            });
            let mut received = 0;
            // Dropped when an assertion fails, so that the producer ends too.
            for result in results {
                result.unwrap();
                received += 1;
                let ahead = begun.load(Ordering::SeqCst) - received;
                assert!(
                    ahead <= 2 * window + 5,
                    "{ahead} ahead ({threads} threads, window {window})"
                );
            }
            assert_eq!(received, 200);
        });
    }
}

#[test]
fn the_lowest_failing_segment_is_reported_whatever_the_threads() {
    let content = plaintext(40 * SEGMENT);
    let sealed = seal(&content, &compact());
    let mut seed = 1;
    for threads in [1, 2, 16] {
        let control = control(threads);
        for _ in 0..30 {
            // A set: two flips of one bit are none.
            let bad: BTreeSet<_> = (0..4).map(|_| pick(&mut seed, 40)).collect();
            let lowest = *bad.first().unwrap() as u64;
            let stream = Parts::changed(&sealed, |parts| {
                bad.iter()
                    .for_each(|&segment| parts.records[segment][150] ^= 1 << (segment % 8));
            });
            for ends in [
                (End::ByOffset, End::ByOffset),
                (End::ByOffset, End::InOrder),
                (End::InOrder, End::InOrder),
            ] {
                match open_by(ends, &stream, &reading(), &control).1.unwrap_err() {
                    SealFailure::Segment {
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
fn a_raised_token_stops_an_operation_before_it_begins() {
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
            assert_eq!(failure.unwrap_err(), SealFailure::Cancelled);
            assert!(output.into_bytes().is_empty());
            let content = content();
            let sink = Output::default();
            let failure = encrypt_stream_v2(source(end, &content), sink.sink(end), &compact(), &control);
            assert_eq!(failure.unwrap_err(), SealFailure::Cancelled);
            // Of the sealed stream there is its header at most.
            assert!(sink.into_bytes().iter().skip(400).all(|&byte| byte == 0));
        }
    }
}

#[test]
fn a_token_raised_during_an_operation_stops_it_soon() {
    use super::faulty::{Fault, FaultySource};
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
                    SealFailure::Cancelled,
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
fn progress_ends_with_all_bytes_done_out_of_all_that_are_known() {
    let content = content();
    let size = content.len() as u64;
    let sealed = seal(&content, &compact());
    let unsized_stream = super::support::seal_unsized(&content, &compact());
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
