//! The header of a journal.

use super::{MAC_SIZE, TRAILER_SIZE, read_array};
use crate::crypto::{
    CryptoError, FileKey, JournalKey, Random, SecretKey, UnwrapError, unwrap_file_key, wrap_file_key,
};
use crate::format::{MAX_HEADER_SIZE, SLOT_SALT_SIZE, WRAP_SIZE, crc32c};
use crate::resume::SourceMark;
use std::io;
use std::io::Read;

/// What the journal's operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JournalDirection {
    /// It seals.
    Seal = 1,
    /// It opens.
    Open = 2,
}

impl JournalDirection {
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Seal),
            2 => Some(Self::Open),
            _ => None,
        }
    }
}

/// A stream's file key, wrapped under the resume secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrappedFileKey {
    salt: [u8; SLOT_SALT_SIZE],
    wrap: [u8; WRAP_SIZE],
}

/// Contents of a journal's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JournalHeader {
    pub(crate) direction: JournalDirection,
    /// The source when the operation began.
    pub(crate) source: SourceMark,
    /// The file key under the resume secret, if there is one.
    pub(crate) wrapped: Option<WrappedFileKey>,
    /// A MAC of the public keys that the stream is sealed for, if there are any.
    pub(crate) public_keys: Option<[u8; MAC_SIZE]>,
    /// The header of the stream that is sealed or opened.
    pub(crate) stream_header: Vec<u8>,
}

impl JournalHeader {
    /// Wraps `file_key` under `secret`. The wrap is bound to the other fields, which must be set before.
    ///
    /// # Errors
    /// Fails only if the system's random generator fails.
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

    /// Records the public keys that the stream is sealed for, as [`public_keys`](crate::keys::public_keys) lists them. The
    /// stream does not contain them, so only this MAC shows whether the next attempt has the same. It reveals nothing
    /// without the stream's key.
    pub(crate) fn set_public_keys(&mut self, key: &JournalKey, public_keys: &[u8]) {
        self.public_keys = (!public_keys.is_empty()).then(|| key.sign(&public_keys_message(public_keys)));
    }

    /// Whether these are the recorded public keys.
    pub(crate) fn has_public_keys(&self, key: &JournalKey, public_keys: &[u8]) -> bool {
        match &self.public_keys {
            Some(mac) => key.verify(&public_keys_message(public_keys), mac),
            None => public_keys.is_empty(),
        }
    }

    /// The file key, if it was wrapped under this secret.
    ///
    /// # Errors
    /// Only those of a cryptographic primitive.
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
        [&self.fixed_part(WRAPPED_SIZE)[..], salt].concat()
    }

    fn fixed_part(&self, wrapped_size: usize) -> [u8; FIXED_SIZE] {
        let SourceMark {
            size,
            modified,
            device,
            inode,
        } = self.source;
        let mut out = [0; FIXED_SIZE];
        out[..8].copy_from_slice(&MAGIC);
        out[8] = VERSION;
        out[9] = self.direction as u8;
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

    /// The header's bytes, and their MAC, to which every entry is bound.
    #[must_use]
    pub(crate) fn encode(&self, key: &JournalKey) -> (Vec<u8>, [u8; MAC_SIZE]) {
        let wrapped_size = self.wrapped.as_ref().map_or(0, |_| WRAPPED_SIZE);
        let mut out = self.fixed_part(wrapped_size).to_vec();
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

/// A complete header read from a journal. It is not authenticated until [`verify`](Self::verify) says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredHeader {
    pub(crate) header: JournalHeader,
    pub(crate) mac: [u8; MAC_SIZE],
    /// The bytes that the MAC covers.
    authenticated: Vec<u8>,
}

impl StoredHeader {
    /// Reads the header, and leaves the reader at the first entry. `None` if the header is torn, damaged or of another
    /// version.
    ///
    /// # Errors
    /// The reader's error.
    pub(crate) fn read(reader: &mut dyn Read) -> io::Result<Option<Self>> {
        let Some(fixed) = read_array::<FIXED_SIZE>(reader)? else {
            return Ok(None);
        };
        let Some(fields) = FixedFields::parse(&fixed) else {
            return Ok(None);
        };
        let mut bytes = fixed.to_vec();
        reader
            .take(fields.remaining_size() as u64)
            .read_to_end(&mut bytes)?;
        Ok(Self::parse(&bytes, &fields))
    }

    fn parse(bytes: &[u8], fields: &FixedFields) -> Option<Self> {
        if bytes.len() < FIXED_SIZE + fields.remaining_size() {
            return None;
        }
        let (checked, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c(checked) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (authenticated, mac) = checked.split_last_chunk()?;
        let rest = authenticated.get(FIXED_SIZE..)?;
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
            authenticated: authenticated.to_vec(),
        })
    }

    /// Whether the MAC was made with this key.
    #[must_use]
    pub(crate) fn verify(&self, key: &JournalKey) -> bool {
        key.verify(&self.authenticated, &self.mac)
    }

    /// Bytes of the header in the journal.
    #[must_use]
    pub(crate) fn size(&self) -> u64 {
        (self.authenticated.len() + TRAILER_SIZE) as u64
    }
}

/// No other message under the journal's key starts like this: headers start with the magic, entries with a MAC.
fn public_keys_message(public_keys: &[u8]) -> Vec<u8> {
    [PUBLIC_KEYS_LABEL, public_keys].concat()
}

/// Fields of the header's fixed part. All sizes are bounded.
struct FixedFields {
    direction: JournalDirection,
    source: SourceMark,
    has_public_keys: bool,
    wrapped_size: usize,
    stream_header_size: usize,
}

impl FixedFields {
    fn parse(fixed: &[u8; FIXED_SIZE]) -> Option<Self> {
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

    /// Bytes of the header after the fixed part.
    const fn remaining_size(&self) -> usize {
        let public_keys = if self.has_public_keys { MAC_SIZE } else { 0 };
        self.wrapped_size + public_keys + self.stream_header_size + TRAILER_SIZE
    }
}

const MAGIC: [u8; 8] = *b"\x89SEALJ\r\n";
const VERSION: u8 = 1;
/// A MAC of the public keys follows the wrapped file key.
const FLAG_PUBLIC_KEYS: u16 = 1;
const WRAP_LABEL: &[u8] = b"sealstream v1 journal";
const PUBLIC_KEYS_LABEL: &[u8] = b"sealstream v1 public keys";
/// Bytes before the wrapped file key.
const FIXED_SIZE: usize = 50;
/// Bytes of the wrapped file key: salt 32, wrap 80.
const WRAPPED_SIZE: usize = SLOT_SALT_SIZE + WRAP_SIZE;
