//! Every row of the table in docs/FORMAT.md, "What a reader refuses, and as what", on both paths.
//!
//! Each row is a test, and an entry of vectors/streams.json.

mod ends;
mod headers;
mod segments;
mod tolerated;

use crate::crypto::SecretKey;
use crate::format::DigestKind;
use crate::keys::Identity;
use crate::operation::options::{DecryptOptions, EncryptOptions, HeaderLayout};
use crate::stream_v2::core::decrypt_stream_v2;
use crate::testing::failure_data::FailureData;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{ENDS, End, Output, control, options, plaintext, seal, seal_unsized, source};

/// How a stream that was tampered with, damaged or sealed for another is read, and how that must go.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) stream: Vec<u8>,
    /// All 32 bytes of the key are this, unless it is `None`.
    pub(crate) other_key: Option<u8>,
    pub(crate) context: &'static [u8],
    pub(crate) max_segment_size: Option<u32>,
    pub(crate) by_offset: Outcome,
    pub(crate) in_order: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Opens {
        plaintext: Vec<u8>,
        header_from_copy: bool,
        header_copy_damaged: bool,
    },
    Refused(FailureData),
}

/// A case with the name of its test and a sentence about it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) case: Case,
}

/// Makes a test of every case, and a list of all.
macro_rules! rows {
    ($($name:ident: $description:literal => $case:expr;)*) => {
        $(
            #[test]
            fn $name() {
                super::check(&$case);
            }
        )*

        pub(crate) fn rows() -> Vec<super::Row> {
            vec![$(super::Row { name: stringify!($name), description: $description, case: $case },)*]
        }
    };
}
use rows;

pub(crate) fn all() -> Vec<Row> {
    [headers::rows(), segments::rows(), ends::rows(), tolerated::rows()]
        .into_iter()
        .flatten()
        .collect()
}

impl Case {
    fn new(stream: Vec<u8>, outcome: Outcome) -> Self {
        let (other_key, context, max_segment_size) = (None, &[][..], None);
        Self {
            stream,
            other_key,
            context,
            max_segment_size,
            by_offset: outcome.clone(),
            in_order: outcome,
        }
    }

    /// A stream that is refused on both paths.
    pub(crate) fn refused(stream: Vec<u8>, told: FailureData) -> Self {
        Self::new(stream, Outcome::Refused(told))
    }

    /// A stream that opens on both paths.
    pub(crate) fn opens(stream: Vec<u8>, plaintext: Vec<u8>) -> Self {
        Self::new(
            stream,
            Outcome::Opens {
                plaintext,
                header_from_copy: false,
                header_copy_damaged: false,
            },
        )
    }

    /// An ordered reader refuses it otherwise.
    pub(crate) fn in_order(self, told: FailureData) -> Self {
        Self {
            in_order: Outcome::Refused(told),
            ..self
        }
    }

    /// What the stream is read with.
    pub(crate) fn options(&self) -> DecryptOptions<'static> {
        let key = self.other_key.map_or_else(crate::testing::support::key, |byte| {
            SecretKey::from_bytes(&[byte; 32]).unwrap()
        });
        let mut options = DecryptOptions::new(vec![Identity::Key(key)]).with_context(self.context);
        options.max_segment_size = self.max_segment_size.unwrap_or(options.max_segment_size);
        options
    }

    /// Opens the stream as the case says, through the public interface.
    fn run(&self, ends: (End, End), threads: usize) -> Outcome {
        let output = Output::default();
        let (from, to) = (source(ends.0, &self.stream), output.sink(ends.1));
        let result = decrypt_stream_v2(from, to, &self.options(), &control(threads));
        let plaintext = output.into_bytes();
        match result {
            Ok(report) => Outcome::Opens {
                plaintext,
                header_from_copy: report.header_from_copy,
                header_copy_damaged: report.header_copy_damaged,
            },
            Err(failure) => Outcome::Refused(FailureData::of(&failure)),
        }
    }
}

/// Every path that a source can take, on one thread and on two.
fn check(case: &Case) {
    for threads in [1, 2] {
        for (from, due) in [(End::ByOffset, &case.by_offset), (End::InOrder, &case.in_order)] {
            for to in ENDS {
                let outcome = case.run((from, to), threads);
                assert_eq!(&outcome, due, "{from:?} to {to:?} on {threads} threads");
            }
        }
    }
}

/// One segment of five bytes.
fn tiny() -> Vec<u8> {
    seal(&plaintext(5), &crc64())
}

/// One segment of two frames.
fn two_frames(digest: DigestKind) -> Vec<u8> {
    seal(&plaintext(1024 + 5), &options(digest, HeaderLayout::COMPACT))
}

/// Three segments of one frame each.
fn three_segments() -> Vec<u8> {
    seal(&plaintext(THREE_SEGMENTS), &one_frame_segments())
}

/// As [`three_segments`], but the header doesn't say how long the plaintext is.
fn three_segments_unsized() -> Vec<u8> {
    seal_unsized(&plaintext(THREE_SEGMENTS), &one_frame_segments())
}

fn crc64() -> EncryptOptions<'static> {
    options(DigestKind::Crc64Nvme, HeaderLayout::COMPACT)
}

fn one_frame_segments() -> EncryptOptions<'static> {
    EncryptOptions {
        segment_size: Some(1024),
        ..crc64()
    }
}

/// The offset of a record in a stream that was not changed in front of it.
fn record_offset(stream: &[u8], segment: usize) -> u64 {
    StreamParts::of(stream).record_offset(segment)
}

const THREE_SEGMENTS: u64 = 2 * 1024 + 5;
