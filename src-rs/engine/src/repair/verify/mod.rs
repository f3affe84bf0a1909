//! Finds damage without writing plaintext: checks every checksum, digest, count and length, and with a key every tag.

mod ends;
mod extent;
mod problems;
mod sample;
mod task;
mod trailer;

pub use problems::{MAX_PROBLEMS, Problem};
pub use sample::Sample;

use crate::error::SealError;
use crate::format::DigestKind;
use crate::keys::{SenderKey, SenderStatus};
use crate::operation::options::{Control, DecryptOptions, invalid};
use crate::operation::report::OpenedBy;
use crate::stream_v2::core::stream_size::check_size;
use crate::stream_v2::core::unlock::opened_by;
use crate::stream_v2::io::{ReadAt, ThrottledSource};
use crate::stream_v2::pipeline::run_positioned;
use crate::telemetry::StageTimes;
use ends::Ends;
use sample::Selection;
use std::time::{Duration, Instant};
use task::VerifyTask;

/// What to check.
#[derive(Clone, Debug)]
pub struct VerifyOptions<'a> {
    /// Keys and limits. `None` to check without a key, which finds damage but not tampering.
    pub open: Option<DecryptOptions<'a>>,
    /// The senders of whom one must have signed the stream. Their signature proves the records without a key.
    pub senders: Option<Vec<SenderKey>>,
    /// Check only some of the segments. Header and trailer are always checked.
    pub sample: Option<Sample>,
    /// The highest read rate; at least 1.
    pub bytes_per_second: Option<u64>,
    /// The largest accepted size of a stream, in bytes, as the stream states it or the source has it.
    pub max_size: u64,
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        Self {
            open: None,
            senders: None,
            sample: None,
            bytes_per_second: None,
            max_size: u64::MAX,
        }
    }
}

impl VerifyOptions<'_> {
    fn check(&self) -> Result<(), SealError> {
        if self.sample.is_some_and(|sample| !sample.is_valid()) {
            return Err(invalid("sample", "must be more than 0 and at most 1"));
        }
        if self.bytes_per_second == Some(0) {
            return Err(invalid("maxBytesPerSecond", "must be at least 1"));
        }
        self.open.as_ref().map_or(Ok(()), DecryptOptions::check)
    }
}

/// The result of a check.
#[derive(Clone, Debug)]
pub struct Verification {
    /// No problem was found.
    pub sound: bool,
    /// A key was given, and the header, the manifest and every checked segment are authentic.
    pub authenticated: bool,
    /// The contents of the segments were checked. Without a key that takes digests; in a stream without digests only headers, counts
    /// and lengths were checked.
    pub contents_checked: bool,
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// Bytes of the source.
    pub sealed_size: u64,
    /// The digest at the end of each record.
    pub digest: DigestKind,
    /// Plaintext bytes, if the header, the trailer or the final segment states them.
    pub plaintext_size: Option<u64>,
    /// Segments, if the plaintext's size is known.
    pub segments: Option<u64>,
    /// Segments that were checked, sound or not.
    pub segments_checked: u64,
    /// Bytes of their records.
    pub bytes_checked: u64,
    /// The first [`MAX_PROBLEMS`] problems, in order of offset.
    pub problems: Vec<Problem>,
    /// The number of all problems.
    pub problem_count: u64,
    /// Who signed the stream, and whether that is verified. If it is, every sound record is the one that the sender vouched for.
    pub sender: Option<SenderStatus>,
    /// The header's copy was used, because the header is damaged or older.
    pub header_from_copy: bool,
    /// The key slot that was opened.
    pub opened_by: Option<OpenedBy>,
    /// Threads that worked on segments.
    pub threads: usize,
    /// Time in each stage, summed over the threads.
    pub times: StageTimes,
    /// Time from start to end.
    pub elapsed: Duration,
}

/// Checks a sealed stream and lists its problems. Plaintext stays in the workers' memory.
///
/// Progress counts sealed bytes of the records to check.
///
/// # Errors
/// Only failures that make checking impossible: no header can be read; `LimitExceeded`; with a key `NoMatchingKey`, `ContextMismatch` and
/// `HeaderTampered`; `InvalidOption`, `SourceChanged`, `Cancelled`. All others are problems.
pub fn verify(
    source: &dyn ReadAt,
    options: &VerifyOptions<'_>,
    control: &Control<'_>,
) -> Result<Verification, SealError> {
    let start = Instant::now();
    options.check()?;
    let limited = options
        .bytes_per_second
        .map(|limit| ThrottledSource::new(source, limit, &control.cancel));
    let source = limited.as_ref().map_or(source, |limited| limited as &dyn ReadAt);
    let size = source.size().map_err(SealError::reading)?;
    check_size(size, options.max_size)?;
    let Ends {
        problems,
        found,
        unlocked,
        extent,
        manifest,
        sender,
    } = Ends::settled(source, size, options, control)?;
    let (header, from_copy) = match &unlocked {
        Some(stream) => (&stream.header, stream.from_copy),
        None => (&found.header, found.from_copy),
    };
    let context = unlocked.as_ref().map(|stream| match extent.total {
        Some(total) => stream.context.clone().with_total(total),
        None => stream.context.clone(),
    });
    let geometry = &header.core.geometry;

    let selection = Selection::new(extent.present, options.sample);
    let bytes_checked = extent.selected_size(geometry, &selection);
    let meter = control.meter(Some(bytes_checked));
    let damaged_before = problems.count();
    let task = VerifyTask {
        source,
        header,
        total: extent.total,
        source_size: size,
        context: context.as_ref(),
        manifest: manifest.as_ref(),
        for_senders: options.senders.is_some(),
        selection: &selection,
        problems: &problems,
        cancel: &control.cancel,
        meter: &meter,
    };
    let mut times = StageTimes::default();
    run_positioned(
        selection.count(),
        geometry,
        control,
        &mut times,
        |worker, index| task.run(worker, index),
    )?;
    control.cancel.check()?;
    meter.finish();

    let authenticated = unlocked.is_some() && manifest.is_some() && problems.count() == damaged_before;
    let (problems, problem_count) = problems.into_list();
    Ok(Verification {
        sound: problem_count == 0,
        authenticated,
        contents_checked: unlocked.is_some() || geometry.digest() != DigestKind::None,
        stream_id: header.core.stream_id,
        sealed_size: size,
        digest: geometry.digest(),
        plaintext_size: extent.total,
        segments: extent.total.map(|total| geometry.segment_count(total)),
        segments_checked: selection.count(),
        bytes_checked,
        problems,
        problem_count,
        sender,
        header_from_copy: from_copy,
        opened_by: unlocked
            .as_ref()
            .map(|stream| opened_by(header, &stream.unlocked)),
        threads: control.threads.count(),
        times,
        elapsed: start.elapsed(),
    })
}
