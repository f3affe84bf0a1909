//! Events of finished segments.

use super::damage_decisions::{SEGMENTS, SIZE, segment_range};
use crate::operation::options::Control;
use crate::telemetry::SegmentDone;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{ENDS, compact, control, open_by, plaintext, reading, seal_by};
use std::sync::Mutex;

#[test]
fn each_segment_is_reported_once_with_its_sizes() {
    for (from, to) in ENDS.into_iter().flat_map(|from| ENDS.map(|to| (from, to))) {
        for threads in [1, 3] {
            let events = Mutex::new(Vec::new());
            let listener = |done: &SegmentDone| events.lock().unwrap().push(*done);
            let control = Control {
                segments: Some(&listener),
                ..control(threads)
            };
            let (stream, _) = seal_by((from, to), &plaintext(SIZE), &compact(), &control);
            let sealed = std::mem::take(&mut *events.lock().unwrap());
            open_by((from, to), &stream, &reading(), &control).1.unwrap();
            let opened = std::mem::take(&mut *events.lock().unwrap());
            for mut events in [sealed, opened] {
                events.sort_by_key(|done| done.segment);
                let parts = StreamParts::of(&stream);
                let shapes: Vec<_> = events
                    .iter()
                    .map(|done| {
                        (
                            done.segment,
                            done.plaintext_size as usize,
                            done.sealed_size as usize,
                            done.frames,
                        )
                    })
                    .collect();
                let expected: Vec<_> = (0..SEGMENTS)
                    .map(|segment| {
                        let size = segment_range(segment).len();
                        (
                            segment,
                            size,
                            parts.records[segment as usize].len(),
                            size.div_ceil(1024) as u32,
                        )
                    })
                    .collect();
                assert_eq!(shapes, expected, "{from:?} {to:?} {threads}");
            }
        }
    }
}
