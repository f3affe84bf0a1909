//! Problems, found by any thread in any order and listed in order of offset.

use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One problem of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The segment, or the first of several missing ones. `None` for header and trailer.
    pub segment: Option<SegmentIndex>,
    /// Number of segments; 0 for header and trailer.
    pub segment_count: u64,
    /// The plaintext that is lost, if any.
    pub plaintext: Option<ByteRange>,
    /// The affected part of the stream. For a missing part, where it should be.
    pub sealed: ByteRange,
    /// What is wrong.
    pub failure: SealError,
}

/// The first problems of a stream, and the number of all. Its memory is bounded.
#[derive(Debug, Default)]
pub(super) struct Problems(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    /// By offset, and at one offset in the order in which they were found.
    first: BTreeMap<(u64, u64), Problem>,
    count: u64,
}

impl Problems {
    /// Adds a problem of header or trailer.
    ///
    /// # Errors
    /// The failure `Cancelled`, which is not a problem of the stream.
    pub(super) fn add_at(&self, sealed: ByteRange, failure: SealError) -> Result<(), SealError> {
        self.add(Problem {
            segment: None,
            segment_count: 0,
            plaintext: None,
            sealed,
            failure,
        })
    }

    /// Adds a problem.
    ///
    /// # Errors
    /// The failure `Cancelled`, which is not a problem of the stream.
    pub(super) fn add(&self, problem: Problem) -> Result<(), SealError> {
        if problem.failure == SealError::Cancelled {
            return Err(problem.failure);
        }
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (problem.sealed.start, found.count);
        found.count += 1;
        found.first.insert(place, problem);
        if found.first.len() > MAX_PROBLEMS {
            found.first.pop_last();
        }
        Ok(())
    }

    /// The number of problems so far.
    pub(super) fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// Whether there are problems, and all have a failure for which `predicate` holds.
    pub(super) fn all(&self, predicate: impl Fn(&SealError) -> bool) -> bool {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |problem: &Problem| predicate(&problem.failure);
        !found.first.is_empty() && found.count == found.first.len() as u64 && found.first.values().all(holds)
    }

    /// The first problems in order of offset, and the number of all.
    pub(super) fn into_list(self) -> (Vec<Problem>, u64) {
        let found = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (found.first.into_values().collect(), found.count)
    }
}

/// The most problems that are listed. Further ones are only counted.
pub const MAX_PROBLEMS: usize = 1000;
