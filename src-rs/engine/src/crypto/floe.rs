//! The header and the key schedule of FLOE (c2sp.org/FLOE; ePrint 2025/2275) with AES-256-GCM, HKDF-Expand-SHA-384 and a 32-byte
//! IV. FLOE's segments are called frames here.

use super::kdf::Prk;
use super::{CryptoError, FrameKey, Random};
use crate::format::{FLOE_HEADER_SIZE, FrameIndex};
use subtle::ConstantTimeEq;

/// The parameters in a FLOE header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloeParams {
    encrypted_frame_size: u32,
    rotation_bits: u32,
}

impl FloeParams {
    /// Parameters with this ENC_SEG_LEN, in bytes. `None` if a frame could hold no content, or if the length equals the marker of
    /// non-final frames.
    #[must_use]
    pub const fn new(encrypted_frame_size: u32) -> Option<Self> {
        if encrypted_frame_size <= FRAME_OVERHEAD || encrypted_frame_size == u32::MAX {
            return None;
        }
        Some(Self {
            encrypted_frame_size,
            rotation_bits: ROTATION_BITS,
        })
    }

    /// Some published test vectors change keys every four frames.
    #[cfg(test)]
    pub(crate) fn with_rotation_bits(self, rotation_bits: u32) -> Self {
        Self {
            rotation_bits,
            ..self
        }
    }

    /// ENC_SEG_LEN: bytes of a full frame on the wire.
    #[must_use]
    pub const fn encrypted_frame_size(&self) -> usize {
        self.encrypted_frame_size as usize
    }

    /// Content bytes of a full frame.
    #[must_use]
    pub const fn frame_content(&self) -> usize {
        (self.encrypted_frame_size - FRAME_OVERHEAD) as usize
    }

    /// The first of the frames that share a key with `frame`.
    #[must_use]
    pub const fn key_epoch(&self, frame: FrameIndex) -> FrameIndex {
        FrameIndex::new(frame.get() >> self.rotation_bits << self.rotation_bits)
    }

    const fn encode(&self) -> [u8; PARAMS_SIZE] {
        let [a, b, c, d] = self.encrypted_frame_size.to_be_bytes();
        [
            AEAD_AES_256_GCM,
            KDF_HKDF_EXPAND_SHA_384,
            a,
            b,
            c,
            d,
            0,
            0,
            0,
            IV_SIZE as u8,
        ]
    }

    /// The header of a message with this IV and tag, neither of which is checked. The parameters are the same in every header of a
    /// stream.
    #[must_use]
    pub fn header(&self, iv: &[u8; IV_SIZE], header_tag: &[u8; 32]) -> [u8; FLOE_HEADER_SIZE] {
        let mut header = [0; FLOE_HEADER_SIZE];
        header[..PARAMS_SIZE].copy_from_slice(&self.encode());
        header[PARAMS_SIZE..TAG_OFFSET].copy_from_slice(iv);
        header[TAG_OFFSET..].copy_from_slice(header_tag);
        header
    }

    /// The parameters in a header; `None` for another suite or an invalid ENC_SEG_LEN.
    #[must_use]
    pub fn of_header(header: &[u8; FLOE_HEADER_SIZE]) -> Option<Self> {
        let length = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
        Self::new(length).filter(|params| params.encode() == header[..PARAMS_SIZE])
    }
}

/// Why a FLOE header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FloeHeaderError {
    /// The parameters differ from the expected ones.
    #[error("the FLOE header states other parameters")]
    Parameters,
    /// The key, the associated data or the header's bytes differ.
    #[error("the FLOE header's tag does not match")]
    Tag,
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// A key that seals FLOE messages.
#[derive(Clone, Debug)]
pub struct FloeKey(Prk);

