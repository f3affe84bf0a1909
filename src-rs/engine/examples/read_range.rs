//! Seals bytes in memory, checks them without a key, finds damage, and reads a range:
//! `cargo run --release -p sealstream --example read_range`.
#![allow(clippy::print_stdout, reason = "an example prints")]

use sealstream::format::ByteRange;
use sealstream::keys::{Identity, Recipient};
use sealstream::random_access::RangeReader;
use sealstream::repair::verify::{VerifyOptions, verify};
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::telemetry::StageTimes;
use sealstream::{CancellationToken, Control, DecryptOptions, EncryptOptions, SecretKey, encrypt_stream_v2};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let key = SecretKey::generate()?;
    let plain: Vec<u8> = (0..3_000_000_u32).map(|index| index as u8).collect();

    // Sealing: any reader and any writer. The caller's thread does the work.
    let mut sealed = Vec::new();
    let options = EncryptOptions::new(vec![Recipient::Key {
        key: key.clone(),
        id: String::new(),
    }]);
    let source = InputSource::reader(plain.as_slice());
    encrypt_stream_v2(
        source,
        OutputSink::writer(&mut sealed),
        &options,
        &Control::serial(),
    )?;

    // Checking needs no key: every segment has a digest.
    let found = verify(&sealed.as_slice(), &VerifyOptions::default(), &Control::serial())?;
    println!(
        "{} segments checked, sound: {}",
        found.segments_checked, found.sound
    );

    // Reading a range opens only the frames that hold it: one frame of 64 KiB here.
    let open = DecryptOptions::new(vec![Identity::Key(key)]);
    let (cancel, mut times) = (CancellationToken::new(), StageTimes::default());
    let reader = RangeReader::open(&sealed.as_slice(), &open, 0, &cancel)?;
    let range = ByteRange::at(1_234_567, 10);
    let plan = reader.plan(range);
    let mut bytes = [0; 10];
    reader.read(&sealed.as_slice(), &plan, &mut bytes, &cancel, &mut times)?;
    assert_eq!(bytes, plain[1_234_567..][..10]);
    println!("bytes {} to {}: {bytes:?}", range.start, range.end);

    // One flipped bit: verify finds the segment, and a read of the damaged frame fails.
    let middle = sealed.len() / 2;
    sealed[middle] ^= 1;
    let found = verify(&sealed.as_slice(), &VerifyOptions::default(), &Control::serial())?;
    for problem in &found.problems {
        println!("damage: {}", problem.failure);
    }
    Ok(())
}
