//! Header and body into one file, and one file into header and body.

use super::header_file::HeaderFile;
use super::parse;
use crate::error::{EndPart, IoOperation, SealError};
use crate::files::{ALL_BITS, Placement, mode_of};
use crate::format::{
    FOOTER_SIZE, MAGIC, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex, StreamHeader, WireOffset,
};
use crate::operation::options::{Control, invalid};
use crate::stream_v2::core::locate::{claimed_total, find_header};
use crate::stream_v2::core::trailer::ExpectedTrailer;
use crate::stream_v2::io::{
    BytesInFront, OutputFile, ReadAt, ReadAtCursor, WriteAt, append_bytes, open_source,
};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use base16ct::lower::encode_string;
use std::fs::File;
use std::io::{IoSliceMut, Write};
use std::path::Path;

/// Writes `header` and the body in the file `body` as one stream into the new file `to`, which gets the permission bits of
/// `body`.
///
/// Nobody without a key can tell for certain that the two belong together. What can be seen is checked first: that the header is
/// one, that the body starts with a first segment of the header's sizes and ends as a stream of its length does, and that a
/// copy of the header in the body's end is of the same stream.
///
/// # Errors
/// `InvalidOption` for a header that is none or another stream's, and for a body that has its header; what is wrong with the
/// body's first segment or its end, at offsets of the whole stream; and what concerns files, as for other outputs. `Cancelled`.
pub fn attach_header(
    header: &[u8],
    body: &Path,
    to: &Path,
    placement: Placement,
    control: &Control<'_>,
) -> Result<(), SealError> {
    let parsed = parse(header)?;
    let source = open_source(body)?;
    check_body(&parsed, &source).map_err(|failure| failure.on_file(body, to))?;
    let size = source.size().map_err(SealError::reading)?;
    let output = OutputFile::create(Some(&source), to, placement.overwrite)?;
    let mode = mode_at(body, &source)?;
    transfer(header, (&source, 0, size), output.file(), control)
        .map_err(|failure| failure.on_file(body, to))?;
    output.commit(mode, placement.flush)
}

/// Writes the body of the stream in the file `from` into the new file `to`, which gets the permission bits of `from`, and returns
/// the header: the one with which a reader would open the stream. It goes into the file `header_to` before the body gets its name.
/// `from` stays as it is.
///
/// A stream with a copy of its header keeps that in its body's end.
///
/// # Errors
/// A header that is damaged or of another version, where no copy serves; what concerns files, as for other outputs, but see
/// [`encrypt_file_detached`](super::encrypt_file_detached) for `header_to`. `Cancelled`.
pub fn detach_header(
    from: &Path,
    to: &Path,
    header_to: Option<HeaderFile<'_>>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Vec<u8>, SealError> {
    let source = open_source(from)?;
    let found = source
        .size()
        .map_err(SealError::reading)
        .and_then(|size| Ok((find_header(&source, size)?, size)));
    let (found, size) = found.map_err(|failure| failure.on_file(from, to))?;
    let header = found.header.bytes;
    let header_size = header.len() as u64;
    let body = (&source, header_size, size.saturating_sub(header_size));
    let output = OutputFile::create(Some(&source), to, placement.overwrite)?;
    let kept = header_to.map(|file| file.create(&source, &output)).transpose()?;
    let mode = mode_at(from, &source)?;
    transfer(&[], body, output.file(), control)
        .and_then(|()| kept.map_or(Ok(()), |kept| kept.keep(&header, &output, placement.flush)))
        .map_err(|failure| failure.on_file(from, to))?;
    output.commit(mode, placement.flush)?;
    Ok(header)
}

/// The permission bits of a file that is named like this.
fn mode_at(path: &Path, file: &File) -> Result<Option<u32>, SealError> {
    let mode = mode_of(file).map_err(|error| SealError::io(IoOperation::Inspect, Some(path), &error))?;
    Ok(mode.map(|mode| mode & ALL_BITS))
}

/// Writes `first` and the given bytes of a file into a new one.
fn transfer(
    first: &[u8],
    (source, offset, size): (&File, u64, u64),
    mut target: &File,
    control: &Control<'_>,
) -> Result<(), SealError> {
    let meter = control.meter(Some(size));
    target
        .reserve(first.len() as u64 + size)
        .map_err(SealError::writing)?;
    target.write_all(first).map_err(SealError::writing)?;
    append_bytes(source, target, offset, size, &control.cancel, |bytes| {
        meter.add(bytes);
    })?;
    meter.finish();
    Ok(())
}

/// Whether a body can be the one of this header.
fn check_body(header: &StreamHeader, body: &dyn ReadAt) -> Result<(), SealError> {
    let whole = BytesInFront::new(&header.bytes[..], body);
    let size = whole.size().map_err(SealError::reading)?;
    let geometry = &header.core.geometry;
    let mut start = [0; SEGMENT_HEADER_SIZE];
    let read = body
        .read_at(0, &mut [IoSliceMut::new(&mut start)])
        .map_err(SealError::reading)?;
    if start.starts_with(&MAGIC) {
        return Err(invalid("header", "is given for a stream that has its own"));
    }
    let first = SegmentIndex::ZERO;
    if read < start.len() {
        return Err(SealError::Truncated {
            next_segment: first,
            verified_bytes: 0,
            offset: WireOffset::new(size),
        });
    }
    SegmentHeader::parse(&start, geometry)
        .and_then(|found| found.check_place(first, header.core.plaintext_size, geometry))
        .map_err(|error| SegmentWorkerError::invalid(first, WireOffset::new(header.size().into()), error))?;
    let total = header
        .core
        .plaintext_size
        .or_else(|| claimed_total(&whole, size, header));
    let Some(total) = total else {
        let offset = WireOffset::new(size.saturating_sub(FOOTER_SIZE as u64));
        let part = EndPart::Footer;
        return Err(SealError::EndDamaged { part, offset });
    };
    let offset = u64::from(header.size()).saturating_add(geometry.records_size(total));
    let expectation = ExpectedTrailer {
        header,
        end_key: None,
        offset: WireOffset::new(offset),
        segments: geometry.segment_count(total),
        plaintext_total: total,
        entries: None,
        verified_bytes: 0,
    };
    expectation.verify(&mut ReadAtCursor::new(&whole, offset))?;
    check_copy(header, &whole, size)
}

/// Whether a copy of a header that the body has in its end is one of this stream. It can be of any revision; one that is damaged
/// says nothing.
fn check_copy(header: &StreamHeader, whole: &dyn ReadAt, size: u64) -> Result<(), SealError> {
    let copy_at = size.saturating_sub(header.copy_size() + FOOTER_SIZE as u64);
    if header.copy_size() == 0 {
        return Ok(());
    }
    let mut bytes = vec![0; header.bytes.len()];
    whole
        .read_at(copy_at, &mut [IoSliceMut::new(&mut bytes)])
        .map_err(SealError::reading)?;
    match StreamHeader::parse(&bytes) {
        Ok(copy) if copy.core.stream_id != header.core.stream_id => {
            let [ours, theirs] = [header, &copy].map(|header| encode_string(&header.core.stream_id));
            let problem = format!("is of the stream {ours}, and the body of the stream {theirs}");
            Err(invalid("header", problem))
        }
        _ => Ok(()),
    }
}
