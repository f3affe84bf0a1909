//! The journal's bytes and what they say. Integers are big-endian, as everywhere in the format.

use super::SourceMark;
use crate::crypto::{
    CryptoError, FileKey, JournalKey, Random, SecretKey, UnwrapError, unwrap_file_key, wrap_file_key,
};
use crate::format::{MAX_HEADER_SIZE, ManifestEntry, SLOT_SALT_SIZE, SegmentIndex, WRAP_SIZE, crc32c};
use std::io;
use std::io::Read;

/// What the operation does whose journal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JournalDirection {
    /// It seals.
    Seal,
    /// It opens.
    Open,
}

impl JournalDirection {
    const fn code(self) -> u8 {
        match self {
            Self::Seal => 1,
            Self::Open => 2,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Seal),
            2 => Some(Self::Open),
            _ => None,
        }
    }
}

/// A stream's file key, wrapped for whoever has the resume secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrappedFileKey {
    salt: [u8; SLOT_SALT_SIZE],
    wrap: [u8; WRAP_SIZE],
}

/// What stands at a journal's beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JournalHeader {
    /// What the operation does.
    pub(crate) direction: JournalDirection,
    /// The source as it was when the operation began.
    pub(crate) source: SourceMark,
    /// The file key under the resume secret, where there is one.
    pub(crate) wrapped: Option<WrappedFileKey>,
    /// A MAC of the public keys that the stream is sealed for, where there are any.
    pub(crate) public_keys: Option<[u8; MAC_SIZE]>,
    /// The header of the stream that is sealed or opened.
    pub(crate) stream_header: Vec<u8>,
}

impl JournalHeader {
    /// Wraps `file_key` under `secret`, bound to what the header says by now. The stream header must be in place, and what
    /// it says of public keys.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub(crate) fn wrap(
        &mut self,
        secret: &SecretKey,
        stream_id: &[u8; 32],
        file_key: &FileKey,
        random: &Random,
    ) -> Result<(), CryptoError> {
        let mut salt = [0; SLOT_SALT_SIZE];
        random.fill(&mut salt)?;
        let aad = self.wrap_associated_data(&salt);
        let wrap = wrap_file_key(secret.expose(), &salt, WRAP_LABEL, stream_id, &aad, file_key)?;
        self.wrapped = Some(WrappedFileKey { salt, wrap });
        Ok(())
    }

    /// Notes the public keys that the stream is sealed for, as [`public_keys`](crate::keys::public_keys) lists them. Whose they are
    /// does not stand in a stream, so that only this tells whether they are the same at the next attempt; and it tells
    /// nobody but those who have the stream's key.
    pub(crate) fn note_public_keys(&mut self, key: &JournalKey, public_keys: &[u8]) {
        self.public_keys = (!public_keys.is_empty()).then(|| key.sign(&public_keys_message(public_keys)));
    }

    /// Whether these are the public keys that were noted.
    #[must_use]
    pub(crate) fn has_public_keys(&self, key: &JournalKey, public_keys: &[u8]) -> bool {
        match &self.public_keys {
            Some(mac) => key.verify(&public_keys_message(public_keys), mac),
            None => public_keys.is_empty(),
        }
    }

    /// The file key, if this is the secret that it was wrapped under.
    ///
    /// # Errors
    /// Only of a primitive.
    pub(crate) fn unwrap(
        &self,
        secret: &SecretKey,
        stream_id: &[u8; 32],
    ) -> Result<Option<FileKey>, CryptoError> {
        let Some(WrappedFileKey { salt, wrap }) = &self.wrapped else {
            return Ok(None);
        };
        let aad = self.wrap_associated_data(salt);
        match unwrap_file_key(secret.expose(), salt, WRAP_LABEL, stream_id, &aad, wrap) {
            Ok(key) => Ok(Some(key)),
            Err(UnwrapError::WrongKey | UnwrapError::Tampered) => Ok(None),
            Err(UnwrapError::Crypto(error)) => Err(error),
        }
    }

    fn wrap_associated_data(&self, salt: &[u8; SLOT_SALT_SIZE]) -> Vec<u8> {
        let mut aad = self.fixed(WRAPPED_SIZE).to_vec();
        aad.extend_from_slice(salt);
        aad
    }

    fn fixed(&self, wrapped_size: usize) -> [u8; HEADER_FIXED_SIZE] {
        let SourceMark {
            size,
            modified,
            device,
            inode,
        } = self.source;
        let mut out = [0; HEADER_FIXED_SIZE];
        out[..8].copy_from_slice(&MAGIC);
        out[8] = VERSION;
        out[9] = self.direction.code();
        let flags = self.public_keys.map_or(0, |_| FLAG_PUBLIC_KEYS);
        out[10..12].copy_from_slice(&flags.to_be_bytes());
        out[12..16].copy_from_slice(&(self.stream_header.len() as u32).to_be_bytes());
        out[16..24].copy_from_slice(&size.to_be_bytes());
        out[24..32].copy_from_slice(&modified.to_be_bytes());
        out[32..40].copy_from_slice(&device.to_be_bytes());
        out[40..48].copy_from_slice(&inode.to_be_bytes());
        out[48..].copy_from_slice(&(wrapped_size as u16).to_be_bytes());
        out
    }

    /// The header's bytes, and the MAC in them, to which every entry is bound.
    #[must_use]
    pub(crate) fn encode(&self, key: &JournalKey) -> (Vec<u8>, [u8; 48]) {
        let wrapped_size = self.wrapped.as_ref().map_or(0, |_| WRAPPED_SIZE);
        let mut out = self.fixed(wrapped_size).to_vec();
        if let Some(WrappedFileKey { salt, wrap }) = &self.wrapped {
            out.extend_from_slice(salt);
            out.extend_from_slice(wrap);
        }
        out.extend_from_slice(self.public_keys.as_ref().map_or(&[], |mac| &mac[..]));
        out.extend_from_slice(&self.stream_header);
        let mac = key.sign(&out);
        out.extend_from_slice(&mac);
        out.extend_from_slice(&crc32c(&out).to_be_bytes());
        (out, mac)
    }
}

