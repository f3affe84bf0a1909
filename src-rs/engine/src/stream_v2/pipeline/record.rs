//! Whole records in memory.

use super::panic_guard::guard;
use super::portions::PortionRunner;
use super::task_error::TaskError;
use crate::format::{
    FRAME_OVERHEAD, ManifestEntry, SegmentHeader, SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset,
};
use crate::stream_v2::segment_worker::{
    DecryptSegmentWorker, DecryptedSegment, EncryptSegmentWorker, EncryptedSegment, PREAMBLE_SIZE,
    RecordSummary, SegmentCryptoContext, SegmentInput, SegmentWire, SegmentWorkerError,
};
use crate::telemetry::{Stage, StageTimes};

/// Seals a segment in memory. A panic fails this segment only.
pub(crate) fn seal_record(
    context: &SegmentCryptoContext,
    input: SegmentInput,
    runner: PortionRunner<'_>,
    times: &mut StageTimes,
) -> Result<EncryptedSegment, TaskError> {
    let SegmentInput { header, mut record } = input;
    record.resize(context.geometry().record_size(header.plaintext_size) as usize, 0);
    let summary = seal_in_place(context, header, &mut record, runner, times)?;
    Ok(EncryptedSegment { summary, record })
}

/// Seals the segment whose plaintext is in its frames' slots of `record`, which has exactly the record's size. A panic
/// fails this segment only.
pub(crate) fn seal_in_place(
    context: &SegmentCryptoContext,
    header: SegmentHeader,
    record: &mut [u8],
    runner: PortionRunner<'_>,
    times: &mut StageTimes,
) -> Result<RecordSummary, TaskError> {
    guard(header.index, || {
        let geometry = context.geometry();
        let (expected, actual) = (geometry.record_size(header.plaintext_size), record.len());
        let Some((preamble, rest)) = record
            .split_first_chunk_mut::<PREAMBLE_SIZE>()
            .filter(|_| actual as u64 == expected)
        else {
            return Err(wrong_size(header.index, WireOffset::ZERO, expected, actual));
        };
        let mut sealer = EncryptSegmentWorker::new(context).begin(header)?;
        preamble.copy_from_slice(sealer.preamble());
        let (slots, stored_digest) = rest.split_at_mut(geometry.frames_wire_size(header.plaintext_size));
        runner.seal(&mut sealer, slots, times)?;
        let (digest, summary) = times.time(Stage::Digest, || sealer.finish());
        stored_digest.copy_from_slice(digest.as_bytes());
        Ok(summary)
    })
}

/// Opens a record in memory. A panic fails this segment only.
pub(crate) fn open_record(
    context: &SegmentCryptoContext,
    wire: SegmentWire,
    runner: PortionRunner<'_>,
    times: &mut StageTimes,
) -> Result<DecryptedSegment, TaskError> {
    let SegmentWire {
        index,
        offset,
        named,
        mut record,
    } = wire;
    let summary = open_in_place(context, (index, offset, named), &mut record, runner, times)?;
    Ok(DecryptedSegment {
        summary,
        geometry: *context.geometry(),
        record,
    })
}

/// Opens the record of a segment at an offset of the stream, in its frames' slots. It must be the one that a verified manifest
/// names, if its entry is given. After a failure the caller must not
/// use the contents of `record`. A panic fails this segment only.
pub(crate) fn open_in_place(
    context: &SegmentCryptoContext,
    (index, offset, named): (SegmentIndex, WireOffset, Option<ManifestEntry>),
    record: &mut [u8],
    runner: PortionRunner<'_>,
    times: &mut StageTimes,
) -> Result<RecordSummary, TaskError> {
    guard(index, || {
        let actual = record.len();
        let Some((preamble, rest)) = record.split_first_chunk_mut::<PREAMBLE_SIZE>() else {
            let smallest = (PREAMBLE_SIZE + FRAME_OVERHEAD) as u64;
            return Err(wrong_size(index, offset, smallest, actual));
        };
        let opener = DecryptSegmentWorker::new(context).begin(index, offset, preamble)?;
        let mut opener = opener.named(named);
        let (geometry, plaintext_size) = (context.geometry(), opener.header().plaintext_size);
        let expected = geometry.record_size(plaintext_size);
        if actual as u64 != expected {
            return Err(wrong_size(index, offset, expected, actual));
        }
        let (slots, digest) = rest.split_at_mut(geometry.frames_wire_size(plaintext_size));
        if context.hashes_first() {
            times.time(Stage::Digest, || opener.check_whole(slots, digest))?;
        }
        runner.open(&mut opener, slots, times)?;
        Ok(times.time(Stage::Digest, || opener.finish(digest))?)
    })
}

fn wrong_size(index: SegmentIndex, offset: WireOffset, expected: u64, actual: usize) -> TaskError {
    let error = SegmentHeaderError::new(SegmentReason::RecordSize, expected, actual);
    SegmentWorkerError::invalid(index, offset, error).into()
}
