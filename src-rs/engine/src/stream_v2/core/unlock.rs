//! A stream's header on its way in: found, parsed, unlocked and checked.

use crate::crypto::{CryptoError, EndKey, Random, StreamKeys, overwrite_stack};
use crate::error::SealError;
use crate::format::{
    CORE_SIZE, END_RECORD_FIXED_SIZE, EndRecord, FOOTER_SIZE, Footer, HEADER_FIXED_SIZE, HeaderError,
    HeaderField, MAX_HEADER_SIZE, RawKeySlot, SEGMENT_HEADER_SIZE, SlotBody, StreamHeader, WireOffset,
    check_prefix, end_record_size, is_segment_header,
};
use crate::keys::{UnlockLimits, Unlocked, unlock};
use crate::operation::options::{DecryptOptions, check_segment_size};
use crate::operation::report::{OpenedBy, Report};
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use crate::stream_v2::segment_worker::SegmentCryptoContext;
use std::io::{IoSliceMut, Read};

/// A header as it was found.
#[derive(Clone, Debug)]
pub(crate) struct FoundHeader {
    /// The header.
    pub(crate) header: StreamHeader,
    /// This is the header's copy: the header itself is damaged, or older.
    pub(crate) from_copy: bool,
    /// The header itself, where it is sound and only older than the copy: a rewrap ended between the two.
    pub(crate) older: Option<StreamHeader>,
}

impl FoundHeader {
    /// A header that stands where it should.
    pub(crate) const fn in_place(header: StreamHeader) -> Self {
        Self {
            header,
            from_copy: false,
            older: None,
        }
    }

    /// The copy of a header that is of no use.
    pub(crate) const fn copy(header: StreamHeader) -> Self {
        Self {
            header,
            from_copy: true,
            older: None,
        }
    }
}

/// Reads the header of an ordered source, and leaves the source at the first record.
pub(crate) fn read_header(reader: &mut dyn Read) -> Result<FoundHeader, SealError> {
    let failed = SealError::reading;
    let mut bytes = Vec::with_capacity(HEADER_FIXED_SIZE);
    reader
        .take(HEADER_FIXED_SIZE as u64)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let rest = u64::from(check_prefix(&bytes)?).saturating_sub(bytes.len() as u64);
    // Memory grows with what arrives: the header only claims its size so far.
    reader.take(rest).read_to_end(&mut bytes).map_err(failed)?;
    let header = StreamHeader::parse(&bytes).map_err(|error| size_beyond_the_end(&bytes).unwrap_or(error))?;
    Ok(FoundHeader::in_place(header))
}

/// A header that claims more bytes than there are up to a sound footer is not cut: its size is wrong.
fn size_beyond_the_end(bytes: &[u8]) -> Option<HeaderError> {
    let claimed = check_prefix(bytes).ok()?;
    bytes.last_chunk().and_then(Footer::parse)?;
    (claimed as usize > bytes.len()).then(|| HeaderError::Field {
        field: HeaderField::HeaderSize,
        offset: WireOffset::new(CORE_SIZE as u64),
        found: claimed.to_string(),
        expected: format!("less than the {} bytes of the stream", bytes.len()),
    })
}

/// Reads the header of a positioned source, or its copy at the end where the header can't be read or fails before its
/// checksum, or is older than its copy.
///
/// # Errors
/// The header's failure, where no copy serves.
pub(crate) fn find_header(source: &dyn ReadAt, size: u64) -> Result<FoundHeader, SealError> {
    find_header_and_flaw(source, size).map(|(found, _)| found)
}

/// As [`find_header`]; where the header itself is of no use, with what is wrong with it.
pub(crate) fn find_header_and_flaw(
    source: &dyn ReadAt,
    size: u64,
) -> Result<(FoundHeader, Option<SealError>), SealError> {
    let flaw = match read_header(&mut ReadAtCursor::new(source, 0)) {
        Ok(FoundHeader { header, .. }) => {
            let found = match newer_copy(source, size, &header) {
                Some(copy) => FoundHeader {
                    header: copy,
                    from_copy: true,
                    older: Some(header),
                },
                None => FoundHeader::in_place(header),
            };
            return Ok((found, None));
        }
        Err(flaw) => flaw,
    };
    match header_copy(source, size).filter(|_| is_damage(&flaw) && !is_body(source)) {
        Some(header) => Ok((FoundHeader::copy(header), Some(flaw))),
        None => Err(flaw),
    }
}

