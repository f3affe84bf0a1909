//! Verifying sources that change, or are not what they claim: a rewrap that is being written, a sparse file.

use super::*;
use crate::crypto::SecretKey;
use crate::keys::Recipient;
use crate::operation::cancel::CancellationToken;
use crate::rekey::rewrap::{SlotChange, rewrap_header};
use crate::stream_v2::io::ReadAt;
use std::io;
use std::io::IoSliceMut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// A source that was just modified, and changes after some reads.
struct Rewritten<'a> {
    before: &'a [u8],
    after: &'a [u8],
    reads_before: usize,
    reads: AtomicUsize,
}

impl ReadAt for Rewritten<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.before.len() as u64)
    }

    fn modified(&self) -> io::Result<Option<SystemTime>> {
        Ok(Some(SystemTime::now()))
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let is_before = self.reads.fetch_add(1, Ordering::Relaxed) < self.reads_before;
        let bytes = if is_before { self.before } else { self.after };
        bytes.read_at(offset, buffers)
    }
}

/// What is on the disk while a rewrap is written, in order; the last is its result.
fn states() -> Vec<Vec<u8>> {
    let stream = seal(
        &plaintext(FRAME),
        &options(DigestKind::Crc64Nvme, HeaderLayout::PADDED),
    );
    let parts = StreamParts::of(&stream);
    let recipient = Recipient::Key {
        key: SecretKey::from_bytes(&[9; 32]).unwrap(),
        id: "new".into(),
    };
    let change = SlotChange::Edit {
        add: vec![recipient],
        remove: Vec::new(),
    };
    let new = rewrap_header(&parts.header, &change, &reading(), &CancellationToken::new()).unwrap();
    let half = |old: &[u8]| [&new[..200], &old[200..]].concat();
    let with = |header: Vec<u8>, copy: Vec<u8>| {
        StreamParts::changed(&stream, |parts| (parts.header, parts.copy) = (header, copy))
    };
    vec![
        with(parts.header.clone(), half(&parts.copy)),
        with(parts.header.clone(), new.clone()),
        with(half(&parts.header), new.clone()),
        with(new.clone(), new),
    ]
}

#[test]
fn a_rewrap_that_is_being_written_is_no_damage() {
    let states = states();
    let (after, during) = states.split_last().unwrap();
    for (state, before) in during.iter().enumerate() {
        for reads_before in [1, 2, 3, 4, 5, 6, 8, 12] {
            for (how, _) in both() {
                let source = Rewritten {
                    before,
                    after,
                    reads_before,
                    reads: AtomicUsize::new(0),
                };
                let found = verify(&source, &how, &Control::serial()).unwrap();
                assert_eq!(kinds(&found), [], "state {state}, {reads_before} reads");
            }
        }
    }
}

#[test]
fn an_interrupted_rewrap_is_still_reported() {
    let states = states();
    for (state, code) in [
        (0, "HEADER_COPY_DAMAGED"),
        (1, "REWRAP_INTERRUPTED"),
        (2, "HEADER_DAMAGED"),
    ] {
        let source = Rewritten {
            before: &states[state],
            after: &states[state],
            reads_before: 0,
            reads: AtomicUsize::new(0),
        };
        let found = verify(&source, &keyless(), &Control::serial()).unwrap();
        assert_eq!(kinds(&found), [(None, code)]);
    }
}

/// A source with a header and nothing else, which claims any size and counts its reads.
struct Sparse<'a> {
    header: &'a [u8],
    reads: AtomicUsize,
}

impl ReadAt for Sparse<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(1 << 50)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let mut read = 0;
        for buffer in buffers {
            buffer.fill(0);
            if let Some(rest) = self.header.get(offset as usize + read..) {
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
            }
            read += buffer.len();
        }
        Ok(read)
    }
}

#[test]
fn a_sparse_source_of_unknown_length_takes_a_bounded_number_of_reads() {
    let stream = seal_unsized(
        &plaintext(5),
        &options(DigestKind::Crc64Nvme, HeaderLayout::COMPACT),
    );
    let parts = StreamParts::of(&stream);
    for (how, _) in both() {
        let source = Sparse {
            header: &parts.header,
            reads: AtomicUsize::new(0),
        };
        let found = verify(&source, &how, &Control::serial()).unwrap();
        assert!(!found.sound);
        let reads = source.reads.load(Ordering::Relaxed);
        assert!(reads < 4096 + 100, "{reads}");
    }
}
