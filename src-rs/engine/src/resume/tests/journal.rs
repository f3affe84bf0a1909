//! The bytes of journals, and the thread that writes them.

use crate::crypto::{FileKey, JournalKey, Random, SecretKey, StreamBinding, StreamKeys};
use crate::format::{DigestKind, DigestValue, ManifestEntry, SegmentIndex};
use crate::resume::SourceMark;
use crate::resume::journal::{
    Entries, EntryCodec, JournalDirection, JournalEntry, JournalHeader, StoredHeader, read_entries,
};
use crate::resume::log_manager::{JournalFile, LogManager};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::io;
use std::io::Read;
use std::sync::{Arc, Mutex};

fn keys(seed: u8) -> JournalKey {
    let keys = StreamKeys::derive(&FileKey::new(&[seed; 32]), &[seed; 64], &[], b"").unwrap();
    keys.journal_key().unwrap()
}

fn header() -> JournalHeader {
    JournalHeader {
        direction: JournalDirection::Seal,
        source: SourceMark {
            size: 12_345,
            modified: -7,
            device: 3,
            inode: 99,
        },
        wrapped: None,
        public_keys: None,
        stream_header: vec![0xaa; 300],
    }
}

fn entry(index: u64) -> JournalEntry {
    JournalEntry {
        index: SegmentIndex::new(index),
        record: ManifestEntry {
            wire_size: 500 + index as u32,
            message_tag: [index as u8; 32],
            digest: DigestValue::new(&[index as u8 + 100; 8]),
        },
        output_crc64: !index,
    }
}

const SEGMENTS: u64 = 5;
/// Bytes of an entry with a digest of 8 bytes.
const ENTRY_SIZE: usize = 8 + 4 + 32 + 8 + 8 + 52;

fn codec(key: &JournalKey, header_mac: [u8; 48]) -> EntryCodec {
    EntryCodec::new(key.clone(), header_mac, DigestKind::Crc64Nvme)
}

fn read(journal: &[u8], key: &JournalKey) -> Option<(StoredHeader, Entries)> {
    let mut rest = journal;
    let stored = StoredHeader::read(&mut rest)
        .unwrap()
        .filter(|stored| stored.verify(key))?;
    let entries = read_entries(&mut rest, &codec(key, stored.mac), SEGMENTS).unwrap();
    Some((stored, entries))
}

/// Segments 0, 2 and 4.
fn journal(key: &JournalKey) -> Vec<u8> {
    let (mut bytes, mac) = header().encode(key);
    for index in [0, 2, 4] {
        bytes.extend_from_slice(&codec(key, mac).encode(&entry(index)));
    }
    bytes
}

#[test]
fn a_written_journal_is_read_back() {
    let key = keys(1);
    let bytes = journal(&key);
    let (stored, entries) = read(&bytes, &key).unwrap();
    assert_eq!(stored.header, header());
    assert_eq!(stored.size(), 50 + 300 + 52);
    let expected = [0, 1, 2, 3, 4].map(|index| (index % 2 == 0).then(|| entry(index)));
    assert_eq!(entries.finished, expected);
    assert_eq!((entries.closed, entries.size), (false, 3 * ENTRY_SIZE as u64));
    assert!(!stored.verify(&keys(2)));
}

#[test]
fn fields_are_at_the_offsets_of_the_format() {
    let key = keys(1);
    let (bytes, mac) = header().encode(&key);
    assert_eq!(bytes[..10], *b"\x89SEALJ\r\n\x01\x01");
    assert_eq!(bytes[10..16], [0, 0, 0, 0, 1, 44]);
    let numbers = [12_345, -7_i64 as u64, 3, 99].map(u64::to_be_bytes);
    assert_eq!(bytes[16..48], *numbers.as_flattened());
    assert_eq!(bytes[48..50], [0, 0]);
    assert_eq!(bytes[50..350], [0xaa; 300]);
    assert_eq!(
        (bytes[350..398].to_vec(), key.sign(&bytes[..350])),
        (mac.to_vec(), mac)
    );
    assert_eq!(bytes[398..], crate::format::crc32c(&bytes[..398]).to_be_bytes());

    let bytes = codec(&key, mac).encode(&entry(2));
    assert_eq!(bytes[..8], 2_u64.to_be_bytes());
    assert_eq!(bytes[8..12], 502_u32.to_be_bytes());
    assert_eq!(bytes[12..44], [2; 32]);
    assert_eq!(bytes[44..52], [102; 8]);
    assert_eq!(bytes[52..60], (!2_u64).to_be_bytes());
    let covered = [&mac[..], &bytes[..60]].concat();
    assert_eq!(bytes[60..108], key.sign(&covered));
    assert_eq!(bytes[108..], crate::format::crc32c(&bytes[..108]).to_be_bytes());

    let codec = codec(&key, mac);
    let closed = codec.encode(&codec.closing());
    assert_eq!((&closed[..8], &closed[8..60]), (&[0xff; 8][..], &[0; 52][..]));
}

