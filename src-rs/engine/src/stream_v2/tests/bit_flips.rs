//! One flipped bit anywhere: refused with the error of its place, or harmless and reported.

use crate::error::{EndPart, SealError};
use crate::format::{DigestKind, FRAME_OVERHEAD, HeaderField, SEGMENT_HEADER_SIZE};
use crate::operation::options::{Control, HeaderLayout};
use crate::operation::report::Report;
use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, SegmentWorkerError};
use crate::testing::stream_parts::{Region, StreamParts};
use crate::testing::support::{
    ENDS, End, FRAME, SEGMENT, control, open_by, options, plaintext, reading, seal, seal_unsized,
};
use proptest::prelude::*;

/// A stream with one bit flipped, and what is known of it.
struct Flip<'a> {
    parts: &'a StreamParts,
    stream: &'a [u8],
    plaintext: &'a [u8],
    bit: usize,
}

impl Flip<'_> {
    fn check(&self, end: End, control: &Control<'_>) {
        let mut flipped = self.stream.to_vec();
        let at = self.bit / 8;
        flipped[at] ^= 1 << (self.bit % 8);
        let region = self.parts.region(at);
        let what = format!("bit {} ({region:?}), {end:?}", self.bit);
        let (opened, result) = open_by((end, End::InOrder), &flipped, &reading(), control);
        assert!(
            self.plaintext.starts_with(&opened),
            "{what}: wrong plaintext came out"
        );
        if end == End::ByOffset {
            self.check_written_by_offset(&flipped, &what, &result, control);
        }
        let copy_serves = end == End::ByOffset && !self.parts.copy.is_empty();
        match (region, result) {
            (Region::Header, Ok(report)) => {
                assert!(copy_serves && report.header_from_copy, "{what}");
                assert_eq!(opened.len(), self.plaintext.len(), "{what}");
            }
            (Region::Header, Err(failure)) => {
                assert!(!copy_serves, "{what}: the copy did not serve: {failure}");
                assert!(header_kind(at, &failure), "{what}: {failure}");
            }
            (Region::Copy, Ok(report)) => {
                assert!(report.header_copy_damaged && !report.header_from_copy, "{what}");
                assert_eq!(opened.len(), self.plaintext.len(), "{what}");
            }
            (Region::Record { segment, within }, Err(SealError::Segment { error })) => {
                assert_eq!(error.segment().get(), segment as u64, "{what}: {error}");
                assert!(
                    segment_kind(within, self.parts.digest(), &error),
                    "{what}: {error}"
                );
            }
            (
                Region::End,
                Err(SealError::EndDamaged {
                    part: EndPart::EndRecord,
                    offset,
                }),
            ) => {
                assert_eq!(offset.get(), self.parts.end_offset(), "{what}");
            }
            (
                Region::Footer,
                Err(SealError::EndDamaged {
                    part: EndPart::Footer,
                    offset,
                }),
            ) => {
                assert_eq!(offset.get(), (self.stream.len() - 24) as u64, "{what}");
            }
            (_, Ok(_)) => panic!("{what}: opened"),
            (_, Err(failure)) => panic!("{what}: {failure:?}"),
        }
    }
}

impl Flip<'_> {
    /// Written by offset, the outcome is the same, and what is there is plaintext in its place or was not written.
    fn check_written_by_offset(
        &self,
        flipped: &[u8],
        what: &str,
        in_order: &Result<Report, SealError>,
        control: &Control<'_>,
    ) {
        let (opened, by_offset) = open_by((End::ByOffset, End::ByOffset), flipped, &reading(), control);
        assert_eq!(by_offset.as_ref().err(), in_order.as_ref().err(), "{what}");
        assert!(opened.len() <= self.plaintext.len(), "{what}");
        for (opened, due) in opened
            .chunks(FRAME as usize)
            .zip(self.plaintext.chunks(FRAME as usize))
        {
            let unwritten = opened.iter().all(|&byte| byte == 0);
            assert!(
                due.starts_with(opened) || unwritten,
                "{what}: wrong plaintext was written"
            );
        }
    }
}

fn header_kind(at: usize, failure: &SealError) -> bool {
    match failure {
        SealError::NotSealed { .. } => at < 8,
        SealError::HeaderError {
            field: HeaderField::Version,
            ..
        } => at == 8,
        // A size that says more than there is, or a size that can't be; any other size finds no checksum.
        SealError::HeaderError {
            field: HeaderField::HeaderSize,
            ..
        } => (64..68).contains(&at),
        SealError::HeaderDamaged { .. } => at > 8,
        _ => false,
    }
}

