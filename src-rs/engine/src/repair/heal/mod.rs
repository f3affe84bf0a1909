//! One whole stream out of several damaged copies of it, without a key.
//!
//! What tells a sound record from a damaged one is its digest, and which sealing of it belongs to the stream is in the
//! manifest, so anyone who stores copies can mend them. Nobody without a key can tell damage from tampering: who made a
//! replica can have changed it and mended its digests, and the key's owner finds that out on opening.

mod combine;
mod copies;
mod file;
mod manifest;
mod report;
mod segments;

use crate::crypto::{Crc64, Crc64Joiner};
use crate::error::SealError;
use crate::format::{DigestKind, FOOTER_SIZE, Footer, SegmentIndex, StreamHeader};
use crate::operation::options::{
    Control, DEFAULT_MAX_SEGMENT_SIZE, check_max_segment_size, check_segment_size,
};
use crate::stream_v2::core::locate::FoundHeader;
use crate::stream_v2::io::{ReadAt, WriteAt};
use crate::stream_v2::pipeline::run_positioned;
use crate::telemetry::{Stage, StageTimes};
use copies::Copies;
use manifest::Manifest;
use segments::{HealTask, Healed, Origin};
use std::io::IoSlice;
use std::time::Instant;

pub use file::{CopySource, heal_file};
pub use manifest::EndState;
pub use report::{CopyReport, HeaderState, HealReport, HealedRun};

/// How to heal.
#[derive(Clone, Copy, Debug)]
pub struct HealOptions {
    /// The largest segment size that is accepted, in bytes: a record that must be combined is held in memory.
    pub max_segment_size: u32,
}

impl Default for HealOptions {
    fn default() -> Self {
        Self {
            max_segment_size: DEFAULT_MAX_SEGMENT_SIZE,
        }
    }
}

/// Writes a whole stream into `sink`: each segment from `damaged` if it is sound there, else from the first of
/// `replicas` that has it, else combined from what the copies have of it.
///
/// Of a replica no more is read than its header, its end, and the segments that are wanted. What can't be read of a copy
/// counts as damaged. Copies whose damages don't overlap give the very bytes of the stream before it was damaged. The
/// progress counts plaintext bytes.
///
/// # Errors
/// `NotHealed` for segments that are nowhere, `ForeignReplica`, `NoDigests`, `EndDamaged` where no copy has a sound end
/// record, the damaged copy's header error where no copy has a sound header, `LimitExceeded`, `Io` for the sink,
/// `Cancelled`. What was written to the sink by then is of no use.
pub fn heal(
    damaged: &dyn ReadAt,
    replicas: &[&dyn ReadAt],
    sink: &dyn WriteAt,
    options: HealOptions,
    control: &Control<'_>,
) -> Result<HealReport, SealError> {
    check_max_segment_size(options.max_segment_size)?;
    let start = Instant::now();
    let sources = std::iter::once(damaged).chain(replicas.iter().copied());
    let mut copies = Copies::examine(sources, &control.cancel)?;
    check(&copies, options)?;
    let manifest = manifest::choose(&mut copies);
    copies.check_searched()?;
    let manifest = manifest?;
    let total = manifest.record.plaintext_total;
    let records = copies.core.geometry.records_size(total);
    copies.find_copy_behind(&manifest.bytes, records);
    let chosen = choose_header(&copies, &manifest);
    copies.check_searched()?;
    let Some((header_from, chosen)) = chosen else {
        return Err(copies.header_failure());
    };
    let end = ending(&manifest, &chosen.header);
    // Where a rewrap was interrupted header and copy differ, and nobody without a key can tell which is to stay.
    let header = chosen.older.unwrap_or(chosen.header);
    let end_record_size = manifest.bytes.len() as u64;
    let end_offset = u64::from(header.size()).saturating_add(records);
    let stream_size = end_offset.saturating_add(end.len() as u64);
    let meter = control.meter(Some(total));
    let mut times = StageTimes::default();
    let mut write = |offset, bytes: &[u8]| {
        let written = times.time(Stage::Write, || sink.write_at(offset, &mut [IoSlice::new(bytes)]));
        written.map_err(SealError::writing)
    };

    // A manifest alone can claim any size: only a stream that some copy may hold gets its room.
    if copies.all.iter().any(|copy| copy.size > records) {
        sink.reserve(stream_size).map_err(SealError::writing)?;
    }
    write(0, &header.bytes)?;
    write(end_offset, &end)?;
    let task = HealTask {
        copies: &copies,
        manifest: &manifest,
        header_size: header.size(),
        sink,
        cancel: &control.cancel,
        meter: &meter,
        combines_large: Default::default(),
    };
    let (count, geometry) = (manifest.segments(), &copies.core.geometry);
    let healed = run_positioned(count, geometry, control, &mut times, |worker, index| {
        task.run(worker, index)
    })?;
    check_whole(&healed)?;
    meter.finish();

    let mut output_crc = Crc64Joiner::default();
    output_crc.append(Crc64::of(&header.bytes), header.bytes.len() as u64);
    for (healed, entry) in healed.iter().zip(&manifest.record.entries) {
        output_crc.append(healed.crc64, entry.wire_size.into());
    }
    output_crc.append(Crc64::of(&end), end.len() as u64);
    Ok(HealReport {
        stream_size,
        plaintext_size: total,
        segments: manifest.segments(),
        stream_id: copies.core.stream_id,
        header_from,
        end_from: manifest.copy,
        copies: copy_reports(&copies, &manifest, &healed),
        healed: runs(&healed),
        trailing_bytes: trailing_bytes(&copies, records + end_record_size),
        output_crc64: output_crc.value(),
        threads: control.threads.count(),
        times,
        elapsed: start.elapsed(),
    })
}

