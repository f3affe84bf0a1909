//! Going on where an earlier attempt was interrupted: what its journal is worth to this operation, and which of its
//! segments are sound.
//!
//! Nothing that a journal says is taken for true. Its header must be authentic and be that of this operation; a segment
//! counts when its bytes in the unfinished output are found to be those that its entry was made for.

use super::{Continued, JournalCheckpoints, Unfinished};
use crate::crypto::{JournalKey, SecretKey};
use crate::error::{SealError, StartedOver};
use crate::format::SegmentIndex;
use crate::operation::report::ResumeReport;
use crate::resume::{JournalFile, JournalHeader, LogManager, SourceMark, Trouble};
use crate::stream_v2::segment_worker::RecordSummary;
use std::path::Path;

/// What an operation that can be resumed has to work with.
pub(crate) struct Attempt<'a> {
    /// The source as it is now.
    pub(crate) source: SourceMark,
    /// The output, with what is in it of an earlier attempt.
    pub(crate) output: &'a dyn Unfinished,
    /// Its journal.
    pub(crate) journal: Box<dyn JournalFile>,
    /// Where that is, for messages.
    pub(crate) journal_path: &'a Path,
    /// Under which the journal keeps the file key, if there is one.
    pub(crate) secret: Option<&'a SecretKey>,
    /// Why the earlier attempt is of no use, once that is known.
    pub(crate) lost: Option<StartedOver>,
    /// Have the output on the disk before the journal says that it is complete.
    pub(crate) flush: bool,
}

impl Attempt<'_> {
    /// Goes on behind the part of the journal that is sound.
    pub(crate) fn go_on(
        mut self,
        continued: Continued,
        finished: Vec<Option<RecordSummary>>,
    ) -> Result<JournalCheckpoints, SealError> {
        let Continued {
            key,
            header_mac,
            entries,
            header_size,
        } = continued;
        let sound = header_size + entries.size;
        let trouble = self.journal.truncate(sound).err().map(trouble);
        self.log(key, header_mac, trouble, finished)
    }

    /// Empties the output and begins a new journal.
    pub(crate) fn start_over(
        mut self,
        header: &JournalHeader,
        key: JournalKey,
    ) -> Result<JournalCheckpoints, SealError> {
        let (bytes, header_mac) = header.encode(&key);
        let journal = &mut self.journal;
        let begun = journal
            .truncate(0)
            .and_then(|()| journal.append(&bytes))
            .and_then(|()| journal.sync());
        self.output.truncate(0).map_err(SealError::writing)?;
        self.log(key, header_mac, begun.err().map(trouble), Vec::new())
    }

    fn log(
        self,
        key: JournalKey,
        header_mac: [u8; 48],
        trouble: Option<Trouble>,
        finished: Vec<Option<RecordSummary>>,
    ) -> Result<JournalCheckpoints, SealError> {
        let log = LogManager::start(self.journal, key, header_mac, trouble).map_err(|error| {
            SealError::ThreadsUnavailable {
                message: error.to_string(),
            }
        })?;
        Ok(JournalCheckpoints::new(finished, log))
    }
}

fn trouble(error: std::io::Error) -> Trouble {
    Trouble {
        segment: SegmentIndex::ZERO,
        message: error.to_string(),
    }
}

/// What a report says of segments that were not done again.
pub(crate) fn resumed(finished: &[Option<RecordSummary>]) -> ResumeReport {
    let bytes = finished
        .iter()
        .flatten()
        .map(|summary| u64::from(summary.plaintext_size));
    ResumeReport {
        segments_resumed: finished.iter().flatten().count() as u64,
        bytes_resumed: bytes.sum(),
        ..ResumeReport::default()
    }
}
