//! Cutting plaintext and finding records.

use super::{RecordCursor, SegmentCutter};
use crate::format::{ByteRange, DigestKind, Geometry, SegmentHeader, SegmentIndex, WireOffset};
use crate::stream_v2::framing::contents;
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;

fn geometry() -> Geometry {
    Geometry::new(1024, 4096, DigestKind::None).unwrap()
}

#[test]
fn plaintext_fills_the_frames_for_chunks_of_any_size() {
    let geometry = geometry();
    let plaintext: Vec<u8> = (0..4096u32).map(|i| (i * 7 % 251) as u8).collect();
    for step in [1, 7, 1023, 1024, 1025, 4095, 4096, 5000] {
        let mut cutter = SegmentCutter::new(geometry);
        let mut record = vec![0; geometry.full_record_size() as usize];
        for chunk in plaintext.chunks(step) {
            assert_eq!(cutter.copy(&mut record, chunk), chunk.len());
        }
        assert!(cutter.is_full());
        assert!(cutter.room().is_empty());
        assert_eq!(cutter.copy(&mut record, b"more"), 0);
        let slots = &record[PREAMBLE_SIZE..];
        let found: Vec<u8> = contents(slots, geometry.frame_slot_size())
            .flatten()
            .copied()
            .collect();
        assert_eq!(found, plaintext, "in steps of {step}");
    }
}

#[test]
fn a_record_that_is_too_short_is_filled_to_its_end() {
    let mut cutter = SegmentCutter::new(geometry());
    let start = cutter.room().start;
    let mut record = vec![0; start + 10];
    assert_eq!(cutter.copy(&mut record, &[1; 100]), 10);
    assert_eq!(cutter.copy(&mut record, &[2; 100]), 0);
    record.resize(start + 2000, 0);
    assert_eq!(cutter.copy(&mut record, &[2; 3000]), 2000 - 10 - 32);
    assert_eq!(cutter.copy(&mut [], &[2; 3000]), 0);
}

#[test]
fn cutting_starts_the_next_segment() {
    let mut cutter = SegmentCutter::new(geometry());
    cutter.advance(1024);
    cutter.advance(1);
    assert_eq!(cutter.filled(), 1025);
    assert_eq!(cutter.record_size(), geometry().record_size(1025));
    let first = cutter.cut(false);
    assert_eq!(
        (first.index.get(), first.plaintext_size, first.is_final),
        (0, 1025, false)
    );
    let second = cutter.cut(true);
    assert_eq!(
        (second.index.get(), second.plaintext_size, second.is_final),
        (1, 0, true)
    );
}

#[test]
fn the_cursor_is_at_the_end_behind_the_final_record() {
    let geometry = geometry();
    let header = |index, is_final, plaintext_size| {
        SegmentHeader {
            index: SegmentIndex::new(index),
            is_final,
            plaintext_size,
        }
        .encode(&geometry)
    };
    let mut cursor = RecordCursor::new(geometry, WireOffset::new(300), None);
    let full = header(0, false, 4096);
    let place = cursor.measure(&full).unwrap();
    assert_eq!(
        (place.sealed.start, place.sealed.size()),
        (300, geometry.full_record_size())
    );
    assert_eq!(place.plaintext, ByteRange::at(0, 4096));
    cursor.advance(&place);
    assert!(!cursor.is_at_end());
    cursor.advance(&cursor.find(&header(1, true, 5)));
    assert!(cursor.is_at_end());
    assert_eq!(cursor.index().get(), 2);
    assert_eq!(
        cursor.offset().get(),
        300 + geometry.full_record_size() + geometry.record_size(5)
    );
}

#[test]
fn bytes_that_are_no_record_have_the_size_of_the_expected_one() {
    let geometry = geometry();
    let full = geometry.full_record_size();
    let mut endless = RecordCursor::new(geometry, WireOffset::new(300), None);
    endless.advance(&endless.expected());
    assert_eq!(endless.expected().sealed, ByteRange::at(300 + full, full));
    assert_eq!(endless.missing(), endless.expected());
    assert!(!endless.is_at_end());

    let mut cursor = RecordCursor::new(geometry, WireOffset::new(300), Some(2 * 4096 + 5));
    let missing = cursor.missing();
    assert_eq!(missing.plaintext, ByteRange::at(0, 2 * 4096 + 5));
    assert_eq!(
        missing.sealed,
        ByteRange::at(300, 2 * full + geometry.record_size(5))
    );
    cursor.advance(&cursor.expected());
    cursor.advance(&cursor.expected());
    assert!(!cursor.is_at_end());
    assert_eq!(cursor.expected().plaintext, ByteRange::at(2 * 4096, 5));
    assert_eq!(cursor.missing(), cursor.expected());
    cursor.advance(&cursor.expected());
    assert!(cursor.is_at_end());
    assert_eq!(cursor.offset().get(), missing.sealed.end);
    assert_eq!(cursor.missing().plaintext, ByteRange::at(2 * 4096 + 5, 0));
    assert_eq!(cursor.missing().sealed, ByteRange::at(missing.sealed.end, 0));
}
