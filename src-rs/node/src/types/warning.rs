//! What a caller should know although its operation succeeded.

use crate::types::convert::IntoJs;
use crate::types::failure::SegmentWorkerError;
use napi_derive::napi;

/**
 * What the caller should know although the operation succeeded. Further kinds may follow.
 *  - `HeaderFromCopy`: The header is damaged, or older than its copy at the stream's end, which was used.
 *  - `NewerCopyUnused`: The header's copy is newer, but does not open with the given keys or is not authentic, so the older header was
 *    used. A rewrap was interrupted, or the copy was changed.
 *  - `HeaderCopyDamaged`: The header's copy at the stream's end is damaged; the header itself is intact.
 *  - `CheckpointError`: The journal could not be written from some segment on. An interruption would have cost more work.
 */
#[napi(discriminant = "kind", object_from_js = false)]
pub enum ReportWarning {
    /// The header is damaged, or older than its copy, which was used.
    HeaderFromCopy {
        /// The warning as a sentence.
        message: String,
    },
    /// The header's copy is newer, and the older header was used.
    NewerCopyUnused {
        /// The warning as a sentence.
        message: String,
    },
    /// The header's copy is damaged.
    HeaderCopyDamaged {
        /// The warning as a sentence.
        message: String,
    },
    /// The journal could not be written.
    CheckpointError {
        /// The warning as a sentence.
        message: String,
        /// The error.
        error: SegmentWorkerError,
    },
}

impl ReportWarning {
    /// A warning if the header's copy was used.
    pub(crate) fn header_from_copy(is_from_copy: bool) -> Option<Self> {
        is_from_copy.then(|| Self::HeaderFromCopy {
            message: HEADER_FROM_COPY.into(),
        })
    }

    /// The same for an operation that wrote header and copy again.
    pub(crate) fn header_mended(was_from_copy: bool) -> Option<Self> {
        was_from_copy.then(|| Self::HeaderFromCopy {
            message: HEADER_MENDED.into(),
        })
    }
}

/// The warnings in a report.
pub(crate) fn warnings(report: &sealstream::Report) -> Vec<ReportWarning> {
    let copy_damaged = report
        .header_copy_damaged
        .then(|| ReportWarning::HeaderCopyDamaged {
            message: HEADER_COPY_DAMAGED.into(),
        });
    let resume = report.resume.iter();
    let checkpoints = resume.flat_map(|resume| &resume.checkpoint_errors);
    let header = ReportWarning::header_from_copy(report.header_from_copy);
    let unused = report.newer_copy_unused.then(|| ReportWarning::NewerCopyUnused {
        message: NEWER_COPY_UNUSED.into(),
    });
    let headers = header.into_iter().chain(unused).chain(copy_damaged);
    headers
        .chain(checkpoints.filter_map(|error| Some(ReportWarning::CheckpointError {
            message: format!(
                "the journal could not be written from segment {} on: an interruption would have lost the later segments",
                error.segment()
            ),
            error: error.clone().into_js().ok()?,
        })))
        .collect()
}

impl IntoJs<Self> for ReportWarning {
    fn into_js(self) -> Self {
        self
    }
}

const HEADER_FROM_COPY: &str = "the header is damaged, or older than its copy at the stream's end after an interrupted \
    rewrap; the copy was used. Rewrap with the option mend writes both again";
const HEADER_MENDED: &str = "the header was damaged, or older than its copy at the stream's end after an interrupted rewrap; \
    the copy was used, and both are written again";
const NEWER_COPY_UNUSED: &str = "the copy of the header at the stream's end is newer, but does not open with the given keys or is \
    not authentic: a rewrap was interrupted, or the copy was changed. The older header was used, whose recipients may have been removed";
const HEADER_COPY_DAMAGED: &str = "the copy of the header at the stream's end is damaged; the header itself is intact. Rewrap \
    with the option mend writes the copy again";
