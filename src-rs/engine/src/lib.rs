//! Engine of sealstream: encrypts streams in parallel segments of authenticated frames, and decrypts them with a typed
//! error for every kind of damage. The format is docs/FORMAT.md.
//!
//! Start at [`encrypt_stream_v2`] and [`decrypt_stream_v2`], or at [`files`] for whole files.

pub mod crypto;
pub mod error;
pub mod files;
pub mod floe;
pub mod format;
pub mod inspect;
pub mod keys;
pub mod operation;
pub mod parts;
pub mod random_access;
pub mod rekey;
pub mod repair;
mod resume;
pub mod session;
pub mod stream_v2;
pub mod telemetry;

#[cfg(test)]
mod testing;

pub use crypto::SecretKey;
pub use error::SealError;
pub use keys::{Identity, Recipient};
pub use operation::cancel::CancellationToken;
pub use operation::options::{Control, DecryptOptions, EncryptOptions};
pub use operation::report::Report;
pub use operation::threads::Threads;
pub use stream_v2::frame_worker::FrameWorkerError;
pub use stream_v2::pipeline::DecryptPipeline;
pub use stream_v2::segment_worker::SegmentWorkerError;
pub use stream_v2::{decrypt_stream_v2, encrypt_stream_v2};
