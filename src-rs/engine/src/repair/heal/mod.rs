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
mod tally;

use crate::crypto::Crc64;
use crate::error::SealError;
use crate::format::{DigestKind, FOOTER_SIZE, Footer, StreamHeader};
use crate::keys::SenderKey;
use crate::operation::options::{
    Control, DEFAULT_MAX_SEGMENT_SIZE, check_max_segment_size, check_segment_size,
};
use crate::stream_v2::core::locate::FoundHeader;
use crate::stream_v2::io::{ReadAt, WriteAt};
use crate::stream_v2::pipeline::run_positioned;
use crate::telemetry::{Stage, StageTimes};
use copies::{Copies, StreamCopy};
use end_record::ChosenEnd;
use segments::HealTask;
use std::io::IoSlice;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tally::HealTally;

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
    let total = end.total;
    copies.find_header_copy(end.size, total);
    let chosen = choose_header(&copies, &end);
    control.cancel.check()?;
    let Some((header_from, chosen)) = chosen else {
        return Err(copies.header_failure());
    };
    let sender = end.check_sender(&copies, &chosen.header, options.senders.as_deref())?;
    let behind = behind_the_end_record(&end, &chosen.header);
    // After an interrupted rewrap header and copy differ, and without a key it is not known which of them is to stay.
    let header = chosen.older.unwrap_or(chosen.header);
    let geometry = &copies.core.geometry;
    let trailer_at = geometry.trailer_offset(header.size(), total);
    let sealed_size = trailer_at
        .saturating_add(end.size)
        .saturating_add(behind.len() as u64);
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
    let mut end_crc = Crc64::default();
    let mut write_at = trailer_at;
    let mut write_end = |bytes: &[u8]| {
        write(write_at, bytes)?;
        end_crc.update(bytes);
        write_at = write_at.saturating_add(bytes.len() as u64);
        Ok(())
    };
    end.copy_to(&copies, &mut write_end)?;
    write_end(&behind)?;
    let task = HealTask {
        copies: &copies,
        end: &end,
        header_size: header.size(),
        sink,
        cancel: &control.cancel,
        meter: &meter,
        combines_large: Default::default(),
    };
    let tally = Mutex::new(HealTally::new(
        copies.all.len(),
        Crc64::of(&header.bytes),
        header.bytes.len() as u64,
    ));
    run_positioned(end.segments(), geometry, control, &mut times, |worker, index| {
        let healed = task.run(worker, index)?;
        tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(index, healed);
        Ok(())
    })?;
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.check_all_healed()?;
    meter.finish();

    let mut output_crc = tally.output_crc();
    output_crc.append(end_crc.value(), sealed_size.saturating_sub(trailer_at));
    Ok(HealReport {
        sealed_size,
        plaintext_size: total,
        segments: end.segments(),
        stream_id: copies.core.stream_id,
        sender,
        header_from,
        end_from: end.copy,
        copies: copy_reports(&copies, &end, &tally.from),
        healed: tally.runs,
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

/// What follows the end record in the output: header copy and footer.
fn behind_the_end_record(end: &ChosenEnd, copy: &StreamHeader) -> Vec<u8> {
    let mut behind = Vec::new();
    Footer::append(
        &mut behind,
        end.size,
        copy.core.header_copy.then_some(&copy.bytes),
    );
    behind
}

/// Bytes of the damaged copy after the expected end of its footer.
fn trailing_bytes(copies: &Copies<'_>, end: &ChosenEnd) -> u64 {
    copies.all.first().map_or(0, |copy| {
        let (total, header_size) = (end.total, copy.header_size);
        let trailer_at = copies.core.geometry.trailer_offset(header_size, total);
        let header_copy = if copies.core.header_copy { header_size } else { 0 };
        let trailer = end
            .size
            .saturating_add(u64::from(header_copy) + FOOTER_SIZE as u64);
        copy.size.saturating_sub(trailer_at.saturating_add(trailer))
    })
}

fn copy_reports(copies: &Copies<'_>, end: &ChosenEnd, segments: &[u64]) -> Vec<CopyReport> {
    let copies = copies.all.iter().zip(&end.states).zip(segments);
    copies
        .map(|((copy, end), segments)| CopyReport {
            segments: *segments,
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
