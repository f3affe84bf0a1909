//! A journal against the operation that would go on with it.

use super::Attempt;
use crate::crypto::{FileKey, JournalKey, Random, StreamKeys};
use crate::error::{IoOperation, SealError, SizeRelation, StartedOver};
use crate::format::StreamHeader;
use crate::keys::{Recipient, UnlockError, UnlockLimits, is_sealed_for, public_keys, unlock};
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::resume::{Entries, EntryReader, JournalDirection, JournalHeader, SourceMark, StoredHeader};
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::core::unlock::UnlockedStream;
use std::io;
use std::io::Read;

/// A journal that is this operation's own.
pub(crate) struct Continued {
    pub(crate) key: JournalKey,
    pub(crate) header_mac: [u8; 48],
    pub(crate) entries: Entries,
    /// Bytes in front of the first entry.
    pub(crate) header_size: u64,
}

/// The stream that an earlier attempt began to seal, if there is one to go on with; else `attempt.lost` says why not.
///
/// # Errors
/// `JournalRefused`, `SourceChanged`, `InvalidOption`, `Io`.
pub(crate) fn find_sealing(
    attempt: &mut Attempt<'_>,
    options: &EncryptOptions<'_>,
    random: &Random,
) -> Result<Option<(NewStream, Continued)>, SealError> {
    let size = attempt.source.size;
    let geometry = options.geometry(Some(size))?;
    let Some(stored) = attempt.stored_header(JournalDirection::Seal)? else {
        return Ok(None);
    };
    let Ok(header) = StreamHeader::parse(&stored.header.stream_header) else {
        return Err(attempt.refused("there is no stream's header in it"));
    };
    let Some(file_key) = attempt.file_key(&stored.header, &header, &options.recipients)? else {
        let has_secret = attempt.secret.is_some() || options.recipients.iter().any(Recipient::opens);
        attempt.lost = Some(if has_secret {
            StartedOver::NoMatchingKey
        } else {
            StartedOver::NoSecret
        });
        return Ok(None);
    };
    let core = &header.core;
    let keys = StreamKeys::derive(
        &file_key,
        &core.encode(),
        &header.core_extensions,
        &options.context,
    )?;
    if !keys.verify_header(header.authenticated(), &header.mac) {
        return Err(attempt.refused(CHANGED));
    }
    // Before the journal's MAC, whose key the context is part of.
    if !keys.verify_context(&header.context_check)? {
        attempt.lost = Some(StartedOver::OptionsDiffer);
        return Ok(None);
    }
    let key = keys.journal_key()?;
    attempt.check_authentic(&stored, &key)?;
    check_source(&stored.header.source, &attempt.source)?;
    let same_options = core.geometry == geometry
        && core.header_copy == (options.header == HeaderLayout::Rewrappable)
        && core.plaintext_size == Some(size)
        && stored
            .header
            .has_public_keys(&key, &public_keys(&options.recipients))
        && is_sealed_for(&header, &options.recipients)?;
    if !same_options {
        attempt.lost = Some(StartedOver::OptionsDiffer);
        return Ok(None);
    }
    let continued = attempt.entries(&stored, key, geometry.segment_count(size))?;
    let stream = NewStream::resumed(header, &keys, random)?;
    Ok(Some((stream, continued)))
}

/// What an earlier attempt left of opening this stream, whose plaintext has `total` bytes and whose end was verified; where
/// there is nothing to go on with, `attempt.lost` says why.
///
/// # Errors
/// `JournalRefused`, `SourceChanged`, `Io`.
pub(crate) fn find_opening(
    attempt: &mut Attempt<'_>,
    stream: &UnlockedStream,
    key: &JournalKey,
    total: u64,
) -> Result<Option<Continued>, SealError> {
    let Some(stored) = attempt.stored_header(JournalDirection::Open)? else {
        return Ok(None);
    };
    let (known, due) = (&stored.header.stream_header, &stream.header);
    if *known != due.bytes {
        let is_same_stream =
            StreamHeader::parse(known).is_ok_and(|known| known.core.stream_id == due.core.stream_id);
        return Err(if is_same_stream {
            // Its header was rewritten for other keys.
            source_changed(&stored.header.source, &attempt.source)
        } else {
            attempt.refused("it is of another stream")
        });
    }
    attempt.check_authentic(&stored, key)?;
    check_source(&stored.header.source, &attempt.source)?;
    let segments = due.core.geometry.segment_count(total);
    attempt.entries(&stored, key.clone(), segments).map(Some)
}

