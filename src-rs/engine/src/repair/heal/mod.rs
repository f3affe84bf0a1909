//! Combines several damaged copies of a stream into a whole one, without a key.
//!
//! A record's digest shows whether it is sound, and the manifest names the sealing that belongs to the stream. So a storage operator can
//! heal copies without the key. Tampering can't be detected without it: an attacker can change a replica and recompute its digests. The
//! owner of the key finds that out on opening.

mod combine;
mod copies;
mod end_record;
mod file;
mod report;
mod segments;

use crate::crypto::{Crc64, Crc64Joiner};
use crate::error::SealError;
use crate::format::{DigestKind, FOOTER_SIZE, Footer, SegmentIndex, StreamHeader};
use crate::keys::SenderKey;
use crate::operation::options::{
    Control, DEFAULT_MAX_SEGMENT_SIZE, check_max_segment_size, check_segment_size,
};
use crate::stream_v2::core::locate::FoundHeader;
use crate::stream_v2::core::sender::check_sender;
use crate::stream_v2::io::{ReadAt, WriteAt};
use crate::stream_v2::pipeline::map_positioned;
use crate::telemetry::{Stage, StageTimes};
use copies::{Copies, StreamCopy};
use end_record::ChosenEnd;
use segments::{HealTask, HealedSegment, SegmentOrigin};
use std::io::IoSlice;
use std::time::Instant;

pub use end_record::EndRecordState;
pub use file::{CopySource, heal_file};
pub use report::{CopyReport, HeaderState, HealReport, HealedRun};

/// Options of healing.
#[derive(Clone, Debug)]
pub struct HealOptions {
    /// The largest accepted segment size, in bytes. A record that is combined is held in memory.
    pub max_segment_size: u32,
    /// The senders of whom one must have signed the stream.
    pub senders: Option<Vec<SenderKey>>,
}

impl Default for HealOptions {
    fn default() -> Self {
        Self {
            max_segment_size: DEFAULT_MAX_SEGMENT_SIZE,
            senders: None,
        }
    }
}

/// Writes a whole stream into `sink`. Takes each segment from `damaged` if it is sound there, else from the first of `replicas` that has
/// it, else combines it from several copies.
///
/// Of a replica only the header, the trailer and the needed segments are read. Bytes that can't be read count as damaged. Copies whose
/// damage does not overlap give exactly the bytes of the undamaged stream. Progress counts plaintext bytes.
///
/// # Errors
/// `NotHealed` for segments that no copy has, `ForeignReplica`, `NoDigests`, `EndDamaged` if no copy has a sound end record, the failure
/// of the damaged copy's header if no copy has a sound header, `SenderUnverified`, `LimitExceeded`, `Io` for the sink, `Cancelled`. After an error the
/// contents of the sink are unspecified.
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
    let mut copies = Copies::open(sources, &control.cancel)?;
    check_segment_size(&copies.core.geometry, options.max_segment_size)?;
    if copies.core.geometry.digest() == DigestKind::None {
        return Err(SealError::NoDigests);
    }
    let end = end_record::choose(&mut copies);
    control.cancel.check()?;
    let end = end?;
    let total = end.record.plaintext_total;
    copies.find_header_copy(end.bytes.len() as u64, total);
    let chosen = choose_header(&copies, &end);
    control.cancel.check()?;
    let Some((header_from, chosen)) = chosen else {
        return Err(copies.header_failure());
    };
    let sender = check_sender(&chosen.header, &end.record, options.senders.as_deref())?;
    let trailer = trailer(&end, &chosen.header);
    // After an interrupted rewrap header and copy differ, and without a key it is not known which of them is to stay.
    let header = chosen.older.unwrap_or(chosen.header);
    let geometry = &copies.core.geometry;
    let trailer_at = geometry.trailer_offset(header.size(), total);
    let sealed_size = trailer_at.saturating_add(trailer.len() as u64);
    let meter = control.meter(Some(total));
    let mut times = StageTimes::default();
    let mut write = |offset, bytes: &[u8]| {
        let written = times.time(Stage::Write, || sink.write_at(offset, &mut [IoSlice::new(bytes)]));
        written.map_err(SealError::writing)
    };

    // A manifest can claim any size. Space is reserved only if a copy is large enough.
    if copies
        .all
        .iter()
        .any(|copy| copy.size > geometry.records_size(total))
    {
        sink.reserve(sealed_size).map_err(SealError::writing)?;
    }
    write(0, &header.bytes)?;
    write(trailer_at, &trailer)?;
    let task = HealTask {
        copies: &copies,
        end: &end,
        header_size: header.size(),
        sink,
        cancel: &control.cancel,
        meter: &meter,
        combines_large: Default::default(),
    };
    let healed = map_positioned(end.segments(), geometry, control, &mut times, |worker, index| {
        task.run(worker, index)
    })?;
    check_all_healed(&healed)?;
    meter.finish();

    let mut output_crc = Crc64Joiner::default();
    output_crc.append(Crc64::of(&header.bytes), header.bytes.len() as u64);
    for (healed, entry) in healed.iter().zip(end.record.entries.iter()) {
        output_crc.append(healed.crc64, entry.wire_size.into());
    }
    output_crc.append(Crc64::of(&trailer), trailer.len() as u64);
    Ok(HealReport {
        sealed_size,
        plaintext_size: total,
        segments: end.segments(),
        stream_id: copies.core.stream_id,
        sender,
        header_from,
        end_from: end.copy,
        copies: copy_reports(&copies, &end, &healed),
        healed: runs(&healed),
        trailing_bytes: trailing_bytes(&copies, &end),
        output_crc64: output_crc.value(),
        threads: control.threads.count(),
        times,
        elapsed: start.elapsed(),
    })
}

