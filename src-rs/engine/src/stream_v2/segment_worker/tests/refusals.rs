//! Errors of the segment workers.

use super::*;
use crate::crypto::SegmentHasher;
use crate::format::{FLOE_HEADER_SIZE, SegmentReason, crc32c};
use crate::stream_v2::framing::FrameError;

/// Recomputes the digest, as an attacker can.
fn restore_digest(record: &mut Vec<u8>, digest: DigestKind) {
    record.truncate(record.len() - digest.size());
    let mut hasher = SegmentHasher::new(digest);
    hasher.update(record);
    record.extend_from_slice(hasher.finish().as_bytes());
}

fn restore_header_checksum(record: &mut [u8]) {
    let crc = crc32c(&record[..28]);
    record[28..32].copy_from_slice(&crc.to_be_bytes());
}

#[test]
fn every_flipped_bit_is_refused_with_the_error_of_its_place() {
    for digest in DigestKind::ALL {
        let context = context(digest);
        let record = sealed(&context, FRAME + 5);
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (opened, result) = open(&context, &flipped, 1, &Serial);
            let error = result.unwrap_err();
            let expected = expected_for_flip(bit / 8, digest);
            assert_eq!(kind_of(&error), expected, "{digest}, bit {bit}: {error}");
            assert!(
                plaintext(FRAME + 5).starts_with(&opened),
                "{digest}, bit {bit}: wrong plaintext"
            );
        }
    }
}

/// The expected error for a flipped bit in the byte at `at`.
fn expected_for_flip(at: usize, digest: DigestKind) -> String {
    const FLOE: usize = SEGMENT_HEADER_SIZE;
    match at {
        0..4 => "InvalidSegment Marker".into(),
        4..FLOE => "InvalidSegment HeaderChecksum".into(),
        _ if digest != DigestKind::None => "DigestMismatch".into(),
        _ if at < FLOE + 10 => "InvalidSegment FloeParameters".into(),
        _ if at < FLOE + FLOE_HEADER_SIZE => "InvalidSegment FloeHeaderTag".into(),
        _ => {
            let (frame, within) = ((at - PREAMBLE_SIZE) / SLOT, (at - PREAMBLE_SIZE) % SLOT);
            let offset = OFFSET.get() + (PREAMBLE_SIZE + frame * SLOT) as u64;
            let kind = if within < 4 {
                "FramingError"
            } else {
                "FrameDecryptionFailed"
            };
            format!("{kind} frame {frame} at {offset}")
        }
    }
}

