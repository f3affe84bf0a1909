//! Header and trailer: everything that is checked before the segments.

use super::extent::Extent;
use super::problems::Problems;
use super::trailer::NamedRecords;
use super::{VerifyOptions, trailer};
use crate::error::SealError;
use crate::format::{ByteRange, FOOTER_SIZE, StreamHeader};
use crate::keys::SenderStatus;
use crate::operation::options::{Control, DEFAULT_MAX_MANIFEST_SIZE};
use crate::stream_v2::core::locate::{FoundHeader, find_header};
use crate::stream_v2::core::stream_size::check_stated_size;
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::io::ReadAt;
use std::io::IoSliceMut;
use std::thread;
use std::time::{Duration, SystemTime};

/// Header and trailer of a stream, and their problems.
pub(super) struct Ends {
    pub(super) problems: Problems,
    pub(super) found: FoundHeader,
    pub(super) unlocked: Option<UnlockedStream>,
    pub(super) extent: Extent,
    /// The end record, if it is sound and, with a key, authentic.
    pub(super) manifest: Option<NamedRecords>,
    /// The sender whose signature the end record has.
    pub(super) sender: Option<SenderStatus>,
}

impl Ends {
    /// Checks header and trailer. A rewrap in place writes the copy first and then the header, so a check that meets it finds them
    /// different, or half written. If the source was modified a moment ago, header and copy are then read again until they
    /// agree, or stay as they are.
    ///
    /// # Errors
    /// Those of [`verify`](super::verify).
    pub(super) fn settled(
        source: &dyn ReadAt,
        size: u64,
        options: &VerifyOptions<'_>,
        control: &Control<'_>,
    ) -> Result<Self, SealError> {
        let mut ends = Self::check(source, size, options, control)?;
        let mut seen = None;
        for _ in 0..MAX_WAITS {
            if !ends.problems.all(is_of_rewrap) || !is_recent(source) {
                break;
            }
            control.cancel.check()?;
            thread::sleep(WAIT);
            // The first time they are always checked again: they may have changed since they were read.
            let now = Some(rewritable_bytes(source, size, &ends.found.header));
            if now != seen {
                seen = now;
                ends = Self::check(source, size, options, control)?;
            }
        }
        Ok(ends)
    }

    fn check(
        source: &dyn ReadAt,
        size: u64,
        options: &VerifyOptions<'_>,
        control: &Control<'_>,
    ) -> Result<Self, SealError> {
        let problems = Problems::default();
        let found = find_header(source, size)?;
        if let Some(failure) = &found.failure {
            let sealed = ByteRange::at(0, u64::from(found.header.size()));
            problems.add_at(sealed, failure.clone())?;
        }
        let open = options.open.as_ref();
        let unlocked = open
            .map(|open| UnlockedStream::unlock(found.clone(), open, &control.cancel))
            .transpose()?;
        let (header, older) = match &unlocked {
            Some(stream) => (&stream.header, &stream.older),
            None => (&found.header, &found.older),
        };
        if let Some(older) = older {
            trailer::add_interrupted(&problems, older, header.revision)?;
        }
        let end_key = unlocked.as_ref().map(|stream| &stream.end_key);
        let limit = open.map_or(DEFAULT_MAX_MANIFEST_SIZE, |open| open.max_manifest_size);
        let extent = Extent::measure(source, size, header, &control.cancel)?;
        check_stated_size(header, extent.total, options.max_size)?;
        let senders = options.senders.as_deref();
        let end = trailer::check(
            source,
            size,
            header,
            (end_key, senders),
            limit,
            &extent,
            &problems,
        )?;
        let (manifest, sender) = end.map_or((None, None), |(named, sender)| (Some(named), sender));
        Ok(Self {
            problems,
            found,
            unlocked,
            extent,
            manifest,
            sender,
        })
    }
}

/// Whether a rewrap that is being written could cause this failure. There is at least one problem when this is asked.
const fn is_of_rewrap(failure: &SealError) -> bool {
    matches!(
        failure,
        SealError::HeaderDamaged { .. }
            | SealError::HeaderError { .. }
            | SealError::HeaderCopyDamaged { .. }
            | SealError::RewrapInterrupted { .. }
    )
}

fn is_recent(source: &dyn ReadAt) -> bool {
    let Ok(Some(modified)) = source.modified() else {
        return false;
    };
    // A time in the future is of another clock.
    SystemTime::now()
        .duration_since(modified)
        .is_ok_and(|age| age < RECENT)
}

/// The bytes that a rewrap in place writes: header and copy.
fn rewritable_bytes(source: &dyn ReadAt, size: u64, header: &StreamHeader) -> [Vec<u8>; 2] {
    let length = u64::from(header.size());
    let read = |offset, length: u64| {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        // What can't be read is the same the next time.
        let _ = source.read_at(offset, &mut [IoSliceMut::new(&mut bytes)]);
        bytes
    };
    let copy = header.copy_size().saturating_add(FOOTER_SIZE as u64);
    [read(0, length), read(size.saturating_sub(copy), copy)]
}

const WAIT: Duration = Duration::from_millis(50);
/// Enough for the two flushes of a rewrap on a slow disk.
const MAX_WAITS: u32 = 20;
/// Older changes are no rewrap that is being written.
const RECENT: Duration = Duration::from_secs(10);
