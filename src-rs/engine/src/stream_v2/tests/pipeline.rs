//! A panic fails one segment only, each record gives one result, and the window limits the records in flight.

use crate::crypto::Random;
use crate::error::SealError;
use crate::format::{EndRecord, SegmentIndex, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::core::in_order::{open_in_order, seal_in_order};
use crate::stream_v2::core::locate::read_header;
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::pipeline::{DecryptPipeline, Transfer};
use crate::stream_v2::segment_worker::{DecryptedSegment, SegmentWire, SegmentWorkerError};
use crate::telemetry::{ProgressMeter, StageTimes};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{Output, SEGMENT, compact, control, fresh, plaintext, reading, seal};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

const SEGMENTS: u64 = 12;

fn content() -> Vec<u8> {
    plaintext(SEGMENTS * SEGMENT - 5)
}

fn disconnected(segment: u64) -> SealError {
    let segment = SegmentIndex::new(segment);
    SegmentWorkerError::FrameWorkerDisconnected { segment }.into()
}

#[test]
fn a_panic_while_sealing_fails_its_segment() {
    let content = content();
    for threads in [1, 2, 16] {
        let control = control(threads);
        let meter = ProgressMeter::new(None, None, None);
        for panic_at in [0, 5, SEGMENTS - 1] {
            let mut stream =
                NewStream::new(&compact(), Some(content.len() as u64), &Random::known(1)).unwrap();
            stream.context.panic_at = Some(SegmentIndex::new(panic_at));
            let (memory, output) = (&content[..], Output::default());
            let transfer = Transfer {
                context: &stream.context,
                source: &memory,
                sink: &&output,
                header_size: stream.header_size(),
                plaintext_size: content.len() as u64,
                meter: &meter,
                checkpoints: None,
            };
            let by_offset = transfer.seal(&control, &mut StageTimes::default(), |_| {});
            assert_eq!(
                by_offset.unwrap_err(),
                disconnected(panic_at),
                "{threads} threads"
            );

            let (mut reader, mut writer) = (&content[..], Vec::new());
            let in_order =
                seal_in_order(&stream, &mut reader, None, &mut writer, &fresh(&control)).map(|_| ());
            assert_eq!(in_order.unwrap_err(), disconnected(panic_at), "{threads} threads");
        }
    }
}

#[test]
fn a_panic_while_opening_fails_its_segment() {
    let content = content();
    let sealed = seal(&content, &compact());
    let parts = StreamParts::of(&sealed);
    let manifest = EndRecord::parse(&parts.end, parts.digest(), SEGMENTS)
        .unwrap()
        .0
        .entries;
    for threads in [1, 2, 16] {
        let control = control(threads);
        let meter = ProgressMeter::new(None, None, None);
        for panic_at in [0, 5, SEGMENTS - 1] {
            let mut stream = UnlockedStream::unlock(
                read_header(&mut &sealed[..]).unwrap(),
                &reading(),
                &CancellationToken::new(),
            )
            .unwrap();
            stream.context.panic_at = Some(SegmentIndex::new(panic_at));
            let (memory, output) = (&sealed[..], Output::default());
            let transfer = Transfer {
                context: &stream.context,
                source: &memory,
                sink: &&output,
                header_size: stream.header.size(),
                plaintext_size: content.len() as u64,
                meter: &meter,
                checkpoints: None,
            };
            let by_offset = transfer.open(&manifest, &control, &mut StageTimes::default(), |_| {});
            assert_eq!(
                by_offset.unwrap_err(),
                disconnected(panic_at),
                "{threads} threads"
            );

            let (mut reader, mut writer) = (&sealed[parts.header.len()..], Vec::new());
            let in_order = open_in_order(&stream, &mut reader, &mut writer, &fresh(&control)).map(|_| ());
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
fn pipeline(parts: &StreamParts, threads: usize, window: usize, panic_at: Option<u64>) -> DecryptPipeline {
    let mut context = parts.context(1);
    context.panic_at = panic_at.map(SegmentIndex::new);
    DecryptPipeline::new(Arc::new(context), control(threads).threads, window)
}

fn wire(parts: &StreamParts, segment: usize) -> SegmentWire {
    SegmentWire {
        named: None,
        index: SegmentIndex::new(segment as u64),
        offset: WireOffset::new(parts.record_offset(segment)),
        record: parts.records[segment].clone(),
    }
}

/// Sends all records, from a thread of its own, and returns every result.
fn process(pipeline: &DecryptPipeline, parts: &StreamParts) -> Vec<Opened> {
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
fn each_record_gives_one_result_in_order_despite_bad_records() {
    let content = content();
    let mut parts = StreamParts::of(&seal(&content, &compact()));
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
fn a_producer_waits_for_a_consumer_that_takes_no_results() {
    let content = plaintext(SEGMENT);
    let parts = StreamParts::of(&seal(&content, &compact()));
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
fn a_producer_is_at_most_the_window_ahead() {
    let content = plaintext(SEGMENT);
    let parts = StreamParts::of(&seal(&content, &compact()));
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
