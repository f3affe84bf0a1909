//! Sources and sinks that fail at the operation that a test names, and what an operation makes of it.

use super::support::{
    ENDS, End, Output, SEGMENT, compact, control, fresh, open_by, plaintext, reading, seal, seal_by, seal_unsized,
};
use crate::stream_v2::cancel::CancellationToken;
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::failure::{IoOperation, SealFailure, SizeRelation};
use crate::stream_v2::io::{InputSource, OutputSink, ReadAt, WriteAt};
use crate::stream_v2::options::Control;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What happens at the named operation.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The system says no.
    Error(io::ErrorKind),
    /// Half of what was asked for, once.
    Short,
    /// The system was interrupted, once.
    Interrupted,
    /// Nothing more can be written.
    Zero,
    /// Somebody raises the token.
    Cancel(CancellationToken),
    /// The source has fewer bytes than it said, from here on.
    Shrink,
    /// Nothing happens.
    None,
}

/// Memory that fails at its `at`th read, counted from 0.
pub(super) struct FaultySource<'a> {
    bytes: &'a [u8],
    /// Bytes that the source says it has.
    size: u64,
    at: usize,
    fault: Fault,
    operations: AtomicUsize,
    position: AtomicUsize,
}

impl<'a> FaultySource<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize, fault: Fault) -> Self {
        let size = bytes.len() as u64;
        Self { bytes, size, at, fault, operations: 0.into(), position: 0.into() }
    }

    pub(super) fn input(&self, end: End) -> InputSource<'_> {
        match end {
            End::ByOffset => InputSource::Positioned(Box::new(self)),
            End::InOrder => InputSource::reader(self),
        }
    }

    /// Reads so far.
    pub(super) fn operations(&self) -> usize {
        self.operations.load(Ordering::SeqCst)
    }

    /// The bytes that are there for this read, and how many of `wanted` it gives.
    fn read_one(&self, wanted: usize) -> io::Result<(&'a [u8], usize)> {
        let operation = self.operations.fetch_add(1, Ordering::SeqCst);
        let now = operation == self.at;
        match &self.fault {
            Fault::Error(kind) if operation >= self.at => Err((*kind).into()),
            Fault::Interrupted if now => Err(io::ErrorKind::Interrupted.into()),
            Fault::Short if now => Ok((self.bytes, wanted.div_ceil(2))),
            Fault::Shrink if operation >= self.at => Ok((&self.bytes[..self.bytes.len() / 2], wanted)),
            Fault::Cancel(token) if now => {
                token.cancel();
                Ok((self.bytes, wanted))
            }
            _ => Ok((self.bytes, wanted)),
        }
    }
}

impl ReadAt for &FaultySource<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let (bytes, _) = self.read_one(0)?;
        ReadAt::read_at(&bytes, offset, buffers)
    }
}

impl Read for &FaultySource<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (bytes, count) = self.read_one(buffer.len())?;
        let rest = bytes.get(self.position.load(Ordering::SeqCst)..).unwrap_or_default();
        let count = (&rest[..]).read(&mut buffer[..count])?;
        self.position.fetch_add(count, Ordering::SeqCst);
        Ok(count)
    }
}

/// Memory that fails at its `at`th write, counted from 0.
pub(super) struct FaultySink {
    output: Output,
    at: usize,
    fault: Fault,
    operations: AtomicUsize,
}

impl FaultySink {
    fn new(at: usize, fault: Fault) -> Self {
        Self { output: Output::default(), at, fault, operations: 0.into() }
    }

    fn sink(&self, end: End) -> OutputSink<'_> {
        match end {
            End::ByOffset => OutputSink::Positioned(Box::new(self)),
            End::InOrder => OutputSink::writer(self),
        }
    }

    /// How many of `wanted` bytes this write takes.
    fn write_one(&self, wanted: usize) -> io::Result<usize> {
        let operation = self.operations.fetch_add(1, Ordering::SeqCst);
        match &self.fault {
            Fault::Error(kind) if operation >= self.at => Err((*kind).into()),
            Fault::Interrupted if operation == self.at => Err(io::ErrorKind::Interrupted.into()),
            Fault::Short if operation == self.at => Ok(wanted.div_ceil(2)),
            Fault::Zero if operation >= self.at => Ok(0),
            _ => Ok(wanted),
        }
    }
}

