//! What unlocking may cost: limits for each header, and a budget for all headers of a stream.

use super::{
    DEFAULT_MAX_PASSPHRASE_COST, DEFAULT_MAX_PASSPHRASE_MEMORY, Identity, MAX_PASSPHRASE_LANES, UnlockError,
};
use crate::crypto::CryptoError;
use crate::format::{PassphraseCost, SlotBody, SlotType, StreamHeader};
use std::fmt;

/// Which slots are tried, and what that may cost.
#[derive(Clone, Copy, Debug)]
pub struct UnlockLimits<'a> {
    /// The slot types that are tried; `None` for all.
    pub accept: Option<&'a [SlotType]>,
    /// The largest memory of a passphrase slot, in KiB. If a slot asks for more, no slot of its header is tried.
    pub max_passphrase_memory: u64,
    /// The largest total cost of all passphrase slots for each passphrase: memory times passes, in KiB. If a header asks for
    /// more, no slot of it is tried.
    pub max_passphrase_cost: u64,
}

impl<'a> UnlockLimits<'a> {
    /// Whether slots of this type are tried.
    #[must_use]
    pub fn accepts(&self, slot_type: SlotType) -> bool {
        self.accept.is_none_or(|accepted| accepted.contains(&slot_type))
    }

    /// A budget for all headers of one stream. `is_cancelled` tells whether to stop.
    #[must_use]
    pub fn budget<'b>(&self, is_cancelled: &'b dyn Fn() -> bool) -> UnlockBudget<'b> {
        UnlockBudget {
            cost_left: self.max_passphrase_cost,
            max_attempts: u64::MAX,
            attempts: 0,
            is_cancelled,
        }
    }
}

impl Default for UnlockLimits<'_> {
    fn default() -> Self {
        Self {
            accept: None,
            max_passphrase_memory: DEFAULT_MAX_PASSPHRASE_MEMORY,
            max_passphrase_cost: DEFAULT_MAX_PASSPHRASE_COST,
        }
    }
}

/// What unlocking may still cost. The header and its copy share one, and so do all headers that a salvage finds.
#[derive(Clone)]
pub struct UnlockBudget<'a> {
    /// Memory times passes that is left for passphrases, in KiB.
    cost_left: u64,
    max_attempts: u64,
    /// Pairs of a slot for a key pair and an identity for one that were tried.
    attempts: u64,
    is_cancelled: &'a dyn Fn() -> bool,
}

impl<'a> UnlockBudget<'a> {
    /// The same budget, with at most this many attempts to open slots for key pairs. The first header may take any number.
    #[must_use]
    pub fn with_attempts(self, max_attempts: u64) -> Self {
        Self { max_attempts, ..self }
    }

    /// Takes the cost of trying all slots of `header`. Nothing is taken if it fails.
    ///
    /// # Errors
    /// `PassphraseMemory`, `PassphraseCost`, `PassphraseLanes`, `KeyAttempts`.
    pub(super) fn spend(
        &mut self,
        header: &StreamHeader,
        identities: &[Identity],
        limits: &UnlockLimits<'_>,
    ) -> Result<(), UnlockError> {
        let is_offered = |slot_type| {
            limits.accepts(slot_type)
                && identities
                    .iter()
                    .any(|identity| identity.slot_type() == slot_type)
        };
        let mut cost_left = self.cost_left;
        if is_offered(SlotType::Passphrase) {
            let value = passphrase_costs(header)
                .map(PassphraseCost::work)
                .fold(0, u64::saturating_add);
            let most =
                |part: fn(PassphraseCost) -> u32| passphrase_costs(header).map(part).max().unwrap_or(0);
            let (memory, lanes) = (most(PassphraseCost::memory_kib), most(PassphraseCost::lanes));
            if u64::from(memory) > limits.max_passphrase_memory {
                return Err(UnlockError::PassphraseMemory {
                    maximum: limits.max_passphrase_memory,
                    value: memory.into(),
                });
            }
            let spent = limits.max_passphrase_cost.saturating_sub(self.cost_left);
            cost_left = cost_left.checked_sub(value).ok_or(UnlockError::PassphraseCost {
                maximum: limits.max_passphrase_cost,
                value: spent.saturating_add(value),
            })?;
            if lanes > MAX_PASSPHRASE_LANES {
                return Err(UnlockError::PassphraseLanes { lanes });
            }
        }
        let count = |slot_type| {
            let slots = header.slots.iter().filter(|slot| slot.slot_type == slot_type);
            let offered = identities
                .iter()
                .filter(|identity| identity.slot_type() == slot_type);
            (slots.count() as u64).saturating_mul(offered.count() as u64)
        };
        let tried = [SlotType::X25519, SlotType::Hybrid]
            .into_iter()
            .filter(|&slot_type| limits.accepts(slot_type))
            .map(count);
        let attempts = tried.fold(self.attempts, u64::saturating_add);
        if self.attempts > 0 && attempts > self.max_attempts {
            return Err(UnlockError::KeyAttempts {
                maximum: self.max_attempts,
                value: attempts,
            });
        }
        (self.cost_left, self.attempts) = (cost_left, attempts);
        Ok(())
    }

    /// # Errors
    /// The caller cancelled.
    pub(super) fn check_cancelled(&self) -> Result<(), CryptoError> {
        if (self.is_cancelled)() {
            return Err(CryptoError::Cancelled);
        }
        Ok(())
    }

    pub(super) const fn is_cancelled(&self) -> &'a dyn Fn() -> bool {
        self.is_cancelled
    }
}

impl fmt::Debug for UnlockBudget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnlockBudget")
            .field("cost_left", &self.cost_left)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

fn passphrase_costs(header: &StreamHeader) -> impl Iterator<Item = PassphraseCost> {
    header.slots.iter().filter_map(|raw| match raw.parsed() {
        Some(SlotBody::Passphrase(slot)) => Some(slot.cost),
        _ => None,
    })
}
