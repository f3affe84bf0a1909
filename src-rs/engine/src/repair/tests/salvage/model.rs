//! Random damage, and a model of the undamaged frames: exactly these are recovered.

use super::damaged_stream::{DamagedStream, FRAME, SEGMENT};
use super::salvage_with;
use crate::format::DigestKind;
use crate::operation::options::{Control, HeaderLayout};
use crate::repair::salvage::{Outcome, SalvageOptions};
use crate::testing::support::{pick, reading};

#[test]
fn random_damage_loses_exactly_the_frames_it_hits() {
    let cases = std::env::var("SEALSTREAM_SALVAGE_CASES").map_or(60, |cases| cases.parse().unwrap());
    for case in 0..cases {
        let mut seed = 0x5a1_0000 + case;
        (0..4).for_each(|_| _ = pick(&mut seed, 2));
        let mut damaged = sound(&mut seed);
        let mut story = Vec::new();
        for _ in 0..1 + pick(&mut seed, 4) {
            story.push(damage(&mut damaged, &mut seed));
        }
        let keeps_header = pick(&mut seed, 4) == 0;
        check(&damaged, keeps_header, &format!("case {case}: {story:?}"));
    }
}

fn sound(seed: &mut u64) -> DamagedStream {
    let sizes = [
        0,
        1,
        FRAME - 1,
        FRAME,
        SEGMENT - 1,
        SEGMENT,
        SEGMENT + 1,
        3 * SEGMENT + 5,
        6 * SEGMENT,
        9 * SEGMENT + 2 * FRAME + 7,
    ];
    // Mostly the longer ones: there is more to be damaged.
    let size = sizes[pick(seed, 2 * sizes.len()).min(sizes.len() - 1)];
    let digest = DigestKind::ALL[pick(seed, DigestKind::ALL.len())];
    let layout = [HeaderLayout::COMPACT, HeaderLayout::PADDED][pick(seed, 2)];
    DamagedStream::new(size, pick(seed, 3) != 0, digest, layout)
}

/// Applies random damage and describes it.
fn damage(damaged: &mut DamagedStream, seed: &mut u64) -> String {
    let size = damaged.bytes.len();
    if size < 2 {
        return "nothing left to damage".into();
    }
    let header = damaged.header.bytes.len().min(size);
    let at = pick(seed, size);
    let most = [16, 200, 1500, 6000][pick(seed, 4)];
    let range = at..(at + 1 + pick(seed, most)).min(size);
    match pick(seed, 12) {
        0 | 1 => {
            let count = 1 + pick(seed, 6);
            for _ in 0..count {
                let at = pick(seed, size);
                damaged.flip(at, pick(seed, 8));
            }
            format!("{count} flips")
        }
        2 => {
            damaged.fill(range.clone(), || pick(seed, 256) as u8);
            format!("noise over {range:?}")
        }
        3 => {
            let start = at / 512 * 512;
            let range = start..(start + 512 * (1 + pick(seed, 8))).min(size);
            damaged.fill(range.clone(), || 0);
            format!("zeros over {range:?}")
        }
        4 => {
            damaged.remove(range.clone());
            format!("{range:?} removed")
        }
        5 => {
            damaged.insert(range.clone(), range.end);
            format!("{range:?} doubled")
        }
        6 => {
            let to = pick(seed, size - range.len() + 1);
            damaged.overwrite(range.clone(), to);
            format!("{range:?} copied over {to}")
        }
        7 => {
            damaged.remove(at.max(1)..size);
            format!("cut at {at}")
        }
        8 => {
            damaged.garbage(0, most, seed);
            format!("{most} bytes in front")
        }
        9 => {
            damaged.garbage(size, most, seed);
            format!("{most} bytes behind")
        }
        10 => {
            damaged.fill(0..header, || 0xee);
            "no header".into()
        }
        _ => {
            let end = size.saturating_sub(150 + pick(seed, 300));
            damaged.fill(end..size, || 0x11);
            format!("no end from {end}")
        }
    }
}

fn check(damaged: &DamagedStream, keeps_header: bool, story: &str) {
    let kept = damaged.header.bytes.clone();
    let options = SalvageOptions {
        header: keeps_header.then_some(&kept[..]),
        ..SalvageOptions::new(reading())
    };
    let salvaged = salvage_with(&&damaged.bytes[..], &options, &Control::serial());
    if !keeps_header && !damaged.has_header() {
        assert!(salvaged.is_err(), "{story}: there is no header");
        return;
    }
    let (output, map) = salvaged.unwrap_or_else(|failure| panic!("{story}: {failure}"));
    let mut recovered = 0;
    let mut frames = 0;
    for segment in 0..damaged.segments() {
        for frame in 0..damaged.frames_of(segment) {
            let start = segment * SEGMENT + frame * FRAME;
            let end = (start + FRAME).min(damaged.plaintext.len());
            let is_known = map.plaintext_size.unwrap_or(map.segments * SEGMENT as u64) >= end as u64
                && map.segments > segment as u64;
            let is_lost = !is_known
                || map.lost.ranges.iter().any(|lost| {
                    let (from, to) = (lost.plaintext.start as usize, lost.plaintext.end as usize);
                    (from < end && start < to) || (from == start && to == end)
                });
            let place = format!("{story}: segment {segment}, frame {frame}");
            if is_lost {
                assert!(!damaged.certain(segment, frame), "{place} is unharmed, and lost");
                let rest = output.get(start..end.min(output.len())).unwrap_or_default();
                assert!(
                    rest.iter().all(|&byte| byte == 0),
                    "{place} is lost and not zeros"
                );
            } else {
                assert!(damaged.possible(segment, frame), "{place} came from nowhere");
                assert_eq!(&output[start..end], &damaged.plaintext[start..end], "{place}");
                recovered += end - start;
                frames += 1;
            }
        }
    }
    assert_eq!(
        (map.recovered.bytes, map.recovered.frames),
        (recovered as u64, frames),
        "{story}"
    );
    let outcome = if frames == 0 {
        Outcome::Nothing
    } else if recovered == damaged.plaintext.len() && map.plaintext_size.is_some() {
        Outcome::Whole
    } else {
        Outcome::Partial
    };
    assert_eq!(map.outcome, outcome, "{story}");
    if let Some(size) = map.plaintext_size
        && outcome != Outcome::Nothing
    {
        assert_eq!(size, damaged.plaintext.len() as u64, "{story}");
        assert_eq!(output.len() as u64, size, "{story}");
        assert_eq!(map.lost.bytes + map.recovered.bytes, size, "{story}");
    }
}
