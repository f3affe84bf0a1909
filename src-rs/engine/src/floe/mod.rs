//! Whole FLOE messages in memory (c2sp.org/FLOE). Segments consist of them, and small records can use them directly.
//!
//! A message is `header 74 || frames`; all frames except the last are full. Unlike a sealed stream it has no key slots,
//! index or digest: the reader must know the key and the associated data. A message that was cut, extended or reordered
//! does not open.

#[cfg(test)]
pub(crate) mod tests;

use crate::crypto::floe::{FloeHeaderError, FloeKey, FloeParams};
use crate::crypto::{CryptoError, FrameIv, Random};
use crate::format::{FLOE_HEADER_SIZE, FRAME_OVERHEAD, FrameIndex};
use crate::stream_v2::frame_worker::{DecryptFrameWorker, EncryptFrameWorker, FrameInput, FrameWorkerError};
use crate::stream_v2::framing::content_mut;

/// Why a message was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FloeError {
    /// ENC_SEG_LEN is not between 33 and 2^32 - 2.
    #[error("an encrypted segment length of {length} is not between 33 and 4294967294")]
    SegmentLength {
        /// The refused length.
        length: u32,
    },
    /// The output does not have the size that [`sealed_size`] returns.
    #[error("the output has {actual} bytes, expected {expected}")]
    OutputSize {
        /// Bytes that are needed.
        expected: u64,
        /// Bytes that were given.
        actual: u64,
    },
    /// Fewer bytes than the shortest message. A message that is cut behind that fails at its last frame.
    #[error("the message is cut: it has {size} bytes")]
    Truncated {
        /// Bytes of the message.
        size: u64,
    },
    /// Other parameters than expected, or not a FLOE header.
    #[error("the message states other FLOE parameters")]
    Parameters,
    /// Another key, other associated data, or a changed header.
    #[error("the FLOE header's tag does not match: another key, other associated data, or a changed header")]
    HeaderTag,
    /// A frame failed.
    #[error("frame {frame} (byte {offset}): {error}")]
    Frame {
        /// The frame.
        frame: FrameIndex,
        /// Offset of the frame in the message.
        offset: u64,
        /// Why.
        error: FrameWorkerError,
    },
    /// A cryptographic primitive failed.
    #[error("{error}")]
    Crypto {
        /// Its error.
        error: CryptoError,
    },
}

impl FloeError {
    /// The failure's name in capitals, such as `HEADER_TAG`: stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SegmentLength { .. } => "SEGMENT_LENGTH",
            Self::OutputSize { .. } => "OUTPUT_SIZE",
            Self::Truncated { .. } => "TRUNCATED",
            Self::Parameters => "PARAMETERS",
            Self::HeaderTag => "HEADER_TAG",
            Self::Frame { .. } => "FRAME",
            Self::Crypto { .. } => "CRYPTO",
        }
    }
}

impl From<CryptoError> for FloeError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto { error }
    }
}

impl From<FloeHeaderError> for FloeError {
    fn from(error: FloeHeaderError) -> Self {
        match error {
            FloeHeaderError::Parameters => Self::Parameters,
            FloeHeaderError::Tag => Self::HeaderTag,
            FloeHeaderError::Crypto(error) => error.into(),
        }
    }
}

/// Bytes of a message with `plaintext` plaintext bytes and an ENC_SEG_LEN of `encrypted_segment_length`.
///
/// # Errors
/// [`FloeError::SegmentLength`].
pub fn sealed_size(plaintext: usize, encrypted_segment_length: u32) -> Result<u64, FloeError> {
    let params = params(encrypted_segment_length)?;
    let frames = plaintext.div_ceil(params.frame_content()).max(1) as u64;
    let overhead = frames
        .saturating_mul(FRAME_OVERHEAD as u64)
        .saturating_add(FLOE_HEADER_SIZE as u64);
    Ok(overhead.saturating_add(plaintext as u64))
}

/// Seals `plaintext` into one message. The caller's `key` must be uniformly random. Every call draws new random IVs, so one
/// key can seal any number of messages.
///
/// # Errors
/// [`FloeError::SegmentLength`], [`FloeError::Crypto`].
pub fn seal(
    key: &[u8; 32],
    aad: &[u8],
    plaintext: &[u8],
    encrypted_segment_length: u32,
) -> Result<Vec<u8>, FloeError> {
    let size = sealed_size(plaintext.len(), encrypted_segment_length)?;
    let mut message = vec![0; usize::try_from(size).map_err(|_| CryptoError::InputTooLong)?];
    seal_into(key, aad, plaintext, encrypted_segment_length, &mut message)?;
    Ok(message)
}

/// Same as [`seal`], into a slice of exactly [`sealed_size`] bytes.
///
/// # Errors
/// Those of [`seal`], and [`FloeError::OutputSize`].
pub fn seal_into(
    key: &[u8; 32],
    aad: &[u8],
    plaintext: &[u8],
    encrypted_segment_length: u32,
    message: &mut [u8],
) -> Result<(), FloeError> {
    let expected = sealed_size(plaintext.len(), encrypted_segment_length)?;
    if message.len() as u64 != expected {
        return Err(FloeError::OutputSize {
            expected,
            actual: message.len() as u64,
        });
    }
    seal_with(
        &Random::system(),
        key,
        aad,
        plaintext,
        params(encrypted_segment_length)?,
        message,
    )
}

