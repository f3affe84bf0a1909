//! Keys, plaintexts, and sealing and opening on every path.

use crate::crypto::{Random, SecretKey};
use crate::error::SealError;
use crate::format::DigestKind;
use crate::keys::{Identity, Recipient};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, DecryptOptions, EncryptOptions, HeaderLayout};
use crate::operation::report::Report;
use crate::operation::threads::Threads;
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_with};
use crate::stream_v2::io::{InputSource, OutputSink, WriteAt};
use std::io;
use std::io::IoSlice;
use std::sync::Mutex;

/// Bytes 0 to 31, as in the vectors.
pub(crate) fn key() -> SecretKey {
    SecretKey::from_bytes(&std::array::from_fn::<u8, 32, _>(|i| i as u8)).unwrap()
}

/// Byte i is i * 7 mod 251, as in the vectors.
pub(crate) fn plaintext(size: u64) -> Vec<u8> {
    (0..size).map(|i| (i * 7 % 251) as u8).collect()
}

pub(crate) const FRAME: u64 = 1024;
/// Two frames, so that a segment has a first and a last.
pub(crate) const SEGMENT: u64 = 2 * FRAME;

/// Small frames and segments, for one key named `test`.
pub(crate) fn options(digest: DigestKind, header: HeaderLayout) -> EncryptOptions<'static> {
    EncryptOptions {
        frame_size: FRAME as u32,
        segment_size: Some(SEGMENT as u32),
        digest,
        header,
        ..EncryptOptions::new(vec![Recipient::Key {
            key: key(),
            id: "test".into(),
        }])
    }
}

pub(crate) fn compact() -> EncryptOptions<'static> {
    options(DigestKind::Crc64Nvme, HeaderLayout::COMPACT)
}

pub(crate) fn reading() -> DecryptOptions<'static> {
    DecryptOptions::new(vec![Identity::Key(key())])
}

pub(crate) fn control(threads: usize) -> Control<'static> {
    Control {
        threads: Threads::new(threads).unwrap(),
        ..Control::serial()
    }
}

/// The same threads with a new token: an operation that fails raises its token.
pub(crate) fn fresh<'a>(control: &Control<'a>) -> Control<'a> {
    Control {
        cancel: CancellationToken::new(),
        ..control.clone()
    }
}

/// How one end of an operation is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    ByOffset,
    InOrder,
}

pub(crate) const ENDS: [End; 2] = [End::ByOffset, End::InOrder];

pub(crate) fn source(end: End, bytes: &[u8]) -> InputSource<'_> {
    match end {
        End::ByOffset => InputSource::memory(bytes),
        End::InOrder => InputSource::reader(bytes),
    }
}

/// Memory that grows, written by offset or in order.
#[derive(Default)]
pub(crate) struct Output(Mutex<Vec<u8>>);

impl Output {
    pub(crate) fn sink(&self, end: End) -> OutputSink<'_> {
        match end {
            End::ByOffset => OutputSink::Positioned(Box::new(self)),
            End::InOrder => OutputSink::writer(self),
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

impl WriteAt for Output {
    fn set_size(&self, size: u64) -> io::Result<()> {
        // Memory is no sparse file.
        let size = usize::try_from(size).ok().filter(|&size| size <= 1 << 30);
        let size = size.ok_or(io::ErrorKind::FileTooLarge)?;
        self.0.lock().unwrap().resize(size, 0);
        Ok(())
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        let mut bytes = self.0.lock().unwrap();
        let mut at = offset as usize;
        for buffer in buffers {
            let end = at + buffer.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[at..end].copy_from_slice(buffer);
            at = end;
        }
        Ok(())
    }
}

impl io::Write for &Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Seals with random bytes that are the same in every run.
pub(crate) fn seal_by(
    ends: (End, End),
    plaintext: &[u8],
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> (Vec<u8>, Report) {
    let output = Output::default();
    let (from, to) = (source(ends.0, plaintext), output.sink(ends.1));
    let report = encrypt_with(&Random::known(1), from, to, options, &fresh(control)).unwrap();
    (output.into_bytes(), report)
}

/// The sealed stream; its plaintext's size is known at the start.
pub(crate) fn seal(plaintext: &[u8], options: &EncryptOptions<'_>) -> Vec<u8> {
    seal_by(
        (End::ByOffset, End::InOrder),
        plaintext,
        options,
        &Control::serial(),
    )
    .0
}

/// The sealed stream; its plaintext's size is not known at the start.
pub(crate) fn seal_unsized(plaintext: &[u8], options: &EncryptOptions<'_>) -> Vec<u8> {
    seal_by(
        (End::InOrder, End::InOrder),
        plaintext,
        options,
        &Control::serial(),
    )
    .0
}

/// Opens a stream and returns the output, even if it failed.
pub(crate) fn open_by(
    ends: (End, End),
    stream: &[u8],
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> (Vec<u8>, Result<Report, SealError>) {
    let output = Output::default();
    let result = decrypt_stream_v2(
        source(ends.0, stream),
        output.sink(ends.1),
        options,
        &fresh(control),
    );
    (output.into_bytes(), result)
}

/// The next pseudorandom number below `bound`, the same in every run.
pub(crate) fn pick(seed: &mut u64, bound: usize) -> usize {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    ((*seed >> 33) as usize) % bound
}

impl<'a> EncryptOptions<'a> {
    /// The same options with another context.
    pub(crate) fn with_context(self, context: impl Into<std::borrow::Cow<'a, [u8]>>) -> Self {
        let context = context.into();
        Self { context, ..self }
    }
}

impl<'a> DecryptOptions<'a> {
    /// The same options with another context.
    pub(crate) fn with_context(self, context: impl Into<std::borrow::Cow<'a, [u8]>>) -> Self {
        let context = context.into();
        Self { context, ..self }
    }
}
