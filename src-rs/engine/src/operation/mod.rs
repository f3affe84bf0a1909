//! What every operation takes and returns: options, threads, cancellation, damage policy, report.

pub mod cancel;
pub mod damage;
pub mod options;
mod recipients;
pub mod report;
pub mod threads;

use crate::error::SealError;

/// An option that can't be used: its name, and what is wrong with its value.
pub fn invalid(option: &str, problem: impl Into<String>) -> SealError {
    SealError::InvalidOption {
        option: option.to_owned(),
        problem: problem.into(),
    }
}
