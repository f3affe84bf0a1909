//! Streams that claim to be larger than the reader's limit, in every operation that reads a stream.

use super::damaged_stream::SEGMENT;
use super::hostile::{claiming, with_segments};
use super::salvage_with;
use crate::error::{Limit, SealError};
use crate::format::{Geometry, StreamHeader};
use crate::inspect::inspect_up_to;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, DecryptOptions};
use crate::repair::salvage::{Outcome, SalvageOptions};
use crate::repair::verify::{VerifyOptions, verify};
use crate::session::OpenSession;
use crate::stream_v2::core::decrypt_stream_v2;
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::stream_size::total_size;
use crate::stream_v2::io::{InputSource, OutputSink, ReadAt};
use crate::testing::support::reading;
use std::io::{self, IoSliceMut};

/// `Number.MAX_SAFE_INTEGER` of JavaScript.
const MAXIMUM: u64 = (1 << 53) - 1;

fn limited() -> DecryptOptions<'static> {
    DecryptOptions {
        max_size: MAXIMUM,
        ..reading()
    }
}

/// The results of all operations on a stream that should end with the same error, with their names.
fn results(source: &dyn ReadAt, bytes: &[u8]) -> Vec<(&'static str, Result<(), SealError>)> {
    let control = Control::serial();
    let verified = |open| {
        let options = VerifyOptions {
            open,
            max_size: MAXIMUM,
            ..VerifyOptions::default()
        };
        verify(source, &options, &control).map(drop)
    };
    let mut output = vec![0; 3 * SEGMENT];
    let (from, to) = (InputSource::memory(bytes), OutputSink::Memory(&mut output));
    vec![
        ("inspect", inspect_up_to(source, MAXIMUM).map(drop)),
        ("verify", verified(None)),
        ("verify with a key", verified(Some(limited()))),
        (
            "reader",
            SeekableStream::open(source, &limited(), &CancellationToken::new()).map(drop),
        ),
        (
            "salvage",
            salvage_with(source, &SalvageOptions::new(limited()), &control).map(drop),
        ),
        (
            "decrypt",
            decrypt_stream_v2(from, to, &limited(), &control).map(drop),
        ),
        (
            "stream",
            OpenSession::new(bytes, &limited(), &CancellationToken::new()).map(drop),
        ),
    ]
}

/// The sealed size of a stream like [`claiming`] that states `plaintext` bytes.
fn sealed_size(plaintext: u64) -> u64 {
    let bytes = claiming(plaintext);
    let header = StreamHeader::parse(&bytes).unwrap();
    let geometry: &Geometry = &header.core.geometry;
    total_size(geometry, (header.size().into(), false), 0, plaintext)
}

/// The largest plaintext whose sealed stream is within the limit.
fn largest() -> u64 {
    let (mut fits, mut exceeds) = (0, MAXIMUM);
    while exceeds - fits > 1 {
        let middle = u64::midpoint(fits, exceeds);
        if sealed_size(middle) <= MAXIMUM {
            fits = middle;
        } else {
            exceeds = middle;
        }
    }
    fits
}

#[test]
fn a_stated_size_over_the_limit_is_refused_by_every_operation() {
    for total in [largest() + 1, MAXIMUM, MAXIMUM + 1, (1 << 63) - 1] {
        let bytes = claiming(total);
        let refused = SealError::LimitExceeded {
            limit: Limit::Size,
            maximum: MAXIMUM,
            value: sealed_size(total),
        };
        for (name, result) in results(&&bytes[..], &bytes) {
            assert_eq!(result, Err(refused.clone()), "{name}, {total}");
        }
    }
}

#[test]
fn the_largest_size_within_the_limit_is_not_refused() {
    let bytes = claiming(largest());
    for (name, result) in results(&&bytes[..], &bytes) {
        let is_refused = matches!(result, Err(SealError::LimitExceeded { .. }));
        assert!(!is_refused, "{name}: {result:?}");
    }
}

#[test]
fn a_record_of_a_segment_over_the_limit_is_refused_by_salvage() {
    let segment = |index| with_segments(None, &[index]);
    let highest = MAXIMUM / SEGMENT as u64;
    let salvaged = |index| {
        let options = SalvageOptions {
            lost: crate::repair::salvage::LostBytes::Skip,
            ..SalvageOptions::new(limited())
        };
        salvage_with(&&segment(index)[..], &options, &Control::serial())
    };
    let refused = salvaged(highest).unwrap_err();
    assert!(matches!(
        refused,
        SealError::LimitExceeded {
            limit: Limit::Size,
            ..
        }
    ));
    assert_eq!(salvaged(highest / 2).unwrap().1.outcome, Outcome::Partial);
}

/// A sparse file of `size` bytes that begins with `start`.
struct Sparse<'a> {
    start: &'a [u8],
    size: u64,
}

impl ReadAt for Sparse<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut at = offset;
        for buffer in buffers {
            for byte in buffer.iter_mut() {
                *byte = usize::try_from(at)
                    .ok()
                    .and_then(|at| self.start.get(at))
                    .copied()
                    .unwrap_or(0);
                at += 1;
            }
        }
        Ok((at - offset) as usize)
    }
}

#[test]
fn a_source_over_the_limit_is_refused() {
    let bytes = claiming(2 * SEGMENT as u64);
    let source = Sparse {
        start: &bytes,
        size: MAXIMUM + 1,
    };
    let refused = SealError::LimitExceeded {
        limit: Limit::Size,
        maximum: MAXIMUM,
        value: MAXIMUM + 1,
    };
    for (name, result) in results(&source, &bytes) {
        // The last two read `bytes`.
        if !["decrypt", "stream"].contains(&name) {
            assert_eq!(result, Err(refused.clone()), "{name}");
        }
    }
}

/// Opens a stream of two segments that claims `total` plaintext bytes into a file, with zeros for what is missing.
#[cfg(unix)]
fn opened_with_zeros(
    total: u64,
    max_output_size: Option<u64>,
) -> (Result<u64, SealError>, std::fs::Metadata) {
    use crate::operation::damage::{DamageDecision, DamagePolicy};
    let bytes = with_segments(Some(total), &[0, 1]);
    let options = DecryptOptions {
        max_output_size: max_output_size.unwrap_or(reading().max_output_size),
        on_damage: DamagePolicy::Always(DamageDecision::Zero),
        ..reading()
    };
    let file = tempfile::tempfile().unwrap();
    let result = decrypt_stream_v2(
        InputSource::memory(&bytes),
        OutputSink::positioned(&file),
        &options,
        &Control::serial(),
    );
    let size = result.map(|report| report.plaintext_size);
    (size, file.metadata().unwrap())
}

#[cfg(unix)]
#[test]
fn zeros_for_a_claimed_size_are_a_hole_of_limited_size() {
    use std::os::unix::fs::MetadataExt;
    let total = 1 << 33;
    let (result, file) = opened_with_zeros(total, None);
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(file.len(), total);
    assert!(file.blocks() * 512 < 1 << 20, "{}", file.blocks());
    for (total, limit) in [(total, Some(total - 1)), (1 << 62, None)] {
        let (result, file) = opened_with_zeros(total, limit);
        let maximum = limit.unwrap_or(1 << 40);
        assert_eq!(
            result.unwrap_err(),
            SealError::LimitExceeded {
                limit: Limit::OutputSize,
                maximum,
                value: total,
            }
        );
        assert!(file.len() <= 2 * SEGMENT as u64);
    }
}
