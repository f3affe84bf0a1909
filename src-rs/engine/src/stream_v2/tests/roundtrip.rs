//! Sealed streams open again on every path.

use crate::crypto::Crc64;
use crate::error::SealError;
use crate::format::{DigestKind, SlotType};
use crate::operation::options::{Control, EncryptOptions, HeaderLayout};
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::io::{InputSource, OutputSink};
use crate::stream_v2::sealed_size;
use crate::testing::support::{
    ENDS, End, FRAME, SEGMENT, control, fresh, open_by, options, plaintext, reading, seal_by,
};

const LAYOUTS: [HeaderLayout; 2] = [HeaderLayout::COMPACT, HeaderLayout::PADDED];

/// One more and one less than every edge, and enough segments to fill every window.
const SIZES: [u64; 14] = [
    0,
    1,
    FRAME - 1,
    FRAME,
    FRAME + 1,
    SEGMENT - 1,
    SEGMENT,
    SEGMENT + 1,
    SEGMENT + FRAME,
    2 * SEGMENT - 1,
    2 * SEGMENT,
    2 * SEGMENT + 1,
    7 * SEGMENT + 3,
    40 * SEGMENT + FRAME + 1,
];

/// Seals and opens on all four combinations of paths and checks every number that is reported.
fn check(size: u64, options: &EncryptOptions<'_>, control: &Control<'_>) {
    let plaintext = plaintext(size);
    let segments = size
        .div_ceil(u64::from(options.geometry(None).unwrap().segment_size()))
        .max(1);
    let frames = size.div_ceil(u64::from(options.frame_size)).max(1);
    for from in ENDS {
        for to in ENDS {
            let (stream, sealing) = seal_by((from, to), &plaintext, options, control);
            let what = format!(
                "{size} bytes, {}, {:?}, {from:?} to {to:?}",
                options.digest, options.header
            );
            assert_eq!(stream.len() as u64, sealed_size(size, options).unwrap(), "{what}");
            assert_eq!(
                (sealing.sealed_size, sealing.plaintext_size),
                (stream.len() as u64, size),
                "{what}"
            );
            assert_eq!((sealing.segments, sealing.frames), (segments, frames), "{what}");
            assert_eq!(sealing.output_crc64, Crc64::of(&stream), "{what}");
            assert_eq!(
                (sealing.opened_by, sealing.threads),
                (None, control.threads.count())
            );
            for back in ENDS {
                let (opened, opening) = open_by((to, back), &stream, &reading(), control);
                let opening = opening.unwrap_or_else(|failure| panic!("{what}, to {back:?}: {failure}"));
                assert!(opened == plaintext, "{what}, to {back:?}");
                assert_eq!(
                    (opening.sealed_size, opening.plaintext_size),
                    (stream.len() as u64, size),
                    "{what}"
                );
                assert_eq!((opening.segments, opening.frames), (segments, frames), "{what}");
                assert_eq!(opening.output_crc64, Crc64::of(&plaintext), "{what}");
                assert_eq!(opening.stream_id, sealing.stream_id);
                let by = opening.opened_by.unwrap();
                assert_eq!((by.slot_index, by.slot_type), (0, SlotType::Key));
                assert!(!opening.header_from_copy && !opening.header_copy_damaged);
            }
        }
    }
}

#[test]
fn every_size_opens_on_every_path_with_every_digest_on_one_thread() {
    for digest in DigestKind::ALL {
        for header in LAYOUTS {
            for size in SIZES {
                check(size, &options(digest, header), &Control::serial());
            }
        }
    }
}

#[test]
fn every_size_opens_on_every_path_on_two_and_sixteen_threads() {
    for threads in [2, 16] {
        let control = control(threads);
        for digest in DigestKind::ALL {
            for size in SIZES {
                check(size, &options(digest, HeaderLayout::COMPACT), &control);
            }
        }
    }
}

