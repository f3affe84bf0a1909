//! Random bytes, taken from the system's generator when they are used, without a cache.

use super::CryptoError;
use ring::rand::{SecureRandom, SystemRandom};

/// A source of random bytes: the system's generator, but for the crate's own tests.
#[derive(Clone, Debug)]
pub struct Random(Source);

#[derive(Clone, Debug)]
enum Source {
    System(SystemRandom),
    /// SHA-256 over a counter, for known-answer tests.
    #[cfg(test)]
    Known(std::sync::Arc<std::sync::atomic::AtomicU64>),
    #[cfg(test)]
    Failing,
}

impl Random {
    /// The operating system's generator.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(SystemRandom::new()))
    }

    /// The same bytes in every run.
    #[cfg(test)]
    pub(crate) fn known(seed: u32) -> Self {
        Self(Source::Known(std::sync::Arc::new((u64::from(seed) << 32).into())))
    }

    /// A generator that always fails.
    #[cfg(test)]
    pub(crate) fn failing() -> Self {
        Self(Source::Failing)
    }

    /// Fills `out`.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`].
    pub fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        match &self.0 {
            Source::System(system) => system.fill(out).map_err(|_| CryptoError::RandomUnavailable),
            #[cfg(test)]
            Source::Known(counter) => {
                for chunk in out.chunks_mut(32) {
                    let count = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let block = ring::digest::digest(&ring::digest::SHA256, &count.to_be_bytes());
                    chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
                }
                Ok(())
            }
            #[cfg(test)]
            Source::Failing => Err(CryptoError::RandomUnavailable),
        }
    }
}
