//! Looking for damage without opening anything: every checksum, digest, count and length, and with a key every tag.

mod end;
mod extent;
mod problems;
mod sample;
mod task;

pub use problems::{MAX_PROBLEMS, Problem};
pub use sample::Sample;

use crate::error::SealError;
use crate::format::{ByteRange, DigestKind};
use crate::operation::options::{Control, DecryptOptions, invalid};
use crate::operation::report::OpenedBy;
use crate::stream_v2::core::locate::{FoundHeader, find_header};
use crate::stream_v2::core::unlock::{UnlockedStream, opened_by};
use crate::stream_v2::io::{ReadAt, ThrottledSource};
use crate::stream_v2::pipeline::run_positioned;
use crate::telemetry::StageTimes;
use extent::Extent;
use problems::Problems;
use sample::Selection;
use std::time::{Duration, Instant};
use task::VerifyTask;

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions<'a> {
    /// With what to open the stream. `None` to check what can be checked without a key: rot, but not tampering.
    pub open: Option<DecryptOptions<'a>>,
    /// Check only some of the segments; header and end are checked in any case.
    pub sample: Option<Sample>,
    /// Read no faster than this; at least 1.
    pub bytes_per_second: Option<u64>,
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

/// What was found.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Nothing is wrong with what was checked.
    pub sound: bool,
    /// A key was given, and the header, every segment that was checked and the manifest are authentic.
    pub authenticated: bool,
    /// The bytes of the segments were checked against something. Not so without a key where the stream has no digests:
    /// then only headers, counts and lengths were.
    pub contents_checked: bool,
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// Bytes of the source.
    pub stream_size: u64,
    /// The digest behind each record.
    pub digest: DigestKind,
    /// Plaintext bytes, where the header, the end or the last segment tells.
    pub plaintext_size: Option<u64>,
    /// Segments, where the plaintext's size is known.
    pub segments: Option<u64>,
    /// Segments that were read, whether or not they are sound.
    pub segments_checked: u64,
    /// Bytes of their records.
    pub bytes_checked: u64,
    /// What is wrong, in order of place; the first [`MAX_PROBLEMS`] of it.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problem_count: u64,
    /// The copy of the header at the stream's end served: the header is damaged, or older.
    pub header_from_copy: bool,
    /// The slot that a key opened, and its type.
    pub opened_by: Option<OpenedBy>,
    /// Threads that worked on segments.
    pub threads: usize,
    /// Time in each stage, summed over the threads.
    pub times: StageTimes,
    /// Time from start to end.
    pub elapsed: Duration,
}

/// Checks a sealed stream and finds all that is wrong with it; nothing is opened but in a worker's own memory.
///
/// Progress counts the bytes of the records that are to be checked, sealed.
///
/// # Errors
/// Only what makes checking impossible: no header that can be read, `NoMatchingKey`, `ContextMismatch`, `HeaderTampered`
/// and `LimitExceeded` where a key is given, `InvalidOption`, `SourceChanged`, `Cancelled`. Everything else is a problem.
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
    let problems = Problems::default();
    let found = find_header_in(source, size, &problems)?;
    let (found, unlocked) = match &options.open {
        Some(open) => {
            let UnlockedStream {
                header,
                from_copy,
                older,
                context,
                end_key,
                unlocked,
                newer: _,
            } = UnlockedStream::unlock(found, open)?;
            let found = FoundHeader {
                header,
                from_copy,
                older,
                failure: None,
            };
            (found, Some((context, end_key, unlocked)))
        }
        None => (found, None),
    };
    let FoundHeader {
        header,
        from_copy,
        older,
        ..
    } = found;
    if let Some(older) = older {
        problems.add(end::interrupted(&older, header.revision))?;
    }
    let end_key = unlocked.as_ref().map(|(_, end_key, _)| end_key);
    let extent = Extent::measure(source, size, &header, &control.cancel)?;
    let manifest = end::check(source, size, &header, end_key, &extent, &problems)?;
    let context = unlocked.as_ref().map(|(context, ..)| match extent.total {
        Some(total) => context.clone().with_total(total),
        None => context.clone(),
    });

    let selection = Selection::new(extent.present, options.sample);
    let bytes_checked = extent.selected_size(&header.core.geometry, &selection);
    let meter = control.meter(Some(bytes_checked));
    let damaged_before = problems.count();
    let task = VerifyTask {
        source,
        geometry: header.core.geometry,
        header_size: header.size(),
        total: extent.total,
        source_size: size,
        context: context.as_ref(),
        manifest: manifest.as_ref(),
        selection: &selection,
        problems: &problems,
        cancel: &control.cancel,
        meter: &meter,
    };
    let mut times = StageTimes::default();
    let (count, geometry) = (selection.count(), &header.core.geometry);
    run_positioned(count, geometry, control, &mut times, |worker, index| {
        task.run(worker, index)
    })?;
    control.cancel.check()?;
    meter.finish();

    let authenticated = unlocked.is_some() && manifest.is_some() && problems.count() == damaged_before;
    let digest = header.core.geometry.digest();
    let (problems, problem_count) = problems.into_list();
    Ok(Verification {
        sound: problem_count == 0,
        authenticated,
        contents_checked: unlocked.is_some() || digest != DigestKind::None,
        stream_id: header.core.stream_id,
        stream_size: size,
        digest,
        plaintext_size: extent.total,
        segments: extent
            .total
            .map(|total| header.core.geometry.segment_count(total)),
        segments_checked: selection.count(),
        bytes_checked,
        problems,
        problem_count,
        header_from_copy: from_copy,
        opened_by: unlocked.map(|(.., unlocked)| opened_by(&header, &unlocked)),
        threads: control.threads.count(),
        times,
        elapsed: start.elapsed(),
    })
}

/// Reads the header. Where it is damaged or can't be read and its copy serves, that is a problem and no failure.
fn find_header_in(source: &dyn ReadAt, size: u64, problems: &Problems) -> Result<FoundHeader, SealError> {
    let mut found = find_header(source, size)?;
    if let Some(failure) = found.failure.take() {
        problems.add(Problem {
            segment: None,
            plaintext: None,
            wire: ByteRange::at(0, u64::from(found.header.size())),
            failure,
        })?;
    }
    Ok(found)
}
