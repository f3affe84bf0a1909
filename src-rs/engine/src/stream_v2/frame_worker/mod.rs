//! One frame, sealed or opened in the caller's slice. No IO, no threads, no channels, no panic.

mod decrypt;
mod encrypt;
mod types;

#[cfg(test)]
mod tests;

pub use decrypt::DecryptFrameWorker;
pub use encrypt::EncryptFrameWorker;
pub use types::{FrameInput, FrameOutput, FrameWorkerError};
