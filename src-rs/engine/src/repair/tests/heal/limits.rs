//! What healing refuses, and how it ends early.

use super::{Copy, Parts, failure, heal_with, stream};
use crate::error::{Limit, SealError};
use crate::format::{DigestKind, SegmentIndex};
use crate::operation::options::{Control, EncryptOptions, HeaderLayout};
use crate::repair::heal::{HealOptions, heal};
use crate::stream_v2::io::ReadAt;
use crate::telemetry::Progress;
use crate::testing::failing_io::{Fault, FaultySink, FaultySource};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{Output, SEGMENT, compact, control, options, seal};
use std::io;
use std::sync::Mutex;

#[test]
fn a_stream_without_digests_is_refused() {
    let (whole, _) = stream(SEGMENT, &options(DigestKind::None, HeaderLayout::COMPACT));
    assert_eq!(
        failure(&[Copy::of(&whole), Copy::of(&whole)]),
        SealError::NoDigests
    );
}

#[test]
fn larger_segments_than_allowed_are_refused() {
    let (whole, _) = stream(SEGMENT, &compact());
    let options = HealOptions {
        max_segment_size: SEGMENT as u32 - 1,
        ..HealOptions::default()
    };
    let output = Output::default();
    let result = heal(&&whole[..], &[], &&output, options, &Control::serial());
    let refused = SealError::LimitExceeded {
        limit: Limit::SegmentSize,
        maximum: SEGMENT - 1,
        value: SEGMENT,
    };
    assert_eq!(result.unwrap_err(), refused);
    assert!(output.into_bytes().is_empty());
}

#[test]
fn without_any_header_the_damaged_copys_failure_is_returned() {
    let (whole, _) = stream(SEGMENT, &compact());
    let copies = [Copy::of(&whole).hurt(40..41), Copy::of(b"text"), Copy::of(b"")];
    assert_eq!(failure(&copies).code(), "HEADER_DAMAGED");
}

#[test]
fn cancelling_ends_healing_at_any_point() {
    let (whole, parts) = stream(8 * SEGMENT, &compact());
    let hurt = Copy::of(&whole).hurt(parts.records[3].start + 500..parts.records[3].end);
    for at in 1..12 {
        let control = control(1);
        let source = FaultySource::new(&hurt.bytes, at, Fault::Cancel(control.cancel.clone()));
        let (source, output) = (&source, Output::default());
        let replicas: [&dyn ReadAt; 1] = [&&whole[..]];
        let result = heal(&source, &replicas, &&output, HealOptions::default(), &control);
        assert_eq!(result.unwrap_err(), SealError::Cancelled, "read {at}");
    }
}

#[test]
fn a_failing_sink_ends_healing() {
    let (whole, _) = stream(3 * SEGMENT, &compact());
    for at in 0..5 {
        let sink = FaultySink::new(at, Fault::Error(io::ErrorKind::StorageFull));
        let result = heal(
            &&whole[..],
            &[],
            &&sink,
            HealOptions::default(),
            &Control::serial(),
        );
        let SealError::Io { code, .. } = result.unwrap_err() else {
            panic!("no failure to write");
        };
        assert_eq!(code.as_deref(), Some("ENOSPC"));
    }
}

#[test]
fn progress_ends_with_the_plaintext_size() {
    let (whole, parts) = stream(3 * SEGMENT + 1, &compact());
    let told = Mutex::new(Vec::new());
    let listener = |progress: Progress| told.lock().unwrap().push(progress);
    let control = Control {
        progress: Some(&listener),
        ..control(2)
    };
    let copies = [Copy::of(&whole).hurt(parts.records[0].clone()), Copy::of(&whole)];
    heal_with(&copies, &control).1.unwrap();
    let done = Progress {
        bytes_done: 3 * SEGMENT + 1,
        bytes_total: Some(3 * SEGMENT + 1),
    };
    assert_eq!(told.into_inner().unwrap().last(), Some(&done));
}

#[test]
fn a_false_size_in_the_header_reserves_nothing() {
    let (whole, _) = stream(SEGMENT, &compact());
    for claim in [1 << 40, (1 << 63) - 1] {
        let claims = StreamParts::changed(&whole, |parts| {
            parts.rewrite_header(None, |draft| draft.core.plaintext_size = Some(claim));
        });
        assert_eq!(
            failure(&[Copy::of(&claims), Copy::of(&claims)]).code(),
            "END_DAMAGED"
        );
    }
}

#[test]
fn unreadable_records_are_lost() {
    let options = EncryptOptions {
        segment_size: Some(512 * 1024),
        ..compact()
    };
    let whole = seal(&vec![3; 512 * 1024 + 10], &options);
    let parts = Parts::of(&whole);
    let hollow = Copy::of(&whole).unreadable(parts.header.end..parts.end.start);
    let lost = SealError::NotHealed {
        segments: 2,
        segment: SegmentIndex::ZERO,
    };
    assert_eq!(failure(&[hollow]), lost);
}
