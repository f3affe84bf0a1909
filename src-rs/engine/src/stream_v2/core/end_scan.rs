//! Reads an end record block by block: checksum, MAC, and every entry against the stream's sizes and records. It holds one block.

use crate::crypto::{Crc64, CryptoError, EndKey, RunningMac};
use crate::error::{EndDisagreement, EndPart, Limit, SealError};
use crate::format::{
    END_METADATA, END_RECORD_FIXED_SIZE, END_RECORD_TRAILER_SIZE, EndRecord, FOOTER_SIZE, Footer, Geometry,
    HeaderField, Metadata, RunningCrc32c, SeenRecords, SegmentIndex, WireOffset, end_record_size,
    find_extension, manifest_entry_size,
};
use std::io::Read;

/// What an end record must agree with.
#[derive(Clone, Copy)]
pub(crate) struct EndScan<'a> {
    pub(crate) geometry: &'a Geometry,
    /// `None` for a reader without a key, which can't authenticate the record.
    pub(crate) end_key: Option<&'a EndKey>,
    /// Bytes in front of the first record.
    pub(crate) header_size: u32,
    /// Where the record starts.
    pub(crate) offset: WireOffset,
    /// Its bytes, if a footer states them.
    pub(crate) size: Option<u64>,
    /// Segments of the stream.
    pub(crate) segments: u64,
    /// Plaintext bytes of the stream.
    pub(crate) total: u64,
    /// The records, if they were read before the end.
    pub(crate) records: Option<&'a SeenRecords>,
    /// Most bytes of the manifest.
    pub(crate) max_manifest_size: u64,
}

/// An end record whose checksum is right.
pub(crate) struct ScannedEnd {
    /// Plaintext bytes that it states.
    pub(crate) plaintext_total: u64,
    /// Its extensions.
    pub(crate) extensions: Vec<u8>,
    /// Its bytes.
    pub(crate) size: u64,
    /// What it keeps of the file that was sealed; `None` for a reader without a key. To be looked at after the sender.
    pub(crate) metadata: Result<Option<Metadata>, SealError>,
    /// CRC-64/NVME of its bytes.
    pub(crate) crc64: u64,
    /// Its first disagreement with the stream, if it has one.
    pub(crate) verdict: Result<(), SealError>,
}

/// Which bytes of an end record these are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndBytes {
    /// Entries of the manifest.
    Entries,
    /// All others.
    Others,
}

/// Why a scan did not reach a right checksum.
pub(crate) enum ScanFailure {
    /// The bytes do not start an end record. They are passed on.
    Marker(Vec<u8>),
    /// The source ends within the record.
    Truncated,
    /// Any other failure.
    Failed(SealError),
}

impl ScannedEnd {
    /// Where the manifest's entries start in the record at `offset`.
    pub(crate) const fn entries_at(&self, offset: WireOffset) -> u64 {
        let before = END_RECORD_FIXED_SIZE + self.extensions.len();
        offset.get().saturating_add(before as u64)
    }
}

