use super::*;
use crate::crypto::floe::{FloeKey, FloeParams, MessageKeys};
use crate::crypto::{CryptoError, FrameIv, Random};
use crate::format::FrameIndex;
use crate::stream_v2::framing::{FrameError, content_mut};

fn keys() -> MessageKeys {
    let params = FloeParams::new(64).unwrap().with_rotation_bits(2);
    FloeKey::new(&[1; 32])
        .start_sealing(params, b"aad", &Random::known(1))
        .unwrap()
        .1
}

fn sealed(keys: &MessageKeys, index: u32, is_final: bool, content: &[u8]) -> Vec<u8> {
    let mut slot = vec![0; content.len() + 32];
    content_mut(&mut slot).copy_from_slice(content);
    let frame = FrameInput {
        index: FrameIndex::new(index),
        is_final,
        slot: &mut slot,
    };
    EncryptFrameWorker::new(keys, FrameIndex::new(index))
        .unwrap()
        .seal(frame, FrameIv::from_wire([5; 12]))
        .unwrap();
    slot
}

fn open(
    keys: &MessageKeys,
    index: u32,
    is_final: bool,
    slot: &mut [u8],
) -> Result<FrameOutput, FrameWorkerError> {
    let index = FrameIndex::new(index);
    DecryptFrameWorker::new(keys, index).unwrap().open(FrameInput {
        index,
        is_final,
        slot,
    })
}

#[test]
fn a_sealed_frame_opens_in_place() {
    let keys = keys();
    for (index, is_final, content) in [(0, false, &[1; 32][..]), (3, true, b"abc"), (4, true, b"")] {
        let mut slot = sealed(&keys, index, is_final, content);
        assert!(content.is_empty() || content_mut(&mut slot) != content);
        let output = open(&keys, index, is_final, &mut slot).unwrap();
        assert_eq!(
            output,
            FrameOutput {
                index: FrameIndex::new(index),
                content_size: content.len()
            }
        );
        assert_eq!(content_mut(&mut slot), content);
    }
}

#[test]
fn position_and_finality_are_authenticated() {
    let keys = keys();
    let tag_mismatch = Err(FrameWorkerError::Crypto {
        error: CryptoError::TagMismatch,
    });
    assert_eq!(
        open(&keys, 2, false, &mut sealed(&keys, 1, false, &[1; 32])),
        tag_mismatch
    );
    let mut slot = sealed(&keys, 1, false, &[1; 32]);
    slot[..4].copy_from_slice(&64u32.to_be_bytes());
    assert_eq!(open(&keys, 1, true, &mut slot), tag_mismatch);
}

#[test]
fn every_flipped_bit_is_refused_and_leaves_no_plaintext() {
    let keys = keys();
    let sealed = sealed(&keys, 1, true, b"plaintext");
    for bit in 0..sealed.len() * 8 {
        let mut slot = sealed.clone();
        slot[bit / 8] ^= 1 << (bit % 8);
        let error = open(&keys, 1, true, &mut slot).unwrap_err();
        if bit < 32 {
            assert!(matches!(
                error,
                FrameWorkerError::FrameParsing {
                    error: FrameError::LengthField { .. }
                }
            ));
        } else {
            assert_eq!(
                error,
                FrameWorkerError::Crypto {
                    error: CryptoError::TagMismatch
                }
            );
            assert_eq!(content_mut(&mut slot), [0; 9]);
        }
    }
}

#[test]
fn a_frame_with_another_key_is_refused() {
    let keys = keys();
    let mut slot = sealed(&keys, 4, true, b"x");
    let worker = DecryptFrameWorker::new(&keys, FrameIndex::new(3)).unwrap();
    let frame = FrameIndex::new(4);
    let refused = worker.open(FrameInput {
        index: frame,
        is_final: true,
        slot: &mut slot,
    });
    assert_eq!(refused, Err(FrameWorkerError::InvalidHeader { frame }));
    assert!(worker.serves(FrameIndex::new(0)) && !worker.serves(frame));
}
