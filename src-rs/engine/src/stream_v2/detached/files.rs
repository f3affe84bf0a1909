//! Sealing and opening files whose header is kept apart.

use super::parse;
use crate::crypto::{Crc64, Crc64Joiner};
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::failure::SealFailure;
use crate::stream_v2::files::{ALL_BITS, OWNER_BITS, Placement, convert};
use crate::stream_v2::io::{BytesApart, BytesInFront, InputSource, OutputSink};
use crate::stream_v2::options::{
    Control, DecryptOptions, EncryptOptions, HeaderLayout, compact_header_size, invalid,
};
use crate::stream_v2::report::Report;
use std::path::Path;

/// As [`encrypt_file`](crate::stream_v2::files::encrypt_file), but the file gets the stream's body, and the report its header.
/// The layout is [`HeaderLayout::Compact`] whatever the options say: object stores take some 2 KB of metadata.
///
/// # Errors
/// As there.
pub fn encrypt_file_detached(
    from: &Path,
    to: &Path,
    options: &EncryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
    let options = EncryptOptions {
        header: HeaderLayout::Compact,
        ..options.clone()
    };
    // What is wrong with the recipients is told before their header's size counts.
    options.geometry(None)?;
    let header_size = compact_header_size(&options.recipients);
    convert(from, to, placement, ALL_BITS, |source, sink| {
        let OutputSink::Positioned(sink) = sink else {
            return Err(invalid("header", "can be kept apart only from a file"));
        };
        let apart = BytesApart::new(header_size, sink);
        let sink = OutputSink::Positioned(Box::new(&apart));
        let report = encrypt_stream_v2(source, sink, &options, control)?;
        let header = apart.into_first();
        Ok(Report {
            output_crc64: crc_behind(&header, &report),
            header: Some(header),
            ..report
        })
    })
}

/// As [`decrypt_file`](crate::stream_v2::files::decrypt_file), of a stream whose header is kept apart from the file `from`.
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
) -> Result<Report, SealFailure> {
    parse(header)?;
    convert(from, to, placement, OWNER_BITS, |source, sink| match source {
        InputSource::Positioned(body) => {
            let whole = InputSource::Positioned(Box::new(BytesInFront::new(header, body)));
            decrypt_stream_v2(whole, sink, options, control)
        }
        InputSource::Ordered(body) => {
            let whole = InputSource::reader(std::io::Read::chain(header, body));
            decrypt_stream_v2(whole, sink, options, control)
        }
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
