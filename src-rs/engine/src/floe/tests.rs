//! FLOE messages against the published answers and an independent implementation, and every error of `open`.

use crate::crypto::floe::FloeParams;
use crate::crypto::{CryptoError, Random};
use crate::floe::{FloeError, open, open_with, seal, seal_into, seal_with, sealed_size};
use crate::format::FrameIndex;
use crate::stream_v2::frame_worker::FrameWorkerError;
use crate::stream_v2::framing::FrameError;
use proptest::prelude::*;
use std::path::Path;

const KEY: [u8; 32] = [0; 32];
const AAD: &[u8] = b"This is AAD";

/// Name, ENC_SEG_LEN and rotation bits of the published answers.
const ANSWERS: [(&str, u32, u32); 8] = [
    ("cpp_GCM256_IV256_4K", 4096, 20),
    ("cpp_GCM256_IV256_64", 64, 20),
    ("cpp_rotation", 40, 2),
    ("java_GCM256_IV256_4K", 4096, 20),
    ("java_GCM256_IV256_64", 64, 20),
    ("java_lastSegAligned", 40, 20),
    ("java_lastSegEmpty", 40, 20),
    ("java_rotation", 40, 2),
];

fn answer(name: &str, what: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/floe");
    let text = std::fs::read_to_string(folder.join(format!("{name}_{what}.txt"))).unwrap();
    base16ct::mixed::decode_vec(text.trim()).unwrap()
}

fn params(length: u32, rotation_bits: u32) -> FloeParams {
    FloeParams::new(length).unwrap().with_rotation_bits(rotation_bits)
}

fn open_answer(message: &[u8], params: FloeParams) -> Result<Vec<u8>, FloeError> {
    let (header, body) = message.split_first_chunk().unwrap();
    open_with(&KEY, AAD, header, body, params)
}

#[test]
fn every_published_answer_opens() {
    for (name, length, rotation_bits) in ANSWERS {
        let (message, plaintext) = (answer(name, "ct"), answer(name, "pt"));
        assert_eq!(
            open_answer(&message, params(length, rotation_bits)).unwrap(),
            plaintext,
            "{name}"
        );
        if rotation_bits == 20 {
            assert_eq!(
                open(&KEY, AAD, &message, Some(length)).unwrap(),
                plaintext,
                "{name}"
            );
            assert_eq!(open(&KEY, AAD, &message, None).unwrap(), plaintext, "{name}");
        }
    }
}

#[test]
fn published_plaintexts_sealed_here_have_the_published_form() {
    for (name, length, rotation_bits) in ANSWERS {
        let (published, plaintext) = (answer(name, "ct"), answer(name, "pt"));
        let params = params(length, rotation_bits);
        let mut message = vec![0; sealed_size(plaintext.len(), length).unwrap() as usize];
        seal_with(&Random::known(1), &KEY, AAD, &plaintext, params, &mut message).unwrap();
        assert_eq!(open_answer(&message, params).unwrap(), plaintext, "{name}");
        assert_eq!(message[..10], published[..10], "{name}: parameters");
        // An empty last frame behind a full one is allowed, but writers need not write it.
        let empty_frame = if name.contains("lastSegEmpty") { 32 } else { 0 };
        assert_eq!(message.len() + empty_frame, published.len(), "{name}");
    }
}

#[test]
fn a_published_rotated_message_does_not_open_without_rotation() {
    let refused = open_answer(&answer("java_rotation", "ct"), params(40, 20)).unwrap_err();
    let error = FrameWorkerError::Crypto {
        error: CryptoError::TagMismatch,
    };
    assert_eq!(
        refused,
        FloeError::Frame {
            frame: FrameIndex::new(4),
            offset: 74 + 4 * 40,
            error
        }
    );
}

fn foreign(key: [u8; 32], length: u32) -> (fast_floe::Key, fast_floe::Parameters) {
    (
        fast_floe::Key::from_bytes(key),
        fast_floe::Parameters::with_segment_length(length).unwrap(),
    )
}

