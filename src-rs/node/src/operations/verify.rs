//! Looking for damage.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenPlan, OpenSettings};
use crate::arguments::sources::Source;
use crate::runtime::task::{RunSettings, Task};
use crate::types::failure::SealFailure;
use crate::types::names::DigestName;
use crate::types::range::Range;
use crate::types::report::{OpenedBy, Stages, hex, milliseconds};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::repair::verify;

/// What to check; what is absent is not wanted.
#[napi(object, object_to_js = false)]
pub struct VerifySettings {
    /// The share of the segments to check, more than 0 and at most 1.
    pub sample: Option<f64>,
    /// Which of them; an integer.
    pub seed: f64,
    /// Bytes to read in a second, at most; an integer.
    pub max_bytes_per_second: Option<f64>,
}

/// What checking a sealed stream found.
#[napi(object, object_from_js = false)]
pub struct Verification {
    /// Nothing is wrong with what was checked.
    pub sound: bool,
    /// A key was given, and the header, every segment that was checked and the manifest are authentic.
    pub authenticated: bool,
    /// The contents of the segments were checked against their digests or tags. `false` without a key where the stream has
    /// no digests: then only headers, counts and lengths were checked.
    pub contents_checked: bool,
    /// The stream's id, 64 hexadecimal digits.
    pub stream_id: String,
    /// Bytes of the source.
    pub stream_size: f64,
    /// The digest behind each segment.
    pub digest: DigestName,
    /// Plaintext bytes; absent where damage hides how many.
    pub plaintext_size: Option<f64>,
    /// Segments, where the plaintext's size is known.
    pub segments: Option<f64>,
    /// Segments that were read, whether or not they are sound.
    pub segments_checked: f64,
    /// Bytes of these segments, sealed.
    pub bytes_checked: f64,
    /// What is wrong, in order of place: the first 1,000 problems.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problem_count: f64,
    /// The copy of the header at the stream's end served: the header is damaged, or older than its copy.
    pub header_from_copy: bool,
    /// The key slot that a key opened.
    pub opened_by: Option<OpenedBy>,
    /// Threads that worked on segments.
    pub threads: u32,
    /// Milliseconds from start to end.
    pub elapsed_ms: f64,
    /// Where the time went.
    pub stages: Stages,
}

/// One thing that is wrong with a sealed stream.
#[napi(object, object_from_js = false)]
pub struct Problem {
    /// The segment, or the first of those that are missing; absent for the header and the end.
    pub index: Option<f64>,
    /// The plaintext that is lost with it, if any.
    pub plaintext_range: Option<Range>,
    /// The part of the stream that is concerned; of what is missing, where it would be.
    pub wire_range: Range,
    /// What is wrong, as a `SealError` would carry it.
    pub failure: SealFailure,
    /// The failure in one word, as a `SealError`'s `code`.
    #[napi(ts_type = "SealErrorCode")]
    pub code: String,
    /// The failure in a sentence.
    pub message: String,
}

impl From<&verify::Problem> for Problem {
    fn from(problem: &verify::Problem) -> Self {
        let failure = &problem.failure;
        Self {
            index: problem.segment.map(|segment| segment.get() as f64),
            plaintext_range: problem.plaintext.map(Range::from),
            wire_range: problem.wire.into(),
            failure: SealFailure::from(failure),
            code: crate::types::failure::code_of(failure),
            message: failure.to_string(),
        }
    }
}

impl From<verify::Verification> for Verification {
    fn from(found: verify::Verification) -> Self {
        Self {
            sound: found.sound,
            authenticated: found.authenticated,
            contents_checked: found.contents_checked,
            stream_id: hex(&found.stream_id),
            stream_size: found.stream_size as f64,
            digest: found.digest.into(),
            plaintext_size: found.plaintext_size.map(|size| size as f64),
            segments: found.segments.map(|segments| segments as f64),
            segments_checked: found.segments_checked as f64,
            bytes_checked: found.bytes_checked as f64,
            problems: found.problems.iter().map(Problem::from).collect(),
            problem_count: found.problem_count as f64,
            header_from_copy: found.header_from_copy,
            opened_by: found.opened_by.map(OpenedBy::from),
            threads: u32::try_from(found.threads).unwrap_or(u32::MAX),
            elapsed_ms: milliseconds(found.elapsed),
            stages: found.times.into(),
        }
    }
}

/// Checks the sealed stream in `source`, with keys or without.
#[napi(js_name = "verify", catch_unwind, ts_return_type = "Promise<Verification>")]
pub fn verify_source<'env>(
    env: &'env Env,
    source: Source,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential> | undefined | null")]
    identities: Option<Vec<CredentialArgument<'_>>>,
    open: OpenSettings<'_>,
    settings: VerifySettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let plan = identities
        .map(|identities| OpenPlan::new(&identities, open))
        .transpose()?;
    // What waits for its rate has no place in the lane of small operations.
    let is_limited = settings.max_bytes_per_second.is_some();
    let bytes = source.bytes.as_ref().filter(|_| !is_limited);
    let size = bytes.map_or(usize::MAX, |bytes| bytes.len());
    Task::large(run)
        .of_size(size)
        .stretching(plan.as_ref().is_some_and(OpenPlan::stretches))
        .launch(env, move |control| {
            let options = verify::VerifyOptions {
                open: plan.as_ref().map(OpenPlan::options),
                sample: settings.sample.map(|fraction| verify::Sample {
                    fraction,
                    seed: settings.seed as u64,
                }),
                bytes_per_second: settings.max_bytes_per_second.map(|bytes| bytes as u64),
            };
            let opened = source.open()?;
            let found =
                verify::verify(&*opened, &options, control).map_err(|failure| source.blame(failure))?;
            Ok(Verification::from(found))
        })
}
