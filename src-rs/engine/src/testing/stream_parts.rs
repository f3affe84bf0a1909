//! A sealed stream in parts, to change one and to fix checksums and codes as an attacker could.

use crate::crypto::floe::FloeParams;
use crate::crypto::{EndKey, FrameIv, Random, SegmentHasher, StreamBinding, StreamKeys};
use crate::format::{
    DigestKind, DigestValue, EndRecord, FOOTER_SIZE, Footer, FrameIndex, Geometry, HEADER_TRAILER_SIZE,
    HeaderFields, Manifest, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex, StreamHeader,
    crc32c,
};
use crate::keys::{Identity, Recipient, UnlockLimits, seal_slots, unlock};
use crate::stream_v2::frame_worker::{EncryptFrameWorker, FrameInput};
use crate::stream_v2::framing::contents_mut;
use crate::stream_v2::pipeline::Parallelism;
use crate::stream_v2::segment_worker::{EncryptSegmentWorker, PREAMBLE_SIZE, SegmentCryptoContext};
use crate::testing::support::key;

/// The parts of a stream, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamParts {
    pub(crate) header: Vec<u8>,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) end: Vec<u8>,
    pub(crate) copy: Vec<u8>,
    pub(crate) footer: Vec<u8>,
}

/// Which part a byte is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    Header,
    Record { segment: usize, within: usize },
    End,
    Copy,
    Footer,
}

impl StreamParts {
    /// Splits a valid stream.
    pub(crate) fn of(stream: &[u8]) -> Self {
        let parsed = StreamHeader::parse(stream).unwrap();
        let geometry = parsed.core.geometry;
        let (header, mut rest) = stream.split_at(parsed.size() as usize);
        let mut records = Vec::new();
        loop {
            let segment = SegmentHeader::parse(rest.first_chunk().unwrap(), &geometry).unwrap();
            let (record, behind) = rest.split_at(geometry.record_size(segment.plaintext_size) as usize);
            records.push(record.to_vec());
            rest = behind;
            if segment.is_final {
                break;
            }
        }
        let extensions = EndRecord::extensions_size(rest.first_chunk().unwrap()).unwrap();
        let size =
            crate::format::end_record_size(geometry.digest(), records.len() as u64, u64::from(extensions));
        let (end, rest) = rest.split_at(size as usize);
        let (copy, footer) = rest.split_at(rest.len() - FOOTER_SIZE);
        let [header, end, copy, footer] = [header, end, copy, footer].map(<[u8]>::to_vec);
        Self {
            header,
            records,
            end,
            copy,
            footer,
        }
    }

    pub(crate) fn join(&self) -> Vec<u8> {
        [
            self.header.clone(),
            self.records.concat(),
            self.end.clone(),
            self.copy.clone(),
            self.footer.clone(),
        ]
        .concat()
    }

    /// A stream with one change.
    pub(crate) fn changed(stream: &[u8], change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut parts = Self::of(stream);
        change(&mut parts);
        parts.join()
    }

    pub(crate) fn region(&self, mut at: usize) -> Region {
        if at < self.header.len() {
            return Region::Header;
        }
        at -= self.header.len();
        for (segment, record) in self.records.iter().enumerate() {
            if at < record.len() {
                return Region::Record { segment, within: at };
            }
            at -= record.len();
        }
        if at < self.end.len() {
            Region::End
        } else if at < self.end.len() + self.copy.len() {
            Region::Copy
        } else {
            Region::Footer
        }
    }

    /// Where a record starts in the stream.
    pub(crate) fn record_offset(&self, segment: usize) -> u64 {
        (self.header.len() + self.records[..segment].iter().map(Vec::len).sum::<usize>()) as u64
    }

    /// Where the end record starts in the stream.
    pub(crate) fn end_offset(&self) -> u64 {
        self.record_offset(self.records.len())
    }

    pub(crate) fn parsed_header(&self) -> StreamHeader {
        StreamHeader::parse(&self.header).unwrap()
    }

    pub(crate) fn geometry(&self) -> Geometry {
        self.parsed_header().core.geometry
    }

    pub(crate) fn digest(&self) -> DigestKind {
        self.geometry().digest()
    }

    /// The keys of the stream, for a test's key and no context.
    pub(crate) fn keys(&self) -> StreamKeys {
        self.keys_for(&[]).0
    }