fn segment_kind(within: usize, digest: DigestKind, error: &SegmentWorkerError) -> bool {
    let slot = FRAME as usize + FRAME_OVERHEAD;
    let in_length_field = within >= PREAMBLE_SIZE && (within - PREAMBLE_SIZE) % slot < 4;
    match error {
        SegmentWorkerError::InvalidSegment { .. } => {
            within < SEGMENT_HEADER_SIZE || (digest == DigestKind::None && within < PREAMBLE_SIZE)
        }
        SegmentWorkerError::DigestMismatch { .. } => {
            digest != DigestKind::None && within >= SEGMENT_HEADER_SIZE
        }
        SegmentWorkerError::FramingError { .. } => digest == DigestKind::None && in_length_field,
        SegmentWorkerError::FrameDecryptionFailed { frame, .. } => {
            let due = (within - PREAMBLE_SIZE) / slot;
            digest == DigestKind::None && !in_length_field && frame.get() as usize == due
        }
        _ => false,
    }
}

#[test]
fn every_flipped_bit_of_a_small_stream_is_detected() {
    // Two segments, the second of a few bytes: all regions in little space.
    let plaintext = plaintext(FRAME + 3);
    for digest in [DigestKind::None, DigestKind::Crc64Nvme] {
        let mut options = options(digest, HeaderLayout::COMPACT);
        options.segment_size = Some(FRAME as u32);
        for stream in [seal(&plaintext, &options), seal_unsized(&plaintext, &options)] {
            let parts = StreamParts::of(&stream);
            for bit in 0..stream.len() * 8 {
                // The full segment's inside is covered by the segment worker's own test.
                let inside =
                    matches!(parts.region(bit / 8), Region::Record { segment: 0, within } if within > 200);
                if !inside || bit % 61 == 0 {
                    let flip = Flip {
                        parts: &parts,
                        stream: &stream,
                        plaintext: &plaintext,
                        bit,
                    };
                    ENDS.iter().for_each(|&end| flip.check(end, &Control::serial()));
                }
            }
        }
    }
}

#[test]
fn the_copy_replaces_a_header_with_a_flipped_bit_and_a_damaged_copy_is_reported() {
    let plaintext = plaintext(SEGMENT + 1);
    let options = options(DigestKind::Crc64Nvme, HeaderLayout::PADDED);
    for stream in [seal(&plaintext, &options), seal_unsized(&plaintext, &options)] {
        let parts = StreamParts::of(&stream);
        let copy = stream.len() - 24 - parts.copy.len();
        // All of the fixed part, the slot and the MAC; the padding now and then.
        let interesting = (0..280 * 8)
            .chain((280 * 8..4040 * 8).step_by(499))
            .chain(4040 * 8..4096 * 8);
        for bit in interesting.flat_map(|bit| [bit, copy * 8 + bit]) {
            let flip = Flip {
                parts: &parts,
                stream: &stream,
                plaintext: &plaintext,
                bit,
            };
            ENDS.iter().for_each(|&end| flip.check(end, &Control::serial()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_flipped_bit_of_any_stream_is_refused_or_reported(
        digest in proptest::sample::select(&DigestKind::ALL[..]),
        rewrappable: bool,
        sized: bool,
        many_threads: bool,
        size in prop_oneof![0..2 * FRAME, SEGMENT - 2..SEGMENT + 3, 0..9 * SEGMENT],
        bits in proptest::collection::vec(any::<proptest::sample::Index>(), 12),
    ) {
        let layout = if rewrappable { HeaderLayout::PADDED } else { HeaderLayout::COMPACT };
        let options = options(digest, layout);
        let plaintext = plaintext(size);
        let stream = if sized { seal(&plaintext, &options) } else { seal_unsized(&plaintext, &options) };
        let parts = StreamParts::of(&stream);
        let control = control(if many_threads { 2 } else { 1 });
        for bit in bits {
            let flip = Flip { parts: &parts, stream: &stream, plaintext: &plaintext, bit: bit.index(stream.len() * 8) };
            ENDS.iter().for_each(|&end| flip.check(end, &control));
        }
    }
}
