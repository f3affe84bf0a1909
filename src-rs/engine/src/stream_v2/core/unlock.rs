//! Unlocks a stream: finds its key, authenticates its header, and derives the keys of segments and end.

use super::end_scan::EndScan;
use super::locate::FoundHeader;
use super::sender::announces_sender;
use super::stream_size::check_stated_size;
use super::tally::{StreamEnd, Tally};
use super::trailer::ExpectedTrailer;
use crate::crypto::{EndKey, Random, StreamKeys, overwrite_stack};
use crate::error::SealError;
use crate::format::{RawKeySlot, StreamHeader, WireOffset};
use crate::keys::{SenderKey, UnlockBudget, Unlocked, unlock};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{DecryptOptions, check_segment_size};
use crate::operation::report::{OpenedBy, Report};
use crate::stream_v2::pipeline::record_layout::RecordCursor;
use crate::stream_v2::segment_worker::SegmentCryptoContext;
use std::time::Instant;

/// An unlocked stream: its header is authentic and its segments can be opened.
pub(crate) struct UnlockedStream {
    pub(crate) header: StreamHeader,
    /// `header` is the copy at the end of the stream.
    pub(crate) from_copy: bool,
    /// The header itself, if it is intact but older than the copy in `header`.
    pub(crate) older: Option<StreamHeader>,
    /// A newer copy of the header did not open, or is not authentic, and `header` is older.
    pub(crate) fell_back: bool,
    /// The copy, if it is authentic and newer than `header` but no offered key opens it.
    pub(crate) newer: Option<StreamHeader>,
    pub(crate) context: SegmentCryptoContext,
    pub(crate) end_key: EndKey,
    /// Most bytes of the manifest that are accepted.
    pub(crate) max_manifest_size: u64,
    pub(crate) unlocked: Unlocked,
    /// The senders that the reader trusts, if it was given any.
    pub(crate) senders: Option<Vec<SenderKey>>,
}

impl UnlockedStream {
    /// Checks limits, key slots, MAC and context, in this order. If a newer copy of the header fails, tries the header itself,
    /// whose failure is then the error. Both share one budget for passphrases.
    pub(crate) fn unlock(
        found: impl Into<FoundHeader>,
        options: &DecryptOptions<'_>,
        cancel: &CancellationToken,
    ) -> Result<Self, SealError> {
        let is_cancelled = || cancel.is_cancelled();
        let mut budget = options.limits().budget(&is_cancelled);
        Self::unlock_within(found.into(), options, &mut budget)
    }

    /// As [`unlock`](Self::unlock), with a budget that other headers share.
    pub(crate) fn unlock_within(
        found: FoundHeader,
        options: &DecryptOptions<'_>,
        budget: &mut UnlockBudget<'_>,
    ) -> Result<Self, SealError> {
        let stream = Self::with_keys_on_the_stack(found, options, budget);
        overwrite_stack();
        stream
    }

    #[inline(never)]
    fn with_keys_on_the_stack(
        found: FoundHeader,
        options: &DecryptOptions<'_>,
        budget: &mut UnlockBudget<'_>,
    ) -> Result<Self, SealError> {
        options.check()?;
        let FoundHeader {
            header,
            from_copy,
            older,
            ..
        } = found;
        let Some(older) = older else {
            return Self::unlock_one(header, from_copy, None, options, budget);
        };
        match Self::unlock_one(header.clone(), from_copy, None, options, budget) {
            Ok(stream) => Ok(Self {
                older: Some(older),
                ..stream
            }),
            Err(SealError::Cancelled) => Err(SealError::Cancelled),
            Err(_) => Self::unlock_one(older, false, Some(header), options, budget),
        }
    }

    fn unlock_one(
        header: StreamHeader,
        from_copy: bool,
        newer: Option<StreamHeader>,
        options: &DecryptOptions<'_>,
        budget: &mut UnlockBudget<'_>,
    ) -> Result<Self, SealError> {
        let core = &header.core;
        check_segment_size(&core.geometry, options.max_segment_size)?;
        check_stated_size(&header, core.plaintext_size, options.max_size)?;
        let limits = options.limits();
        let unlocked = unlock(&header, &options.identities, &limits, budget)
            .map_err(|error| SealError::locked(error, &header, &limits))?;
        let keys = StreamKeys::of(&header, &unlocked.file_key, &options.context)?;
        // The keys of a newer copy are the same: a rewrap keeps the fields that they are derived from.
        let is_authentic = |header: &StreamHeader| keys.verify_header(header.authenticated(), &header.mac);
        if !is_authentic(&header) {
            return Err(SealError::HeaderTampered);
        }
        if !keys.verify_context(&header.context_check)? {
            return Err(SealError::ContextMismatch {
                supplied: options.context.len() as u64,
            });
        }
        let context = SegmentCryptoContext::new(
            keys.payload_key()?,
            core.geometry,
            core.plaintext_size,
            Random::system(),
        )?;
        // A recipient could have sealed a single frame anew: its record must be the signed one before it is opened.
        let context = match &options.senders {
            Some(_) => context.hashing_first(),
            None => context,
        };
        Ok(Self {
            end_key: keys.end_key()?,
            max_manifest_size: options.max_manifest_size,
            context,
            header,
            from_copy,
            older: None,
            fell_back: newer.is_some(),
            newer: newer.filter(is_authentic),
            unlocked,
            senders: options.senders.clone(),
        })
    }

    /// Whether the stream is refused unless its end verifies: the reader was given senders, or the header announces one.
    pub(crate) fn needs_sender(&self) -> bool {
        self.senders.is_some() || announces_sender(&self.header)
    }

    /// A cursor at the first record of the stream, which has `total` plaintext bytes.
    pub(crate) fn cursor(&self, total: Option<u64>) -> RecordCursor {
        let first = WireOffset::new(u64::from(self.header.size()));
        RecordCursor::new(*self.context.geometry(), first, total)
    }

    /// The trailer that must follow the segments of `tally`, at `offset`.
    pub(crate) fn expected_trailer<'a>(
        &'a self,
        tally: &'a Tally,
        offset: WireOffset,
    ) -> ExpectedTrailer<'a> {
        ExpectedTrailer {
            header: &self.header,
            record: EndScan {
                geometry: self.context.geometry(),
                end_key: Some(&self.end_key),
                header_size: self.header.size(),
                offset,
                size: None,
                segments: tally.segments(),
                total: tally.plaintext_size(),
                records: Some(tally.records()),
                max_manifest_size: self.max_manifest_size,
            },
            verified_bytes: tally.verified_bytes(),
            senders: self.senders.as_deref(),
        }
    }

    /// Report of opening the stream on `threads` threads.
    pub(crate) fn report(&self, tally: &Tally, end: StreamEnd, threads: usize, start: Instant) -> Report {
        Report {
            opened_by: Some(opened_by(&self.header, &self.unlocked)),
            header_from_copy: self.from_copy,
            newer_copy_unused: self.fell_back,
            header_copy_damaged: end.header_copy_damaged,
            metadata: end.metadata,
            sender: end.sender,
            ..tally.report(self.header.core.stream_id, end.sealed_size, threads, start)
        }
    }
}

/// The key slot of `header` that was unlocked.
pub(crate) fn opened_by(header: &StreamHeader, unlocked: &Unlocked) -> OpenedBy {
    let slot = usize::try_from(unlocked.slot).ok();
    OpenedBy {
        slot_index: unlocked.slot,
        slot_type: unlocked.slot_type,
        key_id: slot
            .and_then(|slot| header.slots.get(slot))
            .and_then(RawKeySlot::key_id),
    }
}
