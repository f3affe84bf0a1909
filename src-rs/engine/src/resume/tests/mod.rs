//! Interrupted operations: their journals, their files, and the attempts that resume them.

mod files;
pub(crate) mod interrupted;
mod journal;
