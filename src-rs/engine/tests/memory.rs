//! A size that a stream only claims does not cause allocation: memory follows the bytes that arrive.

use sealstream::format::{END_RECORD_FIXED_SIZE, Footer, end_record_size};
use sealstream::inspect::inspect;
use sealstream::operation::options::HeaderLayout;
use sealstream::random_access::RangeReader;
use sealstream::repair::heal::{HealOptions, heal};
use sealstream::repair::verify::{Sample, VerifyOptions, verify};
use sealstream::stream_v2::io::{InputSource, OutputSink, ReadAt, WriteAt};
use sealstream::{
    CancellationToken, Control, DecryptOptions, EncryptOptions, Identity, Recipient, SecretKey,
    decrypt_stream_v2, encrypt_stream_v2,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::IoSliceMut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The system's allocator, which also counts the bytes in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// One measurement at a time: all threads share the counters.
static MEASURING: Mutex<()> = Mutex::new(());

// SAFETY: every call goes to the system's allocator unchanged; only counters are added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let in_use = IN_USE.fetch_add(layout.size(), Ordering::SeqCst) + layout.size();
        PEAK.fetch_max(in_use, Ordering::SeqCst);
        // SAFETY: the caller's duties are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::SeqCst);
        // SAFETY: the caller's duties are the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Keeps the allocations of other tests out of the counters.
fn alone() -> MutexGuard<'static, ()> {
    MEASURING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Peak of the bytes that `work` allocated.
fn peak_of(work: impl FnOnce()) -> usize {
    let before = IN_USE.load(Ordering::SeqCst);
    PEAK.store(before, Ordering::SeqCst);
    work();
    PEAK.load(Ordering::SeqCst) - before
}

#[cfg(test)]
mod claims {
    use super::*;

    const MIB: usize = 1024 * 1024;
    /// Far less than any claimed size, and more than the test runner's own threads allocate.
    const SMALL: usize = 128 * 1024;

    fn key() -> SecretKey {
        SecretKey::from_bytes(&[1; 32]).unwrap()
    }

    fn options() -> EncryptOptions<'static> {
        EncryptOptions::new(vec![Recipient::Key {
            key: key(),
            id: String::new(),
        }])
    }

    /// Sealed from a reader, so that the header states no size.
    fn sealed(plaintext: &[u8], options: &EncryptOptions<'_>) -> Vec<u8> {
        let mut stream = Vec::new();
        let sink = OutputSink::writer(&mut stream);
        encrypt_stream_v2(InputSource::reader(plaintext), sink, options, &Control::serial()).unwrap();
        stream
    }

    /// The authentic header of a stream that states this length.
    fn header_that_claims(claim: u64, options: &EncryptOptions<'_>) -> Vec<u8> {
        /// A source that reports a wrong size.
        struct Claims(u64);
        impl ReadAt for Claims {
            fn size(&self) -> std::io::Result<u64> {
                Ok(self.0)
            }
            fn read_at(&self, _: u64, _: &mut [IoSliceMut<'_>]) -> std::io::Result<usize> {
                Ok(0)
            }
        }
        let mut stream = Vec::new();
        let source = InputSource::Positioned(Box::new(Claims(claim)));
        let sink = OutputSink::writer(&mut stream);
        encrypt_stream_v2(source, sink, options, &Control::serial()).unwrap_err();
        assert!(stream.len() > 200, "the header was written");
        stream
    }

    fn mend_checksum(bytes: &mut [u8]) {
        let (checked, stored) = bytes.split_last_chunk_mut::<4>().unwrap();
        *stored = crc_fast::crc32_iscsi(checked).to_be_bytes();
    }

    /// Asserts that opening `stream` by offset and in order fails with `code` and allocates at most `most` bytes.
    fn check(stream: &[u8], code: &str, most: usize) {
        check_each(stream, [code, code], most);
    }

    /// As [`check`], with a code for opening by offset and one for opening in order.
    fn check_each(stream: &[u8], codes: [&str; 2], most: usize) {
        let mut options = DecryptOptions::new(vec![Identity::Key(key())]);
        options.max_segment_size = 1024 * MIB as u32;
        for (by_offset, code) in [true, false].into_iter().zip(codes) {
            let peak = peak_of(|| {
                let source = if by_offset {
                    InputSource::memory(stream)
                } else {
                    InputSource::reader(stream)
                };
                let sink = OutputSink::writer(std::io::sink());
                let failure = decrypt_stream_v2(source, sink, &options, &Control::serial()).unwrap_err();
                assert_eq!(failure.code(), code);
            });
            assert!(
                peak <= most,
                "{peak} bytes for a stream of {}, by offset: {by_offset}",
                stream.len()
            );
        }
        for open in [None, Some(options)] {
            let how = VerifyOptions {
                open,
                ..VerifyOptions::default()
            };
            let peak = peak_of(|| {
                let result = verify(&stream, &how, &Control::serial());
                assert!(result.map_or(true, |found| !found.sound));
            });
            assert!(
                peak <= most,
                "{peak} bytes to verify a stream of {}",
                stream.len()
            );
        }
    }

    #[test]
    fn the_account_counts() {
        let _alone = alone();
        let peak = peak_of(|| drop(std::hint::black_box(vec![1u8; 3 * MIB])));
        // Memory that the test harness frees meanwhile is counted too.
        assert!((3 * MIB - 64 * 1024..4 * MIB).contains(&peak), "{peak}");
    }

    #[test]
    fn a_header_that_claims_a_mebibyte() {
        let _alone = alone();
        let mut stream = sealed(b"x", &options());
        stream[64..68].copy_from_slice(&(MIB as u32).to_be_bytes());
        check(&stream, "HEADER_ERROR", SMALL);
    }

    #[test]
    fn a_first_segment_that_claims_to_have_a_gibibyte() {
        let _alone = alone();
        let plaintext = vec![0; 3 * MIB];
        let large = EncryptOptions {
            segment_size: Some(1024 * MIB as u32),
            ..options()
        };
        let mut stream = sealed(&plaintext, &large);
        let header_size = u32::from_be_bytes(stream[64..68].try_into().unwrap()) as usize;
        let header = &mut stream[header_size..header_size + 32];
        header[4] = 0;
        header[16..20].copy_from_slice(&(1024 * MIB as u32).to_be_bytes());
        header[20..24].copy_from_slice(&(1024 * MIB as u32).to_be_bytes());
        let frames = 1024 * MIB as u32 / 65_536;
        header[24..28].copy_from_slice(&(32 + 74 + 1024 * MIB as u32 + 32 * frames + 8).to_be_bytes());
        mend_checksum(header);
        // The buffer doubles, and while it moves to its last size both buffers exist.
        let most = 3 * stream.len() + 3 * MIB;
        // By offset the verified trailer states the length, which the claim contradicts.
        check_each(&stream, ["INVALID_SEGMENT", "TRUNCATED"], most);
        check(&stream[..header_size + 32], "TRUNCATED", 3 * MIB);
    }

    #[test]
    fn a_plaintext_that_claims_the_largest_length() {
        let _alone = alone();
        for claim in [1 << 30, 1 << 40, (1 << 63) - 1] {
            let mut stream = header_that_claims(claim, &options());
            check(&stream, "TRUNCATED", SMALL);
            stream.resize(10_000, 0);
            let peak = peak_of(|| drop(inspect(&&stream[..]).unwrap()));
            assert!(peak < SMALL, "{peak}");
        }
    }

    #[test]
    fn an_end_that_claims_segments_and_extensions_without_number() {
        let _alone = alone();
        let layout = EncryptOptions {
            header: HeaderLayout::FILE,
            ..options()
        };
        let stream = sealed(b"x", &layout);
        let end_size = u64::from_be_bytes(stream[stream.len() - 24..][..8].try_into().unwrap()) as usize;
        let end_at = stream.len() - end_size;
        let with_end = |change: &dyn Fn(&mut [u8])| {
            let mut stream = stream.clone();
            change(&mut stream[end_at..end_at + END_RECORD_FIXED_SIZE]);
            stream
        };
        let many_segments = with_end(&|end| end[8..16].fill(0xff));
        check(&many_segments, "END_DAMAGED", SMALL);
        check(&with_end(&|end| end[16..24].fill(0xff)), "END_DAMAGED", SMALL);
        check(&with_end(&|end| end[24..28].fill(0xff)), "END_DAMAGED", SMALL);
        check(
            &with_end(&|end| end[24..28].copy_from_slice(&65_536u32.to_be_bytes())),
            "END_DAMAGED",
            SMALL,
        );

        // Same with a damaged header, so that the copy behind that end is searched for.
        let mut no_header = many_segments;
        no_header[40] ^= 1;
        check(&no_header, "HEADER_DAMAGED", SMALL);
        let footer_at = no_header.len() - 24;
        for end_size in [0, 24, 1 << 20, u64::MAX] {
            no_header[footer_at..].copy_from_slice(&Footer { end_size }.encode());
            check(&no_header, "HEADER_DAMAGED", SMALL);
        }
    }

    /// A file of holes behind a header: only the given pieces have bytes.
    struct Sparse {
        size: u64,
        pieces: Vec<(u64, Vec<u8>)>,
    }

    impl ReadAt for Sparse {
        fn size(&self) -> std::io::Result<u64> {
            Ok(self.size)
        }

        fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> std::io::Result<usize> {
            let mut at = offset;
            for buffer in buffers {
                let count = self.size.saturating_sub(at).min(buffer.len() as u64) as usize;
                let room = &mut buffer[..count];
                room.fill(0);
                for (start, bytes) in &self.pieces {
                    let from = at.max(*start);
                    let to = (at + count as u64).min(start + bytes.len() as u64);
                    if from < to {
                        let piece = &bytes[(from - start) as usize..(to - start) as usize];
                        room[(from - at) as usize..(to - at) as usize].copy_from_slice(piece);
                    }
                }
                at += count as u64;
            }
            Ok((at - offset) as usize)
        }
    }

    #[test]
    fn a_file_of_holes_behind_a_header_that_claims_terabytes() {
        let _alone = alone();
        for claim in [100 << 30, 1_u64 << 40] {
            for is_stated in [true, false] {
                let sealing = EncryptOptions {
                    segment_size: Some(MIB as u32),
                    ..options()
                };
                let header = match is_stated {
                    true => header_that_claims(claim, &sealing),
                    false => {
                        let stream = sealed(b"x", &sealing);
                        let size = u32::from_be_bytes(stream[64..68].try_into().unwrap());
                        stream[..size as usize].to_vec()
                    }
                };
                let geometry = sealing.geometry(Some(claim)).unwrap();
                let segments = geometry.segment_count(claim);
                let end_at = header.len() as u64 + geometry.records_size(claim);
                let end_size = end_record_size(geometry.digest(), segments, 0) + 24;
                let mut fixed = b"SEND\0\0\0\0".to_vec();
                fixed.extend_from_slice(&segments.to_be_bytes());
                fixed.extend_from_slice(&claim.to_be_bytes());
                let footer = Footer { end_size }.encode().to_vec();
                let size = end_at + end_size;
                let pieces = vec![(0, header), (end_at, fixed), (size - 24, footer)];
                check_sparse(&Sparse { size, pieces });
            }
        }
    }

    fn check_sparse(source: &Sparse) {
        let most = 4 * MIB;
        let reading = || DecryptOptions::new(vec![Identity::Key(key())]);
        let measured = |name: &str, work: &mut dyn FnMut() -> &'static str| {
            let peak = peak_of(|| assert_eq!(work(), "END_DAMAGED", "{name}"));
            assert!(peak <= most, "{peak} bytes to {name} {} bytes", source.size);
        };
        measured("decrypt", &mut || {
            let sink = OutputSink::writer(std::io::sink());
            let source = InputSource::positioned(source);
            let result = decrypt_stream_v2(source, sink, &reading(), &Control::serial());
            result.unwrap_err().code()
        });
        measured(
            "open",
            &mut || match RangeReader::open(source, &reading(), 0, &CancellationToken::new()) {
                Ok(_) => "opened",
                Err(failure) => failure.code(),
            },
        );
        for open in [None, Some(reading())] {
            measured("verify", &mut || {
                let how = VerifyOptions {
                    open: open.clone(),
                    sample: Some(Sample {
                        fraction: 0.000_01,
                        seed: 1,
                    }),
                    ..VerifyOptions::default()
                };
                let found = verify(source, &how, &Control::serial()).unwrap();
                found.problems.last().unwrap().failure.code()
            });
        }
        measured("heal", &mut || {
            let healed = heal(source, &[], &Nowhere, HealOptions::default(), &Control::serial());
            healed.unwrap_err().code()
        });
        let peak = peak_of(|| drop(inspect(&source).unwrap()));
        assert!(peak <= most, "{peak} bytes to inspect");
    }

    /// A sink that keeps nothing.
    struct Nowhere;

    impl WriteAt for Nowhere {
        fn set_size(&self, _: u64) -> std::io::Result<()> {
            Ok(())
        }

        fn write_at(&self, _: u64, _: &mut [std::io::IoSlice<'_>]) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn slots_and_extensions_that_claim_gigabytes() {
        let _alone = alone();
        let stream = sealed(b"x", &options());
        let header_size = u32::from_be_bytes(stream[64..68].try_into().unwrap()) as usize;
        // Sizes of the core extensions, the header extensions and the first slot.
        for at in [104, 108, 114] {
            let mut stream = stream.clone();
            stream[at..at + 4].fill(0xff);
            mend_checksum(&mut stream[..header_size]);
            check(&stream, "HEADER_ERROR", SMALL);
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_length_of_a_stream_in_order() {
        let _alone = alone();
        let small = EncryptOptions {
            frame_size: 4096,
            segment_size: Some(65_536),
            ..options()
        };
        let control = || Control {
            threads: sealstream::Threads::new(2).unwrap(),
            ..Control::serial()
        };
        let peak = |mebibytes: u64| {
            let stream = std::io::Read::take(std::io::repeat(7), mebibytes * MIB as u64);
            peak_of(|| {
                let sink = OutputSink::writer(std::io::sink());
                encrypt_stream_v2(InputSource::reader(stream), sink, &small, &control()).unwrap();
            })
        };
        let (short, long) = (peak(4), peak(32));
        // The manifest has 44 bytes per segment.
        assert!(
            long < short + 512 * 1024,
            "{short} bytes for 4 MiB, {long} for 32 MiB"
        );
    }
}
