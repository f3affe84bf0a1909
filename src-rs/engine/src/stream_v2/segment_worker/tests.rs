//! Deterministic and fast: fixed random bytes, records in memory, no IO.

mod refusals;

use super::*;
use crate::crypto::floe::FloeKey;
use crate::crypto::{CryptoError, Random};
use crate::format::{
    DigestKind, FRAME_OVERHEAD, FrameIndex, Geometry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex,
    WireOffset,
};
use crate::stream_v2::frame_worker::FrameWorkerError;
use crate::stream_v2::framing::contents_mut;
use refusals::kind_of;

const FRAME: u32 = 1024;
const SLOT: usize = FRAME as usize + FRAME_OVERHEAD;
const SEGMENT: u32 = 8 * FRAME;
/// Offset of the record, so that tests can tell offsets in the stream from offsets in the record.
const OFFSET: WireOffset = WireOffset::new(1_000_000);
const INDEX: SegmentIndex = SegmentIndex::new(5);

fn context_with(digest: DigestKind, random: Random) -> SegmentCryptoContext {
    let geometry = Geometry::new(FRAME, SEGMENT, digest).unwrap();
    SegmentCryptoContext::new(FloeKey::new(&[1; 32]), geometry, None, random).unwrap()
}

fn context(digest: DigestKind) -> SegmentCryptoContext {
    context_with(digest, Random::known(1))
}

fn header(plaintext_size: u32) -> SegmentHeader {
    SegmentHeader {
        index: INDEX,
        is_final: true,
        plaintext_size,
    }
}

fn plaintext(size: u32) -> Vec<u8> {
    (0..size).map(|i| (i * 7 % 251) as u8).collect()
}

/// Every frame on the caller's thread.
struct Serial;

impl Join for Serial {
    fn is_parallel(&self) -> bool {
        false
    }

    fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        (a(), b())
    }
}

/// Two threads for every split, however small.
struct TwoThreads;

impl Join for TwoThreads {
    fn is_parallel(&self) -> bool {
        true
    }

    fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        std::thread::scope(|scope| {
            let b = scope.spawn(b);
            (a(), b.join().unwrap())
        })
    }
}

/// Seals in portions of `frames` frames.
fn seal<J: Join>(
    context: &SegmentCryptoContext,
    header: SegmentHeader,
    plaintext: &[u8],
    frames: usize,
    join: &J,
) -> Result<(Vec<u8>, RecordSummary), SegmentWorkerError> {
    let mut sealer = EncryptSegmentWorker::new(context).begin(header)?;
    let mut slots = vec![0; context.geometry().frames_wire_size(header.plaintext_size)];
    for (slot, content) in contents_mut(&mut slots, SLOT).zip(plaintext.chunks(FRAME as usize)) {
        slot.copy_from_slice(content);
    }
    let mut record = sealer.preamble().to_vec();
    for portion in slots.chunks_mut(frames * SLOT) {
        sealer.seal_frames(join, portion)?;
        sealer.digest_frames(portion);
    }
    let (digest, summary) = sealer.finish();
    record.extend_from_slice(&slots);
    record.extend_from_slice(digest.as_bytes());
    Ok((record, summary))
}

fn sealed(context: &SegmentCryptoContext, size: u32) -> Vec<u8> {
    seal(context, header(size), &plaintext(size), 3, &Serial)
        .unwrap()
        .0
}

/// Opens in portions of `frames` frames and returns the plaintext of those that verified.
fn open<J: Join>(
    context: &SegmentCryptoContext,
    record: &[u8],
    frames: usize,
    join: &J,
) -> (Vec<u8>, Result<RecordSummary, SegmentWorkerError>) {
    open_at(context, INDEX, record, frames, join)
}

fn open_at<J: Join>(
    context: &SegmentCryptoContext,
    index: SegmentIndex,
    record: &[u8],
    frames: usize,
    join: &J,
) -> (Vec<u8>, Result<RecordSummary, SegmentWorkerError>) {
    let digest_at = record.len() - context.geometry().digest().size();
    let preamble = record[..PREAMBLE_SIZE].try_into().unwrap();
    let mut slots = record[PREAMBLE_SIZE..digest_at].to_vec();
    let mut plaintext = Vec::new();
    let mut opener = match DecryptSegmentWorker::new(context).begin(index, OFFSET, preamble) {
        Ok(opener) => opener,
        Err(error) => return (plaintext, Err(error)),
    };
    for portion in slots.chunks_mut(frames * SLOT) {
        opener.digest_frames(portion);
        if opener.open_frames(join, portion) {
            contents_mut(portion, SLOT).for_each(|content| plaintext.extend_from_slice(content));
        }
    }
    (plaintext, opener.finish(&record[digest_at..]))
}

fn refused(context: &SegmentCryptoContext, record: &[u8]) -> SegmentWorkerError {
    open(context, record, 2, &Serial).1.unwrap_err()
}

#[test]
fn every_size_and_digest_opens_in_portions_of_every_size() {
    for digest in DigestKind::ALL {
        let context = context(digest);
        for size in [1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, SEGMENT - 1, SEGMENT] {
            let frames = context.geometry().frame_count(size);
            for portion in 1..=9 {
                let (record, sealing) =
                    seal(&context, header(size), &plaintext(size), portion, &Serial).unwrap();
                assert_eq!(record.len() as u64, context.geometry().record_size(size));
                let (opened, opening) = open(&context, &record, 10 - portion, &Serial);
                let opening = opening.unwrap();
                assert_eq!(
                    opened,
                    plaintext(size),
                    "{digest}, {size} bytes, portions of {portion}"
                );
                assert_eq!(opening.entry, sealing.entry);
                assert_eq!(
                    (opening.frames, opening.plaintext_size, opening.index),
                    (frames, size, INDEX)
                );
                assert_eq!(sealing.output_crc64, crate::crypto::Crc64::of(&record));
                assert_eq!(opening.output_crc64, crate::crypto::Crc64::of(&opened));
            }
        }
    }
}

