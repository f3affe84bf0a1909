//! Engine of sealstream: encrypts streams in parallel segments of authenticated frames, and opens them again with a
//! typed answer for every kind of damage. The format is docs/FORMAT.md.
//!
//! Start at [`encrypt_stream_v2`] and [`decrypt_stream_v2`], or at [`files`](stream_v2::files) for whole files.

pub mod crypto;
pub mod headers;
pub mod keys;
pub mod recovery;
pub mod stream_v2;
pub mod telemetry;

pub use crypto::SecretKey;
pub use keys::{Identity, Recipient};
pub use stream_v2::cancel::CancellationToken;
pub use stream_v2::failure::SealFailure;
pub use stream_v2::floe;
pub use stream_v2::frame_worker::FrameWorkerError;
pub use stream_v2::options::{Control, DecryptOptions, EncryptOptions};
pub use stream_v2::pipeline::{DecryptPipeline, Threads};
pub use stream_v2::report::Report;
pub use stream_v2::segment_worker::SegmentWorkerError;
pub use stream_v2::{decrypt_stream_v2, encrypt_stream_v2};
