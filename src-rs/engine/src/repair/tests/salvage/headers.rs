//! Salvage with a given header, and with headers found in the source.

use super::damaged_stream::SEGMENT;
use super::{SIZE, lost, rewrappable, salvage_bytes, salvage_with, seal_for};
use crate::crypto::SecretKey;
use crate::error::{Limit, SealError};
use crate::format::ByteRange;
use crate::keys::Identity;
use crate::operation::options::{Control, DecryptOptions};
use crate::repair::salvage::{HeaderOrigin, LossCause, Outcome, SalvageOptions};
use crate::testing::support::{plaintext, reading};

#[test]
fn the_header_is_found_at_any_of_its_places() {
    let origin = |bytes: &[u8], given: Option<&[u8]>| {
        let options = SalvageOptions {
            header: given,
            ..SalvageOptions::new(reading())
        };
        let (output, map) = salvage_with(&bytes, &options, &Control::serial()).unwrap();
        assert_eq!(output, plaintext(SIZE as u64));
        assert_eq!(map.outcome, Outcome::Whole);
        (map.header.origin, map.header.offset.map(|at| at.get()))
    };
    let sound = rewrappable(true);
    let header = sound.header.bytes.clone();
    assert_eq!(origin(&sound.bytes, None), (HeaderOrigin::Start, Some(0)));
    assert_eq!(origin(&sound.bytes, Some(&header)), (HeaderOrigin::Given, None));
    let mut damaged = rewrappable(true);
    damaged.fill(0..4096, || 0);
    assert_eq!(origin(&damaged.bytes, None), (HeaderOrigin::Copy, None));
    assert_eq!(origin(&damaged.bytes, Some(&header)), (HeaderOrigin::Given, None));
    // With bytes after the footer, only the magic bytes lead to the copy.
    damaged.garbage(damaged.bytes.len(), 100, &mut 1);
    let copy_at = damaged.sealed.len() as u64 - 24 - 4096;
    assert_eq!(origin(&damaged.bytes, None), (HeaderOrigin::Scan, Some(copy_at)));
    let mut shifted = rewrappable(true);
    shifted.garbage(0, 777, &mut 2);
    shifted.remove(shifted.bytes.len() - 3000..shifted.bytes.len());
    assert_eq!(origin(&shifted.bytes, None), (HeaderOrigin::Scan, Some(777)));
    // A given header of another stream is not used.
    let foreign = seal_for([9; 32]);
    assert_eq!(
        origin(&sound.bytes, Some(&foreign[..sound.header.bytes.len()])),
        (HeaderOrigin::Start, Some(0))
    );
    // Nor is one that the same key unlocks.
    let sibling = seal_for(std::array::from_fn(|i| i as u8));
    assert_eq!(
        origin(&sound.bytes, Some(&sibling[..sound.header.bytes.len()])),
        (HeaderOrigin::Start, Some(0))
    );
}

#[test]
fn a_given_header_that_is_not_a_header_is_refused() {
    let options = SalvageOptions {
        header: Some(b"no header at all"),
        ..SalvageOptions::new(reading())
    };
    let source = rewrappable(true).bytes;
    let failure = salvage_with(&&source[..], &options, &Control::serial()).unwrap_err();
    assert!(
        matches!(&failure, SealError::InvalidOption { option, .. } if option == "header"),
        "{failure}"
    );
}

#[test]
fn a_lost_first_segment_has_its_range_even_if_only_the_header_copy_is_found() {
    let mut damaged = rewrappable(true);
    let record = damaged.record(0);
    damaged.fill(0..record.end, || 0);
    damaged.garbage(damaged.bytes.len(), 100, &mut 1);
    let (_, map) = salvage_bytes(&damaged.bytes).unwrap();
    assert_eq!(map.header.origin, HeaderOrigin::Scan);
    assert_eq!(lost(&map), [(0, SEGMENT as u64, LossCause::Missing)]);
    let sealed = ByteRange {
        start: record.start as u64,
        end: record.end as u64,
    };
    assert_eq!(map.lost.ranges[0].sealed, Some(sealed));
}

#[test]
fn without_a_header_that_unlocks_the_first_failure_is_returned() {
    let mut damaged = rewrappable(true);
    let other = DecryptOptions::new(vec![Identity::Key(SecretKey::from_bytes(&[9; 32]).unwrap())]);
    let failure = |bytes: &[u8], open: DecryptOptions<'static>| {
        salvage_with(&bytes, &SalvageOptions::new(open), &Control::serial()).unwrap_err()
    };
    assert!(matches!(
        failure(&damaged.bytes, other.clone()),
        SealError::NoMatchingKey { .. }
    ));
    assert!(matches!(
        failure(&damaged.bytes, reading().with_context(b"another")),
        SealError::ContextMismatch { supplied: 7 }
    ));
    let small = DecryptOptions {
        max_segment_size: 1024,
        ..reading()
    };
    assert!(matches!(
        failure(&damaged.bytes, small),
        SealError::LimitExceeded {
            limit: Limit::SegmentSize,
            ..
        }
    ));
    // The failure to unlock says more than the failure to read the first bytes.
    damaged.garbage(0, 10, &mut 3);
    assert!(matches!(
        failure(&damaged.bytes, other),
        SealError::NoMatchingKey { .. }
    ));
    assert!(matches!(
        failure(b"no sealed stream", reading()),
        SealError::NotSealed { looks_like: None }
    ));
    assert!(matches!(
        failure(b"", reading()),
        SealError::NotSealed { .. } | SealError::Truncated { .. }
    ));
}
