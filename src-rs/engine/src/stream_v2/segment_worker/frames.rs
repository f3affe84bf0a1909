//! Single frames of a record, without the record's digest: that needs all of its bytes.

use super::check::{check_header, frame_offset, other_floe_parameters, other_message_tag, split_preamble};
use super::{RecordPreamble, SegmentCryptoContext, SegmentWorkerError, iv_and_tag};
use crate::crypto::floe::{FloeHeaderError, IV_SIZE};
use crate::format::{
    FLOE_HEADER_SIZE, FrameIndex, Geometry, MAX_PLAINTEXT_SIZE, ManifestEntry, SegmentHeader,
    SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset,
};
use crate::stream_v2::frame_worker::{DecryptFrameWorker, FrameInput, FrameWorkerError};
use crate::stream_v2::framing::{contents, restore_length};

/// Opens frames of one record, in any order. The record's header is authentic.
#[derive(Debug)]
pub struct FrameOpener {
    geometry: Geometry,
    header: SegmentHeader,
    offset: WireOffset,
    message_tag: [u8; 32],
    last: FrameIndex,
    worker: DecryptFrameWorker,
}

impl FrameOpener {
    /// Starts the record of segment `index`, `offset` bytes into the stream. It must be the sealing that a verified manifest
    /// names, if its entry is given.
    ///
    /// # Errors
    /// [`SegmentWorkerError::InvalidSegment`] if the segment header or the FLOE header is not the expected one.
    pub fn begin(
        context: &SegmentCryptoContext,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
        named: Option<&ManifestEntry>,
    ) -> Result<Self, SegmentWorkerError> {
        let header = check_header(
            &context.geometry,
            context.plaintext_total,
            index,
            offset,
            preamble,
        )?;
        let opener = Self::start(context, header, offset, &split_preamble(preamble).1)?;
        match named.and_then(|named| other_message_tag(named, &opener.message_tag)) {
            Some(error) => Err(SegmentWorkerError::invalid(index, offset, error)),
            None => Ok(opener),
        }
    }

    /// Recognises the record of any segment of this stream by its FLOE header tag. `None` if the bytes do not start one.
    /// The FLOE parameters are not read: they are those of the stream.
    #[must_use]
    pub fn recognise(context: &SegmentCryptoContext, preamble: &RecordPreamble) -> Option<Self> {
        let geometry = &context.geometry;
        let header = SegmentHeader::parse(preamble.first_chunk()?, geometry).ok()?;
        header
            .check_place(header.index, context.plaintext_total, geometry)
            .ok()?;
        // A key holder can seal any index, but no stream is that long.
        let end = geometry
            .plaintext_offset(header.index)
            .checked_add(u64::from(header.plaintext_size))?;
        let (iv, tag) = iv_and_tag(preamble);
        (end <= MAX_PLAINTEXT_SIZE).then(|| Self::restore(context, header, &iv, &tag))?
    }

    /// Starts a record whose damaged preamble was replaced: by the segment header that it must have, and an IV and a tag.
    /// `None` unless the three belong together.
    #[must_use]
    pub fn restore(
        context: &SegmentCryptoContext,
        header: SegmentHeader,
        iv: &[u8; IV_SIZE],
        tag: &[u8; 32],
    ) -> Option<Self> {
        let floe_header = context.params.header(iv, tag);
        Self::start(context, header, WireOffset::ZERO, &floe_header).ok()
    }

    /// Checks the FLOE header and derives the frames' key. One key serves 2^20 frames; no record has more.
    pub(super) fn start(
        context: &SegmentCryptoContext,
        header: SegmentHeader,
        offset: WireOffset,
        floe_header: &[u8; FLOE_HEADER_SIZE],
    ) -> Result<Self, SegmentWorkerError> {
        let geometry = context.geometry;
        let aad = header.encode(&geometry);
        let keys = context
            .payload_key
            .start_opening(context.params, &aad, floe_header)
            .map_err(|error| SegmentWorkerError::invalid(header.index, offset, floe_failure(error)))?;
        let worker = DecryptFrameWorker::new(&keys, FrameIndex::ZERO)
            .map_err(|source| frame_failure(header.index, FrameIndex::ZERO, offset, source))?;
        Ok(Self {
            geometry,
            header,
            offset,
            message_tag: *keys.header_tag(),
            last: FrameIndex::new(geometry.frame_count(header.plaintext_size) - 1),
            worker,
        })
    }

    /// The record's header.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// The record's FLOE header tag, which the manifest must have for it.
    #[must_use]
    pub const fn message_tag(&self) -> &[u8; 32] {
        &self.message_tag
    }

    /// Opens the frame in `slot` in place and returns its content. On failure `slot` holds no plaintext: after a wrong
    /// tag its content is zeros, after a wrong length it is unchanged.
    ///
    /// # Errors
    /// `FrameDecryptionFailed` or `FramingError`, with the frame's offset. Without the record's digest, damage and
    /// tampering look the same.
    pub fn open<'s>(&self, frame: FrameIndex, slot: &'s mut [u8]) -> Result<&'s [u8], SegmentWorkerError> {
        let size = slot.len();
        let input = FrameInput {
            index: frame,
            is_final: frame == self.last,
            slot: &mut *slot,
        };
        self.worker.open(input).map_err(|source| {
            let offset = frame_offset(&self.geometry, self.offset, frame);
            frame_failure(self.header.index, frame, offset, source)
        })?;
        Ok(contents(slot, size).next().unwrap_or_default())
    }

    /// Same as [`open`](Self::open), but ignores the length field: the record's header already tells the frame's size.
    /// Returns whether the frame verified. On failure `slot` holds no plaintext either.
    #[must_use]
    pub fn open_with_any_length(&self, frame: FrameIndex, slot: &mut [u8]) -> bool {
        restore_length(slot, frame == self.last);
        self.open(frame, slot).is_ok()
    }
}

fn frame_failure(
    segment: SegmentIndex,
    frame: FrameIndex,
    offset: WireOffset,
    source: FrameWorkerError,
) -> SegmentWorkerError {
    match source {
        FrameWorkerError::FrameParsing { error: source } => SegmentWorkerError::FramingError {
            segment,
            frame,
            offset,
            source,
        },
        _ => SegmentWorkerError::FrameDecryptionFailed {
            segment,
            frame,
            offset,
            source,
        },
    }
}

fn floe_failure(error: FloeHeaderError) -> SegmentHeaderError {
    match error {
        FloeHeaderError::Parameters => other_floe_parameters(),
        FloeHeaderError::Tag | FloeHeaderError::Crypto(_) => SegmentHeaderError::new(
            SegmentReason::FloeHeaderTag,
            "one made with this stream's key",
            "another",
        ),
    }
}
