//! AES-256-GCM over one frame.

use super::{CryptoError, Random};
use crate::format::FrameIndex;
use ring::aead;

/// A frame's initialisation vector (IV). It is random. At most 2^20 frames share a key, so two of them share an IV with
/// a probability below 2^-57.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameIv([u8; FRAME_IV_SIZE]);

impl FrameIv {
    /// Most IVs to draw at a time: 48 KiB.
    pub const PER_DRAW: usize = 4096;

    /// Takes the IV of a frame on the wire.
    #[must_use]
    pub const fn from_wire(bytes: [u8; FRAME_IV_SIZE]) -> Self {
        Self(bytes)
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; FRAME_IV_SIZE] {
        &self.0
    }

    /// Draws IVs for `count` frames in one call to the generator: a call costs as much as sealing some KiB.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`].
    pub fn draw(random: &Random, count: usize, scratch: &mut Vec<u8>) -> Result<Vec<Self>, CryptoError> {
        scratch.resize(count * FRAME_IV_SIZE, 0);
        random.fill(scratch)?;
        Ok(scratch
            .as_chunks::<FRAME_IV_SIZE>()
            .0
            .iter()
            .copied()
            .map(Self)
            .collect())
    }
}

/// The AEAD key of up to 2^20 consecutive frames of a message.
#[derive(Debug)]
pub struct FrameKey(aead::LessSafeKey);

impl FrameKey {
    pub(super) fn new(key: &[u8; 32]) -> Result<Self, CryptoError> {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).map_err(|_| CryptoError::InputTooLong)?;
        Ok(Self(aead::LessSafeKey::new(key)))
    }

    /// Encrypts `content` in place and returns its tag. The caller must never pass the same `iv` twice.
    ///
    /// # Errors
    /// [`CryptoError::InputTooLong`] above 64 GiB.
    pub fn seal(
        &self,
        frame: FrameIndex,
        is_final: bool,
        iv: FrameIv,
        content: &mut [u8],
    ) -> Result<[u8; FRAME_TAG_SIZE], CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(iv.0);
        let aad = aead::Aad::from(associated_data(frame, is_final));
        let tag = self.0.seal_in_place_separate_tag(nonce, aad, content);
        tag.ok()
            .and_then(|tag| tag.as_ref().try_into().ok())
            .ok_or(CryptoError::InputTooLong)
    }

    /// Decrypts `content` in place. If the tag is wrong, fills `content` with zeros, so that it never holds unverified plaintext.
    ///
    /// # Errors
    /// [`CryptoError::TagMismatch`].
    pub fn open(
        &self,
        frame: FrameIndex,
        is_final: bool,
        iv: FrameIv,
        content: &mut [u8],
        tag: [u8; FRAME_TAG_SIZE],
    ) -> Result<(), CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(iv.0);
        let aad = aead::Aad::from(associated_data(frame, is_final));
        let opened = self
            .0
            .open_in_place_separate_tag(nonce, aad, tag.into(), content, 0..);
        opened.map(|_| ()).map_err(|_| {
            content.fill(0);
            CryptoError::TagMismatch
        })
    }
}

/// FLOE's associated data of a frame: its position and whether it is the last.
fn associated_data(frame: FrameIndex, is_final: bool) -> [u8; 9] {
    let mut aad = [0; 9];
    aad[..8].copy_from_slice(&u64::from(frame.get()).to_be_bytes());
    aad[8] = u8::from(is_final);
    aad
}

/// Bytes of a frame's IV.
pub const FRAME_IV_SIZE: usize = 12;
/// Bytes of a frame's tag.
pub const FRAME_TAG_SIZE: usize = 16;