/// The output's header, and its copy: the damaged copy's own header, or else that of a replica. A replica with the chosen end record or
/// with a record of its manifest belongs to the stream. One without an end record may belong to it. One with another end record is
/// another stream with the same core.
fn choose_header(copies: &Copies<'_>, end: &ChosenEnd) -> Option<(usize, FoundHeader)> {
    let find = |belongs: &dyn Fn(usize, &StreamCopy<'_>) -> bool| {
        copies.all.iter().enumerate().find_map(|(number, copy)| {
            let found = copy.header.as_ref().filter(|_| belongs(number, copy))?;
            Some((number, found.clone()))
        })
    };
    let state = |number: usize| end.states.get(number).copied();
    find(&|number, copy| {
        number == 0
            || state(number) == Some(EndRecordState::Taken)
            || end.has_record_in(copies, copy, copy.header_size)
    })
    .or_else(|| find(&|number, _| state(number) == Some(EndRecordState::Lost)))
}

/// The output's trailer: end record, header copy and footer.
fn trailer(end: &ChosenEnd, copy: &StreamHeader) -> Vec<u8> {
    let mut trailer = end.bytes.clone();
    let size = trailer.len() as u64;
    Footer::append(&mut trailer, size, copy.core.header_copy.then_some(&copy.bytes));
    trailer
}

/// Bytes of the damaged copy after the expected end of its footer.
fn trailing_bytes(copies: &Copies<'_>, end: &ChosenEnd) -> u64 {
    copies.all.first().map_or(0, |copy| {
        let (total, header_size) = (end.record.plaintext_total, copy.header_size);
        let trailer_at = copies.core.geometry.trailer_offset(header_size, total);
        let header_copy = if copies.core.header_copy { header_size } else { 0 };
        let trailer = end.bytes.len() as u64 + u64::from(header_copy) + FOOTER_SIZE as u64;
        copy.size.saturating_sub(trailer_at.saturating_add(trailer))
    })
}

fn check_all_healed(healed: &[HealedSegment]) -> Result<(), SealError> {
    let mut lost = healed
        .iter()
        .zip(0..)
        .filter(|(healed, _)| healed.origin == SegmentOrigin::Lost)
        .map(|(_, index)| index);
    match lost.next() {
        None => Ok(()),
        Some(first) => Err(SealError::NotHealed {
            segments: 1 + lost.count() as u64,
            segment: SegmentIndex::new(first),
        }),
    }
}

fn copy_reports(copies: &Copies<'_>, end: &ChosenEnd, healed: &[HealedSegment]) -> Vec<CopyReport> {
    let mut segments = vec![0; copies.all.len()];
    for healed in healed {
        if let SegmentOrigin::Copy(number) = healed.origin
            && let Some(count) = segments.get_mut(number)
        {
            *count += 1;
        }
    }
    let copies = copies.all.iter().zip(&end.states).zip(segments);
    copies
        .map(|((copy, end), segments)| CopyReport {
            segments,
            bytes_read: copy.bytes_read(),
            header: header_state(copy.header.as_ref()),
            end: *end,
        })
        .collect()
}

fn header_state(found: Option<&FoundHeader>) -> HeaderState {
    match found {
        None => HeaderState::Lost,
        Some(found) if found.from_copy && found.older.is_none() => HeaderState::FromCopy,
        Some(_) => HeaderState::Sound,
    }
}

fn runs(healed: &[HealedSegment]) -> Vec<HealedRun> {
    let mut runs: Vec<HealedRun> = Vec::new();
    for (healed, index) in healed.iter().zip(0..) {
        let replica = match healed.origin {
            SegmentOrigin::Copy(0) => continue,
            SegmentOrigin::Copy(number) => Some(number - 1),
            SegmentOrigin::Combined | SegmentOrigin::Lost => None,
        };
        match runs.last_mut() {
            Some(run) if run.replica == replica && run.segment.get() + run.segment_count == index => {
                run.segment_count += 1;
            }
            _ => runs.push(HealedRun {
                segment: SegmentIndex::new(index),
                segment_count: 1,
                replica,
            }),
        }
    }
    runs
}
