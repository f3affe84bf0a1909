use super::*;
use crate::crypto::FrameIv;

fn frame(is_final: bool, content: &[u8]) -> Vec<u8> {
    let mut slot = vec![0; content.len() + 32];
    content_mut(&mut slot).copy_from_slice(content);
    let header = FrameHeader {
        is_final,
        encrypted_size: slot.len() as u32,
        iv: FrameIv::from_wire([7; 12]),
    };
    write_frame(&mut slot, &header, &[9; 16]);
    slot
}

#[test]
fn a_frame_has_the_layout_of_floe() {
    assert_eq!(
        frame(false, b"ab"),
        [&[0xff; 4][..], &[7; 12], b"ab", &[9; 16]].concat()
    );
    assert_eq!(
        frame(true, b""),
        [&[0, 0, 0, 32][..], &[7; 12], &[9; 16]].concat()
    );
}

#[test]
fn a_written_frame_splits_into_its_parts() {
    for is_final in [false, true] {
        let mut slot = frame(is_final, b"content");
        let record = split_frame(&mut slot, is_final).unwrap();
        assert_eq!(
            (&*record.content, record.tag, record.header.iv),
            (&b"content"[..], [9; 16], FrameIv::from_wire([7; 12]))
        );
    }
}

#[test]
fn a_length_field_that_disagrees_is_refused() {
    let other_finality = split_frame(&mut frame(false, b"x"), true).unwrap_err();
    assert_eq!(
        other_finality,
        FrameError::LengthField {
            expected: 33,
            actual: u32::MAX
        }
    );
    let shorter = split_frame(&mut frame(true, b"xy")[..33], true).unwrap_err();
    assert_eq!(
        shorter,
        FrameError::LengthField {
            expected: 33,
            actual: 34
        }
    );
}

#[test]
fn fewer_bytes_than_an_empty_frame_are_refused() {
    for size in 0..32 {
        let refused = split_frame(&mut vec![0; size], true).unwrap_err();
        assert_eq!(
            refused,
            FrameError::Size {
                expected: 32,
                actual: size as u64
            }
        );
        assert!(content_mut(&mut vec![0; size]).is_empty());
    }
}
