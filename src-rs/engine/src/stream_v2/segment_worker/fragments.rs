//! What is left of a record: its preamble recognised or restored, its frames opened one by one, wherever they stand.

use super::{RecordPreamble, SegmentCryptoContext, iv_and_tag};
use crate::crypto::floe::{IV_SIZE, MessageKeys};
use crate::format::{FrameIndex, MAX_PLAINTEXT_SIZE, SegmentHeader};
use crate::stream_v2::frame_worker::{DecryptFrameWorker, FrameInput};
use crate::stream_v2::framing::mend_length;

/// Recognises preambles of one stream's records by their FLOE header tag.
#[derive(Clone, Copy, Debug)]
pub struct FragmentWorker<'c> {
    context: &'c SegmentCryptoContext,
}

impl<'c> FragmentWorker<'c> {
    /// A worker over a stream's context.
    #[must_use]
    pub const fn new(context: &'c SegmentCryptoContext) -> Self {
        Self { context }
    }

    /// The record that these bytes start, if they do start one of this stream. What a FLOE header always states is not
    /// looked at but taken as due.
    #[must_use]
    pub fn recognise(&self, preamble: &RecordPreamble) -> Option<FragmentOpener> {
        let header = SegmentHeader::parse(preamble.first_chunk()?, &self.context.geometry).ok()?;
        header
            .check_place(header.index, self.context.plaintext_total, &self.context.geometry)
            .ok()?;
        // Whoever has the key can seal any index, but no stream is that long.
        let before = self.context.geometry.plaintext_offset(header.index);
        let end = before.checked_add(u64::from(header.plaintext_size))?;
        (end <= MAX_PLAINTEXT_SIZE).then_some(())?;
        let (iv, tag) = iv_and_tag(preamble);
        self.restore(header, &iv, &tag)
    }

    /// The record with this header, IV and tag, if they belong together: so a damaged header can be replaced by the one
    /// that is due.
    #[must_use]
    pub fn restore(
        &self,
        header: SegmentHeader,
        iv: &[u8; IV_SIZE],
        tag: &[u8; 32],
    ) -> Option<FragmentOpener> {
        let params = self.context.params;
        let aad = header.encode(&self.context.geometry);
        let keys = self
            .context
            .payload_key
            .start_opening(params, &aad, &params.header(iv, tag))
            .ok()?;
        let last = self.context.geometry.frame_count(header.plaintext_size) - 1;
        Some(FragmentOpener {
            header,
            last: FrameIndex::new(last),
            message_tag: *tag,
            keys,
        })
    }
}

/// Opens a recognised record's frames, each by itself.
#[derive(Debug)]
pub struct FragmentOpener {
    header: SegmentHeader,
    last: FrameIndex,
    message_tag: [u8; 32],
    keys: MessageKeys,
}

impl FragmentOpener {
    /// The record's header, which is authentic.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// The tag by which the EndRecord names this sealing.
    #[must_use]
    pub const fn message_tag(&self) -> &[u8; 32] {
        &self.message_tag
    }

    /// What opens the frames; a record has too few of them for a second run of keys.
    #[must_use]
    pub fn frames(&self) -> Option<FragmentFrames> {
        let worker = DecryptFrameWorker::new(&self.keys, FrameIndex::ZERO).ok()?;
        Some(FragmentFrames {
            worker,
            last: self.last,
        })
    }
}

/// Opens the frames of one record.
#[derive(Debug)]
pub struct FragmentFrames {
    worker: DecryptFrameWorker,
    last: FrameIndex,
}

impl FragmentFrames {
    /// Opens the frame in `slot`, in place. The length field is set to what is due first: it says nothing that the
    /// record's header does not say, so a frame need not be lost for it. Returns whether the frame verified: only then
    /// the slot's content is plaintext, and else it is of no use any more.
    #[must_use]
    pub fn open(&self, index: FrameIndex, slot: &mut [u8]) -> bool {
        let is_final = index == self.last;
        mend_length(slot, is_final);
        let input = FrameInput {
            index,
            is_final,
            slot,
        };
        self.worker.open(input).is_ok()
    }
}
