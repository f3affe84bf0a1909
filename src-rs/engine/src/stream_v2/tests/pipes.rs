//! Pipes as sources and sinks: data passes, and a raised token ends the wait.

use crate::error::SealError;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::Control;
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::io::{InputSource, OutputSink, PipeReader, PipeWriter};
use crate::testing::support::{compact, control, plaintext, reading};
use std::fs::File;
use std::io::{Read, Write, pipe};
use std::os::fd::OwnedFd;

fn ends() -> (File, File) {
    let (reader, writer) = pipe().unwrap();
    (
        File::from(OwnedFd::from(reader)),
        File::from(OwnedFd::from(writer)),
    )
}

#[test]
fn a_stream_passes_through_pipes() {
    // More than a pipe holds, so that both ends wait for each other.
    let content = plaintext(300_000);
    for threads in [1, 2] {
        let (plain_out, plain_in) = ends();
        let (sealed_out, sealed_in) = ends();
        let opened = std::thread::scope(|scope| {
            scope.spawn(|| (&plain_in).write_all(&content).map(|()| drop(plain_in)));
            scope.spawn(|| {
                let source = InputSource::reader(PipeReader::new(plain_out, CancellationToken::new()));
                let sink = OutputSink::writer(PipeWriter::new(sealed_in, CancellationToken::new()));
                encrypt_stream_v2(source, sink, &compact(), &control(threads)).unwrap();
            });
            let mut opened = Vec::new();
            let source = InputSource::reader(PipeReader::new(sealed_out, CancellationToken::new()));
            decrypt_stream_v2(
                source,
                OutputSink::writer(&mut opened),
                &reading(),
                &control(threads),
            )
            .unwrap();
            opened
        });
        assert!(opened == content);
    }
}

#[test]
fn a_token_ends_the_wait_for_a_pipe_without_data() {
    for threads in [1, 2] {
        // The other end stays open and silent, after enough for the operation to be under way or at once.
        for before in [0, 5000] {
            let (reader, mut writer) = ends();
            writer.write_all(&vec![7; before]).unwrap();
            let cancel = CancellationToken::new();
            let control = Control {
                cancel: cancel.clone(),
                ..control(threads)
            };
            let failure = std::thread::scope(|scope| {
                let source = InputSource::reader(PipeReader::new(reader, cancel.clone()));
                let waiting = scope.spawn(|| {
                    encrypt_stream_v2(source, OutputSink::writer(std::io::sink()), &compact(), &control)
                });
                cancel.cancel();
                waiting.join().unwrap()
            });
            assert_eq!(failure.unwrap_err(), SealError::Cancelled);
            drop(writer);
        }
    }
}

#[test]
fn a_token_ends_the_wait_for_a_full_pipe() {
    let content = plaintext(1_000_000);
    for threads in [1, 2] {
        let (mut reader, writer) = ends();
        let cancel = CancellationToken::new();
        let control = Control {
            cancel: cancel.clone(),
            ..control(threads)
        };
        let failure = std::thread::scope(|scope| {
            let sink = OutputSink::writer(PipeWriter::new(writer, cancel.clone()));
            let waiting =
                scope.spawn(|| encrypt_stream_v2(InputSource::memory(&content), sink, &compact(), &control));
            // When something came the operation is under way; it can't end, for the pipe does not hold it all.
            reader.read_exact(&mut [0; 100]).unwrap();
            cancel.cancel();
            waiting.join().unwrap()
        });
        assert_eq!(failure.unwrap_err(), SealError::Cancelled);
    }
}

#[test]
fn another_failure_ends_the_wait_for_a_pipe() {
    // The sink fails while the reader waits for more: the operation raises its own token.
    struct Failing;
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (reader, mut writer) = ends();
    let sealed = crate::testing::support::seal_unsized(&plaintext(20_000), &compact());
    writer.write_all(&sealed[..10_000]).unwrap();
    let cancel = CancellationToken::new();
    let control = Control {
        cancel: cancel.clone(),
        ..control(2)
    };
    let source = InputSource::reader(PipeReader::new(reader, cancel));
    let failure = decrypt_stream_v2(source, OutputSink::writer(Failing), &reading(), &control).unwrap_err();
    assert_eq!(failure.code(), "IO");
    drop(writer);
}

#[test]
fn a_pipe_that_closes_early_is_a_truncated_stream() {
    let sealed = crate::testing::support::seal(&plaintext(20_000), &compact());
    let (reader, mut writer) = ends();
    writer.write_all(&sealed[..10_000]).unwrap();
    drop(writer);
    let source = InputSource::reader(PipeReader::new(reader, CancellationToken::new()));
    let failure = decrypt_stream_v2(
        source,
        OutputSink::writer(std::io::sink()),
        &reading(),
        &control(2),
    );
    assert_eq!(failure.unwrap_err().code(), "TRUNCATED");
}
