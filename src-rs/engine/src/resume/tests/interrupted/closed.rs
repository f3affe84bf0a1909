//! Closed journals, and outputs that are already in place.

use super::*;
use crate::error::IoOperation;

#[test]
fn a_closed_stream_is_kept_if_it_is_complete_and_else_sealed_again() {
    let plain = plain();
    let place = MemoryOutput::new();
    place.encrypt(&plain, &control(1)).unwrap();
    let first = place.output.lock().unwrap().clone();

    let again = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(resume(&again).segments_resumed, 7);
    assert!(
        *place.output.lock().unwrap() == first,
        "the end is the same, written twice"
    );

    // The end was torn: the same segments have the same end.
    place.output.lock().unwrap().truncate(first.len() - 50);
    place.encrypt(&plain, &control(1)).unwrap();
    assert!(*place.output.lock().unwrap() == first);

    place.flip(Direction::Seal.output_offset(3) + 200);
    let sealed_again = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(
        resume(&sealed_again).started_over,
        Some(StartedOver::OutputDamaged)
    );
    assert_ne!(
        sealed_again.stream_id[..],
        first[32..64],
        "another stream, with another key"
    );
    assert!(place.plain(Direction::Seal) == plain);
}

/// Runs an attempt on an output that is already in place. It must not change the output.
fn placed(direction: Direction, place: &MemoryOutput, source: &[u8]) -> Result<Report, SealError> {
    let before = place.output.lock().unwrap().clone();
    let attempt = Attempt {
        is_target: true,
        ..place.attempt(source_mark(source))
    };
    let result = match direction {
        Direction::Seal => encrypt_resumable(&source, attempt, &compact(), &control(1)),
        Direction::Open => decrypt_resumable(&source, attempt, &reading(), &control(1)),
    };
    assert_eq!(place.writes(), 0);
    assert!(*place.output.lock().unwrap() == before);
    result
}

#[test]
fn a_complete_output_in_place_is_recognized_by_its_journal() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let place = MemoryOutput::new();
        let first = place.work(direction, &source, &control(1)).unwrap();
        let report = placed(direction, &place, &source).unwrap();
        assert_eq!(resume(&report).segments_resumed, 7);
        assert_eq!(
            (report.output_crc64, report.sealed_size, report.stream_id),
            (first.output_crc64, first.sealed_size, first.stream_id)
        );
        let length = place.output.lock().unwrap().len();
        for at in [0, 300, length / 2, length - 1] {
            place.flip(at);
            assert!(placed(direction, &place, &source).is_err(), "{direction:?} {at}");
            place.flip(at);
        }
        place.output.lock().unwrap().push(0);
        assert!(placed(direction, &place, &source).is_err());
        let unfinished = interrupted_after(direction, &source, 3);
        assert!(placed(direction, &unfinished, &source).is_err());
    }
}

#[test]
fn without_a_journal_no_output_in_place_is_recognized() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let place = MemoryOutput::new();
        place.work(direction, &source, &control(1)).unwrap();
        place.journal.lock().unwrap().clear();
        assert!(placed(direction, &place, &source).is_err());
        assert!(place.journal.lock().unwrap().is_empty());
    }
}

#[test]
fn a_stream_without_an_end_fails_as_without_resume() {
    let sealed = crate::testing::support::seal_unsized(&plain(), &compact());
    let place = MemoryOutput::new();
    let failure = place
        .decrypt(&sealed[..sealed.len() - 30], &control(1))
        .unwrap_err();
    assert_eq!(failure.code(), "TRUNCATED");
    let report = place.decrypt(&sealed, &control(1)).unwrap();
    assert_eq!(resume(&report).started_over, None);
    assert!(place.plain(Direction::Open) == plain());
}

#[test]
fn the_journal_is_closed_before_the_end_is_written() {
    let plain = plain();
    let place = interrupted_after(Direction::Seal, &plain, SEGMENTS);
    // The write that failed was the end's. What is missing of the journal's last entry makes it an open one.
    let closed = place.journal.lock().unwrap().clone();
    let report = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(resume(&report).segments_resumed, 7);
    assert_eq!(place.writes(), 2, "the header and the end");
    assert!(place.plain(Direction::Seal) == plain);

    for (journal, expected) in [
        (&closed[..], Some(StartedOver::OutputDamaged)),
        (&closed[..closed.len() - 1], None),
    ] {
        let place = interrupted_after(Direction::Seal, &plain, SEGMENTS);
        *place.journal.lock().unwrap() = closed.clone();
        *place.output.lock().unwrap() = vec![0; 20_000];
        place.journal.lock().unwrap().truncate(journal.len());
        let report = place.encrypt(&plain, &control(1)).unwrap();
        assert_eq!(resume(&report).started_over, expected);
        assert!(place.plain(Direction::Seal) == plain);
    }
}

#[test]
fn a_journal_is_not_closed_if_the_output_can_not_be_flushed() {
    let plain = plain();
    let mut place = MemoryOutput {
        fails_to_sync: true,
        ..MemoryOutput::new()
    };
    let failure = place.encrypt(&plain, &control(1)).unwrap_err();
    let operation = IoOperation::Flush;
    assert!(matches!(failure, SealError::Io { operation: found, .. } if found == operation));
    assert_eq!(
        place.writes(),
        1 + SEGMENTS,
        "the header and the segments, no end"
    );

    place.fails_to_sync = false;
    place.flip(Direction::Seal.output_offset(3) + 200);
    let report = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(resume(&report).started_over, None);
    assert_eq!(resume(&report).segments_resumed, 6);
    assert!(place.plain(Direction::Seal) == plain);
}
