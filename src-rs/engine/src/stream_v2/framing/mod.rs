//! Wire layout of a frame: `length u32 || iv 12 || ciphertext || tag 16`. No cryptography.

mod decode;
mod encode;
mod types;

#[cfg(test)]
mod tests;

pub use decode::{parse_header, split_frame};
pub use encode::{content_mut, contents, contents_mut, restore_length, write_frame};
pub use types::{FrameError, FrameHeader, FrameRecord, LENGTH_SIZE, PREFIX_SIZE, length_field};