impl WriteAt for &FaultySink {
    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.write_one(0)?;
        WriteAt::write_at(&&self.output, offset, buffers)
    }
}

impl Write for &FaultySink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.write_one(bytes.len())?;
        (&self.output).write(&bytes[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_one(0).map(|_| ())
    }
}

const SIZE: u64 = 5 * SEGMENT + 7;

/// Seals or opens from `source` to `sink` on every number of threads that makes a difference.
fn run(source: &FaultySource<'_>, sink: OutputSink<'_>, end: End, sealing: bool, control: &Control<'_>) -> Result<(), SealFailure> {
    let control = fresh(control);
    match sealing {
        true => encrypt_stream_v2(source.input(end), sink, &compact(), &control).map(|_| ()),
        false => decrypt_stream_v2(source.input(end), sink, &reading(), &control).map(|_| ()),
    }
}

/// Sealing a plaintext and opening its stream.
fn directions() -> [(Vec<u8>, bool); 2] {
    let content = plaintext(SIZE);
    let sealed = seal(&content, &compact());
    [(content, true), (sealed, false)]
}

#[test]
fn a_read_that_fails_is_reported_wherever_it_is() {
    for (bytes, sealing) in directions() {
        for threads in [1, 2] {
            let control = control(threads);
            for end in ENDS {
                let mut failed = 0;
                loop {
                    let source = FaultySource::new(&bytes, failed, Fault::Error(io::ErrorKind::BrokenPipe));
                    let output = Output::default();
                    match run(&source, output.sink(end), end, sealing, &control) {
                        Ok(()) => break,
                        Err(SealFailure::Io { operation, code, path, .. }) => {
                            assert_eq!((operation, path), (IoOperation::Read, None));
                            assert_eq!(code.as_deref(), Some("EPIPE"));
                        }
                        Err(other) => panic!("read {failed}, {end:?}: {other}"),
                    }
                    failed += 1;
                }
                assert!(failed >= 6, "every segment is read: {failed} reads, {end:?}");
            }
        }
    }
}

#[test]
fn a_write_that_fails_is_reported_wherever_it_is() {
    for (bytes, sealing) in directions() {
        for threads in [1, 2] {
            let control = control(threads);
            for end in ENDS {
                let mut failed = 0;
                loop {
                    let source = FaultySource::new(&bytes, 0, Fault::None);
                    let sink = FaultySink::new(failed, Fault::Error(io::ErrorKind::StorageFull));
                    match run(&source, sink.sink(end), end, sealing, &control) {
                        Ok(()) => break,
                        Err(SealFailure::Io { operation, code, .. }) => {
                            assert_eq!((operation, code.as_deref()), (IoOperation::Write, Some("ENOSPC")));
                        }
                        Err(other) => panic!("write {failed}, {end:?}: {other}"),
                    }
                    failed += 1;
                }
                assert!(failed >= 6, "every segment is written: {failed} writes, {end:?}");
            }
        }
    }
}