/// Opens a message with an ENC_SEG_LEN of `encrypted_segment_length`; `None` accepts any.
///
/// # Errors
/// See [`FloeError`]. No plaintext is returned unless all of it verified.
pub fn open(
    key: &[u8; 32],
    aad: &[u8],
    message: &[u8],
    encrypted_segment_length: Option<u32>,
) -> Result<Vec<u8>, FloeError> {
    let (header, body) = split(message)?;
    let params = match encrypted_segment_length {
        Some(length) => params(length)?,
        None => FloeParams::of_header(header).ok_or(FloeError::Parameters)?,
    };
    open_with(key, aad, header, body, params)
}

fn split(message: &[u8]) -> Result<(&[u8; FLOE_HEADER_SIZE], &[u8]), FloeError> {
    message.split_first_chunk().ok_or(FloeError::Truncated {
        size: message.len() as u64,
    })
}

fn params(encrypted_segment_length: u32) -> Result<FloeParams, FloeError> {
    FloeParams::new(encrypted_segment_length).ok_or(FloeError::SegmentLength {
        length: encrypted_segment_length,
    })
}

/// Number of frames in a body, at least one.
fn frame_count(body: usize, params: FloeParams) -> Result<u32, FloeError> {
    let frames = body.div_ceil(params.encrypted_frame_size()).max(1);
    u32::try_from(frames).map_err(|_| CryptoError::InputTooLong.into())
}

pub(crate) fn seal_with(
    random: &Random,
    key: &[u8; 32],
    aad: &[u8],
    plaintext: &[u8],
    params: FloeParams,
    message: &mut [u8],
) -> Result<(), FloeError> {
    let size = message.len() as u64;
    let (header, body) = message
        .split_first_chunk_mut()
        .ok_or(FloeError::Truncated { size })?;
    let count = frame_count(body.len(), params)?;
    let (sealed_header, keys) = FloeKey::new(key).start_sealing(params, aad, random)?;
    *header = sealed_header;

    let mut worker =
        EncryptFrameWorker::new(&keys, FrameIndex::ZERO).map_err(at(FrameIndex::ZERO, params))?;
    let mut scratch = Vec::new();
    let mut content = plaintext.chunks(params.frame_content());
    let mut slots = body.chunks_mut(params.encrypted_frame_size());
    for first in (0..count).step_by(FrameIv::PER_DRAW) {
        let run = FrameIv::PER_DRAW.min((count - first) as usize);
        for (frame, iv) in (first..).zip(FrameIv::draw(random, run, &mut scratch)?) {
            let index = FrameIndex::new(frame);
            if !worker.serves(index) {
                worker = EncryptFrameWorker::new(&keys, index).map_err(at(index, params))?;
            }
            let slot = slots.next().unwrap_or_default();
            content_mut(slot).copy_from_slice(content.next().unwrap_or_default());
            let is_final = frame + 1 == count;
            worker
                .seal(
                    FrameInput {
                        index,
                        is_final,
                        slot,
                    },
                    iv,
                )
                .map_err(at(index, params))?;
        }
    }
    Ok(())
}

pub(crate) fn open_with(
    key: &[u8; 32],
    aad: &[u8],
    header: &[u8; FLOE_HEADER_SIZE],
    body: &[u8],
    params: FloeParams,
) -> Result<Vec<u8>, FloeError> {
    let keys = FloeKey::new(key).start_opening(params, aad, header)?;
    let count = frame_count(body.len(), params)?;
    let mut worker =
        DecryptFrameWorker::new(&keys, FrameIndex::ZERO).map_err(at(FrameIndex::ZERO, params))?;
    let mut plaintext = Vec::with_capacity(body.len().saturating_sub(count as usize * FRAME_OVERHEAD));
    // Frames are opened in a copy, so that the caller's message does not change.
    let mut slot = Vec::with_capacity(params.encrypted_frame_size().min(body.len()));
    let mut frames = body.chunks(params.encrypted_frame_size());
    for frame in 0..count {
        let index = FrameIndex::new(frame);
        if !worker.serves(index) {
            worker = DecryptFrameWorker::new(&keys, index).map_err(at(index, params))?;
        }
        slot.clear();
        slot.extend_from_slice(frames.next().unwrap_or_default());
        let input = FrameInput {
            index,
            is_final: frame + 1 == count,
            slot: &mut slot,
        };
        worker.open(input).map_err(at(index, params))?;
        plaintext.extend_from_slice(content_mut(&mut slot));
    }
    Ok(plaintext)
}

/// Adds the frame and its offset to an error.
fn at(frame: FrameIndex, params: FloeParams) -> impl Fn(FrameWorkerError) -> FloeError {
    let offset = FLOE_HEADER_SIZE as u64 + u64::from(frame.get()) * params.encrypted_frame_size() as u64;
    move |error| FloeError::Frame { frame, offset, error }
}
