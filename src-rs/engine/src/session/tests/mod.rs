//! Sessions give the same streams and the same failures as operations on readers.

mod damage;

use crate::crypto::Random;
use crate::error::SealError;
use crate::format::DigestKind;
use crate::format::SegmentHeader;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, DecryptOptions, EncryptOptions, HeaderLayout};
use crate::operation::report::Report;
use crate::session::{OpenSession, SealSession};
use crate::stream_v2::pipeline::record_layout::RecordCursor;
use crate::stream_v2::segment_worker::SegmentWorkerError;
use crate::testing::support::{
    End, FRAME, SEGMENT, compact, open_by, options, pick, plaintext, reading, seal, seal_unsized,
};

/// Sizes of chunks: constant, or pseudorandom.
#[derive(Clone, Copy)]
enum Chunks {
    Of(usize),
    Random(u64),
}

fn chunks(bytes: &[u8], sizes: Chunks) -> Vec<&[u8]> {
    match sizes {
        Chunks::Of(size) => bytes.chunks(size).collect(),
        Chunks::Random(mut seed) => {
            let (mut rest, mut found) = (bytes, Vec::new());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(pick(&mut seed, 3 * SEGMENT as usize).min(rest.len()));
                found.push(now);
                rest = later;
            }
            found
        }
    }
}

/// Seals the segments in the order that `shuffle` gives, and puts them out in theirs.
fn seal_in_pieces(
    bytes: &[u8],
    sizes: Chunks,
    options: &EncryptOptions<'_>,
    shuffle: impl FnOnce(&mut Vec<(SegmentHeader, Vec<u8>)>),
) -> (Vec<u8>, Report) {
    let session = SealSession::with_random(options, &Random::known(1)).unwrap();
    let full = session.geometry().full_record_size() as usize;
    let mut cutter = session.cutter();
    let mut segments = Vec::new();
    let mut record = vec![0; full];
    for mut chunk in chunks(bytes, sizes) {
        while !chunk.is_empty() {
            if cutter.is_full() {
                segments.push((cutter.cut(false), std::mem::replace(&mut record, vec![0; full])));
            }
            chunk = &chunk[cutter.copy(&mut record, chunk)..];
        }
    }
    record.resize(cutter.record_size() as usize, 0);
    segments.push((cutter.cut(true), record));
    shuffle(&mut segments);
    let cancel = CancellationToken::new();
    for (header, record) in &mut segments {
        let done = session.seal(*header, record, &cancel).unwrap();
        assert_eq!(done.sealed_size as usize, record.len());
    }
    segments.sort_by_key(|(header, _)| header.index.get());
    let mut sealed = session.header().to_vec();
    segments
        .iter()
        .for_each(|(_, record)| sealed.extend_from_slice(record));
    let end_size = session.end_size(segments.len() as u64);
    let (end, report) = session.finish(1, &CancellationToken::new()).unwrap();
    assert_eq!(end.len() as u64, end_size);
    sealed.extend_from_slice(&end);
    (sealed, report)
}

/// Opens a stream that comes in chunks; also returns what came out until it failed.
fn open_in_pieces(
    sealed: &[u8],
    sizes: Chunks,
    options: &DecryptOptions<'_>,
) -> (Vec<u8>, Result<Report, SealError>) {
    let mut output = Vec::new();
    let result = Opening::default().feed(sealed, sizes, options, &mut output);
    (output, result)
}

/// Collects one part after the other, as a caller of a session does.
#[derive(Default)]
struct Opening {
    part: Vec<u8>,
    session: Option<(OpenSession, RecordCursor)>,
}

impl Opening {
    fn feed(
        mut self,
        sealed: &[u8],
        sizes: Chunks,
        options: &DecryptOptions<'_>,
        output: &mut Vec<u8>,
    ) -> Result<Report, SealError> {
        for mut chunk in chunks(sealed, sizes) {
            while !chunk.is_empty() {
                let due = self.due()?;
                let (now, later) = chunk.split_at((due - self.part.len()).min(chunk.len()));
                self.part.extend_from_slice(now);
                chunk = later;
                if self.part.len() as u64 == self.due()? as u64
                    && let Some(report) = self.complete(options, output)?
                {
                    return Ok(report);
                }
            }
        }
        let (session, cursor) = match &self.session {
            Some(session) => session,
            None => {
                return OpenSession::new(&self.part, options, &CancellationToken::new())
                    .map(|_| unreachable!("a header without a stream"));
            }
        };
        let end = session.verify_end(cursor, &self.part)?;
        Ok(session.report(Some(end), cursor, 1))
    }