/// Whether a segment stands where the header should: the header is kept apart, and its copy is not one of a stream that starts here.
fn is_body(source: &dyn ReadAt) -> bool {
    read_array::<SEGMENT_HEADER_SIZE>(source, 0).is_some_and(|bytes| is_segment_header(&bytes))
}

/// Whether a header could not be read, or failed at its checksum or at what a reader needs to find that.
fn is_damage(failure: &SealError) -> bool {
    use HeaderField as F;
    match failure {
        SealError::HeaderError { field, .. } => matches!(field, F::Magic | F::Version | F::HeaderSize),
        SealError::HeaderDamaged { .. } | SealError::Truncated { .. } | SealError::Io { .. } => true,
        _ => false,
    }
}

/// The copy of a sound header, where it is one of a later revision: a rewrap in place writes the copy first. Such a rewrap keeps
/// the header's size, so the copy is found from the source's end in one read. Where that can't be read there is no copy to be
/// had; the header serves.
fn newer_copy(source: &dyn ReadAt, size: u64, header: &StreamHeader) -> Option<StreamHeader> {
    let copy_size = usize::try_from(header.copy_size())
        .ok()
        .filter(|&size| size > 0)?;
    let mut bytes = vec![0; copy_size + FOOTER_SIZE];
    let at = size.checked_sub(bytes.len() as u64)?;
    let read = source.read_at(at, &mut [IoSliceMut::new(&mut bytes)]).ok()?;
    let (copy, footer) = bytes.get(..read)?.split_last_chunk()?;
    Footer::parse(footer)?;
    if copy == header.bytes {
        return None;
    }
    let copy = StreamHeader::parse(copy).ok()?;
    header.is_older_than(&copy).then_some(copy)
}

/// The copy that stands before a sound footer. Nothing here has been authenticated; the copy's MAC will be.
fn header_copy(source: &dyn ReadAt, size: u64) -> Option<StreamHeader> {
    let (end_at, fixed) = find_end(source, size)?;
    let segments = EndRecord::claimed_segments(&fixed);
    let extensions = EndRecord::extensions_size(&fixed)?;
    let copy_at = end_at.checked_add(end_record_size(segments, u64::from(extensions)))?;
    let copy_size = size
        .checked_sub(FOOTER_SIZE as u64)?
        .checked_sub(copy_at)
        .filter(|&size| size <= u64::from(MAX_HEADER_SIZE))?;
    let mut bytes = vec![0; usize::try_from(copy_size).ok()?];
    let read = source.read_at(copy_at, &mut [IoSliceMut::new(&mut bytes)]).ok()?;
    StreamHeader::parse(bytes.get(..read)?)
        .ok()
        .filter(|header| u64::from(header.size()) == copy_size)
}

/// Where a sound footer says that the end record starts, and the record's fixed part, of which nothing has been checked
/// but that it can be one's.
pub(crate) fn find_end(source: &dyn ReadAt, size: u64) -> Option<(u64, [u8; END_RECORD_FIXED_SIZE])> {
    let footer = find_footer(source, size)?;
    let end_at = size.checked_sub(footer.end_size)?;
    let fixed = read_array(source, end_at)?;
    EndRecord::extensions_size(&fixed)?;
    Some((end_at, fixed))
}

/// A sound footer at the source's end.
pub(crate) fn find_footer(source: &dyn ReadAt, size: u64) -> Option<Footer> {
    Footer::parse(&read_array(source, size.checked_sub(FOOTER_SIZE as u64)?)?)
}

/// The `N` bytes at `offset`, if the source has them.
fn read_array<const N: usize>(source: &dyn ReadAt, offset: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let read = source.read_at(offset, &mut [IoSliceMut::new(&mut bytes)]).ok()?;
    (read == N).then_some(bytes)
}

/// A stream that was unlocked: its header is authentic and its segments can be opened.
pub(crate) struct UnlockedStream {
    pub(crate) header: StreamHeader,
    pub(crate) from_copy: bool,
    /// The header itself, where it is sound and only older than the copy that served.
    pub(crate) older: Option<StreamHeader>,
    /// The header's copy, where it is authentic and newer than the header, but nothing that was offered opens it.
    pub(crate) newer: Option<StreamHeader>,
    pub(crate) context: SegmentCryptoContext,
    pub(crate) end_key: EndKey,
    pub(crate) unlocked: Unlocked,
}

impl UnlockedStream {
    /// Checks limits, slots, MAC and context, in that order; where a newer copy of the header fails at any of them, those of the
    /// header itself, whose failure is then the answer. Each of the two is held to the limits by itself.
    pub(crate) fn unlock(found: FoundHeader, options: &DecryptOptions<'_>) -> Result<Self, SealError> {
        let stream = Self::with_keys_on_the_stack(found, options);
        overwrite_stack();
        stream
    }

