//! Verifying a sealed stream, with or without a key.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::OpenSettings;
use crate::arguments::senders::senders_of;
use crate::arguments::sources::Source;
use crate::runtime::task::{RunSettings, Task};
use crate::types::byte_range::ByteRange;
use crate::types::convert::{MAX_SAFE_INTEGER, object};
use crate::types::failure::{SealFailure, code_of};
use crate::types::names::DigestName;
use crate::types::report::{OpenedBy, RepairStats};
use crate::types::sender::StreamSender;
use crate::types::warning::ReportWarning;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::DecryptOptions;
use sealstream::repair::verify;

/// What to verify.
#[napi(object, object_to_js = false)]
pub struct VerifySettings {
    /// The senders of whom one must have signed the stream.
    pub senders: Option<Vec<String>>,
    /// The share of the segments to check, more than 0 and at most 1. All by default.
    pub sample: Option<f64>,
    /// The seed that selects the sample; an integer.
    pub seed: f64,
    /// Limit on the bytes read in a second; an integer.
    pub max_bytes_per_second: Option<f64>,
}

object! {
    /// Result of verifying a sealed stream.
    VerifyReport from found: verify::Verification {
        /// Nothing is wrong with what was checked.
        sound: bool,
        /// A key was given, and the header, every checked segment and the manifest are authentic.
        authenticated: bool,
        /// The contents of the segments were checked against their digests or tags. `false` without a key for a stream without
        /// digests: then only headers, counts and lengths were checked.
        contents_checked: bool,
        /// The stream's id, 64 hexadecimal digits.
        stream_id: String,
        /// Bytes of the source, its header included.
        sealed_size: f64,
        /// The digest after each segment.
        digest: DigestName,
        /// Plaintext bytes; absent if damage hides the number.
        plaintext_size: Option<f64>,
        /// Number of segments; absent if the plaintext's size is not known.
        segments: Option<f64>,
        /// Segments that were read, intact or not.
        segments_checked: f64,
        /// Bytes of these segments' records.
        bytes_checked: f64,
        /// The problems in order of their offsets: the first 1,000.
        problems: Vec<VerifyProblem>,
        /// The number of all problems.
        problem_count: f64,
        /// Who signed the stream, if it is signed and its end is intact. If it is verified, every record that is sound is the one that the
        /// sender vouched for, which needs no key.
        sender: Option<StreamSender>,
        /// The key slot that a key opened.
        opened_by: Option<OpenedBy>,
        /// What the caller should know besides the problems.
        warnings: Vec<ReportWarning> = ReportWarning::header_from_copy(found.header_from_copy).into_iter().collect::<Vec<_>>(),
        /// Figures about the work.
        stats: RepairStats = (found.elapsed, found.threads, found.times),
    }
}

object! {
    /// A problem of a sealed stream.
    VerifyProblem from problem: verify::Problem {
        /// The segment, or the first of several missing ones; absent for the header and the end.
        segment: Option<f64>,
        /// Number of segments; absent for the header and the end.
        segment_count: Option<f64> = problem.segment.map(|_| problem.segment_count),
        /// The plaintext that is lost with it, if any.
        plaintext_range: Option<ByteRange> = problem.plaintext,
        /// The bytes of the stream concerned, or where missing ones would be.
        sealed_range: ByteRange = problem.sealed,
        /// What is wrong, as in a `SealError`.
        failure: SealFailure = problem.failure.clone(),
        /// The `code` of a `SealError` with this failure.
        #[napi(ts_type = "SealErrorCode")]
        code: String = code_of(&problem.failure),
        /// The failure as a sentence.
        message: String = problem.failure.to_string(),
    }
}

/// Verifies the sealed stream in `source`, with keys or without.
#[napi(catch_unwind, ts_return_type = "Promise<VerifyReport>")]
pub fn verify<'env>(
    env: &'env Env,
    source: Source,
    identities: Option<Vec<CredentialArgument<'_>>>,
    open: OpenSettings<'_>,
    settings: VerifySettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let open = identities
        .map(|identities| open.for_identities(env, &identities))
        .transpose()?;
    let options = verify::VerifyOptions {
        open,
        senders: senders_of(env, settings.senders)?,
        sample: settings.sample.map(|fraction| verify::Sample {
            fraction,
            seed: settings.seed as u64,
        }),
        bytes_per_second: settings.max_bytes_per_second.map(|bytes| bytes as u64),
        max_size: MAX_SAFE_INTEGER,
    };
    let mut task = Task::parallel(run);
    // One that waits for its rate must not block the lane of small operations.
    if let (Some(bytes), None) = (&source.bytes, options.bytes_per_second) {
        task = task.of_size(bytes.size() as u64);
    }
    let slots = options.open.iter().flat_map(DecryptOptions::slot_types);
    task.for_slots(slots).launch(env, move |control| {
        let opened = source.open(&control.cancel);
        let found = opened.and_then(|opened| verify::verify(&*opened, &options, control));
        source.judge(found).map(VerifyReport::from)
    })
}