/// A header as it was found in a journal: whole, but its MAC is for someone who has the key to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredHeader {
    /// What it says.
    pub(crate) header: JournalHeader,
    /// The MAC that stands in it.
    pub(crate) mac: [u8; 48],
    /// The bytes that the MAC covers.
    covered: Vec<u8>,
}

impl StoredHeader {
    /// Reads the header and leaves the reader at the first entry; `None` where what stands there is no whole header of
    /// this version.
    ///
    /// # Errors
    /// What the reader says.
    pub(crate) fn read(reader: &mut dyn Read) -> io::Result<Option<Self>> {
        let Some(fixed) = read_array::<HEADER_FIXED_SIZE>(reader)? else {
            return Ok(None);
        };
        let Some(fixed_fields) = FixedFields::parse(&fixed) else {
            return Ok(None);
        };
        let rest = fixed_fields.rest();
        let mut bytes = Vec::with_capacity(HEADER_FIXED_SIZE + rest);
        bytes.extend_from_slice(&fixed);
        reader.take(rest as u64).read_to_end(&mut bytes)?;
        if bytes.len() < HEADER_FIXED_SIZE + rest {
            return Ok(None);
        }
        Ok(Self::check(bytes, &fixed_fields))
    }

    fn check(bytes: Vec<u8>, fields: &FixedFields) -> Option<Self> {
        let (checked, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c(checked) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (covered, mac) = checked.split_last_chunk::<48>()?;
        let rest = covered.get(HEADER_FIXED_SIZE..)?;
        let (wrapped, rest) = rest.split_at_checked(fields.wrapped_size)?;
        let (public_keys, stream_header) = match fields.has_public_keys {
            true => rest.split_first_chunk().map(|(mac, rest)| (Some(*mac), rest))?,
            false => (None, rest),
        };
        let wrapped = match wrapped.split_first_chunk() {
            Some((salt, wrap)) => Some(WrappedFileKey {
                salt: *salt,
                wrap: wrap.try_into().ok()?,
            }),
            None => None,
        };
        Some(Self {
            header: JournalHeader {
                direction: fields.direction,
                source: fields.source,
                wrapped,
                public_keys,
                stream_header: stream_header.to_vec(),
            },
            mac: *mac,
            covered: covered.to_vec(),
        })
    }

    /// Whether the MAC is one made with this key.
    #[must_use]
    pub(crate) fn verify(&self, key: &JournalKey) -> bool {
        key.verify(&self.covered, &self.mac)
    }

    /// Bytes of the header in the journal.
    #[must_use]
    pub(crate) fn size(&self) -> u64 {
        (self.covered.len() + TRAILER_SIZE) as u64
    }
}

/// No other message under the journal's key starts like this: headers start with the magic, entries with a MAC.
fn public_keys_message(public_keys: &[u8]) -> Vec<u8> {
    [PUBLIC_KEYS_LABEL, public_keys].concat()
}

/// What a header's fixed part says; all sizes are bounded.
struct FixedFields {
    direction: JournalDirection,
    source: SourceMark,
    has_public_keys: bool,
    wrapped_size: usize,
    stream_header_size: usize,
}

impl FixedFields {
    fn parse(fixed: &[u8; HEADER_FIXED_SIZE]) -> Option<Self> {
        let u64_at = |at: usize| {
            let bytes = fixed.get(at..)?.first_chunk()?;
            Some(u64::from_be_bytes(*bytes))
        };
        let flags = u16::from_be_bytes([fixed[10], fixed[11]]);
        if fixed[..8] != MAGIC || fixed[8] != VERSION || flags & !FLAG_PUBLIC_KEYS != 0 {
            return None;
        }
        let stream_header_size = u32::from_be_bytes([fixed[12], fixed[13], fixed[14], fixed[15]]);
        let wrapped_size = usize::from(u16::from_be_bytes([fixed[48], fixed[49]]));
        if stream_header_size > MAX_HEADER_SIZE || !matches!(wrapped_size, 0 | WRAPPED_SIZE) {
            return None;
        }
        Some(Self {
            direction: JournalDirection::from_code(fixed[9])?,
            source: SourceMark {
                size: u64_at(16)?,
                modified: u64_at(24)?.cast_signed(),
                device: u64_at(32)?,
                inode: u64_at(40)?,
            },
            has_public_keys: flags == FLAG_PUBLIC_KEYS,
            wrapped_size,
            stream_header_size: stream_header_size as usize,
        })
    }

