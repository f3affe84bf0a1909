//! What all segments of a stream share: the payload key, the sizes and the random generator. Immutable.
//!
//! Nonce policy: each segment draws a random 32-byte message IV, from which its keys derive. Each frame draws a random
//! 12-byte IV. Segments share no counter, so they can be sealed in any order, and more than once.

use crate::crypto::floe::FloeParams;
use crate::crypto::{CryptoError, PayloadKey, Random};
use crate::format::Geometry;

/// Keys and sizes for a stream's segments.
#[derive(Clone, Debug)]
pub struct SegmentCryptoContext {
    pub(super) payload_key: PayloadKey,
    pub(super) geometry: Geometry,
    pub(super) params: FloeParams,
    pub(super) plaintext_total: Option<u64>,
    pub(super) random: Random,
    hashes_first: bool,
    /// Tests make the worker of this segment panic.
    #[cfg(test)]
    pub(crate) panic_at: Option<crate::format::SegmentIndex>,
}

impl SegmentCryptoContext {
    /// A context. `plaintext_total` is the stream's plaintext size in bytes, if known; each segment's size follows from it.
    ///
    /// # Errors
    /// `InputTooLong` for a frame size that FLOE does not allow. No valid [`Geometry`] has one.
    pub fn new(
        payload_key: PayloadKey,
        geometry: Geometry,
        plaintext_total: Option<u64>,
        random: Random,
    ) -> Result<Self, CryptoError> {
        let slot_size = u32::try_from(geometry.frame_slot_size()).ok();
        let params = slot_size
            .and_then(FloeParams::new)
            .ok_or(CryptoError::InputTooLong)?;
        Ok(Self {
            payload_key,
            geometry,
            params,
            plaintext_total,
            random,
            hashes_first: false,
            #[cfg(test)]
            panic_at: None,
        })
    }

    /// Adds the plaintext size that the verified end states. From now on each segment must have the size that follows.
    #[must_use]
    pub fn with_total(self, plaintext_total: u64) -> Self {
        Self {
            plaintext_total: Some(plaintext_total),
            ..self
        }
    }

    /// Hashes every record as a whole, from the bytes that are then opened, and compares the digest with the manifest's before
    /// any frame is opened. For readers that were given senders: a recipient could have sealed a single frame anew.
    #[must_use]
    pub fn hashing_first(self) -> Self {
        Self {
            hashes_first: true,
            ..self
        }
    }

    /// Whether every record is hashed before it is opened.
    #[must_use]
    pub const fn hashes_first(&self) -> bool {
        self.hashes_first
    }

    /// The stream's frame and segment sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Panics for the segment that a test chose.
    #[cfg(test)]
    pub(super) fn injected_panic(&self, segment: crate::format::SegmentIndex) {
        assert!(self.panic_at != Some(segment), "injected into segment {segment}");
    }

    #[cfg(not(test))]
    #[inline(always)]
    pub(super) fn injected_panic(&self, _: crate::format::SegmentIndex) {}
}
