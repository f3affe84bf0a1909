//! Bad ranges and failures; samples, progress, rate limits and cancelling.

use super::{both, check, keyless, kinds, with_key};
use crate::crypto::SecretKey;
use crate::error::{IoOperation, SealError};
use crate::format::DigestKind;
use crate::keys::Identity;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, DecryptOptions, HeaderLayout};
use crate::repair::verify::{Sample, VerifyOptions, verify};
use crate::stream_v2::io::{ReadAt, ThrottledSource};
use crate::testing::failing_io::{BadBlocks, Fault, FaultySource};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{SEGMENT, compact, control, fresh, key, options, plaintext, reading, seal};
use std::io::IoSliceMut;
use std::sync::Mutex;
use std::time::{Duration, Instant};

#[test]
fn bad_ranges_are_problems_and_the_rest_is_checked() {
    let stream = seal(
        &plaintext(9 * SEGMENT),
        &options(DigestKind::Crc64Nvme, HeaderLayout::PADDED),
    );
    let parts = StreamParts::of(&stream);
    let record = |segment| parts.record_offset(segment) as usize;
    let footer = stream.len() - 24;
    for (bad, expected) in [
        (100..200, vec![(None, "IO")]),
        (record(4) + 5..record(4) + 6, vec![(Some(4), "IO")]),
        (
            record(4) + 5..record(6) + 1,
            vec![(Some(4), "IO"), (Some(5), "IO"), (Some(6), "IO")],
        ),
        (record(9) + 3..record(9) + 4, vec![(None, "IO")]),
        (footer - 50..footer - 49, vec![(None, "IO")]),
        (footer + 1..footer + 2, vec![(None, "IO")]),
    ] {
        let source = BadBlocks {
            bytes: &stream,
            bad: vec![bad],
        };
        for (how, _) in both() {
            for threads in [1, 2] {
                let found = verify(&source, &how, &control(threads)).unwrap();
                assert_eq!(kinds(&found), expected, "{:?}", source.bad);
                assert_eq!(found.segments_checked, 9);
            }
        }
    }
    let source = BadBlocks {
        bytes: &stream,
        bad: std::iter::once(0..stream.len()).collect(),
    };
    match verify(&source, &keyless(), &Control::serial()).unwrap_err() {
        SealError::Io { operation, .. } => assert_eq!(operation, IoOperation::Read),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_source_that_shrinks_is_a_failure() {
    let stream = seal(&plaintext(40 * SEGMENT), &compact());
    let source = FaultySource::new(&stream, 10, Fault::Shrink);
    let failure = verify(&&source, &keyless(), &Control::serial()).unwrap_err();
    assert!(matches!(failure, SealError::SourceChanged { .. }), "{failure}");
}

#[test]
fn failures_that_prevent_checking_are_returned() {
    let stream = seal(&plaintext(SEGMENT), &compact());
    let open = |identities, context: &'static [u8], max_segment_size| VerifyOptions {
        open: Some(DecryptOptions {
            identities,
            context: context.into(),
            max_segment_size,
            ..reading()
        }),
        ..keyless()
    };
    let other = SecretKey::from_bytes(&[9; 32]).unwrap();
    let large = crate::format::MAX_SEGMENT_SIZE;
    let mut tampered = stream.clone();
    tampered[69] ^= 1;
    let header_size = StreamParts::of(&stream).header.len();
    let crc = crate::format::crc32c(&tampered[..header_size - 4]);
    tampered[header_size - 4..header_size].copy_from_slice(&crc.to_be_bytes());
    for (stream, how, code) in [
        (
            &stream,
            open(vec![Identity::Key(other)], b"", large),
            "NO_MATCHING_KEY",
        ),
        (
            &stream,
            open(vec![Identity::Key(key())], b"x", large),
            "CONTEXT_MISMATCH",
        ),
        (
            &stream,
            open(vec![Identity::Key(key())], b"", 1),
            "LIMIT_EXCEEDED",
        ),
        (&tampered, with_key(), "HEADER_TAMPERED"),
        (&vec![0; 5000], keyless(), "NOT_SEALED"),
        (&vec![], keyless(), "NOT_SEALED"),
        (
            &stream,
            VerifyOptions {
                bytes_per_second: Some(0),
                ..keyless()
            },
            "INVALID_OPTION",
        ),
        (
            &stream,
            VerifyOptions {
                sample: Some(Sample {
                    fraction: 0.0,
                    seed: 0,
                }),
                ..keyless()
            },
            "INVALID_OPTION",
        ),
    ] {
        assert_eq!(
            verify(&&stream[..], &how, &Control::serial()).unwrap_err().code(),
            code
        );
    }
}

#[test]
fn a_sample_reads_its_fraction_and_finds_the_problems_in_it() {
    let stream = seal(&plaintext(100 * SEGMENT), &compact());
    let sampled = |seed| VerifyOptions {
        sample: Some(Sample { fraction: 0.1, seed }),
        ..with_key()
    };
    let all_damaged = StreamParts::changed(&stream, |parts| {
        parts.records.iter_mut().for_each(|record| record[150] ^= 1);
    });
    let picked = |seed| -> Vec<u64> {
        let found = check(&all_damaged, &sampled(seed));
        found
            .problems
            .iter()
            .map(|problem| problem.segment.unwrap().get())
            .collect()
    };
    assert_eq!(picked(1).len(), 10);
    assert_eq!(picked(1), picked(1));
    assert_ne!(picked(1), picked(2));
    let found = check(&stream, &sampled(1));
    assert!(found.sound && found.authenticated);
    assert_eq!((found.segments_checked, found.segments), (10, Some(100)));
    assert_eq!(
        found.bytes_checked,
        10 * StreamParts::of(&stream).records[0].len() as u64
    );

    // Problems outside the sample are not found, but those of header and trailer always are.
    let elsewhere = (0..100).find(|segment| !picked(1).contains(segment)).unwrap();
    let missed = StreamParts::changed(&stream, |parts| parts.records[elsewhere as usize][150] ^= 1);
    assert!(check(&missed, &sampled(1)).sound);
    let ended = StreamParts::changed(&stream, |parts| parts.end[40] ^= 1);
    assert_eq!(kinds(&check(&ended, &sampled(1))), [(None, "END_DAMAGED")]);
}

#[test]
fn progress_ends_with_the_bytes_to_check() {
    let sealed = seal(&plaintext(9 * SEGMENT + 1), &compact());
    let damaged = StreamParts::changed(&sealed, |parts| parts.records[3][5] ^= 1);
    for stream in [&sealed, &damaged] {
        for sample in [
            None,
            Some(Sample {
                fraction: 0.3,
                seed: 4,
            }),
        ] {
            let told = Mutex::new(Vec::new());
            let listener = |progress| told.lock().unwrap().push(progress);
            let control = Control {
                progress: Some(&listener),
                ..control(2)
            };
            let found = verify(&&stream[..], &VerifyOptions { sample, ..keyless() }, &control).unwrap();
            let last = *told.lock().unwrap().last().unwrap();
            assert_eq!(
                (last.bytes_done, last.bytes_total),
                (found.bytes_checked, Some(found.bytes_checked))
            );
        }
    }
}

#[test]
fn cancelling_also_ends_the_wait_of_a_limited_rate() {
    let stream = seal(&plaintext(9 * SEGMENT), &compact());
    for threads in [1, 2] {
        let control = control(threads);
        control.cancel.cancel();
        let failure = verify(&&stream[..], &keyless(), &control).unwrap_err();
        assert_eq!(failure, SealError::Cancelled);

        // At one byte per second the first read would be followed by hours of waiting.
        let slow = VerifyOptions {
            bytes_per_second: Some(1),
            ..keyless()
        };
        let control = fresh(&control);
        let cancel = control.cancel.clone();
        let failure = std::thread::scope(|scope| {
            let work = scope.spawn(|| verify(&&stream[..], &slow, &control).unwrap_err());
            cancel.cancel();
            work.join().unwrap()
        });
        assert_eq!(failure, SealError::Cancelled);
    }
}

#[test]
fn a_limited_rate_takes_the_time_of_its_bytes() {
    let bytes = [7; 4000];
    let source = &bytes[..];
    let cancel = CancellationToken::new();
    let limited = ThrottledSource::new(&source, 40_000, &cancel);
    let start = Instant::now();
    let mut read = [0; 1000];
    // The first read starts at once; each other one waits for the one before it.
    for offset in [0, 1000, 2000, 3000] {
        assert_eq!(
            limited
                .read_at(offset, &mut [IoSliceMut::new(&mut read)])
                .unwrap(),
            1000
        );
        assert_eq!(read, [7; 1000]);
    }
    assert!(start.elapsed() >= Duration::from_millis(75));
}