    /// The keys of the stream as if it had this context, for a test's key, and the context check.
    pub(crate) fn keys_for(&self, context: &[u8]) -> (StreamKeys, [u8; 32]) {
        let header = self.parsed_header();
        let unlocked = unlock(
            &header,
            &[Identity::Key(key())],
            &UnlockLimits::default(),
            &mut UnlockLimits::default().budget(&|| false),
        )
        .unwrap();
        let keys = StreamKeys::of(&header, &unlocked.file_key, context).unwrap();
        let check = keys.context_check().unwrap();
        (keys, check)
    }

    fn end_key(&self) -> EndKey {
        self.keys().end_key().unwrap()
    }

    /// A context that seals more segments of this stream; `seed` tells one sealing from another.
    pub(crate) fn context(&self, seed: u32) -> SegmentCryptoContext {
        let key = self.keys().payload_key().unwrap();
        SegmentCryptoContext::new(key, self.geometry(), None, Random::known(seed)).unwrap()
    }

    /// Another sealing of a segment, with the stream's own keys.
    pub(crate) fn sealed_again(&self, segment: usize, plaintext: &[u8], is_final: bool) -> Vec<u8> {
        seal_segment(&self.context(77), segment as u64, plaintext, is_final)
    }

    /// Writes the header anew with a right checksum, and with a right MAC if `keys` are there to make one.
    pub(crate) fn rewrite_header(
        &mut self,
        keys: Option<&StreamKeys>,
        change: impl FnOnce(&mut HeaderFields),
    ) {
        let header = self.parsed_header();
        let mut draft = header.fields;
        change(&mut draft);
        let mac = |bytes: &[u8]| keys.map_or(header.mac, |keys| keys.header_mac(bytes));
        self.header = draft.encode(0, mac);
    }

    /// Seals a frame again under the keys of its own record, as every key holder can.
    pub(crate) fn reseal_frame(&mut self, segment: usize, frame: usize, content: &[u8]) {
        let (geometry, key) = (self.geometry(), self.keys().payload_key().unwrap());
        let record = &mut self.records[segment];
        let (head, rest) = record.split_at_mut(PREAMBLE_SIZE);
        let (aad, floe_header) = head.split_at(SEGMENT_HEADER_SIZE);
        let params = FloeParams::new(geometry.frame_slot_size() as u32).unwrap();
        let keys = key
            .start_opening(params, aad, floe_header.try_into().unwrap())
            .unwrap();
        let plaintext_size = u32::from_be_bytes(aad[16..20].try_into().unwrap());
        let start = frame * geometry.frame_slot_size();
        let slot = &mut rest[start..start + content.len() + 32];
        slot[16..16 + content.len()].copy_from_slice(content);
        let input = FrameInput {
            index: FrameIndex::new(frame as u32),
            is_final: frame as u32 + 1 == geometry.frame_count(plaintext_size),
            slot,
        };
        let iv = FrameIv::draw(&Random::known(9), 1, &mut Vec::new()).unwrap()[0];
        let worker = EncryptFrameWorker::new(&keys, FrameIndex::ZERO).unwrap();
        worker.seal(input, iv).unwrap();
    }

    /// Makes the header's checksum right.
    pub(crate) fn mend_header_checksum(&mut self) {
        mend_last_checksum(&mut self.header);
    }

    /// Makes the checksum of a segment's header right.
    pub(crate) fn mend_segment_header(&mut self, segment: usize) {
        let record = &mut self.records[segment];
        let crc = crc32c(&record[..SEGMENT_HEADER_SIZE - 4]);
        record[SEGMENT_HEADER_SIZE - 4..SEGMENT_HEADER_SIZE].copy_from_slice(&crc.to_be_bytes());
    }

    /// Makes a record's digest right.
    pub(crate) fn mend_digest(&mut self, segment: usize) {
        let digest = self.digest();
        let record = &mut self.records[segment];
        record.truncate(record.len() - digest.size());
        let mut hasher = SegmentHasher::new(digest);
        hasher.update(record);
        record.extend_from_slice(hasher.finish().as_bytes());
    }

    /// Makes the end record's checksum right.
    pub(crate) fn mend_end_checksum(&mut self) {
        mend_last_checksum(&mut self.end);
    }

    /// Makes the end record's MAC and checksum right, as only someone with a key can.
    pub(crate) fn mend_end(&mut self) {
        let covered = self.end.len() - 52;
        let mac = self.end_key().sign(&self.end[..covered]);
        self.end[covered..covered + 48].copy_from_slice(&mac);
        self.mend_end_checksum();
    }

