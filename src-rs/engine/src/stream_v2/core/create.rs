//! Creates a stream: its keys and header before the first segment, its end after the last.

use crate::crypto::{
    EndKey, FileKey, Random, StreamBinding, StreamKeys, overwrite_stack, sealed_extension_size,
};
use crate::error::SealError;
use crate::format::{
    DigestKind, END_METADATA, EndRecord, FOOTER_SIZE, Footer, HeaderFields, StreamCore, StreamHeader,
    append_extension, end_record_size, extension_size,
};
use crate::keys::seal_slots;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{EncryptOptions, compact_header_size};
use crate::operation::report::Report;
use crate::stream_v2::core::sender::StreamSigner;
use crate::stream_v2::core::stream_size::total_size;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::segment_worker::SegmentCryptoContext;
use std::time::Instant;
use zeroize::Zeroizing;

/// A new stream: its header is encoded and its segments can be sealed.
pub(crate) struct NewStream {
    pub(crate) header: Vec<u8>,
    pub(crate) context: SegmentCryptoContext,
    pub(crate) stream_id: [u8; 32],
    pub(crate) binding: StreamBinding,
    header_copy: bool,
    end_key: EndKey,
    /// The entries of the end record.
    end_extensions: Vec<u8>,
    signer: Option<StreamSigner>,
}

impl NewStream {
    /// Draws the stream's key and id, and derives its other keys.
    pub(crate) fn new(
        options: &EncryptOptions<'_>,
        plaintext_size: Option<u64>,
        random: &Random,
    ) -> Result<Self, SealError> {
        Self::with_keys(options, plaintext_size, random).map(|(stream, ..)| stream)
    }

    /// As [`new`](Self::new); also returns the keys, from which a journal's key is derived.
    pub(crate) fn with_keys(
        options: &EncryptOptions<'_>,
        plaintext_size: Option<u64>,
        random: &Random,
    ) -> Result<(Self, StreamKeys, FileKey), SealError> {
        let stream = Self::with_keys_on_the_stack(options, plaintext_size, random);
        overwrite_stack();
        stream
    }

    #[inline(never)]
    fn with_keys_on_the_stack(
        options: &EncryptOptions<'_>,
        plaintext_size: Option<u64>,
        random: &Random,
    ) -> Result<(Self, StreamKeys, FileKey), SealError> {
        let geometry = options.geometry(plaintext_size)?;
        let signer = find_signer(options)?;
        let core_extensions = core_extensions(signer.as_ref());
        // One call to the generator; the slots draw their own bytes.
        let mut drawn = Zeroizing::new([[0; 32]; 2]);
        random.fill(drawn.as_flattened_mut())?;
        let [file_key, stream_id] = &*drawn;
        let file_key = FileKey::new(file_key);
        let core = StreamCore {
            geometry,
            header_copy: options.header.copy,
            plaintext_size,
            stream_id: *stream_id,
        };
        let keys = StreamKeys::derive(&file_key, &core.encode(), &core_extensions, &options.context)?;
        let mut draft = HeaderFields {
            core,
            revision: 0,
            context_check: keys.context_check()?,
            core_extensions,
            header_extensions: Vec::new(),
            slots: Vec::new(),
        };
        let binding = StreamBinding::of(&draft);
        draft.slots = seal_slots(&options.recipients, &binding, &file_key, random)?;
        let header = draft.encode(options.header.padded_size(plaintext_size), |bytes| {
            keys.header_mac(bytes)
        });
        let stream = Self::assemble(header, &draft.core, binding, &keys, signer, options, random)?;
        Ok((stream, keys, file_key))
    }

    /// A stream of an earlier attempt, whose header was authenticated with these keys.
    pub(crate) fn resumed(
        header: StreamHeader,
        keys: &StreamKeys,
        signer: Option<StreamSigner>,
        options: &EncryptOptions<'_>,
        random: &Random,
    ) -> Result<Self, SealError> {
        let binding = StreamBinding::of(&header);
        Self::assemble(
            header.bytes,
            &header.fields.core,
            binding,
            keys,
            signer,
            options,
            random,
        )
    }

    fn assemble(
        header: Vec<u8>,
        core: &StreamCore,
        binding: StreamBinding,
        keys: &StreamKeys,
        signer: Option<StreamSigner>,
        options: &EncryptOptions<'_>,
        random: &Random,
    ) -> Result<Self, SealError> {
        let end_key = keys.end_key()?;
        Ok(Self {
            header,
            context: SegmentCryptoContext::new(
                keys.payload_key()?,
                core.geometry,
                core.plaintext_size,
                random.clone(),
            )?,
            stream_id: core.stream_id,
            binding,
            header_copy: core.header_copy,
            end_extensions: end_extensions(options, &end_key, random)?,
            end_key,
            signer,
        })
    }

