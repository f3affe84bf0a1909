//! Rows about the stream's header: fields, checksum, key slots, MAC and context.

use super::{Case, rows, tiny};
use crate::format::{
    DigestKind, HybridSlot, KeySlot, PassphraseCost, PassphraseSlot, ProviderSlot, RawKeySlot, SlotType,
    X25519Slot,
};
use crate::operation::options::HeaderLayout;
use crate::testing::failure_data::{FailureData, failure_data};
use crate::testing::stream_parts::{StreamParts, header_mac_at};
use crate::testing::support::{options, plaintext, seal};

rows! {
    a_file_that_is_no_sealed_stream: "A text file." => {
        Case::refused(b"Dear diary, today nothing was sealed.\n".to_vec(), failure_data("NotSealed"))
    };
    a_wrong_magic: "The first byte is another." => {
        let refused = failure_data("NotSealed").with("looks_like", "DamagedMagic");
        Case::refused(StreamParts::changed(&tiny(), |parts| parts.header[0] = 0x88), refused)
    };
    a_transfer_in_text_mode: "The line end in the magic is LF alone." => {
        let refused = failure_data("NotSealed").with("looks_like", "TextMode");
        Case::refused(StreamParts::changed(&tiny(), |parts| { parts.header.remove(5); }), refused)
    };
    another_version: "Version 2." => with_byte(8, 2, "Version", 8);
    another_suite: "Cipher suite 2." => with_byte(9, 2, "Suite", 9);
    an_unknown_digest: "Digest 5." => with_byte(10, 5, "Digest", 10);
    compression_zstd: "Compression 1, which is zstd and which this release does not write or read." => {
        with_byte(11, 1, "Compression", 11)
    };
    an_unknown_compression: "Compression 2." => with_byte(11, 2, "Compression", 11);
    a_frame_size_out_of_range: "A frame size of 0." => with_bytes(12, &0u32.to_be_bytes(), "FrameSize", 12);
    a_segment_size_that_is_no_multiple: "A segment size of one more than a multiple of the frame size." => {
        with_bytes(16, &2049u32.to_be_bytes(), "SegmentSize", 16)
    };
    reserved_flags: "Flag bit 1 is set." => with_byte(23, 2, "Flags", 20);
    a_plaintext_size_out_of_range: "A plaintext size of 2^63." => {
        with_bytes(24, &(1u64 << 63).to_be_bytes(), "PlaintextSize", 24)
    };
    a_header_size_too_small: "A header size of 163, one less than the smallest header." => {
        with_bytes(64, &163u32.to_be_bytes(), "HeaderSize", 64)
    };
    a_header_size_too_large: "A header size of 1 MiB and one." => {
        with_bytes(64, &1_048_577u32.to_be_bytes(), "HeaderSize", 64)
    };
    no_slots: "A slot count of 0." => with_byte(71, 0, "SlotCount", 70);
    too_many_slots: "A slot count of 65." => with_byte(71, 65, "SlotCount", 70);
    an_unknown_critical_core_extension: "A core extension of the unknown type 0x8001, which is critical." => {
        rewritten(field("CoreExtensions", 108), |draft| draft.core_extensions = entry(0x8001, b"?"))
    };
    a_core_extension_past_the_end: "A core extension that is longer than its area." => {
        rewritten(field("CoreExtensions", 108), |draft| draft.core_extensions = vec![0, 1, 0, 0, 0, 9, 1])
    };
    core_extensions_past_the_header: "A size of the core extensions that is larger than the header." => {
        with_bytes(104, &5000u32.to_be_bytes(), "CoreExtensions", 104)
    };
    an_unknown_critical_header_extension: "A header extension of the unknown type 0xffff, which is critical." => {
        rewritten(field("HeaderExtensions", 112), |draft| draft.header_extensions = entry(0xffff, b""))
    };
    a_header_extension_cut_short: "A header extension of three bytes, fewer than a type and a length." => {
        rewritten(field("HeaderExtensions", 112), |draft| draft.header_extensions = vec![0, 1, 0])
    };
    two_core_extensions_of_one_type: "Two core extensions of the type 7." => {
        let twice = [entry(7, b"a"), entry(7, b"a")].concat();
        rewritten(field("CoreExtensions", 115), |draft| draft.core_extensions = twice)
    };
    two_header_extensions_of_one_type: "Two header extensions of the sealed type 0x4007, with another between them." => {
        let twice = [entry(0x4007, b"a"), entry(8, b""), entry(0x4007, b"b")].concat();
        rewritten(field("HeaderExtensions", 125), |draft| draft.header_extensions = twice)
    };
    an_unknown_critical_slot: "A key slot of the unknown type 0x8006, which is critical, behind one that opens." => {
        let slot = RawKeySlot { slot_type: SlotType::Unknown(0x8006), body: vec![1, 2, 3] };
        let second = 112 + StreamParts::of(&tiny()).parsed_header().slots[0].wire_size() as u64;
        rewritten(field("Slots", second), |draft| draft.slots.push(slot))
    };
    a_malformed_key_slot: "A key slot whose id is longer than the slot." => {
        rewritten(field("Slots", 112), |draft| draft.slots[0].body[0] = 200)
    };
    a_malformed_passphrase_slot: "A passphrase slot of no passes over its memory, which Argon2 does not have." => {
        malformed(0, |slot| slot.body[36..40].fill(0))
    };
    a_malformed_x25519_slot: "An X25519 slot that is a byte too short." => {
        malformed(1, |slot| slot.body.truncate(79))
    };
    a_malformed_provider_slot: "A slot of a provider whose blob is longer than the slot." => {
        malformed(2, |slot| slot.body[15] = 1)
    };
    a_malformed_hybrid_slot: "A hybrid slot that is a byte too long." => {
        malformed(3, |slot| slot.body.push(0))
    };
    a_slot_past_the_header: "A key slot that is longer than the header." => {
        with_bytes(114, &70_000u32.to_be_bytes(), "Slots", 112)
    };
    five_passphrase_slots: "Five passphrase slots, one more than a header may have." => {
        let slot = slots_of_other_types().swap_remove(0);
        rewritten(field("Slots", 104), |draft| draft.slots.extend(vec![slot; 5]))
    };
    padding_that_is_not_zero: "A byte of the padding is 1." => {
        let stream = seal(&plaintext(5), &options(DigestKind::None, HeaderLayout::PADDED));
        let at = header_mac_at(&StreamParts::of(&stream).header) - 1;
        let stream = StreamParts::changed(&stream, |parts| {
            parts.header[at] = 1;
            parts.mend_header_checksum();
        });
        Case::refused(stream, field("Padding", at as u64))
    };
    a_damaged_header: "A bit of the stream id is flipped." => {
        let mut stream = tiny();
        stream[40] ^= 1;
        let checksum = StreamParts::of(&tiny()).header.len() as u64 - 4;
        Case::refused(stream, failure_data("HeaderDamaged").at(checksum))
    };
    another_key: "Opened with a key that the stream was not sealed for." => {
        Case { other_key: Some(9), ..Case::refused(tiny(), no_slot_opens()) }
    };
    only_slots_of_other_types: "All key slots are of types that a key does not open." => {
        let slots = "a passphrase; an X25519 key; key \"keys/7\" of \"vault\"; a post-quantum hybrid key; \
                     unknown (77), which this release can't open";
        rewritten(failure_data("NoMatchingKey").with("slots", slots), |draft| draft.slots = slots_of_other_types())
    };
    a_changed_header_extension: "A header extension was added by someone without a key, who mended the checksum." => {
        rewritten(failure_data("HeaderTampered"), |draft| draft.header_extensions = entry(1, b"hello"))
    };
    a_changed_revision: "The revision was raised by someone without a key, who mended the checksum." => {
        rewritten(failure_data("HeaderTampered"), |draft| draft.revision = 9)
    };
    a_changed_context_check: "The context check was changed by someone without a key, who mended the checksum." => {
        rewritten(no_slot_opens(), |draft| draft.context_check[5] ^= 1)
    };
    a_slot_that_was_added: "A slot was added by someone without a key, who mended the checksum." => {
        let slot = KeySlot { id: "intruder".into(), salt: [1; 32], wrap: [2; 80] }.to_raw();
        rewritten(failure_data("HeaderTampered"), |draft| draft.slots.push(slot))
    };
    a_wrapped_key_that_was_changed: "A slot's commitment is right and its wrapped file key was changed." => {
        rewritten(failure_data("HeaderTampered"), |draft| draft.slots[0].body[40] ^= 1)
    };
    a_key_id_that_was_changed: "A slot's key id was changed." => {
        rewritten(failure_data("HeaderTampered"), |draft| draft.slots[0].body[1] = b'T')
    };
    a_core_that_was_changed: "The digest kind was changed by someone without a key, who mended the checksum." => {
        let stream = StreamParts::changed(&tiny(), |parts| {
            parts.header[10] = 4;
            parts.mend_header_checksum();
        });
        Case::refused(stream, no_slot_opens())
    };
    a_core_extension_that_was_added: "A core extension was added by someone without a key, who mended the checksum." => {
        rewritten(no_slot_opens(), |draft| draft.core_extensions = entry(1, b"hello"))
    };
    a_slot_in_a_header_with_another_context: "A recipient, who has the file key, put another context under the slots of this one." => {
        let (keys, other) = StreamParts::of(&tiny()).keys_for(b"tenant=8");
        let stream = StreamParts::changed(&tiny(), |parts| {
            parts.rewrite_header(Some(&keys), |draft| draft.context_check = other);
        });
        Case { context: b"tenant=8", ..Case::refused(stream, no_slot_opens()) }
    };
    another_context: "Sealed without a context, opened with one." => {
        let refused = Case::refused(tiny(), failure_data("ContextMismatch"));
        Case { context: b"tenant=7", ..refused }
    };
    a_missing_context: "Sealed with a context, opened without." => {
        let stream = seal(&plaintext(5), &super::crc64().with_context(b"tenant=7"));
        Case::refused(stream, failure_data("ContextMismatch"))
    };
    a_segment_size_over_the_limit: "A segment size of 2,048 for a reader that allows 2,047." => {
        let refused = Case::refused(tiny(), failure_data("LimitExceeded").with("limit", "SegmentSize"));
        Case { max_segment_size: Some(2047), ..refused }
    };
}

