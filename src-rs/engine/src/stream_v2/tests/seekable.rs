//! Segments that are opened one by one.

use super::damage_decisions::{SEGMENTS, SIZE, damaged, segment_range};
use crate::format::SegmentIndex;
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::core::seekable::SeekableStream;
use crate::telemetry::StageTimes;
use crate::testing::support::{compact, plaintext, reading, seal};

#[test]
fn segments_open_one_by_one_in_any_order() {
    let stream = damaged(&seal(&plaintext(SIZE), &compact()), &[3]);
    let source = &stream[..];
    let opened = SeekableStream::open(&source, &reading(), &CancellationToken::new()).unwrap();
    assert_eq!(
        (opened.segments(), opened.plaintext_size()),
        (SEGMENTS, Some(SIZE))
    );
    let cancel = CancellationToken::new();
    for segment in [6, 0, 3, 5, 3, 1] {
        let index = SegmentIndex::new(segment);
        let mut times = StageTimes::default();
        let result = opened.open_segment(&source, index, vec![7; 3], &cancel, &mut times);
        match result {
            Ok(opened) => assert_eq!(opened.to_vec(), plaintext(SIZE)[segment_range(segment)]),
            Err(failure) => assert_eq!((failure.code(), segment), ("DIGEST_MISMATCH", 3)),
        }
    }
    assert_eq!(opened.segments_present(), SEGMENTS);
    // Nothing follows the last segment.
    let beyond = opened.open_segment(
        &source,
        SegmentIndex::new(SEGMENTS),
        Vec::new(),
        &cancel,
        &mut StageTimes::default(),
    );
    assert!(beyond.is_err());
}
