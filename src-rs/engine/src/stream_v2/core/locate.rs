//! Finds the header and the end of a stream in its source. Nothing here is authenticated.

use crate::error::SealError;
use crate::format::{
    CORE_SIZE, DigestKind, END_RECORD_FIXED_SIZE, EndRecord, FOOTER_SIZE, Footer, HEADER_FIXED_SIZE,
    HeaderError, HeaderField, MAX_HEADER_SIZE, SEGMENT_HEADER_SIZE, StreamHeader, WireOffset, check_prefix,
    end_record_size, is_segment_header,
};
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use std::io::{IoSliceMut, Read};

/// The header of a stream, or its copy.
#[derive(Clone, Debug)]
pub(crate) struct FoundHeader {
    pub(crate) header: StreamHeader,
    /// This is the copy: the header itself is damaged or older.
    pub(crate) from_copy: bool,
    /// The header itself, if it is intact but older than the copy: a rewrap was interrupted.
    pub(crate) older: Option<StreamHeader>,
    /// The failure of the header itself, if it is damaged.
    pub(crate) failure: Option<SealError>,
}

impl FoundHeader {
    /// The copy of a header that is damaged.
    pub(crate) const fn copy(header: StreamHeader, failure: Option<SealError>) -> Self {
        Self {
            header,
            from_copy: true,
            older: None,
            failure,
        }
    }
}

impl From<StreamHeader> for FoundHeader {
    /// A header that was read from its own place.
    fn from(header: StreamHeader) -> Self {
        Self {
            header,
            from_copy: false,
            older: None,
            failure: None,
        }
    }
}

/// Reads the header of an ordered source, and leaves the source at the first record.
pub(crate) fn read_header(reader: &mut dyn Read) -> Result<StreamHeader, SealError> {
    let mut bytes = Vec::with_capacity(HEADER_FIXED_SIZE);
    let mut fixed = reader.take(HEADER_FIXED_SIZE as u64);
    fixed.read_to_end(&mut bytes).map_err(SealError::reading)?;
    let rest = u64::from(check_prefix(&bytes)?).saturating_sub(bytes.len() as u64);
    // Allocates as bytes arrive; the claimed header size is not yet trusted.
    let mut rest = reader.take(rest);
    rest.read_to_end(&mut bytes).map_err(SealError::reading)?;
    StreamHeader::parse(&bytes).map_err(|error| size_beyond_the_end(&bytes).unwrap_or(error).into())
}

/// A header whose bytes end with an intact footer is not truncated: the size that it claims is wrong.
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

/// Reads the header of a source that can be addressed by offset. Returns the copy at the end instead if the header can't be
/// read, fails before or at its checksum, or is older than its copy.
///
/// # Errors
/// The failure of the header, if no copy can replace it.
pub(crate) fn find_header(source: &dyn ReadAt, size: u64) -> Result<FoundHeader, SealError> {
    match read_header(&mut ReadAtCursor::new(source, 0)) {
        Ok(header) => Ok(match newer_copy(source, size, &header) {
            Some(copy) => FoundHeader {
                older: Some(header),
                ..FoundHeader::copy(copy, None)
            },
            None => header.into(),
        }),
        Err(failure) => {
            let may_have_copy = is_damage(&failure) && !is_body(source);
            match header_copy(source, size).filter(|_| may_have_copy) {
                Some(copy) => Ok(FoundHeader::copy(copy, Some(failure))),
                None => Err(failure),
            }
        }
    }
}

/// Whether a segment stands where the header should: the header is detached, so the copy is not that of a header that starts here.
fn is_body(source: &dyn ReadAt) -> bool {
    read_array::<SEGMENT_HEADER_SIZE>(source, 0).is_some_and(|bytes| is_segment_header(&bytes))
}

/// Whether a header could not be read, or failed at its checksum or at a field that is needed to find the checksum.
fn is_damage(failure: &SealError) -> bool {
    use HeaderField as F;
    match failure {
        SealError::HeaderError { field, .. } => matches!(field, F::Version | F::HeaderSize),
        SealError::NotSealed { .. }
        | SealError::HeaderDamaged { .. }
        | SealError::Truncated { .. }
        | SealError::Io { .. } => true,
        _ => false,
    }
}

