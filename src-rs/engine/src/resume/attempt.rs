//! One attempt of an operation that can be resumed: reads the journal of the attempt before, and continues it or starts over.

use super::checkpoints::JournalCheckpoints;
use super::journal::{Entries, EntryCodec, JournalDirection, JournalHeader, StoredHeader, read_entries};
use super::log_manager::{JournalFile, LogManager, checkpoint_error};
use super::source_mark::SourceMark;
use super::validate::{OutputLayout, ValidateTask};
use crate::crypto::{JournalKey, SecretKey};
use crate::error::{IoOperation, SealError, StartedOver};
use crate::format::{DigestKind, SegmentIndex};
use crate::operation::options::Control;
use crate::stream_v2::io::{ReadWriteAt, WriteAt};
use crate::stream_v2::pipeline::map_positioned;
use crate::stream_v2::segment_worker::{RecordSummary, SegmentCryptoContext, SegmentWorkerError};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io;
use std::io::{IoSlice, IoSliceMut, Read};
use std::path::Path;

/// Inputs of one attempt.
pub(crate) struct Attempt<'a> {
    /// The source as it is now.
    pub(crate) source: SourceMark,
    /// The output, with the segments of earlier attempts.
    pub(crate) output: &'a dyn ReadWriteAt,
    /// The output already has the target's name. It is never changed: the attempt fails unless it is complete.
    pub(crate) is_target: bool,
    pub(crate) journal: Box<dyn JournalFile>,
    /// Path of the journal, for messages.
    pub(crate) journal_path: &'a Path,
    /// Wraps the file key in the journal.
    pub(crate) secret: Option<&'a SecretKey>,
    /// Why the earlier attempt can't be resumed, once that is known.
    pub(crate) started_over: Option<StartedOver>,
    /// Flush the segments to the disk before the journal is closed.
    pub(crate) flush: bool,
}

/// A journal that belongs to this operation.
pub(super) struct FoundJournal {
    codec: EntryCodec,
    header_size: u64,
    pub(super) entries: Entries,
}

impl<'a> Attempt<'a> {
    /// The journal's header, which is not authenticated yet; `None`, with the reason in `started_over`, if there is none.
    pub(super) fn read_header(
        &mut self,
        direction: JournalDirection,
    ) -> Result<Option<StoredHeader>, SealError> {
        if self.started_over.is_some() {
            return Ok(None);
        }
        let mut read = || {
            let mut contents = self.journal.contents()?;
            let mut first = [0];
            if contents.read(&mut first)? == 0 {
                return Ok(None);
            }
            StoredHeader::read(&mut first.as_slice().chain(contents)).map(Some)
        };
        let stored = match read().map_err(|error| self.unreadable(&error))? {
            None => return Ok(None),
            Some(None) => {
                self.started_over = Some(StartedOver::JournalTorn);
                return Ok(None);
            }
            Some(Some(stored)) => stored,
        };
        if stored.header.direction != direction {
            return Err(self.refused(match direction {
                JournalDirection::Seal => "it is of opening a stream to this target, not of sealing one",
                JournalDirection::Open => "it is of sealing a stream to this target, not of opening one",
            }));
        }
        Ok(Some(stored))
    }

    /// Authenticates the journal's header, and checks that the source is unchanged.
    pub(super) fn check_header(&self, stored: &StoredHeader, key: &JournalKey) -> Result<(), SealError> {
        if !stored.verify(key) {
            return Err(self.refused(CHANGED));
        }
        stored.header.source.check_unchanged(&self.source)
    }

    /// Reads the entries after a header that was authenticated.
    pub(super) fn read_entries(
        &mut self,
        stored: &StoredHeader,
        key: JournalKey,
        digest: DigestKind,
        segments: u64,
    ) -> Result<FoundJournal, SealError> {
        let header_size = stored.size();
        let codec = EntryCodec::new(key, stored.mac, digest);
        let mut read = || {
            let mut contents = self.journal.contents()?;
            io::copy(&mut (&mut contents).take(header_size), &mut io::sink())?;
            read_entries(&mut contents, &codec, segments)
        };
        let entries = read().map_err(|error| self.unreadable(&error))?;
        Ok(FoundJournal {
            codec,
            header_size,
            entries,
        })
    }

