//! Sealing and opening files with a detached header.

use super::header_file::{HeaderFile, write_header_file};
use super::parse_header;
use crate::crypto::{Crc64, Crc64Joiner};
use crate::error::SealError;
use crate::files::{ALL_BITS, OWNER_BITS, Placement, SourceFile, restore_metadata};
use crate::operation::options::{Control, DecryptOptions, EncryptOptions};
use crate::operation::report::Report;
use crate::stream_v2::core::create::unpadded_header_size;
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::io::{DetachingSink, InputSource, JoinedSource, OutputSink, ReadAt};
use std::fs::File;
use std::path::Path;

/// As [`encrypt_file`](crate::files::encrypt_file), but `to` gets only the stream's body. The report has the header, which is
/// also written to `header_to` before the body gets its name. Object stores allow about 2 KB of metadata, so the layout should be
/// [`HeaderLayout::COMPACT`](crate::operation::options::HeaderLayout::COMPACT).
///
/// # Errors
/// As there, and those of writing `header_to`. Both files are then unchanged, with one exception: if only renaming the body
/// fails, the header file is already in place.
pub fn encrypt_file_detached(
    from: &Path,
    to: &Path,
    header_to: Option<HeaderFile<'_>>,
    options: &EncryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let source = SourceFile::open(from)?;
    let options = &*source.with_metadata(options)?;
    // Checks the recipients before the size of their slots is used.
    options.geometry(None)?;
    let size = source
        .file
        .size()
        .map_err(|error| SealError::reading(error).on_file(from, to))?;
    let padded = options.header.padded_size(Some(size)) as usize;
    let header_size = unpadded_header_size(options)?.max(padded);
    source.convert(to, placement, ALL_BITS, |body| {
        let written = write_header_file(header_to, &source.file, body, placement.flush, || {
            seal_detached(header_size, &source.file, body.file(), options, control)
                .map_err(|error| error.on_file(from, to))
        });
        written.map(|(report, _)| report)
    })
}

/// Seals into a header of `header_size` bytes, which is returned, and a body.
///
/// # Errors
/// Those of sealing, and `InvalidOption` if the first `header_size` bytes are not the header: a body without its header can
/// never be opened.
pub(crate) fn seal_detached(
    header_size: usize,
    source: &File,
    body: &File,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<(Report, Vec<u8>), SealError> {
    let sink = DetachingSink::new(header_size, body);
    let report = encrypt_stream_v2(
        InputSource::positioned(source),
        OutputSink::positioned(&sink),
        options,
        control,
    )?;
    let header = sink.into_header();
    parse_header(&header)?;
    Ok((with_detached_header(&header, report), header))
}

/// The report of sealing a stream whose body is stored without this header: it has the header, and the checksum of the body.
#[must_use]
pub fn with_detached_header(header: &[u8], report: Report) -> Report {
    Report {
        header: Some(header.to_vec()),
        output_crc64: body_crc64(header, &report),
        ..report
    }
}

/// As [`decrypt_file`](crate::files::decrypt_file), for a stream whose body is the file `from`.
///
/// # Errors
/// As there, and `InvalidOption` if `header` is not a header.
pub fn decrypt_file_detached(
    header: &[u8],
    from: &Path,
    to: &Path,
    options: &DecryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    parse_header(header)?;
    let body = SourceFile::open(from)?;
    body.convert(to, placement, OWNER_BITS, |output| {
        let stream = InputSource::positioned(JoinedSource::new(header, &body.file));
        let report = decrypt_stream_v2(stream, OutputSink::positioned(output.file()), options, control)?;
        restore_metadata(&report, output, options)?;
        Ok(report)
    })
}

/// The checksum of the body, computed from that of the stream. The checksum of a stream is the exclusive or of the checksums
/// of its parts, each shifted by the length of what follows.
fn body_crc64(header: &[u8], report: &Report) -> u64 {
    let mut shifted = Crc64Joiner::default();
    shifted.append(Crc64::of(header), header.len() as u64);
    shifted.append(0, report.sealed_size.saturating_sub(header.len() as u64));
    report.output_crc64 ^ shifted.value()
}
