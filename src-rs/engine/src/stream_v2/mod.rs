//! The stream itself: frames in segments in a pipeline.
//!
//! `framing <- frame_worker <- segment_worker <- pipeline <- core`, never inverted; `io` stands beside the pipeline.

pub mod core;
pub mod frame_worker;
pub mod framing;
pub mod io;
pub mod pipeline;
pub mod segment_worker;

#[cfg(test)]
pub(crate) mod tests;

pub use core::{decrypt_stream_v2, encrypt_stream_v2, sealed_size};
