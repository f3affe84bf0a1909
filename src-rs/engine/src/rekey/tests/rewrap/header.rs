//! Headers that are kept apart from their body.

use super::*;
use crate::operation::cancel::CancellationToken;
use crate::rekey::rewrap::rewrap_header;

/// The header of a stream, and the rest.
fn split(stream: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let header = StreamHeader::parse(stream).unwrap();
    let (header, body) = stream.split_at(header.bytes.len());
    (header.to_vec(), body.to_vec())
}

fn change(header: &[u8], change: &SlotChange) -> Result<Vec<u8>, SealError> {
    rewrap_header(header, change, &reading(identity(1)), &CancellationToken::new())
}

fn invalid_option(result: Result<Vec<u8>, SealError>) -> (String, String) {
    match result.unwrap_err() {
        SealError::InvalidOption { option, problem } => (option, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_header_alone_is_changed_as_that_of_a_file() {
    let compact = EncryptOptions {
        recipients: vec![recipient(1)],
        ..compact()
    };
    for stream in [
        seal(&plaintext(PLAIN_SIZE), &compact),
        sealed_for(vec![recipient(1)]),
    ] {
        let (header, body) = split(&stream);
        let changed = change(&header, &hand_over(2)).unwrap();
        let parsed = StreamHeader::parse(&changed).unwrap();
        assert_eq!(parsed.revision, 1);
        let (info, slots) = (
            crate::inspect::inspect_slots(&changed.as_slice()).unwrap(),
            parsed.slots.len(),
        );
        assert_eq!((info[0].key_id.as_deref(), slots), (Some("2"), 1));
        let joined = [changed, body].concat();
        assert!(opens(&joined, 2));
        assert!(!opens(&joined, 1));
        assert!(opens(&stream, 1), "the former header still opens the body");
    }
}

#[test]
fn a_header_keeps_its_size_if_the_body_has_a_copy_of_it() {
    let (header, body) = split(&sealed_for(vec![recipient(1)]));
    let few = edit((2..20).map(recipient).collect(), Vec::new());
    let changed = change(&header, &few).unwrap();
    assert_eq!(changed.len(), header.len());
    assert!(opens(&[changed, body].concat(), 19));
    let many = edit((2..50).map(recipient).collect(), Vec::new());
    let (option, problem) = invalid_option(change(&header, &many));
    assert_eq!(option, "add");
    assert!(problem.contains("attach the header"), "{problem}");
    // Without a copy it may grow.
    let compact = EncryptOptions {
        recipients: vec![recipient(1)],
        ..compact()
    };
    let (header, body) = split(&seal(&plaintext(PLAIN_SIZE), &compact));
    let changed = change(&header, &many).unwrap();
    assert!(opens(&[changed, body].concat(), 49));
}

#[test]
fn bytes_that_are_not_exactly_a_header_are_refused() {
    let stream = sealed_for(vec![recipient(1)]);
    let (header, _) = split(&stream);
    for bytes in [&stream[..], &header[..header.len() - 1], &[], b"no header"] {
        let (option, _) = invalid_option(change(bytes, &hand_over(2)));
        assert_eq!(option, "header");
    }
    let mut tampered = header.clone();
    tampered[70] ^= 1;
    assert!(change(&tampered, &hand_over(2)).is_err());
    let stranger = rewrap_header(
        &header,
        &hand_over(2),
        &reading(identity(9)),
        &CancellationToken::new(),
    );
    assert!(matches!(stranger, Err(SealError::NoMatchingKey { .. })));
}
