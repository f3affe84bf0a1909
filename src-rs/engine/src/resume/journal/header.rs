//! The header of a journal.

use super::{MAC_SIZE, TRAILER_SIZE, read_array};
use crate::crypto::{
    CryptoError, FileKey, JournalKey, Random, SecretKey, StreamBinding, UnwrapError, unwrap_file_key,
    wrap_file_key,
};
use crate::format::{Cursor, MAX_HEADER_SIZE, SLOT_SALT_SIZE, WRAP_SIZE, crc32c};
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
        stream: &StreamBinding,
        file_key: &FileKey,
        random: &Random,
    ) -> Result<(), CryptoError> {
        let mut salt = [0; SLOT_SALT_SIZE];
        random.fill(&mut salt)?;
        let aad = self.wrap_associated_data(&salt);
        let wrap = wrap_file_key(secret.expose(), &salt, WRAP_LABEL, stream, &aad, file_key)?;
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
        stream: &StreamBinding,
    ) -> Result<Option<FileKey>, CryptoError> {
        let Some(WrappedFileKey { salt, wrap }) = &self.wrapped else {
            return Ok(None);
        };
        let aad = self.wrap_associated_data(salt);
        match unwrap_file_key(secret.expose(), salt, WRAP_LABEL, stream, &aad, wrap) {
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
        let Some(size) = claimed_size(&fixed) else {
            return Ok(None);
        };
        let mut bytes = fixed.to_vec();
        reader.take((size - FIXED_SIZE) as u64).read_to_end(&mut bytes)?;
        Ok((bytes.len() == size).then(|| Self::parse(&bytes)).flatten())
    }

    /// Parses a header of the size that it claims.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (checked, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c(checked) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (authenticated, mac) = checked.split_last_chunk()?;
        let mut fields = Cursor::new(authenticated, 0);
        fields.take(MAGIC.len() + 1)?;
        let direction = JournalDirection::from_code(fields.u8()?)?;
        let flags = fields.u16()?;
        fields.u32()?;
        let source = SourceMark {
            size: fields.u64()?,
            modified: fields.u64()?.cast_signed(),
            device: fields.u64()?,
            inode: fields.u64()?,
        };
        let wrapped = match fields.u16()? {
            0 => None,
            _ => Some(WrappedFileKey {
                salt: fields.array()?,
                wrap: fields.array()?,
            }),
        };
        let public_keys = match flags {
            FLAG_PUBLIC_KEYS => Some(fields.array()?),
            _ => None,
        };
        Some(Self {
            header: JournalHeader {
                direction,
                source,
                wrapped,
                public_keys,
                stream_header: fields.rest().to_vec(),
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

/// Bytes of the header by its fixed part; bounded. `None` unless magic, version, flags and sizes are valid.
fn claimed_size(fixed: &[u8; FIXED_SIZE]) -> Option<usize> {
    let mut fields = Cursor::new(fixed.strip_prefix(&MAGIC)?, MAGIC.len());
    let (version, _direction, flags) = (fields.u8()?, fields.u8()?, fields.u16()?);
    let stream_header = fields.u32()?;
    fields.take(SOURCE_MARK_SIZE)?;
    let wrapped = usize::from(fields.u16()?);
    let public_keys = match flags {
        0 => 0,
        FLAG_PUBLIC_KEYS => MAC_SIZE,
        _ => return None,
    };
    let is_valid =
        version == VERSION && stream_header <= MAX_HEADER_SIZE && matches!(wrapped, 0 | WRAPPED_SIZE);
    is_valid.then_some(FIXED_SIZE + wrapped + public_keys + stream_header as usize + TRAILER_SIZE)
}

const MAGIC: [u8; 8] = *b"\x89SEALJ\r\n";
const VERSION: u8 = 1;
/// A MAC of the public keys follows the wrapped file key.
const FLAG_PUBLIC_KEYS: u16 = 1;
const WRAP_LABEL: &[u8] = b"sealstream v1 journal";
const PUBLIC_KEYS_LABEL: &[u8] = b"sealstream v1 public keys";
/// Bytes before the wrapped file key.
const FIXED_SIZE: usize = 50;
/// Size 8, time of change 8, device 8, inode 8.
const SOURCE_MARK_SIZE: usize = 32;
/// Bytes of the wrapped file key: salt 32, wrap 80.
const WRAPPED_SIZE: usize = SLOT_SALT_SIZE + WRAP_SIZE;
