//! Interrupted and resumed operations, in memory.

mod closed;
mod journals;
mod stops;

use crate::crypto::SecretKey;
use crate::error::{SealError, SizeRelation, StartedOver};
use crate::format::DigestKind;
use crate::keys::Recipient;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, EncryptOptions, HeaderLayout};
use crate::operation::report::{Report, ResumeReport};
use crate::resume::log_manager::JournalFile;
use crate::resume::{Attempt, SourceMark, decrypt_resumable, encrypt_resumable};
use crate::stream_v2::io::{ReadAt, ReadWriteAt, WriteAt};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use crate::testing::support::{FRAME, SEGMENT, compact, control, key, plaintext, reading, seal};
use std::io;
use std::io::{IoSlice, IoSliceMut, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// An output and its journal in memory, which stay between attempts.
#[derive(Default)]
pub(crate) struct MemoryOutput {
    output: Mutex<Vec<u8>>,
    journal: Arc<Mutex<Vec<u8>>>,
    /// Writes to the output in the last attempt.
    writes: AtomicUsize,
    /// Number of writes until the disk is full.
    full_at: usize,
    /// Number of appends until the journal's disk is full.
    journal_full_at: usize,
    /// Flushing the output fails.
    fails_to_sync: bool,
    /// Reading the journal fails.
    is_unreadable: bool,
}

impl MemoryOutput {
    fn new() -> Self {
        Self {
            full_at: usize::MAX,
            journal_full_at: usize::MAX,
            ..Self::default()
        }
    }

    pub(crate) fn attempt(&self, source: SourceMark) -> Attempt<'_> {
        self.writes.store(0, Ordering::SeqCst);
        Attempt {
            source,
            output: self,
            is_target: false,
            journal: Box::new(Journal {
                bytes: self.journal.clone(),
                left: self.journal_full_at,
                is_unreadable: self.is_unreadable,
            }),
            journal_path: Path::new("journal"),
            secret: None,
            started_over: None,
            flush: true,
        }
    }

    pub(crate) fn journal_bytes(&self) -> Vec<u8> {
        self.journal.lock().unwrap().clone()
    }

    fn encrypt(&self, plain: &[u8], control: &Control<'_>) -> Result<Report, SealError> {
        encrypt_resumable(&plain, self.attempt(source_mark(plain)), &compact(), control)
    }

    fn decrypt(&self, sealed: &[u8], control: &Control<'_>) -> Result<Report, SealError> {
        decrypt_resumable(&sealed, self.attempt(source_mark(sealed)), &reading(), control)
    }

    fn work(&self, direction: Direction, source: &[u8], control: &Control<'_>) -> Result<Report, SealError> {
        match direction {
            Direction::Seal => self.encrypt(source, control),
            Direction::Open => self.decrypt(source, control),
        }
    }

    fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn flip(&self, at: usize) {
        self.output.lock().unwrap()[at] ^= 1;
    }

    /// The plaintext of the output.
    fn plain(&self, direction: Direction) -> Vec<u8> {
        let output = self.output.lock().unwrap().clone();
        match direction {
            Direction::Open => output,
            Direction::Seal => {
                let place = Self::new();
                place.decrypt(&output, &control(1)).unwrap();
                place.plain(Direction::Open)
            }
        }
    }
}

impl ReadAt for MemoryOutput {
    fn size(&self) -> io::Result<u64> {
        Ok(self.output.lock().unwrap().len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.output.lock().unwrap()[..]).read_at(offset, buffers)
    }
}

impl WriteAt for MemoryOutput {
    fn reserve(&self, size: u64) -> io::Result<()> {
        let mut output = self.output.lock().unwrap();
        let size = output.len().max(size as usize);
        output.resize(size, 0);
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.output.lock().unwrap().resize(size as usize, 0);
        Ok(())
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        if self.writes.fetch_add(1, Ordering::SeqCst) >= self.full_at {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut output = self.output.lock().unwrap();
        let mut at = offset as usize;
        for buffer in buffers {
            let end = at + buffer.len();
            if output.len() < end {
                output.resize(end, 0);
            }
            output[at..end].copy_from_slice(buffer);
            at = end;
        }
        Ok(())
    }
}

impl ReadWriteAt for MemoryOutput {
    fn sync(&self) -> io::Result<()> {
        if self.fails_to_sync {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

struct Journal {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Number of appends that still succeed.
    left: usize,
    is_unreadable: bool,
}

impl JournalFile for Journal {
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>> {
        if self.is_unreadable {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(Box::new(io::Cursor::new(self.bytes.lock().unwrap().clone())))
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(size as usize);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= 1;
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A source that counts the bytes read.
struct Counted<'a>(&'a [u8], AtomicUsize);

impl ReadAt for Counted<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.0.read_at(offset, buffers)?;
        self.1.fetch_add(read, Ordering::SeqCst);
        Ok(read)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Seal,
    Open,
}

impl Direction {
    fn source(self, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::Seal => plain.to_vec(),
            Self::Open => seal(plain, &compact()),
        }
    }

    /// Writes besides those of segments: the header and the end.
    fn extra_writes(self) -> usize {
        match self {
            Self::Seal => 2,
            Self::Open => 0,
        }
    }

    /// Offset of a segment in the output.
    fn output_offset(self, segment: usize) -> usize {
        match self {
            Self::Seal => {
                let sealed = seal(b"", &compact());
                let header = u32::from_be_bytes(sealed[64..68].try_into().unwrap()) as usize;
                header + segment * (SEGMENT as usize + 2 * 32 + 106 + 8)
            }
            Self::Open => segment * SEGMENT as usize,
        }
    }
}

const BOTH: [Direction; 2] = [Direction::Seal, Direction::Open];

pub(crate) fn source_mark(source: &[u8]) -> SourceMark {
    SourceMark {
        size: source.len() as u64,
        modified: 5,
        device: 1,
        inode: 2,
    }
}

fn resume(report: &Report) -> &ResumeReport {
    report.resume.as_ref().unwrap()
}

/// The output of an attempt that failed after `segments` segments.
fn interrupted_after(direction: Direction, source: &[u8], segments: usize) -> MemoryOutput {
    let full_at = segments + direction.extra_writes() / 2;
    let mut place = MemoryOutput {
        full_at,
        ..MemoryOutput::new()
    };
    let failure = place.work(direction, source, &control(1)).unwrap_err();
    assert_eq!(failure.code(), "IO");
    place.full_at = usize::MAX;
    place
}

/// The output of sealing that failed after `segments` segments.
pub(crate) fn interrupted(
    plain: &[u8],
    options: &EncryptOptions<'_>,
    secret: Option<&SecretKey>,
    segments: usize,
) -> MemoryOutput {
    let place = MemoryOutput {
        full_at: segments + 1,
        ..MemoryOutput::new()
    };
    let attempt = Attempt {
        secret,
        ..place.attempt(source_mark(plain))
    };
    let failure = encrypt_resumable(&plain, attempt, options, &control(1)).unwrap_err();
    assert_eq!(failure.code(), "IO");
    MemoryOutput {
        full_at: usize::MAX,
        ..place
    }
}

const SEGMENTS: usize = 7;

/// Six full segments and one of 10 bytes.
pub(crate) fn plain() -> Vec<u8> {
    plaintext((SEGMENTS as u64 - 1) * SEGMENT + 10)
}