impl FloeKey {
    /// Takes 32 uniformly random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Prk::from_uniform(key))
    }

    /// Starts a message: draws its IV and derives its header and keys.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`].
    pub fn start_sealing(
        &self,
        params: FloeParams,
        aad: &[u8],
        random: &Random,
    ) -> Result<([u8; FLOE_HEADER_SIZE], MessageKeys), CryptoError> {
        let mut header = [0; FLOE_HEADER_SIZE];
        header[..PARAMS_SIZE].copy_from_slice(&params.encode());
        random.fill(&mut header[PARAMS_SIZE..TAG_OFFSET])?;
        let tag = header_tag(&self.0, &header, aad)?;
        let keys = MessageKeys::derive(&self.0, params, &header, aad, tag)?;
        header[TAG_OFFSET..].copy_from_slice(&keys.header_tag);
        Ok((header, keys))
    }

    /// Checks a message's header in constant time and derives its keys.
    ///
    /// # Errors
    /// The parameters are not `params`, or the tag is not the one of this key, header and `aad`.
    pub fn start_opening(
        &self,
        params: FloeParams,
        aad: &[u8],
        header: &[u8; FLOE_HEADER_SIZE],
    ) -> Result<MessageKeys, FloeHeaderError> {
        if header[..PARAMS_SIZE] != params.encode() {
            return Err(FloeHeaderError::Parameters);
        }
        let header_tag = header_tag(&self.0, header, aad)?;
        if !bool::from(header_tag.ct_eq(&header[TAG_OFFSET..])) {
            return Err(FloeHeaderError::Tag);
        }
        Ok(MessageKeys::derive(&self.0, params, header, aad, header_tag)?)
    }
}

fn header_tag(key: &Prk, header: &[u8; FLOE_HEADER_SIZE], aad: &[u8]) -> Result<[u8; 32], CryptoError> {
    Ok(*key.expand::<32>(&[&header[..TAG_OFFSET], b"HEADER_TAG:", aad])?)
}

/// The keys of one message.
#[derive(Clone, Debug)]
pub struct MessageKeys {
    message_key: Prk,
    params: FloeParams,
    /// PARAM_ENCODE(params) || iv.
    prefix: [u8; TAG_OFFSET],
    aad: Vec<u8>,
    header_tag: [u8; 32],
}

impl MessageKeys {
    fn derive(
        key: &Prk,
        params: FloeParams,
        header: &[u8; FLOE_HEADER_SIZE],
        aad: &[u8],
        header_tag: [u8; 32],
    ) -> Result<Self, CryptoError> {
        let mut prefix = [0; TAG_OFFSET];
        prefix.copy_from_slice(&header[..TAG_OFFSET]);
        let message_key = Prk::from_uniform(key.expand::<48>(&[&prefix, b"MESSAGE_KEY:", aad])?.as_slice());
        Ok(Self {
            message_key,
            params,
            prefix,
            aad: aad.to_vec(),
            header_tag,
        })
    }

    /// The message's parameters.
    #[must_use]
    pub const fn params(&self) -> FloeParams {
        self.params
    }

    /// The tag that commits the header to the key. The end record identifies a record by it.
    #[must_use]
    pub const fn header_tag(&self) -> &[u8; 32] {
        &self.header_tag
    }

    /// The AEAD key of `frame`.
    ///
    /// # Errors
    /// [`CryptoError::InputTooLong`] if the associated data is too long for the KDF.
    pub fn frame_key(&self, frame: FrameIndex) -> Result<FrameKey, CryptoError> {
        let epoch = u64::from(self.params.key_epoch(frame).get()).to_be_bytes();
        FrameKey::new(
            &*self
                .message_key
                .expand::<32>(&[&self.prefix, b"DEK:", &epoch, &self.aad])?,
        )
    }
}

const AEAD_AES_256_GCM: u8 = 0;
const KDF_HKDF_EXPAND_SHA_384: u8 = 0;
const PARAMS_SIZE: usize = 10;
/// Bytes of a message's IV.
pub const IV_SIZE: usize = 32;
const TAG_OFFSET: usize = PARAMS_SIZE + IV_SIZE;
/// Frames that share an AEAD key, as a power of two.
const ROTATION_BITS: u32 = 20;
const FRAME_OVERHEAD: u32 = crate::format::FRAME_OVERHEAD as u32;
