//! Selects the segments to check.

use crate::crypto::SegmentHasher;
use crate::format::{DigestKind, SegmentIndex};

/// A fraction of a stream's segments, spread evenly over the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The fraction: more than 0, at most 1. At least one segment is selected.
    pub fraction: f64,
    /// The seed of the selection. The same seed selects the same segments.
    pub seed: u64,
}

impl Sample {
    pub(super) fn is_valid(&self) -> bool {
        self.fraction > 0.0 && self.fraction <= 1.0
    }
}

/// Selected segments of the first `of` segments of a stream, in order. The stream is divided into strata of nearly equal size, and a
/// hash selects one segment of each. So the segments are spread over the stream and take no memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection {
    of: u64,
    count: u64,
    seed: u64,
}

impl Selection {
    pub(super) fn new(of: u64, sample: Option<Sample>) -> Self {
        let (count, seed) = match sample {
            // `f64` is exact up to 2^53 segments, which is more than any disk holds.
            Some(sample) => ((sample.fraction * of as f64).ceil().max(1.0) as u64, sample.seed),
            None => (of, 0),
        };
        Self {
            of,
            count: count.min(of),
            seed,
        }
    }

    /// The number of selected segments.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The `nth` selected segment.
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

    /// The first segment of the `nth` stratum.
    fn stratum(&self, nth: u64) -> u64 {
        (u128::from(nth) * u128::from(self.of) / u128::from(self.count.max(1))) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn selected(of: u64, fraction: f64, seed: u64) -> Vec<u64> {
        let selection = Selection::new(of, Some(Sample { fraction, seed }));
        (0..selection.count())
            .map(|nth| selection.segment(SegmentIndex::new(nth)).get())
            .collect()
    }

    proptest! {
        #[test]
        fn a_sample_has_its_fraction_in_order_and_without_long_gaps(
            of in 1..5000u64, fraction in 0.0001..=1.0, seed: u64,
        ) {
            let selected = selected(of, fraction, seed);
            prop_assert_eq!(selected.len() as u64, ((fraction * of as f64).ceil() as u64).clamp(1, of));
            prop_assert!(selected.windows(2).all(|pair| pair[0] < pair[1]));
            let longest = 2 * of.div_ceil(selected.len() as u64);
            let edges = std::iter::once(0).chain(selected.iter().copied()).chain([of - 1]);
            let edges: Vec<_> = edges.collect();
            prop_assert!(edges.windows(2).all(|pair| pair[1] - pair[0] <= longest), "{:?}", selected);
        }
    }

    #[test]
    fn the_seed_determines_the_sample_and_many_seeds_reach_every_segment() {
        assert_eq!(selected(1000, 0.01, 7), selected(1000, 0.01, 7));
        assert_ne!(selected(1000, 0.01, 7), selected(1000, 0.01, 8));
        let mut seen: Vec<u64> = (0..200).flat_map(|seed| selected(20, 0.1, seed)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_whole_sample_selects_all_and_an_empty_stream_has_none() {
        assert_eq!(selected(5, 1.0, 3), [0, 1, 2, 3, 4]);
        assert!(selected(0, 0.5, 3).is_empty());
        assert_eq!(selected(1, 0.0001, 3), [0]);
    }

    #[test]
    fn invalid_fractions_are_refused() {
        for fraction in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(!Sample { fraction, seed: 0 }.is_valid(), "{fraction}");
        }
    }
}
