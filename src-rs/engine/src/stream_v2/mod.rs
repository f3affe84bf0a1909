//! The stream itself: frames in segments in a pipeline.
//!
//! `framing <- frame_worker <- segment_worker <- pipeline <- core`, never inverted; `io` stands beside the pipeline.

pub mod cancel;
pub mod core;
pub mod damage;
pub mod detached;
mod ending;
pub mod failure;
pub mod files;
pub mod floe;
pub mod frame_worker;
pub mod framing;
pub mod header_export;
pub mod heal;
mod in_order;
mod incoming;
pub mod inspect;
pub mod io;
pub mod opened;
pub mod options;
mod outgoing;
mod patchy;
pub mod pipeline;
pub mod random_access;
pub mod report;
mod resume;
pub mod rewrap;
pub mod salvage;
pub mod segment_worker;
pub mod segmentation;
pub mod session;
pub mod verify;

#[cfg(test)]
mod tests;

pub use core::{decrypt_stream_v2, encrypt_stream_v2};
pub use outgoing::sealed_size;