impl EndScan<'_> {
    /// Reads the record from `reader` and passes all of its bytes to `take`. Moves `position` behind the bytes that were read.
    pub(crate) fn run(
        &self,
        reader: &mut dyn Read,
        position: &mut u64,
        mut take: impl FnMut(EndBytes, &[u8]),
    ) -> Result<ScannedEnd, ScanFailure> {
        let mut input = Input {
            reader,
            position,
            crc: RunningCrc32c::new(),
            crc64: Crc64::default(),
            mac: self.end_key.map(|key| key.start()),
            last: Vec::new(),
            damaged: SealError::end_damaged(EndPart::EndRecord, self.offset.get()),
        };
        let fixed = input.read(END_RECORD_FIXED_SIZE)?;
        let Some(start) = fixed.first_chunk() else {
            return Err(ScanFailure::Truncated);
        };
        let Some(extensions_size) = EndRecord::extensions_size(start) else {
            return Err(ScanFailure::Marker(fixed));
        };
        let (claimed_segments, claimed_total) = (
            EndRecord::claimed_segments(start),
            EndRecord::claimed_total(start),
        );
        input.cover(&fixed);
        take(EndBytes::Others, &fixed);
        let digest = self.geometry.digest();
        let extensions_size = u64::from(extensions_size);
        let size = self
            .size
            .unwrap_or_else(|| end_record_size(digest, self.segments, extensions_size));
        let entry_size = manifest_entry_size(digest);
        let around = (END_RECORD_FIXED_SIZE + END_RECORD_TRAILER_SIZE) as u64 + extensions_size;
        let entries_size = size
            .checked_sub(around)
            .filter(|size| size.is_multiple_of(entry_size as u64))
            .ok_or_else(|| self.damaged())?;
        if entries_size > self.max_manifest_size {
            return Err(ScanFailure::Failed(SealError::LimitExceeded {
                limit: Limit::ManifestSize,
                maximum: self.max_manifest_size,
                value: entries_size,
            }));
        }
        let extensions = input.read_whole(extensions_size as usize)?;
        input.cover(&extensions);
        take(EndBytes::Others, &extensions);

        let mut different = None;
        let count = entries_size / entry_size as u64;
        let mut next = 0;
        while next < count {
            let entries = (count - next).min((BLOCK / entry_size) as u64) as usize;
            let block = input.read_whole(entries * entry_size)?;
            for entry in block.chunks_exact(entry_size) {
                // No writer's entry is zero, and a hole in a file can be as large as it likes.
                if entry.iter().all(|&byte| byte == 0) {
                    return Err(self.damaged());
                }
                let segment = SegmentIndex::new(next);
                if different.is_none() && !self.fits(segment, entry) {
                    different = Some(segment);
                }
                next += 1;
            }
            input.cover(&block);
            take(EndBytes::Entries, &block);
        }

        let trailer = input.read_whole(END_RECORD_TRAILER_SIZE)?;
        let Some((mac, stored)) = trailer.split_first_chunk::<48>() else {
            return Err(ScanFailure::Truncated);
        };
        input.crc.update(mac);
        take(EndBytes::Others, &trailer);
        if input.crc.value().to_be_bytes() != *stored {
            return Err(self.damaged());
        }
        let is_authentic = input.mac.is_none_or(|running| running.verify(mac));
        let counts = claimed_segments == self.segments && count == self.segments;
        let unseen = self
            .records
            .map(SeenRecords::len)
            .filter(|&seen| seen != self.segments);
        let different = different.or(unseen.map(|seen| SegmentIndex::new(seen.min(self.segments))));
        let verdict = if !is_authentic {
            Err(self.tampered(EndDisagreement::Mac, None))
        } else if !counts {
            Err(self.tampered(EndDisagreement::SegmentCount, None))
        } else if claimed_total != self.total || !self.stands_behind_its_records() {
            Err(self.tampered(EndDisagreement::PlaintextTotal, None))
        } else if different.is_some() {
            Err(self.tampered(EndDisagreement::Segment, different))
        } else {
            EndRecord::check_extensions(&extensions, self.offset).map_err(SealError::from)
        };
        let metadata = match &verdict {
            Ok(()) => self.open_metadata(&extensions),
            Err(_) => Ok(None),
        };
        Ok(ScannedEnd {
            plaintext_total: claimed_total,
            extensions,
            size,
            metadata,
            crc64: input.crc64.value(),
            verdict,
        })
    }

    /// Opens the sealed metadata of an authentic record.
    fn open_metadata(&self, extensions: &[u8]) -> Result<Option<Metadata>, SealError> {
        let Some((key, value)) = self.end_key.zip(find_extension(extensions, END_METADATA)) else {
            return Ok(None);
        };
        let tampered = || self.tampered(EndDisagreement::Extension, None);
        let inner = match key.open_entry(END_METADATA, value) {
            Ok(inner) => inner,
            Err(CryptoError::TagMismatch) => return Err(tampered()),
            Err(error) => return Err(error.into()),
        };
        let metadata = Metadata::parse(&inner).ok_or_else(tampered)?;
        match Metadata::unknown_critical(&inner) {
            None => Ok(Some(metadata)),
            Some(code) => Err(SealError::HeaderError {
                field: HeaderField::EndExtensions,
                offset: self.offset,
                found: format!("the unknown critical type {code:#06x} in the metadata"),
                expected: "types of version 1 (use a newer release)".to_owned(),
            }),
        }
    }

    /// Whether the record stands where the stream's sizes put it. Only a footer can lead elsewhere.
    pub(crate) fn stands_behind_its_records(&self) -> bool {
        self.size.is_none() || self.geometry.trailer_offset(self.header_size, self.total) == self.offset.get()
    }

    /// Whether an entry has the size that follows from the stream's, and is that of the record that was read.
    fn fits(&self, segment: SegmentIndex, entry: &[u8]) -> bool {
        let plaintext_size = self.geometry.segment_plaintext(self.total, segment);
        let expected = self.geometry.record_size(plaintext_size);
        let wire_size = entry.first_chunk().map(|size| u32::from_be_bytes(*size));
        wire_size.is_some_and(|size| u64::from(size) == expected)
            && self.records.is_none_or(|records| records.has(segment, entry))
    }

    fn damaged(&self) -> ScanFailure {
        ScanFailure::Failed(SealError::end_damaged(EndPart::EndRecord, self.offset.get()))
    }

    /// The failure of a record that disagrees with the stream.
    pub(crate) const fn tampered(
        &self,
        disagreement: EndDisagreement,
        segment: Option<SegmentIndex>,
    ) -> SealError {
        SealError::EndTampered {
            offset: self.offset,
            disagreement,
            segment,
        }
    }

    /// The failure of a source that ends within the record.
    pub(crate) const fn truncated(&self, position: u64) -> SealError {
        SealError::truncated(SegmentIndex::new(self.segments), position)
    }
}

