//! Streams whose bytes JavaScript passes segment by segment. The JavaScript thread only copies incoming bytes into the memory in
//! which a record is sealed or opened. JavaScript allocates that memory, so nothing is copied out.

pub mod files;
pub mod open;
pub mod part;
pub mod seal;

use crate::runtime::pools::parallelism;
use crate::types::failure::invalid_argument;
use napi::Result;
use sealstream::format::Geometry;
use sealstream::operation::options::window;
use std::sync::Arc;

/// The default number of segments in memory.
fn concurrency(geometry: &Geometry) -> u32 {
    u32::try_from(window(geometry, parallelism())).unwrap_or(u32::MAX)
}

/// Threads that work on so many segments.
fn threads(concurrency: u32) -> usize {
    parallelism().min(concurrency as usize)
}

/// The session of a stream that is not closed.
fn session<S>(session: &Option<Arc<S>>) -> Result<&Arc<S>> {
    session
        .as_ref()
        .ok_or_else(|| invalid_argument("the stream was closed"))
}
