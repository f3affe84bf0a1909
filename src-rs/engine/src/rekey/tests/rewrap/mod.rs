//! Streams whose header is rewritten: for whom, where, and what is left when that is interrupted.

mod changes;
mod crashes;
mod header;
mod newest;
mod places;
mod refused;

use crate::crypto::SecretKey;
use crate::error::SealError;
use crate::format::{DigestKind, HeaderFields, PassphraseCost, RawKeySlot, SlotType, StreamHeader};
use crate::keys::{HybridIdentity, Identity, Passphrase, Recipient, X25519Identity};
use crate::operation::options::{Control, DecryptOptions, EncryptOptions, HeaderLayout};
use crate::rekey::rewrap::{RewrapReport, SlotChange, SlotSelector, rewrap_file};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{ENDS, End, compact, open_by, options, plaintext, seal};
use std::path::PathBuf;
use tempfile::TempDir;

/// A key by its number; all streams here are sealed for number 1, named `1`.
fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32]).unwrap()
}

fn identity(number: u8) -> Identity {
    Identity::Key(secret(number))
}

fn recipient(number: u8) -> Recipient {
    Recipient::Key {
        key: secret(number),
        id: number.to_string(),
    }
}

fn passphrase(text: &str) -> Recipient {
    Recipient::Passphrase {
        passphrase: Passphrase::new(text).unwrap(),
        cost: PassphraseCost::new(32, 1, 2).unwrap(),
    }
}

fn rewrappable(recipients: Vec<Recipient>) -> EncryptOptions<'static> {
    EncryptOptions {
        recipients,
        ..options(DigestKind::Crc64Nvme, HeaderLayout::PADDED)
    }
}

const PLAIN_SIZE: u64 = 5000;

fn sealed_for(recipients: Vec<Recipient>) -> Vec<u8> {
    seal(&plaintext(PLAIN_SIZE), &rewrappable(recipients))
}

fn reading(identity: Identity) -> DecryptOptions<'static> {
    DecryptOptions::new(vec![identity])
}

/// What comes of opening with one identity; the plaintext is right, or nothing came out.
fn opening(stream: &[u8], identity: Identity) -> Result<(), SealError> {
    let ends = (End::ByOffset, End::InOrder);
    let (opened, result) = open_by(ends, stream, &reading(identity), &Control::serial());
    let report = result.inspect_err(|_| assert!(opened.is_empty()))?;
    assert_eq!(opened, plaintext(report.plaintext_size));
    Ok(())
}

fn opens(stream: &[u8], number: u8) -> bool {
    opening(stream, identity(number)).is_ok()
}

/// A stream in a file of its own.
struct Sealed {
    folder: TempDir,
}

impl Sealed {
    fn new(stream: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("it.seal"), stream).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("it.seal")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    fn rewrap(&self, change: SlotChange, open: &DecryptOptions<'_>) -> Result<RewrapReport, SealError> {
        rewrap_file(&self.path(), &change, open, false, &Control::serial())
    }

    /// Nothing stands beside the file.
    fn is_alone(&self) -> bool {
        std::fs::read_dir(self.folder.path()).unwrap().count() == 1
    }
}

/// The stream after a rewrap that succeeds, by number 1.
fn rewrapped(stream: &[u8], change: SlotChange) -> (Vec<u8>, RewrapReport) {
    let sealed = Sealed::new(stream);
    let report = sealed.rewrap(change, &reading(identity(1))).unwrap();
    assert!(sealed.is_alone());
    (sealed.bytes(), report)
}

fn edit(add: Vec<Recipient>, remove: Vec<SlotSelector>) -> SlotChange {
    SlotChange::Edit { add, remove }
}

fn nothing() -> SlotChange {
    edit(Vec::new(), Vec::new())
}

/// From number 1 to number `to`.
fn hand_over(to: u8) -> SlotChange {
    edit(vec![recipient(to)], vec![SlotSelector::KeyId("1".into())])
}

/// The same stream with other slots in its header and its copy, as another implementation may have written it.
fn with_slots(stream: &[u8], change: impl FnOnce(&mut HeaderFields)) -> Vec<u8> {
    StreamParts::changed(stream, |parts| {
        let header = parts.parsed_header();
        let keys = keys_of(&header);
        let mut draft = header.fields.clone();
        change(&mut draft);
        parts.header = draft.encode(header.size(), |bytes| keys.header_mac(bytes));
        assert_eq!(parts.header.len(), header.bytes.len());
        if !parts.copy.is_empty() {
            parts.copy = parts.header.clone();
        }
    })
}

fn keys_of(header: &StreamHeader) -> crate::crypto::StreamKeys {
    use crate::keys::{UnlockLimits, unlock};
    let unlocked = unlock(
        header,
        &[identity(1)],
        &UnlockLimits::default(),
        &mut UnlockLimits::default().budget(&|| false),
    )
    .unwrap();
    let core = header.core.encode();
    crate::crypto::StreamKeys::derive(&unlocked.file_key, &core, &header.core_extensions, &[]).unwrap()
}

fn foreign_slot() -> RawKeySlot {
    RawKeySlot {
        slot_type: SlotType::Unknown(77),
        body: vec![1, 2, 3],
    }
}

fn types(report: &RewrapReport) -> Vec<&str> {
    report.slots.iter().map(|slot| slot.slot_type.as_str()).collect()
}

fn x25519() -> X25519Identity {
    X25519Identity::generate().unwrap()
}

fn hybrid() -> HybridIdentity {
    HybridIdentity::generate().unwrap()
}