impl Attempt<'_> {
    /// The journal's header; nothing about it has been authenticated.
    fn stored_header(&mut self, direction: JournalDirection) -> Result<Option<StoredHeader>, SealError> {
        if self.lost.is_some() {
            return Ok(None);
        }
        let path = self.journal_path;
        let mut read = || {
            let mut contents = self.journal.contents()?;
            let mut first = [0];
            if contents.read(&mut first)? == 0 {
                return Ok(None);
            }
            StoredHeader::read(&mut first.as_slice().chain(contents)).map(Some)
        };
        let stored = match read().map_err(|error| unreadable(path, error))? {
            None => return Ok(None),
            Some(None) => {
                self.lost = Some(StartedOver::JournalTorn);
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

    /// The key of the journal's stream, if a recipient's key or the resume secret gives it.
    fn file_key(
        &self,
        journal: &JournalHeader,
        header: &StreamHeader,
        recipients: &[Recipient],
    ) -> Result<Option<FileKey>, SealError> {
        let identities: Vec<_> = recipients.iter().filter_map(Recipient::identity).collect();
        match unlock(header, &identities, &UnlockLimits::default()) {
            Ok(unlocked) => return Ok(Some(unlocked.file_key)),
            Err(UnlockError::NoMatch | UnlockError::WrongPassphrase) => {}
            Err(UnlockError::Tampered) => return Err(self.refused(CHANGED)),
            // No stream that costs so much is sealed.
            Err(UnlockError::PassphraseCost { .. } | UnlockError::PassphraseLanes { .. }) => {
                return Err(self.refused("its passphrases cost more than any stream's"));
            }
            Err(UnlockError::Crypto(error)) => return Err(error.into()),
        }
        let Some(secret) = self.secret else {
            return Ok(None);
        };
        Ok(journal.unwrap(secret, &header.core.stream_id)?)
    }

    fn check_authentic(&self, stored: &StoredHeader, key: &JournalKey) -> Result<(), SealError> {
        if stored.verify(key) {
            Ok(())
        } else {
            Err(self.refused(CHANGED))
        }
    }

    fn entries(
        &mut self,
        stored: &StoredHeader,
        key: JournalKey,
        segments: u64,
    ) -> Result<Continued, SealError> {
        let (path, header_size) = (self.journal_path, stored.size());
        let reader = EntryReader {
            key: &key,
            header_mac: &stored.mac,
            segments,
        };
        let mut read = || {
            let mut contents = self.journal.contents()?;
            io::copy(&mut (&mut contents).take(header_size), &mut io::sink())?;
            reader.read(&mut contents)
        };
        let entries = read().map_err(|error| unreadable(path, error))?;
        Ok(Continued {
            entries,
            header_mac: stored.mac,
            header_size,
            key,
        })
    }

    fn refused(&self, problem: &str) -> SealError {
        SealError::JournalRefused {
            path: self.journal_path.display().to_string(),
            problem: problem.to_owned(),
        }
    }
}

fn unreadable(path: &std::path::Path, error: io::Error) -> SealError {
    SealError::io(IoOperation::Read, Some(path), &error)
}

/// The number of the device is not compared: systems give devices new ones whenever they start.
fn check_source(known: &SourceMark, now: &SourceMark) -> Result<(), SealError> {
    let same = (known.size, known.modified, known.inode) == (now.size, now.modified, now.inode);
    if same {
        Ok(())
    } else {
        Err(source_changed(known, now))
    }
}

fn source_changed(known: &SourceMark, now: &SourceMark) -> SealError {
    use std::cmp::Ordering as O;
    SealError::SourceChanged {
        expected: known.size,
        relation: match now.size.cmp(&known.size) {
            O::Less => SizeRelation::Shorter,
            O::Greater => SizeRelation::Longer,
            O::Equal => SizeRelation::Modified,
        },
    }
}

const CHANGED: &str = "it was changed: its authentication code does not match";
