//! Undamaged streams: reads return the right bytes and read only the needed part of the source.

use super::{Counted, open, read, read_fetched};
use crate::format::{ByteRange, DigestKind};
use crate::keys::Recipient;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::telemetry::StageTimes;
use crate::testing::support::{
    FRAME, SEGMENT, compact, key, options, pick, plaintext, reading as keys, seal, seal_unsized,
};

const SLOT: u64 = FRAME + 32;

#[test]
fn every_range_reads_its_bytes() {
    let mut seed = 1;
    for (frame, frames, digest) in [
        (1024, 1, DigestKind::None),
        (1024, 3, DigestKind::Crc64Nvme),
        (1500, 2, DigestKind::Sha512),
        (5000, 4, DigestKind::Blake3),
    ] {
        let segment = frame * frames;
        for size in [
            0,
            1,
            frame - 1,
            frame,
            frame + 1,
            segment - 1,
            segment,
            segment + 1,
            7 * segment + frame / 2,
        ] {
            let plaintext = plaintext(size.into());
            let sealing = EncryptOptions {
                frame_size: frame,
                segment_size: Some(segment),
                digest,
                ..EncryptOptions::new(vec![Recipient::Key {
                    key: key(),
                    id: String::new(),
                }])
            };
            let stream = if pick(&mut seed, 2) == 0 {
                seal(&plaintext, &sealing)
            } else {
                seal_unsized(&plaintext, &sealing)
            };
            let slot = frame as usize + 32;
            for cache in [0, slot - 1, slot, 3 * slot, 1 << 20] {
                let reader = open(&&stream[..], cache).unwrap();
                assert_eq!(reader.size(), plaintext.len() as u64);
                let edges = [0, 1, frame, segment - 1, segment, size, size + 1].map(u64::from);
                for _ in 0..40 {
                    let start = if pick(&mut seed, 2) == 0 {
                        edges[pick(&mut seed, edges.len())]
                    } else {
                        pick(&mut seed, plaintext.len() + 10) as u64
                    };
                    let most = [1, 10, frame as usize + 1, 3 * segment as usize][pick(&mut seed, 4)];
                    let length = pick(&mut seed, most + 1);
                    let from = (start as usize).min(plaintext.len());
                    let due = &plaintext[from..(from + length).min(plaintext.len())];
                    let case = format!("{frame} x {frames}, {size}, cache {cache}: {start}, {length}");
                    let got = if pick(&mut seed, 2) == 0 {
                        read(&reader, &&stream[..], start, length)
                    } else {
                        read_fetched(&reader, &stream, start, length)
                    };
                    assert!(got.unwrap() == due, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_range_past_the_end_is_cut_there() {
    let plaintext = plaintext(3 * SEGMENT + 5);
    let stream = seal(&plaintext, &compact());
    let reader = open(&&stream[..], 0).unwrap();
    let all = ByteRange {
        start: 7,
        end: u64::MAX,
    };
    assert_eq!(reader.plan(all).size(), plaintext.len() as u64 - 7);
    for start in [plaintext.len() as u64, u64::MAX] {
        let beyond = ByteRange { start, end: u64::MAX };
        assert_eq!(
            (reader.plan(beyond).size(), reader.plan(beyond).missing()),
            (0, vec![])
        );
        assert_eq!(reader.sealed_range(beyond).size(), 0);
    }
}

/// Start and end of each read of a reader with an empty cache.
fn reads_of(cache: usize, ranges: &[(u64, usize)]) -> (u64, Vec<Vec<(u64, u64)>>) {
    let plaintext = plaintext(4 * SEGMENT + FRAME + 3);
    let stream = seal(&plaintext, &options(DigestKind::Crc64Nvme, HeaderLayout::COMPACT));
    let source = Counted::new(&stream);
    let reader = open(&source, cache).unwrap();
    let header = u64::from(reader.opened().stream.header.size());
    let opening = source.take();
    let end = reader.opened().end_place(5, reader.size()).sealed.start;
    assert!(
        opening
            .iter()
            .all(|range| range.end <= header || range.start >= end),
        "opening reads no segment: {opening:?}"
    );
    let reads = ranges.iter().map(|&(start, length)| {
        let from = start as usize;
        let to = (from + length).min(plaintext.len());
        assert!(read(&reader, &source, start, length).unwrap() == plaintext[from..to]);
        let reads = source.take();
        reads
            .iter()
            .map(|range| (range.start - header, range.end - header))
            .collect()
    });
    (header, reads.collect())
}

#[test]
fn only_the_frames_of_a_range_are_read_and_adjacent_ones_at_once() {
    let preamble = PREAMBLE_SIZE as u64;
    let record = preamble + 2 * SLOT + 8;
    // With an empty cache every read starts with a preamble.
    let (_, reads) = reads_of(
        0,
        &[
            (0, 1),
            (FRAME - 1, 1),
            (FRAME - 1, 2),
            (SEGMENT + FRAME, 1),
            (SEGMENT - 1, 2),
            (4 * SEGMENT + FRAME, 3),
            (0, 0),
        ],
    );
    assert_eq!(
        reads,
        [
            vec![(0, preamble + SLOT)],
            vec![(0, preamble + SLOT)],
            vec![(0, preamble + 2 * SLOT)],
            // Preamble and frame would be one read if less than a page and less than a frame were between them; here it is a frame.
            vec![(record, record + preamble + 2 * SLOT)],
            // The last frame of one segment and the first of the next.
            vec![(0, record + preamble + SLOT)],
            vec![(4 * record, 4 * record + preamble + SLOT + 35)],
            vec![],
        ]
    );
}

#[test]
fn cached_frames_are_not_read_again() {
    let preamble = PREAMBLE_SIZE as u64;
    let (_, reads) = reads_of(
        2 * SLOT as usize,
        &[
            (10, 20),
            (30, 5),
            (FRAME, 1),
            (0, 2 * FRAME as usize),
            (SEGMENT, 1),
            (SEGMENT + 1, 1),
            (0, 1),
        ],
    );
    let second = preamble + SLOT;
    let record = second + SLOT + 8;
    assert_eq!(
        reads,
        [
            vec![(0, second)],
            vec![],
            // The opener is cached, so no preamble is read.
            vec![(second, second + SLOT)],
            vec![],
            vec![(record, record + second)],
            vec![],
            // The first frame was removed from the cache, its record's opener was not.
            vec![(preamble, preamble + SLOT)],
        ]
    );
}

#[test]
fn a_long_read_does_not_displace_cached_frames() {
    let (_, reads) = reads_of(
        8 * SLOT as usize,
        &[
            (3 * SEGMENT, 1),
            (1, 2 * SEGMENT as usize),
            (3 * SEGMENT, 1),
            (0, 1),
            (2 * SEGMENT, 1),
        ],
    );
    // Of a long read, only the frames at its ends, which it needs in part, are cached.
    assert!(!reads[0].is_empty() && !reads[1].is_empty());
    assert_eq!(reads[2..], [vec![], vec![], vec![]]);
}

#[test]
fn a_plan_holds_the_cached_frames_it_found() {
    let plaintext = plaintext(4 * SEGMENT);
    let stream = seal(&plaintext, &compact());
    let source = Counted::new(&stream);
    let reader = open(&source, SLOT as usize).unwrap();
    read(&reader, &source, 0, 1).unwrap();
    let plan = reader.plan(ByteRange::at(5, 100));
    assert!(plan.is_complete() && plan.missing().is_empty() && plan.work() == 0);
    // The cache has room for one frame and removes the plan's frame.
    read(&reader, &source, SEGMENT, 1).unwrap();
    assert!(!reader.plan(ByteRange::at(5, 100)).is_complete());
    source.take();
    let mut out = [0; 100];
    let times = &mut StageTimes::default();
    let token = CancellationToken::new();
    assert_eq!(reader.read(&source, &plan, &mut out, &token, times), Ok(100));
    assert_eq!((&out[..], source.take()), (&plaintext[5..105], vec![]));
}

#[test]
fn the_ciphertext_range_covers_every_read() {
    let plaintext = plaintext(5 * SEGMENT + 100);
    let stream = seal(&plaintext, &compact());
    let reader = open(&&stream[..], 0).unwrap();
    let mut seed = 5;
    for _ in 0..300 {
        let start = pick(&mut seed, plaintext.len()) as u64;
        let range = ByteRange::at(start, 1 + pick(&mut seed, 5000) as u64);
        let missing = reader.plan(range).missing();
        let stretch = reader.sealed_range(range);
        assert_eq!(missing.first().map(|first| first.start), Some(stretch.start));
        assert_eq!(missing.last().map(|last| last.end), Some(stretch.end));
        let size = (range.end.min(plaintext.len() as u64) - start) as usize;
        let parts = super::fetched(&stream, &[stretch]);
        assert!(read(&reader, &parts, start, size).unwrap() == plaintext[start as usize..][..size]);
    }
}

#[test]
fn several_threads_read_in_parallel() {
    let plaintext = plaintext(20 * SEGMENT);
    let stream = seal(&plaintext, &compact());
    let reader = crate::random_access::RangeReader::open(
        &&stream[..],
        &keys(),
        5 * SLOT as usize,
        &CancellationToken::new(),
    );
    let reader = reader.unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (reader, stream, plaintext) = (&reader, &stream, &plaintext);
            scope.spawn(move || {
                let mut seed = thread;
                for _ in 0..300 {
                    let start = pick(&mut seed, plaintext.len());
                    let length = pick(&mut seed, 4000).min(plaintext.len() - start);
                    let got = read(reader, &&stream[..], start as u64, length).unwrap();
                    assert!(got == plaintext[start..start + length], "{start}, {length}");
                }
            });
        }
    });
}
