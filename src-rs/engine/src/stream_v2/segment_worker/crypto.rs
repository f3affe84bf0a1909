//! What all segments of one stream share, immutable: the payload key, the sizes, and where IVs come from.
//!
//! Nonce policy: every segment draws a random 32-byte message IV and so gets keys of its own; every frame draws a random
//! 12-byte IV. Nothing is counted across segments, so they can be sealed in any order and sealed again.

use crate::crypto::floe::FloeParams;
use crate::crypto::{PayloadKey, Random};
use crate::format::Geometry;

/// Keys and sizes for a stream's segments.
#[derive(Clone, Debug)]
pub struct SegmentCryptoContext {
    pub(super) payload_key: PayloadKey,
    pub(super) geometry: Geometry,
    pub(super) params: FloeParams,
    pub(super) plaintext_total: Option<u64>,
    pub(super) random: Random,
    /// Tests make the worker of this segment panic.
    #[cfg(test)]
    pub(crate) panic_at: Option<crate::format::SegmentIndex>,
}

impl SegmentCryptoContext {
    /// A context; `plaintext_total` is the stream's length where it is known, and fixes each segment's size.
    ///
    /// `None` where the frame size leaves no room for FLOE's length field, which no valid [`Geometry`] does.
    #[must_use]
    pub fn new(
        payload_key: PayloadKey,
        geometry: Geometry,
        plaintext_total: Option<u64>,
        random: Random,
    ) -> Option<Self> {
        let params = FloeParams::new(u32::try_from(geometry.frame_slot_size()).ok()?)?;
        Some(Self {
            payload_key,
            geometry,
            params,
            plaintext_total,
            random,
            #[cfg(test)]
            panic_at: None,
        })
    }

    /// The same for a stream whose length was learnt from its verified end: from now on each segment must be the one that
    /// such a length asks for.
    #[must_use]
    pub fn with_total(self, plaintext_total: u64) -> Self {
        Self {
            plaintext_total: Some(plaintext_total),
            ..self
        }
    }

    /// The sizes of the stream's frames and segments.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Panics for the segment that a test names.
    #[cfg(test)]
    pub(super) fn injected_panic(&self, segment: crate::format::SegmentIndex) {
        assert!(self.panic_at != Some(segment), "injected into segment {segment}");
    }

    #[cfg(not(test))]
    #[inline(always)]
    pub(super) fn injected_panic(&self, _: crate::format::SegmentIndex) {}
}