    pub(crate) fn header_size(&self) -> u32 {
        self.header.len() as u32
    }

    const fn digest(&self) -> DigestKind {
        self.context.geometry().digest()
    }

    /// Sums of sealing the stream, whose output begins with its header.
    pub(crate) fn tally(&self) -> Tally {
        Tally::sealing(&self.header, self.digest())
    }

    /// Bytes of the entries in the end record.
    fn extensions_size(&self) -> usize {
        let sender = self.signer.as_ref().map_or(0, StreamSigner::entry_size);
        self.end_extensions.len() + sender
    }

    /// Bytes of the whole stream.
    pub(crate) fn sealed_size(&self, plaintext_size: u64) -> u64 {
        total_size(
            self.context.geometry(),
            (u64::from(self.header_size()), self.header_copy),
            self.extensions_size(),
            plaintext_size,
        )
    }

    /// Bytes of the [`end`](Self::end) of a stream with this many segments.
    pub(crate) fn end_size(&self, segments: u64) -> u64 {
        let copy = if self.header_copy { self.header.len() } else { 0 };
        end_record_size(self.digest(), segments, self.extensions_size() as u64) + (copy + FOOTER_SIZE) as u64
    }

    /// End record, copy of the header and footer of the stream whose segments `tally` counted; adds them to its output.
    ///
    /// # Errors
    /// `Segment` if a segment is missing; `SigningFailed`, and `Cancelled` while a signer is asked.
    pub(crate) fn end(&self, tally: &mut Tally, cancel: &CancellationToken) -> Result<Vec<u8>, SealError> {
        tally.check_complete()?;
        let mut record = EndRecord {
            plaintext_total: tally.plaintext_size(),
            extensions: self.end_extensions.clone(),
            entries: tally.take_manifest(self.digest()),
        };
        if let Some(signer) = &self.signer {
            signer.sign(&self.binding, &mut record, cancel)?;
        }
        let mut end = record.encode(|bytes| self.end_key.sign(bytes));
        let size = end.len() as u64;
        Footer::append(&mut end, size, self.header_copy.then_some(&self.header));
        tally.add_output(&end);
        Ok(end)
    }

    /// Report of sealing the whole stream on `threads` threads. `tally` has counted its end too.
    pub(crate) fn report(&self, tally: &Tally, threads: usize, start: Instant) -> Report {
        Report {
            sender: self.signer.as_ref().map(StreamSigner::status),
            ..tally.report(self.stream_id, tally.output_size(), threads, start)
        }
    }
}

/// The entries of the end record of a stream with these options.
fn end_extensions(
    options: &EncryptOptions<'_>,
    end_key: &EndKey,
    random: &Random,
) -> Result<Vec<u8>, SealError> {
    let mut entries = Vec::new();
    if let Some(metadata) = &options.metadata {
        let sealed = end_key.seal_entry(END_METADATA, &metadata.encode(), random)?;
        append_extension(&mut entries, END_METADATA, &sealed);
    }
    Ok(entries)
}

/// What signs a stream with these options, if anything does.
pub(crate) fn find_signer(options: &EncryptOptions<'_>) -> Result<Option<StreamSigner>, SealError> {
    options.sender.as_ref().map(StreamSigner::find).transpose()
}

/// The core extensions of a stream that is signed by `signer`.
pub(crate) fn core_extensions(signer: Option<&StreamSigner>) -> Vec<u8> {
    signer.map(StreamSigner::core_extensions).unwrap_or_default()
}

/// What signs a stream with these options. Asks a signer only if its key is not known.
fn named_signer(options: &EncryptOptions<'_>) -> Result<Option<StreamSigner>, SealError> {
    options.sender.as_ref().map(StreamSigner::named).transpose()
}

/// Bytes of the header of a stream with these options, without padding.
pub(crate) fn unpadded_header_size(options: &EncryptOptions<'_>) -> Result<usize, SealError> {
    let core_extensions = core_extensions(named_signer(options)?.as_ref());
    Ok(compact_header_size(&options.recipients) + core_extensions.len())
}

/// Bytes of the sealed stream of `plaintext_size` bytes, with header and end.
///
/// # Errors
/// `InvalidOption`.
pub fn sealed_size(plaintext_size: u64, options: &EncryptOptions<'_>) -> Result<u64, SealError> {
    let geometry = options.geometry(Some(plaintext_size))?;
    let signer = named_signer(options)?;
    let header = unpadded_header_size(options)? as u64;
    let header = header.max(u64::from(options.header.padded_size(Some(plaintext_size))));
    let metadata = options.metadata.as_ref().map_or(0, |metadata| {
        extension_size(sealed_extension_size(metadata.encode().len()))
    });
    Ok(total_size(
        &geometry,
        (header, options.header.copy),
        metadata + signer.as_ref().map_or(0, StreamSigner::entry_size),
        plaintext_size,
    ))
}
