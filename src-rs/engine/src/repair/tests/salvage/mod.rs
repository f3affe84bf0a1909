//! Salvage of damaged streams.

mod damage;
mod damaged_stream;
mod headers;
mod hostile;
mod model;
mod sealings;
mod size_limit;

use crate::crypto::SecretKey;
use crate::error::SealError;
use crate::format::DigestKind;
use crate::operation::options::{Control, HeaderLayout};
use crate::repair::salvage::{
    AttemptCounters, DamageMap, LossCause, SalvageOptions, salvage, salvage_counted,
};
use crate::stream_v2::io::ReadAt;
use crate::testing::support::{Output, fresh, plaintext, reading};
use damaged_stream::{DamagedStream, SEGMENT, small};

/// Salvages, and returns the output and the map.
fn salvage_with(
    source: &dyn ReadAt,
    options: &SalvageOptions<'_>,
    control: &Control<'_>,
) -> Result<(Vec<u8>, DamageMap), SealError> {
    let output = Output::default();
    let map = salvage(source, &&output, options, &fresh(control))?;
    Ok((output.into_bytes(), map))
}

fn salvage_bytes(damaged: &[u8]) -> Result<(Vec<u8>, DamageMap), SealError> {
    salvage_with(&damaged, &SalvageOptions::new(reading()), &Control::serial())
}

/// Salvages, and counts the tried header tags and frames.
fn salvage_costs(damaged: &[u8]) -> (DamageMap, u64, u64) {
    let (output, counters) = (Output::default(), AttemptCounters::default());
    let options = SalvageOptions::new(reading());
    let map = salvage_counted(&damaged, &&output, &options, &Control::serial(), &counters).unwrap();
    (map, counters.tags.into_inner(), counters.frames.into_inner())
}

const SEGMENTS: usize = 6;

const SIZE: usize = SEGMENTS * SEGMENT - 100;

fn damaged() -> DamagedStream {
    DamagedStream::new(SIZE, true, DigestKind::Crc64Nvme, HeaderLayout::COMPACT)
}

fn rewrappable(is_sized: bool) -> DamagedStream {
    DamagedStream::new(SIZE, is_sized, DigestKind::Sha256, HeaderLayout::PADDED)
}

/// Lost ranges as start, end and cause.
fn lost(map: &DamageMap) -> Vec<(u64, u64, LossCause)> {
    let range = |lost: &crate::repair::salvage::LostRange| {
        (lost.plaintext.start, lost.plaintext.end, lost.reason.cause())
    };
    map.lost.ranges.iter().map(range).collect()
}

/// The plaintext with zeros for what the map says is lost.
fn expected(plaintext: &[u8], map: &DamageMap) -> Vec<u8> {
    let mut expected = plaintext.to_vec();
    for lost in &map.lost.ranges {
        expected[lost.plaintext.start as usize..lost.plaintext.end as usize].fill(0);
    }
    expected
}

/// A stream for another key.
fn seal_for(key: [u8; 32]) -> Vec<u8> {
    let recipient = crate::keys::Recipient::Key {
        key: SecretKey::from_bytes(&key).unwrap(),
        id: "other".into(),
    };
    let options = crate::operation::options::EncryptOptions {
        recipients: vec![recipient],
        ..small(DigestKind::Crc64Nvme, HeaderLayout::PADDED)
    };
    use crate::crypto::Random;
    use crate::stream_v2::core::encrypt_with;
    use crate::stream_v2::io::InputSource;
    let output = Output::default();
    encrypt_with(
        &Random::known(77),
        InputSource::memory(&plaintext(3000)),
        output.sink(crate::testing::support::End::InOrder),
        &options,
        &Control::serial(),
    )
    .unwrap();
    output.into_bytes()
}