    /// Writes a footer for the end record and the copy that are there.
    pub(crate) fn mend_footer(&mut self) {
        let end_size = (self.end.len() + self.copy.len() + FOOTER_SIZE) as u64;
        self.footer = Footer { end_size }.encode().to_vec();
    }
}

/// What [`forge`] writes that this release does not write.
#[derive(Default)]
pub(crate) struct Forgery<'a> {
    pub(crate) core_extensions: &'a [u8],
    pub(crate) end_extensions: &'a [u8],
    /// Segments with the FINAL flag that each is given.
    pub(crate) segments: &'a [(&'a [u8], bool)],
}

/// A stream with the header of `like`, sealed by a writer that has the key and breaks the format's rules.
pub(crate) fn forge(like: &[u8], forgery: &Forgery<'_>) -> StreamParts {
    let mut parts = StreamParts::of(like);
    let header = parts.parsed_header();
    let file_key = unlock(
        &header,
        &[Identity::Key(key())],
        &UnlockLimits::default(),
        &mut UnlockLimits::default().budget(&|| false),
    )
    .unwrap()
    .file_key;
    let keys = StreamKeys::derive(&file_key, &header.core.encode(), forgery.core_extensions, &[]).unwrap();
    parts.rewrite_header(Some(&keys), |draft| {
        draft.core_extensions = forgery.core_extensions.to_vec();
        draft.context_check = keys.context_check().unwrap();
        let id = "test".into();
        let recipient = Recipient::Key { key: key(), id };
        let binding = StreamBinding::of(draft);
        draft.slots = seal_slots(&[recipient], &binding, &file_key, &Random::known(6)).unwrap();
    });
    let context = parts.context(5);
    let segments = forgery.segments.iter().zip(0..);
    parts.records = segments
        .map(|(&(plaintext, is_final), index)| seal_segment(&context, index, plaintext, is_final))
        .collect();
    let mut entries = Manifest::new(parts.digest());
    let digest_size = parts.digest().size();
    let entry = |record: &Vec<u8>| ManifestEntry {
        digest: DigestValue::new(&record[record.len() - digest_size..]),
        wire_size: record.len() as u32,
        message_tag: record[PREAMBLE_SIZE - 32..PREAMBLE_SIZE].try_into().unwrap(),
    };
    parts
        .records
        .iter()
        .for_each(|record| entries.push(&entry(record)));
    let end = EndRecord {
        plaintext_total: forgery
            .segments
            .iter()
            .map(|(plaintext, _)| plaintext.len() as u64)
            .sum(),
        extensions: forgery.end_extensions.to_vec(),
        entries,
    };
    let end_key = keys.end_key().unwrap();
    parts.end = end.encode(|bytes| end_key.sign(bytes));
    if !parts.copy.is_empty() {
        parts.copy = parts.header.clone();
    }
    parts.mend_footer();
    parts
}

/// Where the MAC of a header starts.
pub(crate) fn header_mac_at(header: &[u8]) -> usize {
    header.len() - HEADER_TRAILER_SIZE
}

fn mend_last_checksum(bytes: &mut [u8]) {
    let at = bytes.len() - 4;
    let crc = crc32c(&bytes[..at]);
    bytes[at..].copy_from_slice(&crc.to_be_bytes());
}

/// One record, from the worker itself.
pub(crate) fn seal_segment(
    context: &SegmentCryptoContext,
    index: u64,
    plaintext: &[u8],
    is_final: bool,
) -> Vec<u8> {
    let geometry = context.geometry();
    let size = plaintext.len() as u32;
    let plan = SegmentHeader {
        index: SegmentIndex::new(index),
        is_final,
        plaintext_size: size,
    };
    let mut sealer = EncryptSegmentWorker::new(context).begin(plan).unwrap();
    let mut slots = vec![0; geometry.frames_wire_size(size)];
    let contents = contents_mut(&mut slots, geometry.frame_slot_size());
    contents
        .zip(plaintext.chunks(geometry.frame_size() as usize))
        .for_each(|(slot, part)| slot.copy_from_slice(part));
    sealer.seal_frames(&Parallelism::Segments, &mut slots).unwrap();
    sealer.digest_frames(&slots);
    let mut record = sealer.preamble().to_vec();
    let digest = sealer.finish().0;
    record.extend_from_slice(&slots);
    record.extend_from_slice(digest.as_bytes());
    record
}