#[test]
fn a_closed_journal_is_recognized_and_later_entries_count() {
    let key = keys(1);
    let mut bytes = journal(&key);
    let codec = codec(&key, header().encode(&key).1);
    bytes.extend_from_slice(&codec.encode(&codec.closing()));
    let again = JournalEntry {
        output_crc64: 1,
        ..entry(2)
    };
    bytes.extend_from_slice(&codec.encode(&again));
    let (_, entries) = read(&bytes, &key).unwrap();
    assert!(entries.closed);
    assert_eq!(entries.finished[2], Some(again));
    assert_eq!(entries.size, 5 * ENTRY_SIZE as u64);
}

#[test]
fn a_torn_journal_has_the_entries_before_the_tear() {
    let key = keys(1);
    let bytes = journal(&key);
    let header_size = header().encode(&key).0.len();
    for length in 0..bytes.len() {
        match read(&bytes[..length], &key) {
            None => assert!(length < header_size, "{length}"),
            Some((_, entries)) => {
                let whole = (length - header_size) / ENTRY_SIZE;
                assert_eq!(entries.finished.iter().flatten().count(), whole, "{length}");
                assert_eq!(entries.size, (whole * ENTRY_SIZE) as u64);
            }
        }
    }
}

#[test]
fn a_flipped_byte_invalidates_its_entry_or_header() {
    let key = keys(1);
    let bytes = journal(&key);
    let header_size = header().encode(&key).0.len();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        match read(&flipped, &key) {
            None => assert!(at < header_size, "{at}"),
            Some((stored, entries)) => {
                assert!(at >= header_size, "{at}");
                assert_eq!(stored.header, header());
                let before = (at - header_size) / ENTRY_SIZE;
                assert_eq!(entries.finished.iter().flatten().count(), before, "{at}");
            }
        }
    }
}

#[test]
fn changes_with_corrected_checksums_fail_authentication() {
    let key = keys(1);
    let bytes = journal(&key);
    let header_size = header().encode(&key).0.len();
    let mend = |part: &mut [u8]| {
        let end = part.len() - 4;
        let crc = crate::format::crc32c(&part[..end]);
        part[end..].copy_from_slice(&crc.to_be_bytes());
    };
    for at in 0..header_size - 4 {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        mend(&mut changed[..header_size]);
        assert!(read(&changed, &key).is_none(), "{at}");
    }
    for at in header_size..header_size + ENTRY_SIZE - 4 {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        mend(&mut changed[header_size..header_size + ENTRY_SIZE]);
        assert_eq!(read(&changed, &key).unwrap().1.size, 0, "{at}");
    }
}

#[test]
fn entries_of_another_journal_are_invalid() {
    let key = keys(1);
    let other = JournalHeader {
        direction: JournalDirection::Open,
        ..header()
    };
    let mut bytes = header().encode(&key).0;
    bytes.extend_from_slice(&codec(&key, other.encode(&key).1).encode(&entry(0)));
    assert_eq!(read(&bytes, &key).unwrap().1.size, 0);
}

#[test]
fn an_entry_of_a_segment_beyond_the_stream_ends_the_journal() {
    let key = keys(1);
    let (mut bytes, mac) = header().encode(&key);
    for index in [0, SEGMENTS, 1] {
        bytes.extend_from_slice(&codec(&key, mac).encode(&entry(index)));
    }
    assert_eq!(read(&bytes, &key).unwrap().1.size, ENTRY_SIZE as u64);
}

#[test]
fn public_keys_are_recognized_with_the_journal_key() {
    let key = keys(1);
    let mut header = header();
    header.set_public_keys(&key, b"");
    assert_eq!(header.public_keys, None);
    assert!(header.has_public_keys(&key, b"") && !header.has_public_keys(&key, b"a key"));
    header.set_public_keys(&key, b"a key");
    assert!(header.has_public_keys(&key, b"a key"));
    assert!(!header.has_public_keys(&key, b"") && !header.has_public_keys(&key, b"another"));
    assert!(!header.has_public_keys(&keys(2), b"a key"));
    for secret in [None, Some(SecretKey::from_bytes(&[7; 32]).unwrap())] {
        let (id, file_key) = (stream(5), FileKey::new(&[6; 32]));
        if let Some(secret) = &secret {
            header.wrap(secret, &id, &file_key, &Random::known(1)).unwrap();
        }
        let (bytes, _) = header.encode(&key);
        assert_eq!(bytes[10..12], [0, 1]);
        let wrapped = if secret.is_some() { 112 } else { 0 };
        assert_eq!(bytes.len(), 50 + wrapped + 48 + 300 + 52);
        let stored = StoredHeader::read(&mut &bytes[..]).unwrap().unwrap();
        assert_eq!((&stored.header, stored.size()), (&header, bytes.len() as u64));
        assert!(stored.verify(&key));
        if let Some(secret) = &secret {
            assert!(stored.header.unwrap(secret, &id).unwrap().is_some());
        }
    }
}

