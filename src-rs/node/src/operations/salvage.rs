//! What is left of a damaged stream, and a map of the rest.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenPlan, OpenSettings};
use crate::arguments::placement::PlacementSettings;
use crate::runtime::task::{RunSettings, Task};
use crate::types::names::DigestName;
use crate::types::range::Range;
use crate::types::report::{Stages, hex, milliseconds};
use napi::bindgen_prelude::{Either, Null, Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::repair::salvage;
use sealstream::repair::salvage::{LostBytes, SalvageOptions, salvage_file};
use std::path::Path;

/// How to salvage; what is absent has the engine's default.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct SalvageSettings {
    /// A header of the stream that was kept elsewhere.
    pub header: Option<Uint8Array>,
    /// Leave out what is lost, instead of zeros.
    pub omit_lost: Option<bool>,
}

/// What became of a damaged stream. It is plain data: as JSON it is the map that the command writes.
#[napi(object, object_from_js = false)]
pub struct DamageMap {
    /// The version of this shape, 1.
    pub version: u32,
    /// Whether all, some or none of the plaintext came out.
    pub outcome: SalvageOutcome,
    /// Bytes of the source.
    pub source_size: f64,
    /// Bytes of the source that could not be read.
    pub unreadable: f64,
    /// The stream's id, 64 hexadecimal digits.
    pub stream_id: String,
    /// The header that served.
    pub header: SalvagedHeader,
    /// What was found of the stream's end.
    pub end: SalvagedEnd,
    /// Plaintext bytes in a full frame.
    pub frame_size: u32,
    /// Plaintext bytes in a full segment.
    pub segment_size: u32,
    /// The digest behind each segment.
    pub digest: DigestName,
    /// Plaintext bytes of the stream; `null` where neither header nor end nor a final segment tells.
    #[napi(ts_type = "number | null")]
    pub plaintext_size: Either<f64, Null>,
    /// Segments of the stream; where its size is not known, up to the highest one that was found.
    pub segments: f64,
    /// What came out.
    pub recovered: SalvageRecovered,
    /// Bytes of the output.
    pub output_size: f64,
    /// Plaintext bytes that are lost, as far as the stream's size is known.
    pub lost_bytes: f64,
    /// What is lost, in the plaintext's order; 100,000 ranges at most.
    pub lost: Vec<LostRange>,
    /// There were more: the last range spans all further ones and what came out between them.
    pub lost_is_merged: bool,
    /// Segments of which several sealings were found, or another one than the end names; 10,000 at most.
    pub conflicts: Vec<SalvageConflict>,
    /// Conflicts in all.
    pub conflict_count: f64,
    /// The ids of other streams whose header stands in the source, 64 at most.
    pub other_streams: Vec<String>,
    /// Time in each stage, summed over the threads; looking for markers is in none of them.
    pub stages: Stages,
    /// Milliseconds from start to end.
    pub elapsed_ms: f64,
}

/// How much came out.
#[napi(string_enum = "lowercase")]
pub enum SalvageOutcome {
    /// Every byte of the plaintext. The end may be damaged all the same.
    Whole,
    /// Some of it.
    Partial,
    /// No frame verified.
    Nothing,
}

/// The header that served.
#[napi(object, object_from_js = false)]
pub struct SalvagedHeader {
    /// How it was found.
    pub origin: HeaderOrigin,
    /// Where it starts in the source, if it stands there and is not the copy.
    pub offset: Option<f64>,
}

/// How a header was found.
#[napi(string_enum = "lowercase")]
pub enum HeaderOrigin {
    /// At the source's start.
    Start,
    /// As the copy before a sound footer.
    Copy,
    /// The caller gave it.
    Given,
    /// By its first bytes, somewhere in the source.
    Scan,
}

/// What was found of a stream's end.
#[napi(string_enum = "lowercase")]
pub enum SalvagedEnd {
    /// End record and footer are sound.
    Verified,
    /// The end record or the footer is damaged.
    Damaged,
    /// The end record's checksum is right and its authentication code is not.
    Tampered,
    /// Nothing that looks like an end.
    Missing,
}

/// What came out.
#[napi(object, object_from_js = false)]
pub struct SalvageRecovered {
    /// Plaintext bytes.
    pub bytes: f64,
    /// Frames.
    pub frames: f64,
    /// Segments of which every frame came out.
    pub segments: f64,
}

/// A part of the plaintext that is lost.
#[napi(object, object_from_js = false)]
pub struct LostRange {
    /// Which bytes of the plaintext.
    pub plaintext_range: Range,
    /// Where they stand, or should stand, in the source; `null` where that can't be told.
    #[napi(ts_type = "ByteRange | null")]
    pub wire_range: Either<Range, Null>,
    /// The first segment that they are of.
    pub first_segment: f64,
    /// The last segment that they are of.
    pub last_segment: f64,
    /// Why, in a word.
    pub cause: LossCause,
    /// Why, in a sentence.
    pub message: String,
}

/// Why bytes are lost.
#[napi(string_enum = "lowercase")]
pub enum LossCause {
    /// The bytes are not there, or can't be read.
    Missing,
    /// The bytes have changed, and the segment's digest shows it.
    Rot,
    /// The segment's digest is right and an authentication tag is not.
    Tampering,
    /// It can't be told.
    Unknown,
}