#[test]
fn the_frames_of_a_lone_segment_are_split_over_the_threads() {
    let mut options = options(DigestKind::Blake3, HeaderLayout::COMPACT);
    options.segment_size = Some(1024 * FRAME as u32);
    for threads in [2, 16] {
        let control = control(threads);
        for size in [FRAME + 1, 700 * FRAME + 1, 1024 * FRAME, 1024 * FRAME + 1] {
            check(size, &options, &control);
        }
    }
}

#[test]
fn frames_larger_than_a_workers_portion_open() {
    let mut options = options(DigestKind::Crc64Nvme, HeaderLayout::COMPACT);
    options.frame_size = 1024 * 1024;
    options.segment_size = Some(2 * 1024 * 1024);
    for threads in [1, 2] {
        check(3 * 1024 * 1024 + 17, &options, &control(threads));
    }
}

#[test]
fn the_default_sizes_open() {
    let mut options = options(DigestKind::default(), HeaderLayout::PADDED);
    options.frame_size = crate::format::DEFAULT_FRAME_SIZE;
    options.segment_size = None;
    check(2 * 1024 * 1024 + 65_537, &options, &control(2));
}

#[test]
fn known_random_bytes_give_the_same_stream_by_offset_and_in_order() {
    for digest in DigestKind::ALL {
        for size in SIZES {
            let seal = |ends| {
                let options = options(digest, HeaderLayout::PADDED);
                seal_by(ends, &plaintext(size), &options, &Control::serial()).0
            };
            let by_offset = seal((End::ByOffset, End::ByOffset));
            assert!(
                by_offset == seal((End::ByOffset, End::InOrder)),
                "{size} bytes, {digest}"
            );
            // A source in order has no size to state: nothing else may differ in length.
            let unsized_stream = seal((End::InOrder, End::ByOffset));
            assert!(
                unsized_stream == seal((End::InOrder, End::InOrder)),
                "{size} bytes, {digest}"
            );
            assert_eq!(by_offset.len(), unsized_stream.len());
        }
    }
}

#[test]
fn two_sealings_of_one_plaintext_have_nothing_in_common() {
    let options = options(DigestKind::Crc64Nvme, HeaderLayout::COMPACT);
    let seal = || {
        let mut sealed = Vec::new();
        let (from, to) = (InputSource::memory(b"the same"), OutputSink::writer(&mut sealed));
        encrypt_stream_v2(from, to, &options, &Control::serial()).unwrap();
        sealed
    };
    let (a, b) = (seal(), seal());
    assert_ne!(a[32..64], b[32..64], "stream ids");
    assert_ne!(a[72..104], b[72..104], "context checks");
    let frame = a.len() - 24 - 116 - 8 - 16 - 8;
    assert_ne!(a[frame..frame + 8], b[frame..frame + 8], "ciphertexts");
}

#[test]
fn a_memory_sink_holds_exactly_what_fits_and_refuses_less() {
    let options = options(DigestKind::Sha256, HeaderLayout::COMPACT);
    for size in [0, 1, SEGMENT, 3 * SEGMENT + 5] {
        let plaintext = plaintext(size);
        let needed = sealed_size(size, &options).unwrap();
        for threads in [1, 2] {
            let control = control(threads);
            let mut sealed = vec![0; needed as usize];
            let source = || InputSource::memory(&plaintext);
            encrypt_stream_v2(source(), OutputSink::Memory(&mut sealed), &options, &control).unwrap();
            let mut short = vec![0; needed as usize - 1];
            let refused = encrypt_stream_v2(
                source(),
                OutputSink::Memory(&mut short),
                &options,
                &fresh(&control),
            );
            assert_eq!(
                refused.unwrap_err(),
                SealError::OutputTooSmall {
                    available: needed - 1,
                    needed
                }
            );

            // Room beyond the plaintext stays as it was.
            let mut opened = vec![0xee; size as usize + 3];
            let stream = || InputSource::memory(&sealed);
            decrypt_stream_v2(stream(), OutputSink::Memory(&mut opened), &reading(), &control).unwrap();
            assert_eq!(opened, [&plaintext[..], &[0xee; 3]].concat());
            if size > 0 {
                let mut short = vec![0; size as usize - 1];
                let refused =
                    decrypt_stream_v2(stream(), OutputSink::Memory(&mut short), &reading(), &control);
                let due = SealError::OutputTooSmall {
                    available: size - 1,
                    needed: size,
                };
                assert_eq!(refused.unwrap_err(), due);
            }
        }
    }
}