    /// Bytes of the header that follow.
    const fn rest(&self) -> usize {
        let public_keys = if self.has_public_keys { MAC_SIZE } else { 0 };
        self.wrapped_size + public_keys + self.stream_header_size + TRAILER_SIZE
    }
}

/// A segment that is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JournalEntry {
    /// Which one.
    pub(crate) index: SegmentIndex,
    /// Its record, in the sealed stream that is read or written.
    pub(crate) record: ManifestEntry,
    /// CRC-64/NVME of the bytes that it is in the output.
    pub output_crc64: u64,
}

impl JournalEntry {
    /// The entry behind which nothing is added to the output but its end.
    const CLOSED: Self = Self {
        index: SegmentIndex::new(u64::MAX),
        record: ManifestEntry {
            wire_size: 0,
            message_tag: [0; 32],
        },
        output_crc64: 0,
    };

    /// The entry's bytes in the journal with this header.
    #[must_use]
    pub(crate) fn encode(&self, key: &JournalKey, header_mac: &[u8; 48]) -> [u8; ENTRY_SIZE] {
        let mut out = [0; ENTRY_SIZE];
        out[..8].copy_from_slice(&self.index.get().to_be_bytes());
        out[8..12].copy_from_slice(&self.record.wire_size.to_be_bytes());
        out[12..44].copy_from_slice(&self.record.message_tag);
        out[44..ENTRY_FIELDS].copy_from_slice(&self.output_crc64.to_be_bytes());
        let mac = key.sign(&covered(header_mac, &out));
        out[ENTRY_FIELDS..ENTRY_SIZE - 4].copy_from_slice(&mac);
        let crc = crc32c(&out[..ENTRY_SIZE - 4]);
        out[ENTRY_SIZE - 4..].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// The bytes of the entry that closes the journal.
    #[must_use]
    pub(crate) fn encode_closed(key: &JournalKey, header_mac: &[u8; 48]) -> [u8; ENTRY_SIZE] {
        Self::CLOSED.encode(key, header_mac)
    }

    fn parse(bytes: &[u8; ENTRY_SIZE], key: &JournalKey, header_mac: &[u8; 48]) -> Option<Self> {
        let (checked, crc) = bytes.split_last_chunk::<4>()?;
        let (fields, mac) = checked.split_last_chunk::<48>()?;
        let sound =
            crc32c(checked) == u32::from_be_bytes(*crc) && key.verify(&covered(header_mac, bytes), mac);
        let (index, rest) = fields.split_first_chunk()?;
        let (wire_size, rest) = rest.split_first_chunk()?;
        let (message_tag, output_crc64) = rest.split_first_chunk()?;
        sound.then_some(Self {
            index: SegmentIndex::new(u64::from_be_bytes(*index)),
            record: ManifestEntry {
                wire_size: u32::from_be_bytes(*wire_size),
                message_tag: *message_tag,
            },
            output_crc64: u64::from_be_bytes(output_crc64.try_into().ok()?),
        })
    }
}

/// What an entry's MAC covers: the header's MAC, so that entries of another journal don't fit, and the fields.
fn covered(header_mac: &[u8; 48], entry: &[u8; ENTRY_SIZE]) -> [u8; 48 + ENTRY_FIELDS] {
    let mut out = [0; 48 + ENTRY_FIELDS];
    out[..48].copy_from_slice(header_mac);
    out[48..].copy_from_slice(&entry[..ENTRY_FIELDS]);
    out
}

/// All that a journal says about segments, up to the first entry that is torn or wrong.
#[derive(Clone, Debug)]
pub(crate) struct Entries {
    /// For each segment of the stream the last entry about it.
    pub(crate) finished: Vec<Option<JournalEntry>>,
    /// The end of the sealed output may have been written.
    pub(crate) closed: bool,
    /// Bytes of the entries that are sound.
    pub(crate) size: u64,
}

/// Reads entries behind a header whose MAC was found right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryReader<'a> {
    /// The journal's key.
    pub(crate) key: &'a JournalKey,
    /// The MAC of the journal's header.
    pub(crate) header_mac: &'a [u8; 48],
    /// Segments of the stream, which bounds what is kept.
    pub(crate) segments: u64,
}