#[test]
fn short_and_interrupted_reads_and_writes_in_order_are_gone_on_with() {
    for (bytes, sealing) in directions() {
        for threads in [1, 2] {
            let control = control(threads);
            for fault in [Fault::Short, Fault::Interrupted] {
                for at in 0..40 {
                    let source = FaultySource::new(&bytes, at, fault.clone());
                    let sink = FaultySink::new(at, fault.clone());
                    run(&source, sink.sink(End::InOrder), End::InOrder, sealing, &control).unwrap();
                    let written = sink.output.into_bytes();
                    match sealing {
                        true => {
                            let opened = open_by((End::InOrder, End::InOrder), &written, &reading(), &control).0;
                            assert!(opened == bytes, "{fault:?} at {at}");
                        }
                        false => assert!(written == plaintext(SIZE), "{fault:?} at {at}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_reader_that_gives_one_byte_at_a_time_is_read_to_its_end() {
    struct OneByOne<'a>(&'a [u8]);
    impl Read for OneByOne<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }
    let content = plaintext(SIZE);
    let mut sealed = Vec::new();
    let source = InputSource::reader(OneByOne(&content));
    encrypt_stream_v2(source, OutputSink::writer(&mut sealed), &compact(), &control(2)).unwrap();
    let mut opened = Vec::new();
    let source = InputSource::reader(OneByOne(&sealed));
    decrypt_stream_v2(source, OutputSink::writer(&mut opened), &reading(), &control(2)).unwrap();
    assert!(opened == content);
}

#[test]
fn a_sink_that_takes_nothing_more_is_a_failure_to_write() {
    for (bytes, sealing) in directions() {
        for at in [0, 1, 5] {
            let source = FaultySource::new(&bytes, 0, Fault::None);
            let sink = FaultySink::new(at, Fault::Zero);
            let failure = run(&source, sink.sink(End::InOrder), End::InOrder, sealing, &Control::serial()).unwrap_err();
            assert!(matches!(failure, SealFailure::Io { operation: IoOperation::Write, .. }), "{failure:?}");
        }
    }
}

#[test]
fn a_plaintext_that_shrinks_while_it_is_read_is_a_changed_source() {
    let content = plaintext(SIZE);
    for threads in [1, 2, 16] {
        let control = control(threads);
        for to in ENDS {
            for at in 0..3 {
                let source = FaultySource::new(&content, at, Fault::Shrink);
                let output = Output::default();
                let failure =
                    encrypt_stream_v2(source.input(End::ByOffset), output.sink(to), &compact(), &fresh(&control));
                let due = SealFailure::SourceChanged { expected: SIZE, relation: SizeRelation::Shorter };
                assert_eq!(failure.unwrap_err(), due, "{to:?}, {threads} threads, read {at}");
            }
        }
    }
}

#[test]
fn a_plaintext_that_grows_while_it_is_read_is_a_changed_source() {
    let content = plaintext(SIZE);
    for threads in [1, 2, 16] {
        let control = control(threads);
        for to in ENDS {
            // It says that it ends at, before and behind the edges of segments.
            for size in [0, 1, SEGMENT - 1, SEGMENT, 5 * SEGMENT, SIZE - 1] {
                let source = FaultySource { size, ..FaultySource::new(&content, 0, Fault::None) };
                let output = Output::default();
                let failure =
                    encrypt_stream_v2(source.input(End::ByOffset), output.sink(to), &compact(), &fresh(&control));
                let due = SealFailure::SourceChanged { expected: size, relation: SizeRelation::Longer };
                assert_eq!(failure.unwrap_err(), due, "{size} bytes, {to:?}, {threads} threads");
            }
        }
    }
}

#[test]
fn a_sealed_stream_that_shrinks_while_it_is_read_is_cut() {
    let content = plaintext(SIZE);
    for sealed in [seal(&content, &compact()), seal_unsized(&content, &compact())] {
        for threads in [1, 2] {
            let control = control(threads);
            for to in ENDS {
                // Header and end are read first: from the fifth read on there are segments.
                for at in [8, 9, 10] {
                    let source = FaultySource::new(&sealed, at, Fault::Shrink);
                    let output = Output::default();
                    let sink = output.sink(to);
                    let result = decrypt_stream_v2(source.input(End::ByOffset), sink, &reading(), &fresh(&control));
                    match result {
                        Err(SealFailure::Truncated { .. }) => {}
                        other => panic!("{to:?}, read {at}: {other:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn the_source_is_read_by_offset_no_more_often_than_it_has_segments() {
    let content = plaintext(SIZE);
    let source = FaultySource::new(&content, 0, Fault::None);
    let output = Output::default();
    encrypt_stream_v2(source.input(End::ByOffset), output.sink(End::ByOffset), &compact(), &Control::serial()).unwrap();
    // Once for each segment and once to see that there is nothing behind the end.
    assert_eq!(source.operations(), 7);
    assert_eq!(output.into_bytes().len(), seal_by((End::ByOffset, End::ByOffset), &content, &compact(), &Control::serial()).0.len());
}