pub(crate) fn kind_of(error: &SegmentWorkerError) -> String {
    use SegmentWorkerError as E;
    assert_eq!(error.segment(), INDEX);
    match error {
        E::InvalidSegment { reason, offset, .. } => {
            assert_eq!(*offset, OFFSET);
            format!("InvalidSegment {reason:?}")
        }
        E::DigestMismatch {
            offset,
            expected,
            actual,
            ..
        } => {
            assert_eq!(*offset, OFFSET);
            assert_ne!(expected, actual);
            "DigestMismatch".into()
        }
        E::FramingError {
            frame,
            offset,
            source,
            ..
        } => {
            assert!(matches!(source, FrameError::LengthField { .. }), "{source}");
            format!("FramingError frame {frame} at {offset}")
        }
        E::FrameDecryptionFailed {
            frame,
            offset,
            source,
            ..
        } => {
            assert_eq!(
                *source,
                FrameWorkerError::Crypto {
                    error: CryptoError::TagMismatch
                }
            );
            format!("FrameDecryptionFailed frame {frame} at {offset}")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn tampering_under_a_right_digest_names_segment_frame_and_offset() {
    for digest in DigestKind::ALL {
        let context = context(digest);
        let record = sealed(&context, SEGMENT);
        for frame in [0, 3, 7] {
            let start = PREAMBLE_SIZE + frame * SLOT;
            // Length field, IV, ciphertext, tag.
            for at in [start, start + 4, start + 16, start + SLOT - 1] {
                let mut changed = record.clone();
                changed[at] ^= 0x80;
                restore_digest(&mut changed, digest);
                for error in [
                    refused(&context, &changed),
                    open(&context, &changed, 8, &TwoThreads).1.unwrap_err(),
                ] {
                    assert_eq!(
                        kind_of(&error),
                        expected_for_flip(at, DigestKind::None),
                        "{digest}: {error}"
                    );
                }
            }
        }
        for (at, reason) in [
            (32, SegmentReason::FloeParameters),
            (42, SegmentReason::FloeHeaderTag),
        ] {
            let mut changed = record.clone();
            changed[at] ^= 1;
            restore_digest(&mut changed, digest);
            assert_eq!(
                kind_of(&refused(&context, &changed)),
                format!("InvalidSegment {reason:?}")
            );
        }
    }
}

#[test]
fn the_first_of_several_bad_frames_is_reported_on_any_threads() {
    let context = context(DigestKind::None);
    let mut record = sealed(&context, SEGMENT);
    for frame in [6, 2, 5] {
        record[PREAMBLE_SIZE + frame * SLOT + 20] ^= 1;
    }
    let expected = format!(
        "FrameDecryptionFailed frame 2 at {}",
        OFFSET.get() as usize + PREAMBLE_SIZE + 2 * SLOT
    );
    for portion in 1..=8 {
        let (opened, serial) = open(&context, &record, portion, &Serial);
        assert_eq!(kind_of(&serial.unwrap_err()), expected);
        assert!(plaintext(SEGMENT).starts_with(&opened) && opened.len() <= 2 * FRAME as usize);
        assert_eq!(
            kind_of(&open(&context, &record, portion, &TwoThreads).1.unwrap_err()),
            expected
        );
    }
}

#[test]
fn frames_that_changed_places_are_refused() {
    let context = context(DigestKind::Blake3);
    let mut record = sealed(&context, SEGMENT);
    let (left, right) = record.split_at_mut(PREAMBLE_SIZE + 2 * SLOT);
    left[PREAMBLE_SIZE + SLOT..].swap_with_slice(&mut right[..SLOT]);
    restore_digest(&mut record, DigestKind::Blake3);
    assert!(kind_of(&refused(&context, &record)).starts_with("FrameDecryptionFailed frame 1 "));
}

#[test]
fn a_record_of_another_key_place_or_size_is_refused() {
    let digest = DigestKind::Crc64Nvme;
    let context = context(digest);
    let mut other_key = context.clone();
    other_key.payload_key = FloeKey::new(&[2; 32]);
    assert_eq!(
        kind_of(&refused(&other_key, &sealed(&context, 9))),
        "InvalidSegment FloeHeaderTag"
    );

    let elsewhere = SegmentHeader {
        index: SegmentIndex::new(6),
        ..header(9)
    };
    let mut record = seal(&context, elsewhere, &plaintext(9), 1, &Serial).unwrap().0;
    assert_eq!(kind_of(&refused(&context, &record)), "InvalidSegment Index");
    record[8..16].copy_from_slice(&INDEX.get().to_be_bytes());
    restore_header_checksum(&mut record);
    restore_digest(&mut record, digest);
    assert_eq!(
        kind_of(&refused(&context, &record)),
        "InvalidSegment FloeHeaderTag"
    );

    let mut not_final = sealed(&context, SEGMENT);
    not_final[4] = 0;
    restore_header_checksum(&mut not_final);
    restore_digest(&mut not_final, digest);
    assert_eq!(
        kind_of(&refused(&context, &not_final)),
        "InvalidSegment FloeHeaderTag"
    );

    let mut knows_the_total = context.clone();
    knows_the_total.plaintext_total = Some(5 * u64::from(SEGMENT) + 10);
    assert_eq!(
        kind_of(&refused(&knows_the_total, &sealed(&context, 9))),
        "InvalidSegment PlaintextSize"
    );
}