/// The record's bytes as they are read.
struct Input<'r, 'p> {
    reader: &'r mut dyn Read,
    position: &'p mut u64,
    crc: RunningCrc32c,
    /// Of all bytes that were read.
    crc64: Crc64,
    mac: Option<RunningMac>,
    /// The last bytes that were read, as many as a footer has.
    last: Vec<u8>,
    damaged: SealError,
}

impl Input<'_, '_> {
    /// Up to `size` bytes.
    fn read(&mut self, size: usize) -> Result<Vec<u8>, ScanFailure> {
        let mut bytes = Vec::new();
        let mut limited = (&mut *self.reader).take(size as u64);
        let read = limited.read_to_end(&mut bytes);
        *self.position += read.map_err(|error| ScanFailure::Failed(SealError::reading(error)))? as u64;
        self.crc64.update(&bytes);
        let kept = bytes.len().min(FOOTER_SIZE);
        self.last.extend_from_slice(&bytes[bytes.len() - kept..]);
        let excess = self.last.len().saturating_sub(FOOTER_SIZE);
        self.last.drain(..excess);
        Ok(bytes)
    }

    /// Exactly `size` bytes.
    fn read_whole(&mut self, size: usize) -> Result<Vec<u8>, ScanFailure> {
        let bytes = self.read(size)?;
        if bytes.len() == size {
            return Ok(bytes);
        }
        // A flipped bit in the size of the extensions claims more bytes than there are; a footer shows that the end is here.
        Err(match self.last.last_chunk().and_then(Footer::parse) {
            Some(_) => ScanFailure::Failed(self.damaged.clone()),
            None => ScanFailure::Truncated,
        })
    }

    /// Adds bytes that the MAC covers.
    fn cover(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.mac.iter_mut().for_each(|mac| mac.update(bytes));
    }
}

/// Bytes of the manifest that are held at a time.
const BLOCK: usize = 64 * 1024;
