//! The parts of sealing a file, each measured alone: the same reads and writes without cryptography, and AES-GCM and the
//! digest on frames that stay in the L2 cache. `bench/` compares their sum with the whole operation.
//!
//! Prints one number: bytes per second over all threads.
//!
//! ```text
//! kernels io SOURCE TARGET THREADS     the reads and writes of encryptFile
//! kernels aes THREADS | digest THREADS
//! ```

use sealstream::crypto::floe::{FloeKey, FloeParams};
use sealstream::crypto::{Crc64, FrameIv, Random};
use sealstream::format::{
    DEFAULT_FRAME_SIZE, DEFAULT_SEGMENT_SIZE, DigestKind, FRAME_OVERHEAD, FrameIndex, Geometry, SegmentIndex,
};
use sealstream::stream_v2::framing::contents_mut;
use sealstream::stream_v2::io::{ReadAt, WriteAt};
use sealstream::stream_v2::pipeline::portion_size;
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{IoSlice, IoSliceMut, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let rate = match arguments[..] {
        ["io", source, target, threads] => copy_as_sealing_does(source, target, threads.parse()?)?,
        ["aes", threads] => aes(threads.parse()?)?,
        ["digest", threads] => digest(threads.parse()?)?,
        // `cargo test` and `cargo bench` run every target without arguments.
        [] => return Ok(()),
        _ => return Err("usage: kernels io SOURCE TARGET THREADS | aes THREADS | digest THREADS".into()),
    };
    writeln!(std::io::stdout(), "{rate:.0}")?;
    Ok(())
}

fn geometry() -> Result<Geometry, Failure> {
    Ok(Geometry::new(
        DEFAULT_FRAME_SIZE,
        DEFAULT_SEGMENT_SIZE,
        DigestKind::Crc64Nvme,
    )?)
}

/// The system calls of sealing by offset, without cryptography.
fn copy_as_sealing_does(source: &str, target: &str, threads: usize) -> Result<f64, Failure> {
    let source = File::open(source)?;
    let target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(target)?;
    let size = source.size()?;
    let geometry = geometry()?;
    let slot = geometry.frame_slot_size();
    let portion = portion_size(slot);
    WriteAt::reserve(
        &&target,
        geometry.record_offset(4096, SegmentIndex::ZERO).get() + geometry.records_size(size),
    )?;
    let cursor = AtomicU64::new(0);
    let copy_segment = |index: SegmentIndex, buffer: &mut [u8]| -> std::io::Result<()> {
        let mut read_at = geometry.plaintext_offset(index);
        let mut write_at = geometry.record_offset(4096, index).get();
        let mut left = geometry.frames_wire_size(geometry.segment_plaintext(size, index));
        let mut head = 106;
        while left != 0 {
            let slots = &mut buffer[..left.min(portion)];
            left -= slots.len();
            let wanted = slots.len() - slots.len().div_ceil(slot) * FRAME_OVERHEAD;
            let mut content: Vec<_> = contents_mut(slots, slot).map(IoSliceMut::new).collect();
            source.read_at(read_at, &mut content)?;
            let around = [0; 106];
            let tail = if left == 0 { 8 } else { 0 };
            let mut out = [
                IoSlice::new(&around[..head]),
                IoSlice::new(slots),
                IoSlice::new(&around[..tail]),
            ];
            WriteAt::write_at(&&target, write_at, &mut out)?;
            read_at += wanted as u64;
            write_at += (head + slots.len()) as u64;
            head = 0;
        }
        Ok(())
    };
    let work = || -> std::io::Result<()> {
        let mut buffer = vec![0; portion];
        loop {
            let next = cursor.fetch_add(1, Ordering::Relaxed);
            if next >= geometry.segment_count(size) {
                return Ok(());
            }
            copy_segment(SegmentIndex::new(next), &mut buffer)?;
        }
    };
    let start = Instant::now();
    on_threads(threads, || work().map_err(Into::into))?;
    Ok(size as f64 / start.elapsed().as_secs_f64())
}

/// Seals the same four frames repeatedly.
fn aes(threads: usize) -> Result<f64, Failure> {
    let params = FloeParams::new(DEFAULT_FRAME_SIZE + FRAME_OVERHEAD as u32).ok_or("frame size")?;
    let (_, keys) = FloeKey::new(&[7; 32]).start_sealing(params, b"", &Random::system())?;
    let key = keys.frame_key(FrameIndex::ZERO)?;
    over_l2(threads, |frame, count| {
        let mut iv = [0; 12];
        iv[..8].copy_from_slice(&count.to_be_bytes());
        key.seal(FrameIndex::ZERO, false, FrameIv::from_wire(iv), frame)?;
        Ok(())
    })
}

/// Computes the default digest of the same frames.
fn digest(threads: usize) -> Result<f64, Failure> {
    over_l2(threads, |frame, _| {
        black_box(Crc64::of(frame));
        Ok(())
    })
}

fn over_l2(
    threads: usize,
    kernel: impl Fn(&mut [u8], u64) -> Result<(), Failure> + Sync,
) -> Result<f64, Failure> {
    let start = Instant::now();
    on_threads(threads, || {
        let mut frames = vec![vec![1; DEFAULT_FRAME_SIZE as usize]; 4];
        for round in 0..ROUNDS {
            for (at, frame) in (0..).zip(&mut frames) {
                kernel(frame, round * 4 + at)?;
            }
        }
        Ok(())
    })?;
    let bytes = threads as f64 * ROUNDS as f64 * 4.0 * f64::from(DEFAULT_FRAME_SIZE);
    Ok(bytes / start.elapsed().as_secs_f64())
}

fn on_threads(threads: usize, work: impl Fn() -> Result<(), Failure> + Sync) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a thread panicked")?)
    })
}

/// 1 GiB per thread.
const ROUNDS: u64 = 4096;
