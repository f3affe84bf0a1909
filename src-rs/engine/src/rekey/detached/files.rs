//! Sealing and opening files whose header is kept apart.

use super::header_file::HeaderFile;
use super::parse;
use crate::crypto::{Crc64, Crc64Joiner};
use crate::error::SealError;
use crate::files::{ALL_BITS, OWNER_BITS, Placement, convert};
use crate::operation::options::{Control, DecryptOptions, EncryptOptions, HeaderLayout, compact_header_size};
use crate::operation::report::Report;
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::io::{BytesApart, BytesInFront, InputSource, OutputSink};
use std::fs::File;
use std::path::Path;

/// As [`encrypt_file`](crate::files::encrypt_file), but the file gets the stream's body, and the report its header,
/// which goes into the file `header_to` before the body gets its name. The layout is [`HeaderLayout::Compact`] whatever the options say:
/// object stores take some 2 KB of metadata.
///
/// # Errors
/// As there, and those of writing `header_to`. Both files are as they were then, with one exception: where the body can't get its name at
/// the last moment, its header has its place already.
pub fn encrypt_file_detached(
    from: &Path,
    to: &Path,
    header_to: Option<HeaderFile<'_>>,
    options: &EncryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let options = EncryptOptions {
        header: HeaderLayout::Compact,
        ..options.clone()
    };
    // What is wrong with the recipients is told before their header's size counts.
    options.geometry(None)?;
    let header_size = compact_header_size(&options.recipients);
    convert(from, to, placement, ALL_BITS, |source, output| {
        let kept = header_to.map(|file| file.create(source, output)).transpose()?;
        let (report, header) = seal_apart(header_size, source, output.file(), &options, control)?;
        if let Some(kept) = kept {
            kept.keep(&header, output, placement.flush)?;
        }
        Ok(Report {
            header: Some(header),
            ..report
        })
    })
}

/// Seals into a header and a body, of which nothing but the header is the first `header_size` bytes.
///
/// # Errors
/// Those of sealing, and `InvalidOption` where these bytes are no header: a body without one is of no use to anybody.
pub(crate) fn seal_apart(
    header_size: usize,
    source: &File,
    body: &File,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<(Report, Vec<u8>), SealError> {
    let apart = BytesApart::new(header_size, Box::new(body));
    let sink = OutputSink::Positioned(Box::new(&apart));
    let source = InputSource::Positioned(Box::new(source));
    let report = encrypt_stream_v2(source, sink, options, control)?;
    let header = apart.into_first();
    parse(&header)?;
    let output_crc64 = crc_behind(&header, &report);
    let report = Report {
        output_crc64,
        ..report
    };
    Ok((report, header))
}

/// As [`decrypt_file`](crate::files::decrypt_file), of a stream whose header is kept apart from the file `from`.
///
/// # Errors
/// As there, and `InvalidOption` for bytes that are no header.
pub fn decrypt_file_detached(
    header: &[u8],
    from: &Path,
    to: &Path,
    options: &DecryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    parse(header)?;
    convert(from, to, placement, OWNER_BITS, |body, output| {
        let whole = InputSource::Positioned(Box::new(BytesInFront::new(header, body)));
        decrypt_stream_v2(whole, OutputSink::file(output.file()), options, control)
    })
}

/// The checksum of what is behind the header, out of that of the whole: the checksum of a whole is that of its parts, shifted
/// by the length of what follows and added up.
fn crc_behind(header: &[u8], report: &Report) -> u64 {
    let mut shifted = Crc64Joiner::default();
    shifted.append(Crc64::of(header), header.len() as u64);
    shifted.append(0, report.stream_size.saturating_sub(header.len() as u64));
    report.output_crc64 ^ shifted.value()
}