#[test]
fn an_empty_segment_opens_as_the_first_and_nowhere_else() {
    for digest in DigestKind::ALL {
        let context = context(digest);
        let first = SegmentHeader {
            index: SegmentIndex::ZERO,
            ..header(0)
        };
        let record = seal(&context, first, &[], 1, &Serial).unwrap().0;
        let (opened, summary) = open_at(&context, SegmentIndex::ZERO, &record, 1, &TwoThreads);
        let summary = summary.unwrap();
        assert_eq!((opened.len(), summary.frames, summary.plaintext_size), (0, 1, 0));
        assert_eq!(
            kind_of(&refused(&context, &sealed(&context, 0))),
            "InvalidSegment PlaintextSize"
        );
    }
}

#[test]
fn the_record_depends_on_neither_portions_nor_threads() {
    let record = |portion, parallel| {
        let context = context(DigestKind::Sha256);
        let plaintext = plaintext(SEGMENT);
        match parallel {
            true => {
                seal(&context, header(SEGMENT), &plaintext, portion, &TwoThreads)
                    .unwrap()
                    .0
            }
            false => {
                seal(&context, header(SEGMENT), &plaintext, portion, &Serial)
                    .unwrap()
                    .0
            }
        }
    };
    let one_by_one = record(1, false);
    for portion in 1..=8 {
        assert!(
            record(portion, false) == one_by_one && record(portion, true) == one_by_one,
            "{portion}"
        );
    }
}

#[test]
fn frames_sealed_in_sequence_or_in_parallel_open_both_ways() {
    for digest in DigestKind::ALL {
        let context = context(digest);
        for size in [FRAME + 1, SEGMENT - 1, SEGMENT] {
            let serial = seal(&context, header(size), &plaintext(size), 8, &Serial)
                .unwrap()
                .0;
            let parallel = seal(&context, header(size), &plaintext(size), 8, &TwoThreads)
                .unwrap()
                .0;
            for record in [&serial, &parallel] {
                assert_eq!(open(&context, record, 8, &Serial).0, plaintext(size));
                let (opened, summary) = open(&context, record, 8, &TwoThreads);
                assert_eq!(opened, plaintext(size));
                assert_eq!(summary.unwrap().output_crc64, crate::crypto::Crc64::of(&opened));
            }
        }
    }
}

#[test]
fn sealing_a_segment_twice_shares_neither_keys_nor_ivs() {
    let context = context(DigestKind::None);
    let (a, b) = (sealed(&context, 2 * FRAME), sealed(&context, 2 * FRAME));
    assert_eq!(a[..SEGMENT_HEADER_SIZE + 10], b[..SEGMENT_HEADER_SIZE + 10]);
    let message_iv = SEGMENT_HEADER_SIZE + 10..SEGMENT_HEADER_SIZE + 42;
    let frame_iv = |frame: usize| PREAMBLE_SIZE + frame * SLOT + 4..PREAMBLE_SIZE + frame * SLOT + 16;
    assert_ne!(a[message_iv.clone()], b[message_iv]);
    assert_ne!(a[frame_iv(0)], b[frame_iv(0)]);
    assert_ne!(a[frame_iv(0)], a[frame_iv(1)]);
}

#[test]
fn sealing_fails_without_random_bytes() {
    let failing = context_with(DigestKind::Sha512, Random::failing());
    let refused = EncryptSegmentWorker::new(&failing)
        .begin(header(5))
        .map(|_| ())
        .unwrap_err();
    let source = FrameWorkerError::Crypto {
        error: CryptoError::RandomUnavailable,
    };
    let expected = SegmentWorkerError::FrameEncryptionFailed {
        segment: INDEX,
        frame: FrameIndex::ZERO,
        source,
    };
    assert_eq!(refused, expected);
}

#[test]
fn frames_past_the_segment_s_end_are_refused() {
    let context = context(DigestKind::None);
    let mut sealer = EncryptSegmentWorker::new(&context)
        .begin(header(2 * FRAME))
        .unwrap();
    sealer.seal_frames(&Serial, &mut vec![0; SLOT]).unwrap();
    let refused = sealer.seal_frames(&Serial, &mut vec![0; 2 * SLOT]).unwrap_err();
    let frame = FrameIndex::new(1);
    let source = FrameWorkerError::InvalidHeader { frame };
    assert_eq!(
        refused,
        SegmentWorkerError::FrameEncryptionFailed {
            segment: INDEX,
            frame,
            source
        }
    );
}

#[test]
fn a_segment_that_draws_ivs_twice_opens() {
    let geometry = Geometry::new(FRAME, 5000 * FRAME, DigestKind::None).unwrap();
    let context =
        SegmentCryptoContext::new(FloeKey::new(&[1; 32]), geometry, None, Random::known(1)).unwrap();
    let size = 4200 * FRAME + 1;
    for portion in [1000, 5000] {
        let record = seal(&context, header(size), &plaintext(size), portion, &TwoThreads)
            .unwrap()
            .0;
        assert!(open(&context, &record, 4000, &Serial).0 == plaintext(size));
        let ivs: std::collections::HashSet<_> = record[PREAMBLE_SIZE..]
            .chunks(SLOT)
            .map(|slot| slot[4..16].to_vec())
            .collect();
        assert_eq!(ivs.len(), 4201, "no IV is drawn twice");
    }
}
