//! Tests of healing.

mod choices;
mod disjoint;
mod files;
mod limits;
mod segments;

use crate::crypto::Crc64;
use crate::error::SealError;
use crate::operation::options::{Control, EncryptOptions};
use crate::repair::heal::{HealOptions, HealReport, heal};
use crate::stream_v2::io::ReadAt;
use crate::testing::failing_io::BadBlocks;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{Output, control, fresh, plaintext, seal};
use std::io;
use std::io::IoSliceMut;
use std::ops::Range;
use std::sync::Mutex;

/// A copy with bad ranges, which records what is read.
#[derive(Default)]
struct Copy {
    bytes: Vec<u8>,
    unreadable: Vec<Range<usize>>,
    reads: Mutex<Vec<Range<usize>>>,
}

impl Copy {
    fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            ..Self::default()
        }
    }

    /// The copy with the bytes in `range` inverted.
    fn hurt(mut self, range: Range<usize>) -> Self {
        self.bytes[range].iter_mut().for_each(|byte| *byte = !*byte);
        self
    }

    fn unreadable(mut self, range: Range<usize>) -> Self {
        self.unreadable.push(range);
        self
    }

    fn cut(mut self, size: usize) -> Self {
        self.bytes.truncate(size);
        self
    }

    fn followed_by(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn was_read(&self, range: &Range<usize>) -> bool {
        let reads = self.reads.lock().unwrap();
        reads
            .iter()
            .any(|read| read.start < range.end && range.start < read.end)
    }

    fn bytes_read(&self) -> u64 {
        self.reads
            .lock()
            .unwrap()
            .iter()
            .map(|read| read.len() as u64)
            .sum()
    }
}

impl ReadAt for Copy {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let wanted: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        let start = (offset as usize).min(self.bytes.len());
        let range = start..(start + wanted).min(self.bytes.len());
        let source = BadBlocks {
            bytes: &self.bytes,
            bad: self.unreadable.clone(),
        };
        let read = source.read_at(offset, buffers)?;
        self.reads.lock().unwrap().push(range);
        Ok(read)
    }
}

/// Heals the first of these copies with the others.
fn heal_with(copies: &[Copy], control: &Control<'_>) -> (Vec<u8>, Result<HealReport, SealError>) {
    let output = Output::default();
    let (damaged, replicas) = copies.split_first().unwrap();
    let replicas: Vec<&dyn ReadAt> = replicas.iter().map(|copy| copy as &dyn ReadAt).collect();
    let result = heal(
        damaged,
        &replicas,
        &&output,
        HealOptions::default(),
        &fresh(control),
    );
    (output.into_bytes(), result)
}

/// Heals, and checks that the output is `whole`.
fn healed(copies: &[Copy], whole: &[u8]) -> HealReport {
    let (output, result) = heal_with(copies, &control(1));
    let report = result.unwrap();
    assert!(output == whole, "the output differs: {report:?}");
    assert_eq!(report.sealed_size, whole.len() as u64);
    assert_eq!(report.output_crc64, Crc64::of(whole));
    assert_eq!(report.stream_id, whole[32..64]);
    for (copy, said) in copies.iter().zip(&report.copies) {
        assert_eq!(copy.bytes_read(), said.bytes_read);
    }
    report
}

fn failure(copies: &[Copy]) -> SealError {
    heal_with(copies, &control(1)).1.unwrap_err()
}

/// A stream with this many plaintext bytes, and the ranges of its parts.
fn stream(size: u64, options: &EncryptOptions<'_>) -> (Vec<u8>, Parts) {
    let bytes = seal(&plaintext(size), options);
    let parts = Parts::of(&bytes);
    (bytes, parts)
}

/// Ranges of the parts of a stream.
struct Parts {
    header: Range<usize>,
    records: Vec<Range<usize>>,
    end: Range<usize>,
    copy: Range<usize>,
    footer: Range<usize>,
}

impl Parts {
    fn of(stream: &[u8]) -> Self {
        let parts = StreamParts::of(stream);
        let mut at = 0;
        let mut next = |size: usize| {
            at += size;
            at - size..at
        };
        Self {
            header: next(parts.header.len()),
            records: parts.records.iter().map(|record| next(record.len())).collect(),
            end: next(parts.end.len()),
            copy: next(parts.copy.len()),
            footer: next(parts.footer.len()),
        }
    }
}