impl EntryReader<'_> {
    /// Reads up to the first entry that is torn or wrong.
    ///
    /// # Errors
    /// What the reader says.
    pub(crate) fn read(&self, reader: &mut dyn Read) -> io::Result<Entries> {
        let count = usize::try_from(self.segments).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut finished = Vec::new();
        finished
            .try_reserve_exact(count)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        finished.resize(count, None);
        let mut entries = Entries {
            finished,
            closed: false,
            size: 0,
        };
        let mut reader = io::BufReader::with_capacity(READ_SIZE, reader);
        while let Some(bytes) = read_array::<ENTRY_SIZE>(&mut reader)? {
            let Some(entry) = JournalEntry::parse(&bytes, self.key, self.header_mac) else {
                break;
            };
            if entry == JournalEntry::CLOSED {
                entries.closed = true;
            } else {
                let place = usize::try_from(entry.index.get())
                    .ok()
                    .and_then(|index| entries.finished.get_mut(index));
                let Some(place) = place else { break };
                *place = Some(entry);
            }
            entries.size += ENTRY_SIZE as u64;
        }
        Ok(entries)
    }
}

/// The next `N` bytes; `None` where there are fewer.
fn read_array<const N: usize>(reader: &mut (impl Read + ?Sized)) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

const MAGIC: [u8; 8] = *b"\x89SEALJ\r\n";
const VERSION: u8 = 1;
/// A MAC of the public keys follows the wrapped file key.
const FLAG_PUBLIC_KEYS: u16 = 1;
const WRAP_LABEL: &[u8] = b"sealstream v1 journal";
const PUBLIC_KEYS_LABEL: &[u8] = b"sealstream v1 public keys";
const MAC_SIZE: usize = 48;
/// Bytes in front of the wrapped file key and the stream's header.
const HEADER_FIXED_SIZE: usize = 50;
/// Bytes of the wrapped file key: salt 32, wrap 80.
const WRAPPED_SIZE: usize = SLOT_SALT_SIZE + WRAP_SIZE;
/// MAC and checksum.
const TRAILER_SIZE: usize = 52;
/// Index 8, record size 4, message tag 32, CRC-64 8.
const ENTRY_FIELDS: usize = 52;
/// Bytes of an entry: its fields, MAC and checksum.
pub(crate) const ENTRY_SIZE: usize = ENTRY_FIELDS + TRAILER_SIZE;
const READ_SIZE: usize = 64 * 1024;