/// The copy of an intact header, if it has a later revision: a rewrap in place writes the copy first. Such a rewrap keeps the
/// header's size, so one read at the source's end finds the copy. If it can't be read, the header is used.
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

/// The copy of the header in front of an intact footer. It is not yet authenticated.
fn header_copy(source: &dyn ReadAt, size: u64) -> Option<StreamHeader> {
    let (end_at, fixed) = find_end(source, size)?;
    let segments = EndRecord::claimed_segments(&fixed);
    let extensions = EndRecord::extensions_size(&fixed)?;
    // Without a header the size of the manifest's entries is not known: it is one of four.
    let kinds = [
        DigestKind::None,
        DigestKind::Crc64Nvme,
        DigestKind::Sha256,
        DigestKind::Sha512,
    ];
    kinds.into_iter().find_map(|digest| {
        let copy_at = end_at.checked_add(end_record_size(digest, segments, u64::from(extensions)))?;
        copy_at_offset(source, size, copy_at)
            .filter(|copy| copy.core.geometry.digest().size() == digest.size())
    })
}

fn copy_at_offset(source: &dyn ReadAt, size: u64, copy_at: u64) -> Option<StreamHeader> {
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

/// Where the end record starts according to an intact footer, and the fixed part of that record. Only its marker and the
/// size of its extensions have been checked.
pub(crate) fn find_end(source: &dyn ReadAt, size: u64) -> Option<(u64, [u8; END_RECORD_FIXED_SIZE])> {
    let footer = find_footer(source, size)?;
    let end_at = size.checked_sub(footer.end_size)?;
    let fixed = read_array(source, end_at)?;
    EndRecord::extensions_size(&fixed)?;
    Some((end_at, fixed))
}

/// The footer at the source's end, if it is intact.
pub(crate) fn find_footer(source: &dyn ReadAt, size: u64) -> Option<Footer> {
    Footer::parse(&read_array(source, size.checked_sub(FOOTER_SIZE as u64)?)?)
}

/// The `N` bytes at `offset`, if the source has them.
pub(crate) fn read_array<const N: usize>(source: &dyn ReadAt, offset: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let read = source.read_at(offset, &mut [IoSliceMut::new(&mut bytes)]).ok()?;
    (read == N).then_some(bytes)
}

/// The end of a stream by its footer. Nothing here is authenticated, and the parts may disagree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimedEnd {
    /// Where the end record starts.
    pub(crate) offset: u64,
    /// Its bytes.
    pub(crate) size: u64,
    /// Plaintext bytes that it states.
    pub(crate) total: u64,
    segments: u64,
}

impl ClaimedEnd {
    /// Whether its place, its count and its total agree with each other.
    pub(crate) fn agrees(&self, header: &StreamHeader) -> bool {
        let geometry = &header.core.geometry;
        let records = geometry.records_size(self.total);
        self.segments == geometry.segment_count(self.total)
            && u64::from(header.size()).checked_add(records) == Some(self.offset)
    }
}

/// The end that an intact footer leads to, if an end record may start there.
pub(crate) fn claimed_end(source: &dyn ReadAt, size: u64, header: &StreamHeader) -> Option<ClaimedEnd> {
    let (offset, fixed) = find_end(source, size)?;
    let behind = header.copy_size().checked_add(FOOTER_SIZE as u64)?;
    Some(ClaimedEnd {
        offset,
        size: size.checked_sub(offset)?.checked_sub(behind)?,
        total: EndRecord::claimed_total(&fixed),
        segments: EndRecord::claimed_segments(&fixed),
    })
}

/// The plaintext length that the end of a stream claims, if footer, end record and the source's size agree. Nothing here is
/// authenticated.
pub(crate) fn claimed_total(source: &dyn ReadAt, size: u64, header: &StreamHeader) -> Option<u64> {
    let claimed = claimed_end(source, size, header)?;
    claimed.agrees(header).then_some(claimed.total)
}