    fn due(&self) -> Result<usize, SealError> {
        let due = match &self.session {
            None => OpenSession::header_size(&self.part),
            Some((session, cursor)) => session.part_size(cursor, &self.part)?,
        };
        Ok(due as usize)
    }

    fn complete(
        &mut self,
        options: &DecryptOptions<'_>,
        output: &mut Vec<u8>,
    ) -> Result<Option<Report>, SealError> {
        let mut part = std::mem::take(&mut self.part);
        let Some((session, cursor)) = &mut self.session else {
            let session = OpenSession::new(&part, options, &CancellationToken::new())?;
            let cursor = session.cursor();
            self.session = Some((session, cursor));
            return Ok(None);
        };
        if cursor.is_at_end() {
            let end = session.verify_end(cursor, &part)?;
            return Ok(Some(session.report(Some(end), cursor, 1)));
        }
        let place = cursor.find(&part);
        let done = session.open(&place, &mut part, &CancellationToken::new())?;
        let slots = session.plaintext_slots();
        let mut left = done.plaintext_size as usize;
        let mut at = slots.start;
        while left > 0 {
            let count = left.min(slots.size);
            output.extend_from_slice(&part[at..at + count]);
            at += slots.stride;
            left -= count;
        }
        cursor.advance(&place);
        Ok(None)
    }
}

const SIZES: [u64; 12] = [
    0,
    1,
    FRAME - 1,
    FRAME,
    FRAME + 1,
    SEGMENT - 1,
    SEGMENT,
    SEGMENT + 1,
    2 * SEGMENT,
    5 * SEGMENT - 1,
    5 * SEGMENT,
    5 * SEGMENT + 1,
];
const CHUNKS: [Chunks; 5] = [
    Chunks::Of(1),
    Chunks::Of(1000),
    Chunks::Of(FRAME as usize),
    Chunks::Of(1 << 20),
    Chunks::Random(7),
];

#[test]
fn a_session_seals_the_same_bytes_as_a_reader() {
    for size in SIZES {
        let plaintext = plaintext(size);
        let expected = seal_unsized(&plaintext, &compact());
        for sizes in CHUNKS {
            let (sealed, report) = seal_in_pieces(&plaintext, sizes, &compact(), |_| ());
            assert_eq!(sealed, expected, "{size}");
            assert_eq!(report.sealed_size, sealed.len() as u64);
            assert_eq!(report.plaintext_size, size);
            assert_eq!(report.output_crc64, crate::crypto::Crc64::of(&sealed));
        }
    }
}

#[test]
fn segments_may_be_sealed_in_any_order() {
    let plaintext = plaintext(9 * SEGMENT + 5);
    let (sealed, report) = seal_in_pieces(&plaintext, Chunks::Of(700), &compact(), |segments| {
        segments.reverse()
    });
    assert_eq!(report.output_crc64, crate::crypto::Crc64::of(&sealed));
    let (opened, result) = open_by(
        (End::ByOffset, End::ByOffset),
        &sealed,
        &reading(),
        &Control::serial(),
    );
    result.unwrap();
    assert_eq!(opened, plaintext);
}

#[test]
fn streams_open_in_any_chunks() {
    for header in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
        for (size, digest) in SIZES.into_iter().zip(DigestKind::ALL.into_iter().cycle()) {
            let plaintext = plaintext(size);
            for sealed in [
                seal(&plaintext, &options(digest, header)),
                seal_unsized(&plaintext, &options(digest, header)),
            ] {
                for sizes in CHUNKS {
                    let (opened, result) = open_in_pieces(&sealed, sizes, &reading());
                    let report = result.unwrap();
                    assert_eq!(opened, plaintext, "{size}");
                    assert_eq!(report.plaintext_size, size);
                    assert_eq!(report.sealed_size, sealed.len() as u64);
                    assert_eq!(report.output_crc64, crate::crypto::Crc64::of(&plaintext));
                }
            }
        }
    }
}

#[test]
fn large_frames_stay_where_they_are() {
    let options = EncryptOptions {
        frame_size: 65_536,
        segment_size: Some(131_072),
        ..compact()
    };
    let plaintext = plaintext(300_000);
    let sealed = seal(&plaintext, &options);
    let (opened, result) = open_in_pieces(&sealed, Chunks::Of(40_000), &reading());
    result.unwrap();
    assert_eq!(opened, plaintext);
}