proptest! {
    #[test]
    fn an_independent_implementation_opens_what_is_sealed_here_and_the_other_way(
        key: [u8; 32],
        aad in proptest::collection::vec(any::<u8>(), 0..200),
        length in prop_oneof![64u32..200, 1000u32..5000],
        plaintext in proptest::collection::vec(any::<u8>(), 0..3000),
    ) {
        let (foreign_key, foreign_parameters) = foreign(key, length);
        let message = seal(&key, &aad, &plaintext, length).unwrap();
        prop_assert_eq!(message.len() as u64, sealed_size(plaintext.len(), length).unwrap());
        prop_assert_eq!(&fast_floe::decrypt(&foreign_key, &aad, &message).unwrap(), &plaintext);

        let theirs = fast_floe::encrypt(&foreign_key, &aad, foreign_parameters, &plaintext).unwrap();
        prop_assert_eq!(&open(&key, &aad, &theirs, Some(length)).unwrap(), &plaintext);
        prop_assert_eq!(&open(&key, &aad, &theirs, None).unwrap(), &plaintext);
    }

    #[test]
    fn whole_frames_and_one_byte_more_or_less_open_in_both_implementations(
        length in 64u32..300,
        frames in 0usize..6,
        more in -1isize..2,
    ) {
        let size = (frames * (length as usize - 32)).saturating_add_signed(more);
        let plaintext = vec![7; size];
        let (foreign_key, foreign_parameters) = foreign(KEY, length);
        let message = seal(&KEY, AAD, &plaintext, length).unwrap();
        prop_assert_eq!(&fast_floe::decrypt(&foreign_key, AAD, &message).unwrap(), &plaintext);
        let theirs = fast_floe::encrypt(&foreign_key, AAD, foreign_parameters, &plaintext).unwrap();
        prop_assert_eq!(theirs.len(), message.len());
        prop_assert_eq!(&open(&KEY, AAD, &theirs, None).unwrap(), &plaintext);
    }

    #[test]
    fn no_bytes_make_open_panic(message in proptest::collection::vec(any::<u8>(), 0..200), length: Option<u32>) {
        prop_assert!(open(&KEY, AAD, &message, length).is_err());
    }
}

/// Three frames, the last of them short.
fn message() -> Vec<u8> {
    let mut message = vec![0; sealed_size(2 * 32 + 9, 64).unwrap() as usize];
    seal_with(
        &Random::known(3),
        &KEY,
        AAD,
        &[b'x'; 2 * 32 + 9],
        params(64, 20),
        &mut message,
    )
    .unwrap();
    message
}

fn refused(message: &[u8]) -> FloeError {
    open(&KEY, AAD, message, Some(64)).unwrap_err()
}

#[test]
fn a_cut_at_every_length_is_refused() {
    let message = message();
    for length in 0..message.len() {
        let refusal = refused(&message[..length]);
        let error = match length {
            0..74 => {
                assert_eq!(refusal, FloeError::Truncated { size: length as u64 });
                continue;
            }
            _ => match refusal {
                FloeError::Frame { error, .. } => error,
                other => panic!("{length}: {other}"),
            },
        };
        assert!(
            matches!(error, FrameWorkerError::FrameParsing { .. }),
            "{length}: {error}"
        );
    }
}

