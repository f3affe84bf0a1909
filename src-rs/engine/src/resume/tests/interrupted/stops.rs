//! Interruption at every write: the output is right, and no segment is done twice.

use super::*;

#[test]
fn after_an_interruption_only_unfinished_segments_are_done() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        for done in 0..SEGMENTS {
            for threads in [1, 3] {
                let place = interrupted_after(direction, &source, done);
                let told = Mutex::new(Vec::new());
                let listener = |progress: crate::telemetry::Progress| {
                    told.lock().unwrap().push(progress.bytes_done);
                };
                let control = Control {
                    progress: Some(&listener),
                    ..control(threads)
                };
                let report = place.work(direction, &source, &control).unwrap();
                let expected = ResumeReport {
                    segments_resumed: done as u64,
                    bytes_resumed: done as u64 * SEGMENT,
                    ..ResumeReport::default()
                };
                assert_eq!(resume(&report), &expected, "{direction:?}");
                assert_eq!(place.writes(), SEGMENTS - done + direction.extra_writes());
                assert_eq!(told.lock().unwrap().last(), Some(&(plain.len() as u64)));
                assert!(place.plain(direction) == plain, "{direction:?} {done}");
                let crc = crate::crypto::Crc64::of(&place.output.lock().unwrap());
                assert_eq!(report.output_crc64, crc);
                assert_eq!((report.segments, report.plaintext_size), (7, plain.len() as u64));
            }
        }
    }
}

#[test]
fn the_source_of_finished_segments_is_not_read_again() {
    let plain = plain();
    let place = interrupted_after(Direction::Seal, &plain, 4);
    let source = Counted(&plain, AtomicUsize::new(0));
    encrypt_resumable(
        &source,
        place.attempt(source_mark(&plain)),
        &compact(),
        &control(1),
    )
    .unwrap();
    assert_eq!(source.1.into_inner(), plain.len() - 4 * SEGMENT as usize);
}

#[test]
fn repeated_interruptions_still_make_progress() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let mut place = MemoryOutput {
            full_at: 2,
            ..MemoryOutput::new()
        };
        let mut attempts = 0;
        while place.work(direction, &source, &control(1)).is_err() {
            attempts += 1;
            // The end needs a write of its own besides the header.
            place.full_at = if attempts > 6 { 3 } else { 2 };
            assert!(attempts < 20);
        }
        assert!(attempts > 2);
        assert!(place.plain(direction) == plain);
    }
}

#[test]
fn a_cancelled_operation_resumes() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let place = interrupted_after(direction, &source, 3);
        let cancelled = Control {
            cancel: CancellationToken::new(),
            ..control(1)
        };
        cancelled.cancel.cancel();
        let failure = place.work(direction, &source, &cancelled).unwrap_err();
        assert_eq!(failure, SealError::Cancelled);
        let report = place.work(direction, &source, &control(1)).unwrap();
        assert_eq!(resume(&report).segments_resumed, 3);
        assert!(place.plain(direction) == plain);
    }
}

#[test]
fn streams_of_every_small_size_resume() {
    for size in [0, 1, FRAME, SEGMENT - 1, SEGMENT, SEGMENT + 1] {
        let plain = plaintext(size);
        for direction in BOTH {
            let source = direction.source(&plain);
            let place = MemoryOutput::new();
            let report = place.work(direction, &source, &control(2)).unwrap();
            assert_eq!(resume(&report), &ResumeReport::default());
            assert!(place.plain(direction) == plain);
            let again = place.work(direction, &source, &control(2)).unwrap();
            assert_eq!(resume(&again).segments_resumed, again.segments);
            assert!(place.plain(direction) == plain);
        }
    }
}

#[test]
fn a_damaged_finished_segment_is_done_again() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        for segment in 0..4 {
            for within in [0, 40, 500] {
                let place = interrupted_after(direction, &source, 4);
                place.flip(direction.output_offset(segment) + within);
                let report = place.work(direction, &source, &control(2)).unwrap();
                assert_eq!(resume(&report).segments_resumed, 3, "{direction:?} {segment}");
                assert!(place.plain(direction) == plain);
            }
        }
    }
}

#[test]
fn segments_missing_from_a_shorter_or_longer_output_are_done_again() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let shorter = interrupted_after(direction, &source, 4);
        let two = direction.output_offset(2) + 100;
        shorter.output.lock().unwrap().truncate(two);
        let report = shorter.work(direction, &source, &control(2)).unwrap();
        assert_eq!(resume(&report).segments_resumed, 2);
        let longer = interrupted_after(direction, &source, 4);
        longer.output.lock().unwrap().resize(100_000, 7);
        let report = longer.work(direction, &source, &control(2)).unwrap();
        assert_eq!(resume(&report).segments_resumed, 4);
        assert!(longer.plain(direction) == plain && shorter.plain(direction) == plain);
        let expected = match direction {
            Direction::Seal => report.sealed_size,
            Direction::Open => report.plaintext_size,
        };
        assert_eq!(longer.size().unwrap(), expected);
    }
}