fn field(field: &'static str, offset: u64) -> FailureData {
    failure_data("HeaderError").at(offset).with("field", field)
}

/// A stream with other bytes in its header, whose checksum is mended.
fn with_bytes(at: usize, bytes: &[u8], name: &'static str, offset: u64) -> Case {
    let stream = StreamParts::changed(&tiny(), |parts| {
        parts.header[at..at + bytes.len()].copy_from_slice(bytes);
        parts.mend_header_checksum();
    });
    Case::refused(stream, field(name, offset))
}

fn with_byte(at: usize, byte: u8, name: &'static str, offset: u64) -> Case {
    with_bytes(at, &[byte], name, offset)
}

/// A stream whose header an attacker without a key rewrote.
fn rewritten(due: FailureData, change: impl FnOnce(&mut crate::format::HeaderFields)) -> Case {
    Case::refused(
        StreamParts::changed(&tiny(), |parts| parts.rewrite_header(None, change)),
        due,
    )
}

/// The failure of a stream whose only slot, for the tests' key, does not open.
fn no_slot_opens() -> FailureData {
    failure_data("NoMatchingKey").with("slots", "key \"test\"")
}

/// A stream whose only slot is one of another type, which does not have the layout of its type.
fn malformed(which: usize, change: impl FnOnce(&mut RawKeySlot)) -> Case {
    let mut slot = slots_of_other_types().swap_remove(which);
    change(&mut slot);
    rewritten(field("Slots", 112), |draft| draft.slots = vec![slot])
}

/// An extension entry.
pub(crate) fn entry(kind: u16, value: &[u8]) -> Vec<u8> {
    [
        &kind.to_be_bytes()[..],
        &(value.len() as u32).to_be_bytes(),
        value,
    ]
    .concat()
}

/// One slot of each type that a key does not open.
pub(crate) fn slots_of_other_types() -> Vec<RawKeySlot> {
    let (salt, wrap) = ([3; 32], [3; 80]);
    vec![
        PassphraseSlot {
            salt,
            cost: PassphraseCost::default(),
            wrap,
        }
        .to_raw(),
        X25519Slot {
            encapsulated: [3; 32],
            sealed: [3; 48],
        }
        .to_raw(),
        ProviderSlot {
            name: "vault".into(),
            key_id: "keys/7".into(),
            blob: vec![3; 100],
            salt,
            wrap,
        }
        .to_raw(),
        HybridSlot {
            encapsulated: [3; 1120],
            sealed: [3; 48],
        }
        .to_raw(),
        RawKeySlot {
            slot_type: SlotType::Unknown(77),
            body: vec![3],
        },
    ]
}