/// A session and a reader agree on what is wrong, and release the same bytes until then.
fn assert_same_failure(sealed: &[u8], what: &str) {
    let (expected, outcome) = open_by(
        (End::InOrder, End::InOrder),
        sealed,
        &reading(),
        &Control::serial(),
    );
    for sizes in [Chunks::Of(1 << 20), Chunks::Random(3)] {
        let (opened, result) = open_in_pieces(sealed, sizes, &reading());
        assert_eq!(
            result.map(|_| ()),
            outcome.as_ref().map(|_| ()).map_err(Clone::clone),
            "{what}"
        );
        assert_eq!(opened, expected, "{what}");
    }
}

#[test]
fn a_truncated_stream_fails_as_with_a_reader() {
    for header in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
        let sealed = seal(
            &plaintext(2 * SEGMENT + 10),
            &options(DigestKind::Crc64Nvme, header),
        );
        let step = if header == HeaderLayout::COMPACT { 1 } else { 13 };
        for end in (0..sealed.len()).step_by(step) {
            assert_same_failure(&sealed[..end], &format!("cut at {end}"));
        }
        for more in [&[0][..], &[0; 5000]] {
            assert_same_failure(&[&sealed, more].concat(), "longer");
        }
    }
}

#[test]
fn a_stream_with_any_changed_byte_fails_as_with_a_reader() {
    let sealed = seal_unsized(&plaintext(SEGMENT + 10), &compact());
    for at in 0..sealed.len() {
        for bit in [1, 0x80] {
            let mut changed = sealed.clone();
            changed[at] ^= bit;
            assert_same_failure(&changed, &format!("byte {at}, bit {bit:#x}"));
        }
    }
}

#[test]
fn records_in_another_order_fail_as_with_a_reader() {
    let sealed = seal_unsized(&plaintext(3 * SEGMENT), &compact());
    let session = OpenSession::new(&sealed, &reading(), &CancellationToken::new()).unwrap();
    let (start, size) = (
        session.cursor().offset().get() as usize,
        session.geometry().full_record_size() as usize,
    );
    let record = |index: usize| sealed[start + index * size..start + (index + 1) * size].to_vec();
    let end = sealed[start + 3 * size..].to_vec();
    for order in [
        vec![1, 0, 2],
        vec![0, 0, 1, 2],
        vec![0, 2],
        vec![0, 1, 2, 2],
        vec![],
    ] {
        let mut changed = sealed[..start].to_vec();
        order.iter().for_each(|&index| changed.extend(record(index)));
        changed.extend_from_slice(&end);
        assert_same_failure(&changed, &format!("{order:?}"));
    }
}

#[test]
fn a_session_does_not_end_before_all_segments_are_sealed() {
    let session = SealSession::new(&compact()).unwrap();
    let unfinished = |segment| SealError::Segment {
        error: SegmentWorkerError::FrameWorkerDisconnected { segment },
    };
    let mut cutter = session.cutter();
    assert_eq!(
        session.finish(1, &CancellationToken::new()).unwrap_err(),
        unfinished(cutter.index())
    );
    let mut record = vec![0; session.geometry().full_record_size() as usize];
    let cancel = CancellationToken::new();
    cutter.copy(&mut record, &[1; SEGMENT as usize]);
    let (first, last) = (cutter.cut(false), cutter.cut(true));
    let mut empty = vec![0; session.geometry().record_size(0) as usize];
    session.seal(last, &mut empty, &cancel).unwrap();
    assert_eq!(
        session.finish(1, &CancellationToken::new()).unwrap_err(),
        unfinished(first.index)
    );
    session.seal(first, &mut record, &cancel).unwrap();
    session.finish(1, &CancellationToken::new()).unwrap();
}

#[test]
fn memory_of_another_size_is_refused() {
    let session = SealSession::new(&compact()).unwrap();
    let header = session.cutter().cut(true);
    for size in [0, 1, 97, session.geometry().record_size(0) as usize + 1] {
        let failure = session
            .seal(header, &mut vec![0; size], &CancellationToken::new())
            .unwrap_err();
        assert_eq!(failure.code(), "INVALID_SEGMENT", "{size}");
    }
}

#[test]
fn a_cancelled_segment_is_not_sealed() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let session = SealSession::new(&compact()).unwrap();
    let mut record = vec![0; session.geometry().record_size(0) as usize];
    let failure = session
        .seal(session.cutter().cut(true), &mut record, &cancel)
        .unwrap_err();
    assert_eq!(failure, SealError::Cancelled);
}
