//! Decisions about damage in a stream whose bytes arrive in order.

use crate::crypto::Crc64;
use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex};
use crate::operation::cancel::CancellationToken;
use crate::operation::damage::{DamageDecision, DamageOutcome};
use crate::session::OpenSession;
use crate::stream_v2::pipeline::record_layout::RecordCursor;
use crate::testing::support::{SEGMENT, compact, plaintext, reading, seal};

const SEGMENTS: u64 = 4;
const DAMAGED: SegmentIndex = SegmentIndex::new(1);

/// A session in which every segment was opened but the second, which is damaged; also what remains of the input.
fn session() -> (OpenSession, RecordCursor, Vec<u8>) {
    let mut sealed = seal(&plaintext(SEGMENTS * SEGMENT), &compact());
    let session = OpenSession::new(&sealed, &reading(), &CancellationToken::new()).unwrap();
    let mut cursor = session.cursor();
    let size = session.geometry().full_record_size();
    sealed[(cursor.offset().get() + size + 100) as usize] ^= 1;
    while !cursor.is_at_end() {
        let start = cursor.offset().get() as usize;
        let record = &mut sealed[start..start + size as usize];
        let place = cursor.find(record);
        cursor.advance(&place);
        let opened = session.open(&place, record, &CancellationToken::new());
        assert_eq!(opened.is_err(), place.segment == DAMAGED);
    }
    let end = sealed.split_off(cursor.offset().get() as usize);
    (session, cursor, end)
}

#[test]
fn a_damaged_segment_awaits_a_decision() {
    let (session, ..) = session();
    let damage = session.damage(DAMAGED).unwrap();
    assert_eq!(damage.segment, DAMAGED);
    assert_eq!(damage.plaintext, ByteRange::at(SEGMENT, SEGMENT));
    assert_eq!(damage.failure.code(), "DIGEST_MISMATCH");
    assert_eq!(session.damage(SegmentIndex::ZERO), None);
}

#[test]
fn the_stream_ends_whole_after_a_decision_to_go_on() {
    for (decision, outcome, size) in [
        (DamageDecision::Skip, DamageOutcome::Skipped, 3 * SEGMENT),
        (DamageDecision::Zero, DamageOutcome::Zeroed, 4 * SEGMENT),
    ] {
        let (session, cursor, end) = session();
        let damage = session.damage(DAMAGED).unwrap();
        let zeros = session.decide(DAMAGED, decision).unwrap();
        assert_eq!(zeros, outcome == DamageOutcome::Zeroed);
        assert_eq!(session.damage(DAMAGED), None);

        let end = session.verify_end(&cursor, &end).unwrap();
        let report = session.report(Some(end), &cursor, 1);
        let mut output = plaintext(SEGMENTS * SEGMENT);
        let range = SEGMENT as usize..2 * SEGMENT as usize;
        if zeros {
            output[range].fill(0);
        } else {
            output.drain(range);
        }
        assert_eq!(report.plaintext_size, size);
        assert_eq!(report.output_crc64, Crc64::of(&output));
        assert_eq!((report.segments, report.damage.count), (SEGMENTS, 1));
        assert_eq!(report.damage.listed, [(damage, outcome)]);
    }
}

#[test]
fn a_decision_to_abort_fails_with_the_damage() {
    let (session, ..) = session();
    let failure = session.damage(DAMAGED).unwrap().failure;
    assert_eq!(session.decide(DAMAGED, DamageDecision::Abort), Err(failure));
}

#[test]
fn a_stream_can_not_be_read_again() {
    let (session, ..) = session();
    let failure = session.decide(DAMAGED, DamageDecision::Retry).unwrap_err();
    assert_eq!(failure.code(), "INVALID_OPTION");
}

#[test]
fn a_decision_needs_damage() {
    let (session, ..) = session();
    let failure = session
        .decide(SegmentIndex::ZERO, DamageDecision::Skip)
        .unwrap_err();
    assert_eq!(failure.code(), "INVALID_OPTION");
}

#[test]
fn without_a_decision_the_stream_does_not_end() {
    let (session, cursor, end) = session();
    let failure = session.verify_end(&cursor, &end).unwrap_err();
    assert_eq!(failure.code(), "FRAME_WORKER_DISCONNECTED");
}

#[test]
fn a_truncated_stream_may_go_on_without_its_end() {
    let (session, cursor, end) = session();
    session.decide(DAMAGED, DamageDecision::Skip).unwrap();
    session.verify_end(&cursor, &end[..end.len() - 1]).unwrap_err();
    let index = cursor.index();
    let damage = session.damage(index).unwrap();
    assert_eq!(damage.failure.code(), "TRUNCATED");
    assert_eq!(damage.plaintext, ByteRange::at(SEGMENTS * SEGMENT, 0));
    session.decide(index, DamageDecision::Skip).unwrap();
    let report = session.report(None, &cursor, 1);
    assert_eq!((report.segments, report.damage.count), (SEGMENTS, 2));
}

#[test]
fn a_cancelled_segment_is_not_damaged() {
    let mut sealed = seal(&plaintext(SEGMENT), &compact());
    let session = OpenSession::new(&sealed, &reading(), &CancellationToken::new()).unwrap();
    let start = session.cursor().offset().get() as usize;
    let place = session.cursor().find(&sealed[start..]);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let record = &mut sealed[start..place.sealed.end as usize];
    assert_eq!(
        session.open(&place, record, &cancel).unwrap_err(),
        SealError::Cancelled
    );
    assert_eq!(session.damage(SegmentIndex::ZERO), None);
}
