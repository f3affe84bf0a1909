//! A failure as plain data, for tests and for the vectors.

use crate::error::SealError;
use crate::stream_v2::segment_worker::SegmentWorkerError;
use serde_json::{Value, json};

/// Fields of a failure without its message and without values that differ between runs.
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

/// A failure of this kind without fields.
pub(crate) fn failure_data(kind: &'static str) -> FailureData {
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

    /// The data of `failure`.
    pub(crate) fn of(failure: &SealError) -> Self {
        use SealError as F;
        let told = match failure {
            F::NotSealed { looks_like } => {
                let told = failure_data("NotSealed");
                match looks_like {
                    Some(found) => told.with("looks_like", format!("{found:?}")),
                    None => told,
                }
            }
            F::HeaderError { field, offset, .. } => failure_data("HeaderError")
                .at(offset.get())
                .with("field", format!("{field:?}")),
            F::HeaderDamaged { offset, .. } => failure_data("HeaderDamaged").at(offset.get()),
            F::NoMatchingKey { slots, .. } => {
                let words: Vec<_> = slots.iter().map(ToString::to_string).collect();
                failure_data("NoMatchingKey").with("slots", words.join("; "))
            }
            F::WrongPassphrase => failure_data("WrongPassphrase"),
            F::HeaderTampered => failure_data("HeaderTampered"),
            F::ContextMismatch { .. } => failure_data("ContextMismatch"),
            F::Segment { error } => Self::of_segment(error),
            F::Truncated {
                next_segment, offset, ..
            } => failure_data("Truncated")
                .segment(next_segment.get())
                .at(offset.get()),
            F::EndDamaged { part, offset } => failure_data("EndDamaged")
                .at(offset.get())
                .with("part", format!("{part:?}")),
            F::EndTampered {
                offset,
                disagreement,
                segment,
            } => {
                let told = failure_data("EndTampered")
                    .at(offset.get())
                    .with("disagreement", format!("{disagreement:?}"));
                Self {
                    segment: segment.map(|segment| segment.get()),
                    ..told
                }
            }
            F::TrailingData { offset } => failure_data("TrailingData").at(offset.get()),
            F::LimitExceeded { limit, .. } => {
                failure_data("LimitExceeded").with("limit", format!("{limit:?}"))
            }
            other => panic!("no stream is refused as {other:?}"),
        };
        assert_eq!(told.code, failure.code(), "{failure:?}");
        told
    }

    fn of_segment(error: &SegmentWorkerError) -> Self {
        use SegmentWorkerError as E;
        let told = match error {
            E::DigestMismatch { offset, .. } => failure_data("Segment.DigestMismatch").at(offset.get()),
            E::FrameDecryptionFailed { frame, offset, .. } => failure_data("Segment.FrameDecryptionFailed")
                .frame(frame.get())
                .at(offset.get()),
            E::FramingError { frame, offset, .. } => failure_data("Segment.FramingError")
                .frame(frame.get())
                .at(offset.get()),
            E::InvalidSegment { offset, reason, .. } => failure_data("Segment.InvalidSegment")
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
