//! Results, as JavaScript sees them. They know nothing of threads or operations.

pub mod damage;
pub mod failure;
pub mod names;
pub mod range;
pub mod report;
