//! Finds a header that unlocks.

use super::damage_map::{HeaderLocation, HeaderOrigin};
use super::markers::{Marker, find_markers};
use super::{SalvageOptions, SalvageStream};
use crate::error::SealError;
use crate::format::{HEADER_FIXED_SIZE, SegmentIndex, StreamHeader, WireOffset, check_prefix};
use crate::keys::UnlockBudget;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::invalid;
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::core::locate::{FoundHeader, find_header};
use crate::stream_v2::core::unlock::UnlockedStream;

/// Tries the given header, then the one at the source's start or its copy before a sound footer, and then every header whose magic
/// bytes stand anywhere in the source.
///
/// # Errors
/// The first failure to unlock a sound header, or else the failure to read one. `InvalidOption` if the given header is not a header.
pub(super) fn find(
    source: &FaultTolerantSource<'_>,
    options: &SalvageOptions<'_>,
    budget: &mut UnlockBudget<'_>,
    cancel: &CancellationToken,
) -> Result<SalvageStream, SealError> {
    let mut search = Search {
        options,
        tried: Vec::new(),
        budget,
        failure: None,
    };
    if let Some(given) = options.header {
        let header = StreamHeader::parse(given)
            .map_err(|error| invalid("header", format!("is not the header of a sealed stream: {error}")))?;
        if let Some(stream) = search.attempt(header, HeaderOrigin::Given, None) {
            return Ok(stream);
        }
    }
    let unread = match find_header(source.raw(), source.size()) {
        Ok(found) => {
            let (copy, at_start) = match found.from_copy {
                true => (Some(found.header), found.older),
                false => (None, Some(found.header)),
            };
            let stream = copy
                .and_then(|header| search.attempt(header, HeaderOrigin::Copy, None))
                .or_else(|| search.attempt(at_start?, HeaderOrigin::Start, Some(WireOffset::ZERO)));
            if let Some(stream) = stream {
                return Ok(stream);
            }
            None
        }
        Err(failure) => Some(failure),
    };
    let mut stream = None;
    let mut reader = HeaderReader::new(source);
    find_markers(source, cancel, None, |at, marker, _| {
        if stream.is_none()
            && marker == Marker::Header
            && let Some(header) = reader.read(at)
        {
            stream = search.attempt(header, HeaderOrigin::Scan, Some(WireOffset::new(at)));
        }
    })?;
    let no_header = SealError::truncated(SegmentIndex::ZERO, 0);
    stream.ok_or_else(|| search.failure.or(unread).unwrap_or(no_header))
}

struct Search<'a, 'o, 'b> {
    options: &'a SalvageOptions<'o>,
    /// The first headers that did not unlock. Most that are found later are copies of them.
    tried: Vec<Vec<u8>>,
    /// What all headers together may cost: a source can hold many headers with costly slots.
    budget: &'a mut UnlockBudget<'b>,
    /// The first failure to unlock a sound header; or that a limit kept a header from being tried.
    failure: Option<SealError>,
}

impl Search<'_, '_, '_> {
    fn attempt(
        &mut self,
        header: StreamHeader,
        origin: HeaderOrigin,
        offset: Option<WireOffset>,
    ) -> Option<SalvageStream> {
        if self.tried.contains(&header.bytes) {
            return None;
        }
        if self.tried.len() < MAX_REMEMBERED {
            self.tried.push(header.bytes.clone());
        }
        let found = match origin {
            HeaderOrigin::Copy => FoundHeader::copy(header, None),
            _ => header.into(),
        };
        match UnlockedStream::unlock_within(found, &self.options.open, self.budget) {
            Ok(unlocked) => Some(SalvageStream {
                unlocked,
                header: HeaderLocation { origin, offset },
            }),
            Err(failure) => {
                let is_limit = |failure: &SealError| matches!(failure, SealError::LimitExceeded { .. });
                // A caller who raises the limit may get further.
                if self.failure.is_none()
                    || (is_limit(&failure) && !self.failure.as_ref().is_some_and(is_limit))
                {
                    self.failure = Some(failure);
                }
                None
            }
        }
    }
}

/// Attempts to open slots for key pairs, in all headers of a source together: 256 headers with 64 slots each. An attempt takes about
/// 0.1 ms.
pub(super) const MAX_KEY_ATTEMPTS: u64 = 16_384;
/// The most headers that are remembered. Each can have the largest header size.
const MAX_REMEMBERED: usize = 16;

/// Reads possible headers, as long as that costs at most reading the source once.
pub(super) struct HeaderReader<'a> {
    source: &'a FaultTolerantSource<'a>,
    budget: u64,
}

impl<'a> HeaderReader<'a> {
    pub(super) fn new(source: &'a FaultTolerantSource<'a>) -> Self {
        Self {
            source,
            budget: source.size(),
        }
    }

    /// The header at `offset`, if its checksum and all its fields are right.
    pub(super) fn read(&mut self, offset: u64) -> Option<StreamHeader> {
        let prefix: [u8; HEADER_FIXED_SIZE] = self.source.read_array(offset)?;
        let size = check_prefix(&prefix).ok()?;
        self.budget = self.budget.checked_sub(u64::from(size))?;
        let mut bytes = vec![0; size as usize];
        (self.source.read(offset, &mut bytes) == bytes.len()).then_some(())?;
        StreamHeader::parse(&bytes).ok()
    }
}
