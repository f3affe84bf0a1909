//! Streams whose bytes JavaScript hands over, segment by segment. Nothing is done on its thread but a copy of what came
//! into the memory that is sealed or opened in place, and that memory is JavaScript's own, so that nothing is copied out.

pub mod open;
pub mod seal;

use crate::runtime::pools::parallelism;
use napi::{Error, Status};
use sealstream::format::Geometry;
use sealstream::operation::options::window;

fn concurrency(geometry: &Geometry) -> u32 {
    u32::try_from(window(geometry, parallelism())).unwrap_or(u32::MAX)
}

/// Threads that work on so many segments.
fn threads(concurrency: u32) -> usize {
    parallelism().min(concurrency as usize)
}

fn closed() -> Error {
    Error::new(Status::InvalidArg, "the stream was closed")
}