    #[inline(never)]
    fn with_keys_on_the_stack(found: FoundHeader, options: &DecryptOptions<'_>) -> Result<Self, SealError> {
        options.check()?;
        let FoundHeader {
            header,
            from_copy,
            older,
        } = found;
        let Some(older) = older else {
            return Self::unlock_one(header, from_copy, None, options);
        };
        match Self::unlock_one(header.clone(), from_copy, None, options) {
            Ok(stream) => Ok(Self {
                older: Some(older),
                ..stream
            }),
            Err(_) => Self::unlock_one(older, false, Some(header), options),
        }
    }

    fn unlock_one(
        header: StreamHeader,
        from_copy: bool,
        newer: Option<StreamHeader>,
        options: &DecryptOptions<'_>,
    ) -> Result<Self, SealError> {
        let core = &header.core;
        check_segment_size(&core.geometry, options.max_segment_size)?;
        let limits = options.limits();
        let unlocked = unlock(&header, &options.identities, &limits)
            .map_err(|error| SealError::locked(error, describe_slots(&header, &limits)))?;
        let keys = StreamKeys::derive(
            &unlocked.file_key,
            &core.encode(),
            &header.core_extensions,
            &options.context,
        )?;
        // A newer copy differs in nothing that the keys are made of.
        let is_authentic = |header: &StreamHeader| keys.verify_header(header.authenticated(), &header.mac);
        if !is_authentic(&header) {
            return Err(SealError::HeaderTampered);
        }
        if !keys.verify_context(&header.context_check)? {
            return Err(SealError::ContextMismatch {
                supplied: options.context.len() as u64,
            });
        }
        let context = SegmentCryptoContext::new(
            keys.payload_key()?,
            core.geometry,
            core.plaintext_size,
            Random::system(),
        )
        .ok_or(CryptoError::InputTooLong)?;
        Ok(Self {
            end_key: keys.end_key()?,
            context,
            header,
            from_copy,
            older: None,
            newer: newer.filter(is_authentic),
            unlocked,
        })
    }

    /// The report with what only opening tells.
    pub(crate) fn opened(&self, report: Report, header_copy_damaged: bool) -> Report {
        Report {
            opened_by: Some(opened_by(&self.header, &self.unlocked)),
            header_from_copy: self.from_copy,
            header_copy_damaged,
            ..report
        }
    }
}

/// The slot of this header that unlocked it.
pub(crate) fn opened_by(header: &StreamHeader, unlocked: &Unlocked) -> OpenedBy {
    let slot = usize::try_from(unlocked.slot).ok();
    OpenedBy {
        slot: unlocked.slot,
        slot_type: unlocked.slot_type,
        key_id: slot
            .and_then(|slot| header.slots.get(slot))
            .and_then(RawKeySlot::key_id),
    }
}

/// An id as a message has room for: it can have 65,535 bytes.
fn shortened(id: &str) -> String {
    match id.char_indices().nth(MOST_OF_AN_ID) {
        Some((at, _)) => format!("{}…", id.get(..at).unwrap_or_default()),
        None => id.to_owned(),
    }
}

/// A header's slots in words, for someone who looks for the right key.
fn describe_slots(header: &StreamHeader, limits: &UnlockLimits<'_>) -> String {
    let describe = |raw: &RawKeySlot| {
        let words = match raw.parsed() {
            Some(SlotBody::Key(slot)) if slot.id.is_empty() => "a key without a name".to_owned(),
            Some(SlotBody::Key(slot)) => format!("key {:?}", shortened(&slot.id)),
            Some(SlotBody::Passphrase(_)) => "a passphrase".to_owned(),
            Some(SlotBody::X25519(_)) => "an X25519 key".to_owned(),
            Some(SlotBody::Hybrid(_)) => "a post-quantum hybrid key".to_owned(),
            Some(SlotBody::Provider(slot)) => format!("key {:?} of {:?}", shortened(&slot.key_id), slot.name),
            None => format!("{}, which this release can't open", raw.slot_type),
        };
        if limits.accepts(raw.slot_type) {
            words
        } else {
            format!("{words}, which is not accepted")
        }
    };
    header.slots.iter().map(describe).collect::<Vec<_>>().join("; ")
}

/// Characters of a key's id in a message.
const MOST_OF_AN_ID: usize = 100;
