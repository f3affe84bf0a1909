//! Joins a header and a body into one file, and splits a file into header and body.

use super::header_file::{HeaderFile, write_header_file};
use super::parse_header;
use crate::error::{EndPart, SealError};
use crate::files::{ALL_BITS, Placement, SourceFile};
use crate::format::{
    FOOTER_SIZE, MAGIC, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex, StreamHeader, WireOffset,
};
use crate::operation::options::{Control, DEFAULT_MAX_MANIFEST_SIZE, invalid};
use crate::stream_v2::core::locate::{claimed_end, find_header};
use crate::stream_v2::core::trailer::ExpectedTrailer;
use crate::stream_v2::io::{JoinedSource, ReadAt, ReadAtCursor, WriteAt, append_range};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use base16ct::lower::encode_string;
use std::fs::File;
use std::io::{IoSliceMut, Write};
use std::path::Path;

/// Writes `header` and the body in the file `body` as one stream into the new file `to`, which gets the permission bits of
/// `body`.
///
/// Only a key can prove that the two belong together. What can be checked without one is checked first: that the header is
/// valid, that the body starts with a first segment of the header's sizes and ends as a stream of its length does, and that
/// a copy of the header at the body's end is of the same stream.
///
/// # Errors
/// `InvalidOption` for an invalid header, a header of another stream, and a body that has its header. A failure of the
/// body's first segment or its end has the offset in the whole stream. Those of other outputs. `Cancelled`.
pub fn attach_header(
    header: &[u8],
    body: &Path,
    to: &Path,
    placement: Placement,
    control: &Control<'_>,
) -> Result<(), SealError> {
    let parsed = parse_header(header)?;
    let source = SourceFile::open(body)?;
    check_body(&parsed, &source.file).map_err(|failure| failure.on_file(body, to))?;
    source.convert(to, placement, ALL_BITS, |output| {
        let size = source.file.size().map_err(SealError::reading)?;
        copy(header, (&source.file, 0, size), output.file(), control)
    })
}

/// Writes the body of the stream in the file `from` into the new file `to`, which gets the permission bits of `from`, and
/// returns the header: the one with which a reader would open the stream. The header is also written to `header_to` before
/// the body gets its name. `from` is not changed.
///
/// A stream with a copy of its header keeps the copy at the body's end.
///
/// # Errors
/// A header that is damaged or of another version, if no copy replaces it. Those of other outputs; see
/// [`encrypt_file_detached`](super::encrypt_file_detached) for `header_to`. `Cancelled`.
pub fn detach_header(
    from: &Path,
    to: &Path,
    header_to: Option<HeaderFile<'_>>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Vec<u8>, SealError> {
    let source = SourceFile::open(from)?;
    let find = |size| Ok((find_header(&source.file, size)?.header.bytes, size));
    let found = source.file.size().map_err(SealError::reading).and_then(find);
    let (header, size) = found.map_err(|failure| failure.on_file(from, to))?;
    let header_size = header.len() as u64;
    let ((), header) = source.convert(to, placement, ALL_BITS, |output| {
        write_header_file(header_to, &source.file, output, placement.flush, || {
            let body = (&source.file, header_size, size.saturating_sub(header_size));
            copy(&[], body, output.file(), control).map_err(|failure| failure.on_file(from, to))?;
            Ok(((), header))
        })
    })?;
    Ok(header)
}

/// Writes `header` and the `size` bytes of the source from `offset` on into a new file.
fn copy(
    header: &[u8],
    (source, offset, size): (&File, u64, u64),
    mut target: &File,
    control: &Control<'_>,
) -> Result<(), SealError> {
    let meter = control.meter(Some(size));
    target
        .reserve(header.len() as u64 + size)
        .map_err(SealError::writing)?;
    target.write_all(header).map_err(SealError::writing)?;
    append_range(source, target, offset, size, &control.cancel, |bytes| {
        meter.add(bytes);
    })?;
    meter.finish();
    Ok(())
}

/// Checks, without a key, that a body can belong to this header.
fn check_body(header: &StreamHeader, body: &dyn ReadAt) -> Result<(), SealError> {
    let stream = JoinedSource::new(&header.bytes[..], body);
    let size = stream.size().map_err(SealError::reading)?;
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
        return Err(SealError::truncated(first, size));
    }
    SegmentHeader::parse(&start, geometry)
        .and_then(|found| found.check_place(first, header.core.plaintext_size, geometry))
        .map_err(|error| SegmentWorkerError::invalid(first, WireOffset::new(header.size().into()), error))?;
    let limit = DEFAULT_MAX_MANIFEST_SIZE;
    let expected = match header.core.plaintext_size {
        Some(total) => ExpectedTrailer::after(header, total, None, limit),
        None => match claimed_end(&stream, size, header) {
            Some(claimed) => ExpectedTrailer::claimed(header, claimed, None, limit),
            None => {
                return Err(SealError::end_damaged(
                    EndPart::Footer,
                    size.saturating_sub(FOOTER_SIZE as u64),
                ));
            }
        },
    };
    expected.verify(&mut ReadAtCursor::new(&stream, expected.record.offset.get()))?;
    check_copy(header, &stream, size)
}

/// Checks that a copy of a header at the body's end is of this stream. It can have another revision. A damaged copy is
/// ignored.
fn check_copy(header: &StreamHeader, stream: &dyn ReadAt, size: u64) -> Result<(), SealError> {
    let copy_at = size.saturating_sub(header.copy_size() + FOOTER_SIZE as u64);
    if header.copy_size() == 0 {
        return Ok(());
    }
    let mut bytes = vec![0; header.bytes.len()];
    stream
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
