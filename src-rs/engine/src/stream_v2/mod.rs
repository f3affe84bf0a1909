//! Sealing and opening of streams: frames in segments in a pipeline.
//!
//! Each module uses only those before it: `framing <- frame_worker <- segment_worker <- pipeline <- core`. `pipeline` and
//! `core` also use `io`.

pub mod core;
pub mod frame_worker;
pub mod framing;
pub mod io;
pub mod pipeline;
pub mod segment_worker;

#[cfg(test)]
pub(crate) mod tests;

pub use core::{decrypt_stream_v2, encrypt_stream_v2, sealed_size};