#[test]
fn sixty_four_recipients_open_one_stream_each_with_its_own_key() {
    use crate::crypto::SecretKey;
    use crate::keys::{Identity, Recipient};
    use crate::operation::options::DecryptOptions;
    let keys: Vec<_> = (0..64)
        .map(|i| SecretKey::from_bytes(&[i; 32]).unwrap())
        .collect();
    let recipients: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(i, key)| Recipient::Key {
            key: key.clone(),
            id: format!("key {i}"),
        })
        .collect();
    let options = EncryptOptions {
        recipients,
        ..options(DigestKind::None, HeaderLayout::FILE)
    };
    let stream = seal_by(
        (End::ByOffset, End::InOrder),
        b"shared",
        &options,
        &Control::serial(),
    )
    .0;
    assert_eq!(stream.len() as u64, sealed_size(6, &options).unwrap());
    for (slot, key) in keys.iter().enumerate() {
        let stranger = SecretKey::from_bytes(&[0xff; 32]).unwrap();
        let identities = vec![Identity::Key(stranger), Identity::Key(key.clone())];
        let ends = (End::ByOffset, End::InOrder);
        let (opened, report) = open_by(
            ends,
            &stream,
            &DecryptOptions::new(identities),
            &Control::serial(),
        );
        let by = report.unwrap().opened_by.unwrap();
        assert_eq!((by.slot_index, by.slot_type), (slot as u32, SlotType::Key));
        assert_eq!(by.key_id, Some(format!("key {slot}")));
        assert_eq!(opened, b"shared");
    }
}

#[test]
fn options_outside_the_format_are_refused_by_name() {
    use crate::crypto::SecretKey;
    use crate::keys::Recipient;
    let good = || options(DigestKind::None, HeaderLayout::COMPACT);
    let recipient = |id: &str| Recipient::Key {
        key: SecretKey::from_bytes(&[1; 32]).unwrap(),
        id: id.into(),
    };
    let context = vec![0; 64 * 1024 + 1];
    let refused = |options: EncryptOptions<'_>| {
        let (from, to) = (InputSource::memory(b""), OutputSink::writer(std::io::sink()));
        match encrypt_stream_v2(from, to, &options, &Control::serial()).unwrap_err() {
            SealError::InvalidOption { option, .. } => option,
            other => panic!("{other}"),
        }
    };
    assert_eq!(
        refused(EncryptOptions {
            recipients: vec![],
            ..good()
        }),
        "recipients"
    );
    assert_eq!(
        refused(EncryptOptions {
            recipients: vec![recipient(""); 65],
            ..good()
        }),
        "recipients"
    );
    assert_eq!(
        refused(EncryptOptions {
            recipients: vec![recipient(&"x".repeat(256))],
            ..good()
        }),
        "keyId"
    );
    assert_eq!(
        refused(EncryptOptions {
            frame_size: 1023,
            ..good()
        }),
        "frameSize"
    );
    assert_eq!(
        refused(EncryptOptions {
            segment_size: Some(1025),
            ..good()
        }),
        "segmentSize"
    );
    assert_eq!(refused(good().with_context(&context)), "context");
    let mut sealed = Vec::new();
    let longest = EncryptOptions {
        recipients: vec![recipient(&"x".repeat(255))],
        ..good()
    };
    let longest = longest.with_context(&context[1..]);
    encrypt_stream_v2(
        InputSource::memory(b""),
        OutputSink::writer(&mut sealed),
        &longest,
        &Control::serial(),
    )
    .unwrap();
}
