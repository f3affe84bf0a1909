//! A failure as plain data: what a test names in advance, and what the vectors hold for every language.

use crate::error::SealError;
use crate::stream_v2::segment_worker::SegmentWorkerError;
use serde_json::{Value, json};

/// What a failure says of itself, without its words and without values that only one run knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailureData {
    /// The variant's name; for a segment's failure `Segment.` and the inner variant's.
    kind: &'static str,
    code: String,
    segment: Option<u64>,
    frame: Option<u32>,
    offset: Option<u64>,
    /// A further field's name and its value.
    detail: Option<(&'static str, String)>,
}

/// A failure of this kind, to be filled in.
pub(crate) fn told(kind: &'static str) -> FailureData {
    let mut code = String::new();
    for letter in kind.trim_start_matches("Segment.").chars() {
        if letter.is_uppercase() && !code.is_empty() {
            code.push('_');
        }
        code.push(letter.to_ascii_uppercase());
    }
    FailureData {
        kind,
        code,
        segment: None,
        frame: None,
        offset: None,
        detail: None,
    }
}

impl FailureData {
    pub(crate) fn at(self, offset: u64) -> Self {
        Self {
            offset: Some(offset),
            ..self
        }
    }

    pub(crate) fn segment(self, segment: u64) -> Self {
        Self {
            segment: Some(segment),
            ..self
        }
    }

    pub(crate) fn frame(self, frame: u32) -> Self {
        Self {
            frame: Some(frame),
            ..self
        }
    }

    pub(crate) fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        Self {
            detail: Some((name, value.into())),
            ..self
        }
    }

    /// What `failure` says.
    pub(crate) fn of(failure: &SealError) -> Self {
        use SealError as F;
        let told = match failure {
            F::HeaderError { field, offset, .. } => told("HeaderError")
                .at(offset.get())
                .with("field", format!("{field:?}")),
            F::HeaderDamaged { offset, .. } => told("HeaderDamaged").at(offset.get()),
            F::NoMatchingKey { slots } => told("NoMatchingKey").with("slots", slots.clone()),
            F::WrongPassphrase => told("WrongPassphrase"),
            F::HeaderTampered => told("HeaderTampered"),
            F::ContextMismatch { .. } => told("ContextMismatch"),
            F::Segment { error } => Self::of_segment(error),
            F::Truncated {
                next_segment, offset, ..
            } => told("Truncated").segment(next_segment.get()).at(offset.get()),
            F::EndDamaged { part, offset } => told("EndDamaged")
                .at(offset.get())
                .with("part", format!("{part:?}")),
            F::EndTampered {
                offset,
                disagreement,
                segment,
            } => {
                let told = told("EndTampered")
                    .at(offset.get())
                    .with("disagreement", format!("{disagreement:?}"));
                Self {
                    segment: segment.map(|segment| segment.get()),
                    ..told
                }
            }
            F::TrailingData { offset } => told("TrailingData").at(offset.get()),
            F::LimitExceeded { limit, .. } => told("LimitExceeded").with("limit", format!("{limit:?}")),
            other => panic!("no stream is refused as {other:?}"),
        };
        assert_eq!(told.code, failure.code(), "{failure:?}");
        told
    }

    fn of_segment(error: &SegmentWorkerError) -> Self {
        use SegmentWorkerError as E;
        let told = match error {
            E::DigestMismatch { offset, .. } => told("Segment.DigestMismatch").at(offset.get()),
            E::FrameDecryptionFailed { frame, offset, .. } => told("Segment.FrameDecryptionFailed")
                .frame(frame.get())
                .at(offset.get()),
            E::FramingError { frame, offset, .. } => {
                told("Segment.FramingError").frame(frame.get()).at(offset.get())
            }
            E::InvalidSegment { offset, reason, .. } => told("Segment.InvalidSegment")
                .at(offset.get())
                .with("reason", format!("{reason:?}")),
            other => panic!("no stream is refused as {other:?}"),
        };
        told.segment(error.segment().get())
    }

    /// As vectors/README.md describes it.
    pub(crate) fn to_json(&self) -> Value {
        let mut out = json!({ "kind": self.kind, "code": self.code });
        for (name, value) in [
            ("segment", self.segment.map(Value::from)),
            ("frame", self.frame.map(Value::from)),
            ("offset", self.offset.map(Value::from)),
        ] {
            if let Some(value) = value {
                out[name] = value;
            }
        }
        if let Some((name, value)) = &self.detail {
            out[name] = Value::from(value.clone());
        }
        out
    }
}
