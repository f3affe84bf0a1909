//! Which segments are checked.

use crate::crypto::SegmentHasher;
use crate::format::{DigestKind, SegmentIndex};

/// A share of a stream's segments, spread evenly over it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The share: more than 0, at most 1. At least one segment is taken.
    pub fraction: f64,
    /// Which ones: another seed takes others, the same seed the same.
    pub seed: u64,
}

impl Sample {
    pub(super) fn is_valid(&self) -> bool {
        self.fraction > 0.0 && self.fraction <= 1.0
    }
}

/// Segments out of the first `of` of a stream, in order: one out of each of as many strata of nearly equal size as
/// segments are taken, picked by a hash. So they are spread over the stream and need no memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection {
    of: u64,
    count: u64,
    seed: u64,
}

impl Selection {
    pub(super) fn new(of: u64, sample: Option<Sample>) -> Self {
        let (count, seed) = match sample {
            // A stream of 2^53 segments and more is longer than any disk, so the product is exact enough.
            Some(sample) => ((sample.fraction * of as f64).ceil().max(1.0) as u64, sample.seed),
            None => (of, 0),
        };
        Self {
            of,
            count: count.min(of),
            seed,
        }
    }

    /// How many are taken.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The `nth` of them.
    pub(super) fn segment(&self, nth: SegmentIndex) -> SegmentIndex {
        let nth = nth.get();
        if self.count == self.of {
            return SegmentIndex::new(nth);
        }
        let (start, end) = (self.stratum(nth), self.stratum(nth + 1));
        let mut hasher = SegmentHasher::new(DigestKind::Blake3);
        hasher.update(&self.seed.to_be_bytes());
        hasher.update(&nth.to_be_bytes());
        let digest = hasher.finish();
        let random = digest
            .as_bytes()
            .first_chunk()
            .copied()
            .map_or(0, u64::from_be_bytes);
        SegmentIndex::new(start + random % (end - start).max(1))
    }

    /// Where the `nth` stratum starts.
    fn stratum(&self, nth: u64) -> u64 {
        (u128::from(nth) * u128::from(self.of) / u128::from(self.count.max(1))) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picked(of: u64, fraction: f64, seed: u64) -> Vec<u64> {
        let selection = Selection::new(of, Some(Sample { fraction, seed }));
        (0..selection.count())
            .map(|nth| selection.segment(SegmentIndex::new(nth)).get())
            .collect()
    }

    proptest! {
        #[test]
        fn a_sample_has_the_share_is_in_order_and_leaves_no_long_gap(
            of in 1..5000u64, fraction in 0.0001..=1.0, seed: u64,
        ) {
            let picked = picked(of, fraction, seed);
            prop_assert_eq!(picked.len() as u64, ((fraction * of as f64).ceil() as u64).clamp(1, of));
            prop_assert!(picked.windows(2).all(|pair| pair[0] < pair[1]));
            let longest = 2 * of.div_ceil(picked.len() as u64);
            let edges = std::iter::once(0).chain(picked.iter().copied()).chain([of - 1]);
            let edges: Vec<_> = edges.collect();
            prop_assert!(edges.windows(2).all(|pair| pair[1] - pair[0] <= longest), "{:?}", picked);
        }
    }

    #[test]
    fn the_seed_decides_and_many_seeds_reach_every_segment() {
        assert_eq!(picked(1000, 0.01, 7), picked(1000, 0.01, 7));
        assert_ne!(picked(1000, 0.01, 7), picked(1000, 0.01, 8));
        let mut seen: Vec<u64> = (0..200).flat_map(|seed| picked(20, 0.1, seed)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn all_is_all_and_nothing_is_nothing() {
        assert_eq!(picked(5, 1.0, 3), [0, 1, 2, 3, 4]);
        assert!(picked(0, 0.5, 3).is_empty());
        assert_eq!(picked(1, 0.0001, 3), [0]);
    }

    #[test]
    fn shares_that_are_none_are_refused() {
        for fraction in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(!Sample { fraction, seed: 0 }.is_valid(), "{fraction}");
        }
    }
}
