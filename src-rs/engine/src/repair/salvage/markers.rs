//! Finds the markers of headers, records and end records in one pass over a source.

use crate::error::SealError;
use crate::format::{END_MARKER, MAGIC, SEGMENT_MARKER};
use crate::operation::cancel::CancellationToken;
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::telemetry::ProgressMeter;
use memchr::memmem::Finder;

/// What a marker stands for. Only its own bytes were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// A stream's header, or its copy.
    Header,
    /// A record.
    Segment,
    /// An end record.
    EndRecord,
}

/// Calls `visit` for every marker with its offset and the bytes from there on: at least as many as a record's preamble has, unless the
/// source ends before.
pub(super) fn find_markers(
    source: &FaultTolerantSource<'_>,
    cancel: &CancellationToken,
    meter: Option<&ProgressMeter<'_>>,
    mut visit: impl FnMut(u64, Marker, &[u8]),
) -> Result<(), SealError> {
    let needle = Finder::new(COMMON);
    let mut buffer = vec![0; BLOCK];
    // The number of bytes at the buffer's start that are kept from the block before.
    let mut kept = 0;
    let mut at: u64 = 0;
    loop {
        cancel.check()?;
        let read = source.read(at + kept as u64, &mut buffer[kept..]);
        let is_last = kept + read < BLOCK;
        let bytes = &buffer[..kept + read];
        let end = if is_last {
            bytes.len()
        } else {
            bytes.len() - LOOK_AHEAD
        };
        let begin = kept.min(1);
        let mut from = begin;
        while from < end {
            let window = &bytes[from..(end + COMMON.len() - 1).min(bytes.len())];
            let Some(found) = needle.find(window) else { break };
            let position = from + found;
            if let Some((start, marker)) = marker_at(bytes, position) {
                visit(at + start as u64, marker, &bytes[start..]);
            }
            from = position + COMMON.len();
        }
        if let Some(meter) = meter {
            // The other half of the progress is for the recovery.
            meter.add(read as u64 / 2);
        }
        if is_last {
            return Ok(());
        }
        kept = LOOK_AHEAD + 1;
        at += (BLOCK - kept) as u64;
        buffer.copy_within(BLOCK - kept.., 0);
    }
}

/// The marker that [`COMMON`] at `position` is a part of, with its start.
fn marker_at(bytes: &[u8], position: usize) -> Option<(usize, Marker)> {
    let here = bytes.get(position..)?;
    if here.starts_with(&SEGMENT_MARKER) {
        return Some((position, Marker::Segment));
    }
    if here.starts_with(&END_MARKER) {
        return Some((position, Marker::EndRecord));
    }
    let start = position.checked_sub(1)?;
    bytes[start..]
        .starts_with(&MAGIC)
        .then_some((start, Marker::Header))
}

/// All markers contain these bytes, so one search finds them all.
const COMMON: &[u8] = b"SE";
const BLOCK: usize = 1024 * 1024;
const LOOK_AHEAD: usize = PREAMBLE_SIZE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_is_found_once_at_any_block_boundary() {
        for shift in [0, 1, 2, 3, 7, 8, 105, 106, 107, 108, 109] {
            let mut bytes = vec![0; BLOCK + 4096];
            let places = [0, 40, BLOCK - shift, BLOCK - shift + 30, BLOCK + 4096 - 8];
            let markers: [&[u8]; 5] = [&SEGMENT_MARKER, &MAGIC, &END_MARKER, &MAGIC, &MAGIC];
            for (at, marker) in places.iter().zip(markers) {
                bytes[*at..at + marker.len()].copy_from_slice(marker);
            }
            let source: &[u8] = &bytes;
            let mut found = Vec::new();
            find_markers(
                &FaultTolerantSource::new(&source, bytes.len() as u64),
                &CancellationToken::new(),
                None,
                |at, marker, rest| {
                    assert!(rest.len() >= PREAMBLE_SIZE || at as usize + rest.len() == bytes.len());
                    found.push((at as usize, marker));
                },
            )
            .unwrap();
            let expected = [
                Marker::Segment,
                Marker::Header,
                Marker::EndRecord,
                Marker::Header,
                Marker::Header,
            ];
            assert_eq!(
                found,
                places.into_iter().zip(expected).collect::<Vec<_>>(),
                "{shift}"
            );
        }
    }
}
