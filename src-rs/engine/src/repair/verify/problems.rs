//! What is wrong, found in any order by any thread and told in order of place.

use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One thing that is wrong with a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The segment, or the first of those that are missing; none for the header and the end.
    pub segment: Option<SegmentIndex>,
    /// The plaintext that is lost with it, if any.
    pub plaintext: Option<ByteRange>,
    /// The part of the stream that is concerned; of what is missing, where it would be.
    pub wire: ByteRange,
    /// What is wrong.
    pub failure: SealError,
}

/// The first problems of a stream, and the number of all. Its memory is bounded, however many there are.
#[derive(Debug, Default)]
pub(super) struct Problems(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    /// By place, and at one place in the order in which they were found.
    first: BTreeMap<(u64, u64), Problem>,
    count: u64,
}

impl Problems {
    /// Keeps a problem.
    ///
    /// # Errors
    /// A failure that is `Cancelled`: it says nothing of the stream.
    pub(super) fn add(&self, problem: Problem) -> Result<(), SealError> {
        if problem.failure == SealError::Cancelled {
            return Err(problem.failure);
        }
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (problem.wire.start, found.count);
        found.count += 1;
        found.first.insert(place, problem);
        if found.first.len() > MAX_PROBLEMS {
            found.first.pop_last();
        }
        Ok(())
    }

    /// How many there are so far.
    pub(super) fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// The first of them in order of place, and the number of all.
    pub(super) fn into_list(self) -> (Vec<Problem>, u64) {
        let found = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (found.first.into_values().collect(), found.count)
    }
}

/// Problems that are told one by one; of more there is only the number.
pub const MAX_PROBLEMS: usize = 1000;
