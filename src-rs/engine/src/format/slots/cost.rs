//! Cost of deriving a key from a passphrase.

use std::fmt;

/// Parameters of Argon2id (RFC 9106), within its own ranges. Readers set their own, lower limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PassphraseCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PassphraseCost {
    /// 19 MiB, two passes, one lane: for machines with little memory.
    pub const INTERACTIVE: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
        lanes: 1,
    };
    /// 2 GiB, one pass, four lanes: the first choice of RFC 9106.
    pub const SENSITIVE: Self = Self {
        memory_kib: 2 * 1024 * 1024,
        passes: 1,
        lanes: 4,
    };

    /// Memory in KiB, passes over it, and lanes that can be computed in parallel. `None` unless there are 1 to 2^24 - 1
    /// lanes, at least 8 KiB for each, and at least one pass.
    #[must_use]
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        if lanes == 0 || lanes > MAX_LANES || passes == 0 || memory_kib / 8 < lanes {
            return None;
        }
        Some(Self {
            memory_kib,
            passes,
            lanes,
        })
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// Memory times passes, in KiB: the total work, for any number of lanes.
    #[must_use]
    pub const fn work(self) -> u64 {
        self.memory_kib as u64 * self.passes as u64
    }
}

/// 64 MiB, three passes, four lanes: the second choice of RFC 9106, for less memory.
impl Default for PassphraseCost {
    fn default() -> Self {
        Self {
            memory_kib: 64 * 1024,
            passes: 3,
            lanes: 4,
        }
    }
}

impl fmt::Display for PassphraseCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory_kib,
            passes,
            lanes,
        } = self;
        write!(f, "Argon2id, {memory_kib} KiB, passes {passes}, lanes {lanes}")
    }
}

/// Argon2's own limit.
const MAX_LANES: u32 = (1 << 24) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_that_argon2_does_not_allow_are_refused() {
        for (memory, passes, lanes) in [(8, 1, 1), (16, 1, 2), (u32::MAX, u32::MAX, MAX_LANES)] {
            let cost = PassphraseCost::new(memory, passes, lanes).unwrap();
            assert_eq!(
                (cost.memory_kib(), cost.passes(), cost.lanes()),
                (memory, passes, lanes)
            );
        }
        for (memory, passes, lanes) in [
            (7, 1, 1),
            (15, 1, 2),
            (8, 0, 1),
            (8, 1, 0),
            (u32::MAX, 1, 1 << 24),
            (0, 0, 0),
        ] {
            assert_eq!(PassphraseCost::new(memory, passes, lanes), None);
        }
    }

    #[test]
    fn the_work_of_the_largest_cost_does_not_overflow() {
        let largest = PassphraseCost::new(u32::MAX, u32::MAX, 1).unwrap();
        assert_eq!(largest.work(), (u64::from(u32::MAX)).pow(2));
    }
}