/// A segment of which the source holds more than one sealing, or not the right one.
#[napi(object, object_from_js = false)]
pub struct SalvageConflict {
    /// The segment.
    pub segment: f64,
    /// What was done about it.
    pub kind: ConflictKind,
    /// The same in words.
    pub message: String,
}

/// Which of several sealings of a segment served.
#[napi(string_enum)]
pub enum ConflictKind {
    /// The one that the end names.
    #[napi(value = "named")]
    Named,
    /// The one with most frames that verify, as there is no end to tell.
    #[napi(value = "most-complete")]
    MostComplete,
    /// Another than the end names, as that one gave nothing.
    #[napi(value = "not-named")]
    NotNamed,
}

/// Salvages the file `from` into the new file `to`.
#[napi(js_name = "salvageFile", catch_unwind, ts_return_type = "Promise<DamageMap>")]
#[allow(clippy::too_many_arguments, reason = "each is one of JavaScript's")]
pub fn salvage_file_at<'env>(
    env: &'env Env,
    from: String,
    to: String,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] identities: Vec<
        CredentialArgument<'_>,
    >,
    settings: OpenSettings<'_>,
    salvage: SalvageSettings,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let plan = OpenPlan::new(&identities, settings)?;
    let placement = placement.for_one_attempt();
    let header = salvage.header.map(|header| header.to_vec());
    let lost = if salvage.omit_lost == Some(true) {
        LostBytes::Omit
    } else {
        LostBytes::Zeros
    };
    Task::large(run).launch(env, move |control| {
        let placement = placement.clone()?;
        let options = SalvageOptions {
            open: plan.options(),
            header: header.as_deref(),
            lost,
        };
        let (from, to) = (Path::new(&from), Path::new(&to));
        salvage_file(from, to, &options, placement, control).map(DamageMap::from)
    })
}

impl From<salvage::DamageMap> for DamageMap {
    fn from(map: salvage::DamageMap) -> Self {
        Self {
            version: 1,
            outcome: match map.outcome {
                salvage::Outcome::Whole => SalvageOutcome::Whole,
                salvage::Outcome::Partial => SalvageOutcome::Partial,
                salvage::Outcome::Nothing => SalvageOutcome::Nothing,
            },
            source_size: map.source_size as f64,
            unreadable: map.unreadable as f64,
            stream_id: hex(&map.stream_id),
            header: SalvagedHeader {
                origin: match map.header.origin {
                    salvage::HeaderOrigin::Start => HeaderOrigin::Start,
                    salvage::HeaderOrigin::Copy => HeaderOrigin::Copy,
                    salvage::HeaderOrigin::Given => HeaderOrigin::Given,
                    salvage::HeaderOrigin::Scan => HeaderOrigin::Scan,
                },
                offset: map.header.offset.map(|offset| offset.get() as f64),
            },
            end: match map.end {
                salvage::TrailerState::Verified => SalvagedEnd::Verified,
                salvage::TrailerState::Damaged => SalvagedEnd::Damaged,
                salvage::TrailerState::Tampered => SalvagedEnd::Tampered,
                salvage::TrailerState::Missing => SalvagedEnd::Missing,
            },
            frame_size: map.frame_size,
            segment_size: map.segment_size,
            digest: map.digest.into(),
            plaintext_size: or_null(map.plaintext_size.map(|size| size as f64)),
            segments: map.segments as f64,
            recovered: SalvageRecovered {
                bytes: map.recovered.bytes as f64,
                frames: map.recovered.frames as f64,
                segments: map.recovered.segments as f64,
            },
            output_size: map.output_size as f64,
            lost_bytes: map.lost.bytes as f64,
            lost: map.lost.ranges.into_iter().map(LostRange::from).collect(),
            lost_is_merged: map.lost.is_merged,
            conflicts: map.conflicts.into_iter().map(SalvageConflict::from).collect(),
            conflict_count: map.conflict_count as f64,
            other_streams: map.other_streams.iter().map(|id| hex(id)).collect(),
            stages: map.times.into(),
            elapsed_ms: milliseconds(map.elapsed),
        }
    }
}

impl From<salvage::LostRange> for LostRange {
    fn from(lost: salvage::LostRange) -> Self {
        Self {
            plaintext_range: lost.plaintext.into(),
            wire_range: or_null(lost.wire.map(Range::from)),
            first_segment: lost.first_segment.get() as f64,
            last_segment: lost.last_segment.get() as f64,
            cause: match lost.reason.cause() {
                salvage::LossCause::Missing => LossCause::Missing,
                salvage::LossCause::Rot => LossCause::Rot,
                salvage::LossCause::Tampering => LossCause::Tampering,
                salvage::LossCause::Unknown => LossCause::Unknown,
            },
            message: lost.reason.to_string(),
        }
    }
}

impl From<salvage::Conflict> for SalvageConflict {
    fn from(conflict: salvage::Conflict) -> Self {
        Self {
            segment: conflict.segment.get() as f64,
            kind: match conflict.kind {
                salvage::ConflictKind::Named => ConflictKind::Named,
                salvage::ConflictKind::MostComplete => ConflictKind::MostComplete,
                salvage::ConflictKind::NotNamed => ConflictKind::NotNamed,
            },
            message: conflict.kind.to_string(),
        }
    }
}

fn or_null<T>(value: Option<T>) -> Either<T, Null> {
    value.map_or(Either::B(Null), Either::A)
}
