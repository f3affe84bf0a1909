//! If each part is left in one of the copies, healing gives exactly the undamaged stream.

use super::{Copy, Parts, heal_with};
use crate::format::DigestKind;
use crate::operation::options::HeaderLayout;
use crate::testing::support::{SEGMENT, control, options, pick, plaintext, seal, seal_unsized};
use proptest::prelude::*;
use std::ops::Range;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damage_that_leaves_each_part_in_one_copy_is_healed(
        seed in any::<u64>(),
        size in 0..=9 * SEGMENT,
        count in 2..=4_usize,
        digest in prop::sample::select(&DigestKind::ALL[1..]),
        rewrappable in any::<bool>(),
        is_sized in any::<bool>(),
        threads in prop::sample::select(vec![1_usize, 2, 4]),
    ) {
        let layout = if rewrappable { HeaderLayout::PADDED } else { HeaderLayout::COMPACT };
        let options = options(digest, layout);
        let whole = if is_sized { seal(&plaintext(size), &options) } else { seal_unsized(&plaintext(size), &options) };
        let copies = damaged_copies(&whole, count, seed);
        let (output, result) = heal_with(&copies, &control(threads));
        let report = result.unwrap();
        prop_assert!(output == whole);
        let taken: u64 = report.copies.iter().map(|copy| copy.segments).sum();
        prop_assert_eq!(taken, report.segments);
    }
}

/// Copies of a stream, each damaged outside the parts that it keeps. The copy that keeps the header keeps the trailer too, so that it
/// is known to belong to the stream.
fn damaged_copies(whole: &[u8], count: usize, mut seed: u64) -> Vec<Copy> {
    let parts = Parts::of(whole);
    let header_keeper = pick(&mut seed, count);
    let mut kept: Vec<Vec<Range<usize>>> = vec![Vec::new(); count];
    kept[header_keeper].extend([parts.header.clone(), parts.end.clone()]);
    for record in &parts.records {
        kept[pick(&mut seed, count)].push(record.clone());
    }
    kept.iter()
        .map(|kept| {
            let mut copy = Copy::of(whole);
            for _ in 0..pick(&mut seed, 12) {
                hurt(&mut copy, kept, &mut seed);
            }
            let last = kept.iter().map(|part| part.end).max().unwrap_or(0);
            match pick(&mut seed, 4) {
                0 => copy
                    .bytes
                    .truncate(last + pick(&mut seed, whole.len() - last + 1)),
                1 => copy
                    .bytes
                    .extend_from_slice(&plaintext(1 + pick(&mut seed, 6000) as u64)),
                _ => {}
            }
            copy
        })
        .collect()
}

fn hurt(copy: &mut Copy, kept: &[Range<usize>], seed: &mut u64) {
    let size = copy.bytes.len();
    let start = pick(seed, size);
    let length = [1, 10, 600, 5000][pick(seed, 4)];
    let range = start..(start + length).min(size);
    if kept
        .iter()
        .any(|part| part.start < range.end && range.start < part.end)
    {
        return;
    }
    match pick(seed, 3) {
        0 => copy.bytes[range].iter_mut().for_each(|byte| *byte ^= 0x10),
        1 => copy.bytes[range].fill(0),
        _ => copy.unreadable.push(range),
    }
}
