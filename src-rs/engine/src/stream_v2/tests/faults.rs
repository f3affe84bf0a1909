//! Reads and writes that fail, are short or are interrupted, and sources that change.

use crate::error::{IoOperation, SealError, SizeRelation};
use crate::operation::options::Control;
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::io::{InputSource, OutputSink};
use crate::testing::failing_io::{Fault, FaultySink, FaultySource, Reserving};
use crate::testing::support::{
    ENDS, End, Output, SEGMENT, compact, control, fresh, open_by, plaintext, reading, seal, seal_by,
    seal_unsized,
};
use std::io;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

const SIZE: u64 = 5 * SEGMENT + 7;

/// Seals or opens from `source` to `sink` on every number of threads that makes a difference.
fn run(
    source: &FaultySource<'_>,
    sink: OutputSink<'_>,
    end: End,
    sealing: bool,
    control: &Control<'_>,
) -> Result<(), SealError> {
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
fn every_failing_read_is_reported() {
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
                        Err(SealError::Io {
                            operation,
                            code,
                            path,
                            ..
                        }) => {
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
fn every_failing_write_is_reported() {
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
                        Err(SealError::Io { operation, code, .. }) => {
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
fn short_and_interrupted_reads_and_writes_are_continued() {
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
                            let opened =
                                open_by((End::InOrder, End::InOrder), &written, &reading(), &control).0;
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
fn a_reader_with_one_byte_at_a_time_is_read_to_its_end() {
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
fn a_sink_that_accepts_no_more_bytes_is_a_write_error() {
    for (bytes, sealing) in directions() {
        for at in [0, 1, 5] {
            let source = FaultySource::new(&bytes, 0, Fault::None);
            let sink = FaultySink::new(at, Fault::Zero);
            let failure = run(
                &source,
                sink.sink(End::InOrder),
                End::InOrder,
                sealing,
                &Control::serial(),
            )
            .unwrap_err();
            assert!(
                matches!(
                    failure,
                    SealError::Io {
                        operation: IoOperation::Write,
                        ..
                    }
                ),
                "{failure:?}"
            );
        }
    }
}

#[test]
fn a_plaintext_that_shrinks_during_sealing_is_a_changed_source() {
    let content = plaintext(SIZE);
    for threads in [1, 2, 16] {
        let control = control(threads);
        for to in ENDS {
            for at in 0..3 {
                let source = FaultySource::new(&content, at, Fault::Shrink);
                let output = Output::default();
                let failure = encrypt_stream_v2(
                    source.input(End::ByOffset),
                    output.sink(to),
                    &compact(),
                    &fresh(&control),
                );
                let due = SealError::SourceChanged {
                    expected: SIZE,
                    relation: SizeRelation::Shorter,
                };
                assert_eq!(failure.unwrap_err(), due, "{to:?}, {threads} threads, read {at}");
            }
        }
    }
}

#[test]
fn a_plaintext_that_grows_during_sealing_is_a_changed_source() {
    let content = plaintext(SIZE);
    for threads in [1, 2, 16] {
        let control = control(threads);
        for to in ENDS {
            // It says that it ends at, before and behind the edges of segments.
            for size in [0, 1, SEGMENT - 1, SEGMENT, 5 * SEGMENT, SIZE - 1] {
                let source = FaultySource::new(&content, 0, Fault::None).that_claims(size);
                let output = Output::default();
                let failure = encrypt_stream_v2(
                    source.input(End::ByOffset),
                    output.sink(to),
                    &compact(),
                    &fresh(&control),
                );
                let due = SealError::SourceChanged {
                    expected: size,
                    relation: SizeRelation::Longer,
                };
                assert_eq!(
                    failure.unwrap_err(),
                    due,
                    "{size} bytes, {to:?}, {threads} threads"
                );
            }
        }
    }
}

#[test]
fn a_sealed_stream_that_shrinks_during_opening_is_truncated() {
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
                    let result =
                        decrypt_stream_v2(source.input(End::ByOffset), sink, &reading(), &fresh(&control));
                    match result {
                        Err(SealError::Truncated { .. }) => {}
                        other => panic!("{to:?}, read {at}: {other:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_source_is_read_by_offset_once_per_segment_at_most() {
    let content = plaintext(SIZE);
    let source = FaultySource::new(&content, 0, Fault::None);
    let output = Output::default();
    encrypt_stream_v2(
        source.input(End::ByOffset),
        output.sink(End::ByOffset),
        &compact(),
        &Control::serial(),
    )
    .unwrap();
    // Once for each segment and once to see that there is nothing behind the end.
    assert_eq!(source.operations(), 7);
    assert_eq!(
        output.into_bytes().len(),
        seal_by(
            (End::ByOffset, End::ByOffset),
            &content,
            &compact(),
            &Control::serial()
        )
        .0
        .len()
    );
}

#[test]
fn space_is_reserved_for_the_whole_output_and_a_full_disk_fails_at_once() {
    for (bytes, sealing) in directions() {
        let (sealed, reserved) = (Output::default(), AtomicUsize::new(0));
        let sink = |room| {
            OutputSink::Positioned(Box::new(Reserving {
                output: &sealed,
                room,
                reserved: &reserved,
            }))
        };
        let source = FaultySource::new(&bytes, 0, Fault::None);
        match run(&source, sink(100), End::ByOffset, sealing, &control(2)) {
            Err(SealError::Io {
                operation: IoOperation::Write,
                code,
                ..
            }) => {
                assert_eq!(code.as_deref(), Some("ENOSPC"));
            }
            other => panic!("{other:?}"),
        }
        assert!(reserved.swap(0, Ordering::SeqCst) > 0);
        run(&source, sink(u64::MAX), End::ByOffset, sealing, &control(2)).unwrap();
        let reserved = reserved.load(Ordering::SeqCst);
        assert_eq!(sealed.into_bytes().len(), reserved);
    }
}

#[test]
fn a_reader_is_not_read_again_after_its_end() {
    /// A terminal: bytes after its end belong to another program.
    struct Terminal<'a>(&'a [u8], usize);
    impl Read for Terminal<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            self.1 += usize::from(count == 0);
            assert!(self.1 < 2, "read after the end");
            Ok(count)
        }
    }
    for size in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, SIZE] {
        let content = plaintext(size);
        let output = Output::default();
        let source = InputSource::reader(Terminal(&content, 0));
        encrypt_stream_v2(source, output.sink(End::InOrder), &compact(), &Control::serial()).unwrap();
        let sealed = output.into_bytes();
        let source = InputSource::reader(Terminal(&sealed, 0));
        let report = decrypt_stream_v2(
            source,
            OutputSink::writer(io::sink()),
            &reading(),
            &Control::serial(),
        );
        assert_eq!(report.unwrap().plaintext_size, size);
    }
}
