//! Seals or opens one frame in the caller's slice. No IO, threads, channels or panics.

mod decrypt;
mod encrypt;
mod types;

#[cfg(test)]
mod tests;

pub use decrypt::DecryptFrameWorker;
pub use encrypt::EncryptFrameWorker;
pub use types::{FrameInput, FrameOutput, FrameWorkerError};
