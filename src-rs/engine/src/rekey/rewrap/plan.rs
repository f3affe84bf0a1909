//! The new header, made before anything is written.

use super::slots::{SlotLists, change_slots};
use super::{RewrapReport, SlotChange};
use crate::crypto::{Random, StreamBinding, StreamKeys};
use crate::error::{EndPart, Limit, SealError};
use crate::format::{
    FOOTER_SIZE, HeaderFields, MAX_HEADER_SIZE, MAX_SEGMENT_SIZE, StreamHeader, end_record_size,
};
use crate::keys::SlotInfo;
use crate::keys::{Recipient, seal_slots};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{DecryptOptions, invalid};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::unlock::{UnlockedStream, opened_by};
use crate::stream_v2::io::ReadAt;

/// A new header for a stream that was opened and whose end is authentic.
pub(crate) struct RewrapPlan {
    /// The header to be replaced: the newer one of header and copy.
    pub(super) old: StreamHeader,
    /// The new header.
    pub(super) header: Vec<u8>,
    /// Bytes of the records and the end record.
    pub(super) inner_size: u64,
    /// Bytes of the end record.
    pub(super) end_record_size: u64,
    pub(crate) report: RewrapReport,
}

impl RewrapPlan {
    /// Opens the stream and makes its new header.
    pub(crate) fn new(
        source: &dyn ReadAt,
        change: &SlotChange,
        open: &DecryptOptions<'_>,
        cancel: &CancellationToken,
    ) -> Result<Self, SealError> {
        // Segments are not read, so their size does not matter.
        let open = DecryptOptions {
            max_segment_size: MAX_SEGMENT_SIZE,
            ..open.clone()
        };
        let opened = SeekableStream::open(source, &open, cancel)?;
        let size = opened.source_size();
        let stream = &opened.stream;
        // The end must be authentic: it proves that the bytes before the footer are the header's copy, so that nothing else
        // is overwritten.
        let Some(end) = opened.whole()? else {
            return Err(SealError::end_damaged(
                EndPart::Footer,
                size.saturating_sub(FOOTER_SIZE as u64),
            ));
        };
        cancel.check()?;
        let NewHeader { old, bytes, report } = NewHeader::make(stream, change, &open, cancel)?;
        let manifest = &end.manifest;
        let end_record_size = end_record_size(
            opened.geometry().digest(),
            manifest.entries.len(),
            manifest.extensions.len() as u64,
        );
        let records_size = end.offset.get().saturating_sub(u64::from(old.size()));
        Ok(Self {
            inner_size: records_size.saturating_add(end_record_size),
            end_record_size,
            header: bytes,
            old,
            report,
        })
    }

    /// Offset of the header's copy, if header and copy can be rewritten in place.
    pub(crate) fn copy_offset(&self) -> Option<u64> {
        self.report
            .in_place
            .then(|| u64::from(self.old.size()).saturating_add(self.inner_size))
    }
}

/// A new header for an unlocked stream.
pub(super) struct NewHeader {
    /// The header that it replaces: the newer one of header and copy.
    pub(super) old: StreamHeader,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    pub(super) report: RewrapReport,
}

impl NewHeader {
    pub(super) fn make(
        stream: &UnlockedStream,
        change: &SlotChange,
        open: &DecryptOptions<'_>,
        cancel: &CancellationToken,
    ) -> Result<Self, SealError> {
        let opened_by = opened_by(&stream.header, &stream.unlocked);
        // After an interrupted rewrap the newer header counts, even if the key opens only the older one. Else that key would
        // undo the rewrap and lock out its recipients.
        let (header, older, from_copy) = match stream.newer.clone() {
            Some(newer) => (newer, Some(stream.header.clone()), true),
            None => (stream.header.clone(), stream.older.clone(), stream.from_copy),
        };
        let SlotLists { kept, added, removed } =
            change_slots(&header, older.as_ref(), change, &open.limits(), cancel)?;
        // Everything that can be refused is checked before a passphrase is derived.
        let mut draft = HeaderFields {
            revision: next_revision(&header)?,
            slots: kept,
            ..header.fields.clone()
        };
        let padded_size = padded_size(change.name_of_added(), &header, &draft, added)?;
        cancel.check()?;
        let file_key = &stream.unlocked.file_key;
        let new = seal_slots(added, &StreamBinding::of(&header), file_key, &Random::system())?;
        draft.slots.extend(new);
        let keys = StreamKeys::of(&header, file_key, &open.context)?;
        let bytes = draft.encode(padded_size, |bytes| keys.header_mac(bytes));
        let in_place = header.core.header_copy && bytes.len() == header.bytes.len();
        let slots = SlotInfo::list(&draft.slots);
        let added = slots.iter().skip(slots.len() - added.len()).cloned().collect();
        let report = RewrapReport {
            stream_id: header.core.stream_id,
            revision: draft.revision,
            in_place,
            header_size: bytes.len() as u32,
            slots,
            opened_by,
            header_from_copy: from_copy,
            added,
            removed,
        };
        Ok(Self {
            old: header,
            bytes,
            report,
        })
    }
}

fn next_revision(header: &StreamHeader) -> Result<u16, SealError> {
    let most = u64::from(u16::MAX);
    header.revision.checked_add(1).ok_or(SealError::LimitExceeded {
        limit: Limit::Revisions,
        maximum: most,
        value: most.saturating_add(1),
    })
}

/// Bytes up to which the new header is padded. `draft` does not have the added slots.
fn padded_size(
    name: &str,
    old: &StreamHeader,
    draft: &HeaderFields,
    added: &[Recipient],
) -> Result<u32, SealError> {
    let new: usize = added.iter().map(Recipient::slot_size).sum();
    let needed = draft.unpadded_size() + new;
    if needed > MAX_HEADER_SIZE as usize {
        let problem = format!("need a header of {needed} bytes, more than {MAX_HEADER_SIZE}");
        return Err(invalid(name, problem));
    }
    // With a header copy the padding allows the next rewrap to be in place, if this one can't be.
    Ok(match (old.core.header_copy, needed as u32) {
        (false, _) => 0,
        (true, needed) if needed <= old.size() => old.size(),
        (true, needed) => needed.next_multiple_of(PADDING),
    })
}

/// A header that outgrows its padded size is padded to a multiple of this.
const PADDING: u32 = 4096;
