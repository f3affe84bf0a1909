//! Shared by tests: keys, plaintexts, streams to change, sources and sinks that fail.

pub(crate) mod failing_io;
pub(crate) mod failure_data;
pub(crate) mod stream_parts;
pub(crate) mod support;
pub(crate) mod valid_streams;