fn check(copies: &Copies<'_>, options: HealOptions) -> Result<(), SealError> {
    let geometry = &copies.core.geometry;
    check_segment_size(geometry, options.max_segment_size)?;
    if geometry.digest() == DigestKind::None {
        return Err(SealError::NoDigests);
    }
    Ok(())
}

/// The header that the output gets, and whose it is: the damaged copy's own, or else that of a replica. One that has a part
/// of the manifest that was taken is known to be of the same stream, and one that has nothing but its header may be; one
/// with a manifest of its own is of another stream that has the same shape.
fn choose_header(copies: &Copies<'_>, manifest: &Manifest) -> Option<(usize, FoundHeader)> {
    let known = |number: usize, copy: &copies::Copy<'_>| {
        number == 0
            || manifest.states.get(number) == Some(&EndState::Taken)
            || manifest.has_part_in(copies, copy, copy.header_size)
    };
    let possible = |number: usize, _: &copies::Copy<'_>| manifest.states.get(number) == Some(&EndState::Lost);
    let find = |belongs: &dyn Fn(usize, &copies::Copy<'_>) -> bool| {
        copies.all.iter().enumerate().find_map(|(number, copy)| {
            let found = copy.header.as_ref().filter(|_| belongs(number, copy))?;
            Some((number, found.clone()))
        })
    };
    find(&known).or_else(|| find(&possible))
}

/// End record, header copy and footer of the output.
fn ending(manifest: &Manifest, copy: &StreamHeader) -> Vec<u8> {
    let mut end = manifest.bytes.clone();
    if copy.core.header_copy {
        end.extend_from_slice(&copy.bytes);
    }
    let footer = Footer {
        end_size: (end.len() + FOOTER_SIZE) as u64,
    };
    end.extend_from_slice(&footer.encode());
    end
}

/// Bytes of the damaged copy behind where its footer ends, or would, if its records and its end record take `inner` bytes.
fn trailing_bytes(copies: &Copies<'_>, inner: u64) -> u64 {
    let headers = if copies.core.header_copy { 2 } else { 1 };
    copies.all.first().map_or(0, |copy| {
        let whole = headers * u64::from(copy.header_size) + inner + FOOTER_SIZE as u64;
        copy.size.saturating_sub(whole)
    })
}

fn check_whole(healed: &[Healed]) -> Result<(), SealError> {
    let mut lost = healed
        .iter()
        .zip(0..)
        .filter(|(healed, _)| healed.origin == Origin::Lost)
        .map(|(_, index)| index);
    match lost.next() {
        None => Ok(()),
        Some(first) => Err(SealError::NotHealed {
            segments: 1 + lost.count() as u64,
            first: SegmentIndex::new(first),
        }),
    }
}

fn copy_reports(copies: &Copies<'_>, manifest: &Manifest, healed: &[Healed]) -> Vec<CopyReport> {
    let mut segments = vec![0; copies.all.len()];
    for healed in healed {
        if let Origin::Copy(number) = healed.origin
            && let Some(count) = segments.get_mut(number)
        {
            *count += 1;
        }
    }
    let report = |((copy, end), segments): ((&copies::Copy<'_>, &EndState), u64)| CopyReport {
        segments,
        bytes_read: copy.bytes_read(),
        header: header_state(copy.header.as_ref()),
        end: *end,
    };
    copies
        .all
        .iter()
        .zip(&manifest.states)
        .zip(segments)
        .map(report)
        .collect()
}

fn header_state(found: Option<&FoundHeader>) -> HeaderState {
    match found {
        None => HeaderState::Lost,
        Some(found) if found.from_copy && found.older.is_none() => HeaderState::FromCopy,
        Some(_) => HeaderState::Sound,
    }
}

fn runs(healed: &[Healed]) -> Vec<HealedRun> {
    let mut runs: Vec<HealedRun> = Vec::new();
    for (healed, index) in healed.iter().zip(0..) {
        let replica = match healed.origin {
            Origin::Copy(0) => continue,
            Origin::Copy(number) => Some(number - 1),
            Origin::Combined | Origin::Lost => None,
        };
        match runs.last_mut() {
            Some(run) if run.replica == replica && run.first.get() + run.count == index => run.count += 1,
            _ => runs.push(HealedRun {
                first: SegmentIndex::new(index),
                count: 1,
                replica,
            }),
        }
    }
    runs
}