#[test]
fn a_header_with_unknown_flags_is_not_read() {
    for flags in [2u16, 3, 0x8000] {
        let (mut bytes, _) = header().encode(&keys(1));
        bytes[10..12].copy_from_slice(&flags.to_be_bytes());
        let (checked, crc) = bytes.split_last_chunk_mut::<4>().unwrap();
        *crc = crate::format::crc32c(checked).to_be_bytes();
        assert_eq!(StoredHeader::read(&mut &bytes[..]).unwrap(), None);
    }
}

#[test]
fn claimed_sizes_are_bounded() {
    let (bytes, _) = header().encode(&keys(1));
    for (at, value) in [(11, 1), (12, 0xff), (13, 0xff), (48, 1), (49, 113)] {
        let mut claiming = bytes.clone();
        claiming[at] = value;
        assert_eq!(StoredHeader::read(&mut &claiming[..]).unwrap(), None, "{at}");
    }
}

/// The binding of a stream whose fields are this byte.
fn stream(byte: u8) -> StreamBinding {
    StreamBinding::new(&[byte; 64], &[], &[byte; 32])
}

#[test]
fn only_the_right_resume_secret_unwraps_the_file_key() {
    let [secret, other] = [[7; 32], [8; 32]].map(|bytes| SecretKey::from_bytes(&bytes).unwrap());
    let (id, file_key) = (stream(5), FileKey::new(&[6; 32]));
    let mut header = header();
    assert!(header.unwrap(&secret, &id).unwrap().is_none());
    header.wrap(&secret, &id, &file_key, &Random::known(1)).unwrap();
    let (bytes, _) = header.encode(&keys(1));
    let stored = StoredHeader::read(&mut &bytes[..]).unwrap().unwrap();
    assert_eq!(stored.header, header);
    let opened = stored.header.unwrap(&secret, &id).unwrap().unwrap();
    let derived = |key: &FileKey| {
        StreamKeys::derive(key, &[0; 64], &[], b"")
            .unwrap()
            .header_mac(b"")
    };
    assert_eq!(derived(&opened), derived(&file_key));
    assert!(stored.header.unwrap(&other, &id).unwrap().is_none());
    assert!(stored.header.unwrap(&secret, &stream(4)).unwrap().is_none());
    // It is bound to the source that it was made for.
    let elsewhere = JournalHeader {
        source: SourceMark {
            size: 1,
            ..header.source
        },
        ..header
    };
    assert!(elsewhere.unwrap(&secret, &id).unwrap().is_none());
}

/// A journal in memory whose appends fail from number `at` on, and that can't be read.
struct MemoryJournal {
    bytes: Arc<Mutex<Vec<u8>>>,
    at: usize,
    fails_to_sync: bool,
}

impl JournalFile for MemoryJournal {
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(size as usize);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.at == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.at -= 1;
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.fails_to_sync {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

fn manager(at: usize, fails_to_sync: bool) -> (LogManager, Arc<Mutex<Vec<u8>>>) {
    let key = keys(1);
    let (header, mac) = header().encode(&key);
    let bytes = Arc::new(Mutex::new(header));
    let journal = MemoryJournal {
        bytes: bytes.clone(),
        at,
        fails_to_sync,
    };
    let log = LogManager::start(Box::new(journal), codec(&key, mac), None).unwrap();
    (log, bytes)
}

#[test]
fn all_entries_are_written_when_the_log_manager_ends_or_closes() {
    for close in [false, true] {
        let (log, bytes) = manager(usize::MAX, false);
        std::thread::scope(|scope| {
            for index in 0..SEGMENTS {
                let log = &log;
                scope.spawn(move || log.record(entry(index)));
            }
        });
        if close {
            log.close();
            let (_, entries) = read(&bytes.lock().unwrap(), &keys(1)).unwrap();
            assert!(entries.closed);
        }
        assert_eq!(log.end(), None);
        let (_, entries) = read(&bytes.lock().unwrap(), &keys(1)).unwrap();
        assert_eq!(entries.finished.iter().flatten().count(), SEGMENTS as usize);
        assert_eq!(entries.closed, close);
    }
    let (log, bytes) = manager(usize::MAX, false);
    log.record(entry(1));
    drop(log);
    assert_eq!(
        read(&bytes.lock().unwrap(), &keys(1)).unwrap().1.size,
        ENTRY_SIZE as u64
    );
}

#[test]
fn a_write_error_names_the_first_missing_segment() {
    for fails_to_sync in [false, true] {
        let (log, bytes) = manager(usize::from(fails_to_sync), fails_to_sync);
        log.record(entry(3));
        log.record(entry(4));
        let Some(SegmentWorkerError::CheckpointError { segment, message }) = log.end() else {
            panic!("no checkpoint error");
        };
        assert_eq!(segment, SegmentIndex::new(3));
        assert!(message.contains("no storage space"), "{message}");
        assert!(read(&bytes.lock().unwrap(), &keys(1)).is_some());
    }
}

#[test]
fn a_journal_that_can_not_be_closed_is_emptied() {
    let (log, bytes) = manager(0, false);
    log.record(entry(0));
    log.close();
    assert!(bytes.lock().unwrap().is_empty());
    assert!(log.end().is_some());
}
