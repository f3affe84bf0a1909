//! A header that unlocks, from wherever it can be had.

use super::map::{HeaderOrigin, HeaderPlace};
use super::scan::{Landmark, scan};
use super::{SalvageOptions, SalvagedStream};
use crate::error::{Limit, SealError};
use crate::format::{HEADER_FIXED_SIZE, SegmentIndex, StreamHeader, WireOffset, check_prefix};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::invalid;
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::core::locate::{FoundHeader, find_header};
use crate::stream_v2::core::unlock::UnlockedStream;

/// Looks in this order: the header that the caller kept, the source's own or its copy before a sound footer, and then
/// every place at which something looks like a header.
///
/// # Errors
/// The first failure of a header that could be read and does not unlock, or else the first failure at all; `InvalidOption`
/// for a kept header that is none.
pub(super) fn find(
    source: &FaultTolerantSource<'_>,
    options: &SalvageOptions<'_>,
    cancel: &CancellationToken,
) -> Result<SalvagedStream, SealError> {
    let mut search = Search {
        options,
        tried: Vec::new(),
        passphrase_budget: options.open.max_passphrase_cost,
        locked: None,
        unread: None,
    };
    if let Some(given) = options.header {
        let header = StreamHeader::parse(given)
            .map_err(|error| invalid("header", format!("is no header of a sealed stream: {error}")))?;
        let place = HeaderPlace {
            origin: HeaderOrigin::Given,
            offset: None,
        };
        if let Some(stream) = search.attempt(Ok((header, place))) {
            return Ok(stream);
        }
    }
    let own = find_header(source.raw(), source.size());
    let copied = HeaderPlace {
        origin: HeaderOrigin::Copy,
        offset: None,
    };
    let at_start = HeaderPlace {
        origin: HeaderOrigin::Start,
        offset: Some(WireOffset::ZERO),
    };
    let own = match own {
        Ok(FoundHeader {
            header,
            older: Some(older),
            ..
        }) => {
            if let Some(stream) = search.attempt(Ok((header, copied))) {
                return Ok(stream);
            }
            Ok((older, at_start))
        }
        Ok(found) => Ok((found.header, if found.from_copy { copied } else { at_start })),
        Err(failure) => Err(failure),
    };
    if let Some(stream) = search.attempt(own) {
        return Ok(stream);
    }
    let mut found = None;
    let mut reader = HeaderReader::new(source);
    scan(source, cancel, None, |at, landmark, _| {
        if found.is_none()
            && landmark == Landmark::Header
            && let Some(header) = reader.read(at)
        {
            let place = HeaderPlace {
                origin: HeaderOrigin::Scan,
                offset: Some(WireOffset::new(at)),
            };
            found = search.attempt(Ok((header, place)));
        }
    })?;
    found.ok_or_else(|| search.failure())
}

struct Search<'a> {
    options: &'a SalvageOptions<'a>,
    /// The first headers that did not unlock: most that are found later are one of them again.
    tried: Vec<Vec<u8>>,
    /// What may be spent on passphrases from here on: a wreck can be full of headers that ask for it.
    passphrase_budget: u64,
    /// The first failure of a sound header: it says more than that something else is no header.
    locked: Option<SealError>,
    unread: Option<SealError>,
}

impl Search<'_> {
    fn attempt(&mut self, found: Result<(StreamHeader, HeaderPlace), SealError>) -> Option<SalvagedStream> {
        let (header, place) = match found {
            Ok(found) => found,
            Err(failure) => {
                self.unread.get_or_insert(failure);
                return None;
            }
        };
        if self.tried.contains(&header.bytes) {
            return None;
        }
        if self.tried.len() < MAX_REMEMBERED {
            self.tried.push(header.bytes.clone());
        }
        if let Err(failure) = self.spend(&header) {
            self.locked.get_or_insert(failure);
            return None;
        }
        let from_copy = place.origin == HeaderOrigin::Copy;
        let found = if from_copy {
            FoundHeader::copy(header, None)
        } else {
            header.into()
        };
        match UnlockedStream::unlock(found, &self.options.open) {
            Ok(incoming) => Some(SalvagedStream { incoming, place }),
            Err(failure) => {
                self.locked.get_or_insert(failure);
                None
            }
        }
    }

    /// Takes what this header's passphrase slots cost from the budget.
    fn spend(&mut self, header: &StreamHeader) -> Result<(), SealError> {
        let open = &self.options.open;
        let value = open.limits().passphrase_cost(header, &open.identities);
        match self.passphrase_budget.checked_sub(value) {
            Some(left) => self.passphrase_budget = left,
            None => {
                return Err(SealError::LimitExceeded {
                    limit: Limit::PassphraseCost,
                    maximum: open.max_passphrase_cost,
                    value,
                });
            }
        }
        Ok(())
    }

    fn failure(self) -> SealError {
        let none = SealError::Truncated {
            next_segment: SegmentIndex::ZERO,
            verified_bytes: 0,
            offset: WireOffset::ZERO,
        };
        self.locked.or(self.unread).unwrap_or(none)
    }
}

/// Headers that are not tried twice. Each can be as large as a header can.
const MAX_REMEMBERED: usize = 16;

/// Reads what looks like headers, as long as that costs no more than reading the source once more.
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

    /// The header at `offset`, if its checksum and all of its fields are right.
    pub(super) fn read(&mut self, offset: u64) -> Option<StreamHeader> {
        let prefix: [u8; HEADER_FIXED_SIZE] = self.source.read_array(offset)?;
        let size = check_prefix(&prefix).ok()?;
        self.budget = self.budget.checked_sub(u64::from(size))?;
        let mut bytes = vec![0; size as usize];
        (self.source.read(offset, &mut bytes) == bytes.len()).then_some(())?;
        StreamHeader::parse(&bytes).ok()
    }
}
