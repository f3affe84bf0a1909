//! What every operation takes and returns: options, threads, cancellation, decisions about damage, reports.

pub mod cancel;
pub mod damage;
pub mod options;
mod recipients;
pub mod report;
pub mod threads;
