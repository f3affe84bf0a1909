//! The two public operations: a source and a sink in, a report out.

pub(crate) mod create;
pub(crate) mod decrypt;
pub(crate) mod encrypt;
pub(crate) mod in_order;
pub(crate) mod locate;
pub mod seekable;
pub(crate) mod tally;
pub(crate) mod trailer;
pub(crate) mod unlock;

pub use create::sealed_size;
pub use decrypt::decrypt_stream_v2;
pub use encrypt::encrypt_stream_v2;
#[cfg(test)]
pub(crate) use encrypt::encrypt_with;

use crate::error::SealError;

fn check_room(memory: &[u8], needed: u64) -> Result<(), SealError> {
    let available = memory.len() as u64;
    if available < needed {
        Err(SealError::OutputTooSmall { available, needed })
    } else {
        Ok(())
    }
}