    /// Reads the segments that the journal lists, and returns the summaries of those whose bytes match.
    pub(super) fn validate(
        &self,
        journal: &FoundJournal,
        context: &SegmentCryptoContext,
        plaintext_size: u64,
        layout: OutputLayout<'_>,
        control: &Control<'_>,
        meter: &ProgressMeter<'_>,
    ) -> Result<Vec<Option<RecordSummary>>, SealError> {
        let task = ValidateTask {
            context,
            output: self.output,
            entries: &journal.entries.finished,
            plaintext_size,
            layout,
            cancel: &control.cancel,
            meter,
        };
        let (count, geometry) = (task.entries.len() as u64, context.geometry());
        map_positioned(
            count,
            geometry,
            control,
            &mut StageTimes::default(),
            |worker, index| task.run(worker, index),
        )
    }

    /// The sink to write the output to.
    pub(super) fn sink(&self) -> Box<dyn WriteAt + 'a> {
        match self.is_target {
            true => Box::new(PlacedSink(self.output)),
            false => Box::new(self.output),
        }
    }

    /// Continues after the valid part of the journal. The complete output has `output_size` bytes.
    pub(super) fn resume(
        mut self,
        journal: FoundJournal,
        finished: Vec<Option<RecordSummary>>,
        output_size: u64,
    ) -> Result<JournalCheckpoints<'a>, SealError> {
        let size = self.output.size().map_err(SealError::writing)?;
        if self.is_target {
            if size != output_size || finished.iter().any(Option::is_none) {
                return Err(SealError::writing(not_complete()));
            }
        } else if size > output_size {
            self.output.set_size(output_size).map_err(SealError::writing)?;
        }
        let valid_size = journal.header_size + journal.entries.size;
        let truncated = self.journal.truncate(valid_size);
        self.checkpoints(journal.codec, truncated, finished)
    }

    /// Fails if the output is the target: it is not the complete output of this operation.
    pub(super) fn check_can_start_over(&self) -> Result<(), SealError> {
        match self.is_target {
            true => Err(SealError::writing(not_complete())),
            false => Ok(()),
        }
    }

    /// Empties the output and begins a new journal.
    pub(super) fn start_over(
        mut self,
        header: &JournalHeader,
        key: JournalKey,
        digest: DigestKind,
    ) -> Result<JournalCheckpoints<'a>, SealError> {
        self.check_can_start_over()?;
        let (bytes, header_mac) = header.encode(&key);
        let journal = &mut self.journal;
        let written = journal
            .truncate(0)
            .and_then(|()| journal.append(&bytes))
            .and_then(|()| journal.sync());
        self.output.set_size(0).map_err(SealError::writing)?;
        let codec = EntryCodec::new(key, header_mac, digest);
        self.checkpoints(codec, written, Vec::new())
    }

    fn checkpoints(
        self,
        codec: EntryCodec,
        written: io::Result<()>,
        finished: Vec<Option<RecordSummary>>,
    ) -> Result<JournalCheckpoints<'a>, SealError> {
        let failure: Option<SegmentWorkerError> = written
            .err()
            .map(|error| checkpoint_error(SegmentIndex::ZERO, error));
        let log = LogManager::start(self.journal, codec, failure).map_err(SealError::no_threads)?;
        Ok(JournalCheckpoints {
            finished,
            log,
            flushes: self.flush.then_some(self.output),
            started_over: self.started_over,
        })
    }

    pub(super) fn refused(&self, problem: &str) -> SealError {
        SealError::JournalRefused {
            path: self.journal_path.display().to_string(),
            problem: problem.to_owned(),
        }
    }

    fn unreadable(&self, error: &io::Error) -> SealError {
        SealError::io(IoOperation::Read, Some(self.journal_path), error)
    }
}

/// An output that already has the target's name. A write succeeds only if these bytes are there already.
struct PlacedSink<'a>(&'a dyn ReadWriteAt);

impl WriteAt for PlacedSink<'_> {
    fn write_at(&self, mut offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        for expected in buffers {
            let mut bytes = vec![0; expected.len()];
            let read = self.0.read_at(offset, &mut [IoSliceMut::new(&mut bytes)])?;
            if read != bytes.len() || bytes[..] != expected[..] {
                return Err(not_complete());
            }
            offset += read as u64;
        }
        Ok(())
    }
}

fn not_complete() -> io::Error {
    io::Error::other("the target is not the complete output of this operation")
}

pub(super) const CHANGED: &str = "it was changed: its authentication code does not match";
