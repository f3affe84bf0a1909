//! Outputs that were complete but for their name.

use super::*;
use crate::error::IoOperation;

#[test]
fn a_closed_stream_that_is_whole_is_kept_and_one_that_is_not_is_sealed_anew() {
    let plain = plain();
    let place = Place::new();
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

    place.flip(Direction::Seal.place_of(3) + 200);
    let anew = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(resume(&anew).started_over, Some(StartedOver::OutputDamaged));
    assert_ne!(
        anew.stream_id[..],
        first[32..64],
        "another stream, with another key"
    );
    assert!(place.plain(Direction::Seal) == plain);
}

#[test]
fn an_output_that_has_its_place_already_is_known_by_its_journal() {
    let plain = plain();
    let sealed = seal(&plain, &compact());
    let sealing = Place::new();
    sealing.encrypt(&plain, &control(1)).unwrap();
    let placed =
        |place: &Place| encrypt_placed(place.attempt(mark(&plain)), &compact(), &control(1)).unwrap();
    assert_eq!(resume(&placed(&sealing).unwrap()).segments_resumed, 7);
    let length = sealing.output.lock().unwrap().len();
    for at in [0, 300, length / 2, length - 1] {
        sealing.flip(at);
        assert!(placed(&sealing).is_none(), "{at}");
        sealing.flip(at);
    }
    sealing.output.lock().unwrap().push(0);
    assert!(placed(&sealing).is_none());

    let opening = Place::new();
    opening.decrypt(&sealed, &control(1)).unwrap();
    let placed = |place: &Place| {
        decrypt_placed(
            &&sealed[..],
            place.attempt(mark(&sealed)),
            &reading(),
            &control(1),
        )
        .unwrap()
    };
    assert_eq!(resume(&placed(&opening).unwrap()).segments_resumed, 7);
    opening.flip(5);
    assert!(placed(&opening).is_none());
    opening.flip(5);
    opening.output.lock().unwrap().push(0);
    assert!(placed(&opening).is_none());
    assert!(placed(&stopped_after(Direction::Open, &sealed, 3)).is_none());
}

#[test]
fn a_stream_without_an_end_fails_as_it_does_otherwise() {
    let sealed = crate::testing::support::seal_unsized(&plain(), &compact());
    let place = Place::new();
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
    let place = stopped_after(Direction::Seal, &plain, SEGMENTS);
    // The write that failed was the end's. What is missing of the journal's last entry makes it an open one.
    let closed = place.journal.lock().unwrap().clone();
    let report = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(resume(&report).segments_resumed, 7);
    assert_eq!(place.writes(), 2, "the header and the end");
    assert!(place.plain(Direction::Seal) == plain);

    for (journal, due) in [
        (&closed[..], Some(StartedOver::OutputDamaged)),
        (&closed[..closed.len() - 1], None),
    ] {
        let place = stopped_after(Direction::Seal, &plain, SEGMENTS);
        *place.journal.lock().unwrap() = closed.clone();
        *place.output.lock().unwrap() = vec![0; 20_000];
        place.journal.lock().unwrap().truncate(journal.len());
        let report = place.encrypt(&plain, &control(1)).unwrap();
        assert_eq!(resume(&report).started_over, due);
        assert!(place.plain(Direction::Seal) == plain);
    }
}

#[test]
fn an_output_that_can_t_be_flushed_is_not_called_closed() {
    let plain = plain();
    let mut place = Place {
        fails_to_sync: true,
        ..Place::new()
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
    place.flip(Direction::Seal.place_of(3) + 200);
    let report = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(resume(&report).started_over, None);
    assert_eq!(resume(&report).segments_resumed, 6);
    assert!(place.plain(Direction::Seal) == plain);
}
