//! The two public operations: a source and a sink in, a report out.

mod open;
mod resumable;
mod seal;

pub use open::decrypt_stream_v2;
pub use seal::encrypt_stream_v2;
#[cfg(test)]
pub(crate) use seal::encrypt_with;

pub(crate) use resumable::{decrypt_placed, decrypt_resumable, encrypt_placed, encrypt_resumable};

use super::failure::SealFailure;

fn check_room(memory: &[u8], needed: u64) -> Result<(), SealFailure> {
    let available = memory.len() as u64;
    if available < needed {
        Err(SealFailure::OutputTooSmall { available, needed })
    } else {
        Ok(())
    }
}
