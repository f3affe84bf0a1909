//! Argon2id (RFC 9106): a passphrase and a salt to a 32-byte key.

use super::CryptoError;
use crate::format::PassphraseCost;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

/// Stretches `passphrase` to a key, and overwrites all memory that this took.
///
/// Lanes run in parallel on the current rayon pool. Call this inside a pool of your own: elsewhere rayon starts its global pool,
/// whose threads never end.
///
/// # Errors
/// [`CryptoError::OutOfResources`].
pub fn argon2id(
    passphrase: &[u8],
    salt: &[u8; 32],
    cost: PassphraseCost,
) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let params = Params::new(cost.memory_kib(), cost.passes(), cost.lanes(), Some(32))
        .map_err(|_| CryptoError::InputTooLong)?;
    let mut memory = Memory::new(params.block_count())?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, salt, key.as_mut_slice(), &mut memory)
        .map_err(|_| CryptoError::InputTooLong)?;
    Ok(key)
}

/// Argon2's memory blocks, overwritten when dropped. The crate does not overwrite the blocks that it allocates itself.
struct Memory(Vec<Block>);

impl Memory {
    fn new(blocks: usize) -> Result<Self, CryptoError> {
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(blocks)
            .map_err(|_| CryptoError::OutOfResources)?;
        memory.resize(blocks, Block::default());
        Ok(Self(memory))
    }
}

impl AsMut<[Block]> for Memory {
    fn as_mut(&mut self) -> &mut [Block] {
        &mut self.0
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // `Vec::zeroize` would overwrite the memory a second time, with its spare capacity.
        for block in &mut self.0 {
            block.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{AssociatedData, ParamsBuilder};

    fn in_pool<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(run)
    }

    /// The vector has a secret and associated data, which key slots lack, so this calls the crate directly.
    #[test]
    fn our_memory_gives_the_vector_of_rfc_9106() {
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .output_len(32)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let argon2 =
            Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params.clone()).unwrap();
        let mut memory = Memory::new(params.block_count()).unwrap();
        let mut tag = [0; 32];
        in_pool(2, || {
            argon2.hash_password_into_with_memory(&[1; 32], &[2; 16], &mut tag, &mut memory)
        })
        .unwrap();
        assert_eq!(
            base16ct::lower::encode_string(&tag),
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
        );
    }

    /// Computed with OpenSSL through pyca/cryptography.
    #[test]
    fn known_answers_with_32_byte_salts() {
        for (memory_kib, passes, lanes, expected) in KNOWN {
            let cost = PassphraseCost::new(memory_kib, passes, lanes).unwrap();
            for threads in [1, 2] {
                let key = in_pool(threads, || argon2id(b"correct horse", &[7; 32], cost)).unwrap();
                assert_eq!(
                    base16ct::lower::encode_string(key.as_slice()),
                    expected,
                    "{memory_kib} KiB"
                );
            }
        }
    }

    const KNOWN: [(u32, u32, u32, &str); 3] = [
        (
            8,
            1,
            1,
            "bae5bdcdca6d7647b9b1962f61ace218bd9cf8df9f19692f50595605856c040d",
        ),
        (
            64,
            3,
            4,
            "c87dac0ed6ac676171b33f6b5842f904410b32cb99e040895795058efb4d1b97",
        ),
        (
            1031,
            2,
            3,
            "1c38fc8089cfda6782e222a7fb42e81d047cf1832fb57408e3bf69c3e0334c59",
        ),
    ];
}