#[test]
fn every_flipped_bit_is_refused_with_the_error_of_its_place() {
    let message = message();
    for bit in 0..message.len() * 8 {
        let mut flipped = message.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let refusal = refused(&flipped);
        let at = bit / 8;
        match (at, refusal) {
            (0..10, FloeError::Parameters) | (10..74, FloeError::HeaderTag) => {}
            (74.., FloeError::Frame { frame, offset, error }) => {
                let start = 74 + (at - 74) / 64 * 64;
                assert_eq!(
                    (u64::from(frame.get()), offset),
                    (((start - 74) / 64) as u64, start as u64)
                );
                let due = at < start + 4;
                assert_eq!(
                    matches!(error, FrameWorkerError::FrameParsing { .. }),
                    due,
                    "bit {bit}: {error}"
                );
            }
            (_, other) => panic!("bit {bit}: {other}"),
        }
        if at < 10 {
            assert!(open(&KEY, AAD, &flipped, None).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn frames_repeated_removed_swapped_or_appended_are_refused() {
    let message = message();
    let (header, body) = message.split_at(74);
    let (a, b, c) = (&body[..64], &body[64..128], &body[128..]);
    let tag = FrameWorkerError::Crypto {
        error: CryptoError::TagMismatch,
    };
    let first_refused = |parts: &[&[u8]]| match refused(&[&[header], parts].concat().concat()) {
        FloeError::Frame { frame, error, .. } => (frame.get(), error),
        other => panic!("{other}"),
    };
    assert_eq!(first_refused(&[b, a, c]), (0, tag));
    assert_eq!(first_refused(&[a, a, b, c]), (1, tag));
    assert_eq!(first_refused(&[a, c]), (1, tag));
    let not_final = |actual, expected| FrameWorkerError::FrameParsing {
        error: FrameError::LengthField { expected, actual },
    };
    assert_eq!(first_refused(&[a, b]), (1, not_final(u32::MAX, 64)));
    // With bytes behind it, a short final frame is read as the start of a longer frame.
    assert_eq!(first_refused(&[a, b, c, c]), (2, not_final(41, u32::MAX)));
    assert_eq!(first_refused(&[a, b, c, b"!"]), (2, not_final(41, 42)));
}

#[test]
fn another_key_aad_or_length_is_refused() {
    let message = message();
    assert_eq!(open(&[1; 32], AAD, &message, Some(64)), Err(FloeError::HeaderTag));
    assert_eq!(open(&KEY, b"other", &message, None), Err(FloeError::HeaderTag));
    assert_eq!(open(&KEY, AAD, &message, Some(65)), Err(FloeError::Parameters));
}

#[test]
fn lengths_that_floe_does_not_allow_are_refused() {
    for length in [0, 32, u32::MAX] {
        let due = FloeError::SegmentLength { length };
        assert_eq!(sealed_size(1, length), Err(due));
        assert_eq!(seal(&KEY, AAD, b"x", length), Err(due));
        assert_eq!(open(&KEY, AAD, &message(), Some(length)), Err(due));
    }
    assert_eq!(sealed_size(2, 33), Ok(74 + 2 * 33));
    assert_eq!(sealed_size(0, u32::MAX - 1), Ok(74 + 32));
    assert_eq!(
        open(&KEY, AAD, &seal(&KEY, AAD, b"xyz", 33).unwrap(), None).unwrap(),
        b"xyz"
    );
}

#[test]
fn a_slice_of_another_size_is_not_written() {
    for size in [0, 73, 74 + 32 + 2, 74 + 32 + 4] {
        let mut message = vec![9; size];
        let refused = seal_into(&KEY, AAD, b"xyz", 64, &mut message).unwrap_err();
        assert_eq!(
            refused,
            FloeError::OutputSize {
                expected: 74 + 32 + 3,
                actual: size as u64
            }
        );
        assert!(message.iter().all(|&byte| byte == 9));
    }
}

#[test]
fn each_run_of_frames_has_its_own_key() {
    let params = params(40, 2);
    let plaintext = [5; 8 * 11];
    let mut message = vec![0; sealed_size(plaintext.len(), 40).unwrap() as usize];
    seal_with(&Random::known(4), &KEY, AAD, &plaintext, params, &mut message).unwrap();
    assert_eq!(open_answer(&message, params).unwrap(), plaintext);
    let refused = open_answer(&message, self::params(40, 20)).unwrap_err();
    assert!(
        matches!(refused, FloeError::Frame { frame, .. } if frame.get() == 4),
        "{refused}"
    );
}

#[test]
fn sealing_fails_without_random_bytes() {
    let refused = seal_with(
        &Random::failing(),
        &KEY,
        AAD,
        b"x",
        params(64, 20),
        &mut [0; 74 + 33],
    );
    assert_eq!(
        refused,
        Err(FloeError::Crypto {
            error: CryptoError::RandomUnavailable
        })
    );
}
