//! Opens segments in order and has the damage policy decide about those that fail.

use super::delivery::Delivery;
use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex};
use crate::operation::damage::{Damage, DamageDecider, DamageLog, DamagePolicy, Settled};
use crate::operation::options::Control;
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::tally::{LostSegments, Tally};
use crate::stream_v2::io::ReadAt;
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::Write;

/// Opens every segment that can be opened. `policy` decides about those that can't, and about an end that does not verify.
pub(crate) fn open_around_damage(
    stream: &SeekableStream,
    source: &dyn ReadAt,
    writer: &mut (dyn Write + Send + '_),
    policy: DamagePolicy<'_>,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<(Tally, DamageLog), SealError> {
    let cancel = &control.cancel;
    let open =
        |index, buffer, times: &mut StageTimes| stream.open_segment(source, index, buffer, cancel, times);
    let mut damages = DamageDecider::new(policy, cancel);
    // All segments that are missing at the end are one damage.
    let present = stream.segments_present();
    let count = stream.segments().min(present + 1);
    let mut indices = (0..count).map(SegmentIndex::new);
    let mut delivery = Delivery::new(Tally::opening(), writer, control, meter);
    delivery.run(
        stream.geometry(),
        |buffer| indices.next().map(|index| Ok((index, buffer))),
        |(index, buffer), times| Ok((index, open(index, buffer, times))),
        |delivery, (index, opened), mut times| {
            let verified = delivery.tally.verified_bytes();
            let (plaintext, wire) = stream.stretch(index);
            let describe = |failure: SealError| Damage {
                segment: index,
                plaintext,
                wire,
                failure: failure.after(verified),
                retries: 0,
            };
            let settled = damages.settle(opened, describe, || open(index, Vec::new(), &mut times))?;
            let zeros = match settled {
                Settled::Intact(segment) => return delivery.deliver_opened(segment, times),
                Settled::Lost { zeros } => zeros,
            };
            delivery.tally.times += times;
            if zeros {
                write_zeros(delivery, plaintext, control)?;
            }
            meter.add(plaintext.size());
            let lost = if index.get() == present {
                stream.segments() - present
            } else {
                1
            };
            delivery.tally.add_lost(LostSegments {
                first: index,
                count: lost,
                plaintext_size: plaintext.size(),
                is_final: stream.plaintext_size().is_some() && index.get() + lost == stream.segments(),
                zeros,
            });
            Ok(None)
        },
    )?;
    let tally = delivery.finish(StageTimes::default())?;

    let trailer = stream.trailer().map(|_| ()).map_err(Clone::clone);
    let total = stream.plaintext_size().unwrap_or(tally.output_size());
    let describe = |failure: SealError| Damage {
        segment: SegmentIndex::new(tally.segments()),
        plaintext: ByteRange::at(total, 0),
        wire: stream.end_range(),
        failure: failure.after(tally.verified_bytes()),
        retries: 0,
    };
    damages.settle(trailer, describe, || verify_trailer_again(stream, source, &tally))?;
    Ok((tally, damages.into_log()))
}

fn write_zeros(
    delivery: &mut Delivery<'_>,
    range: ByteRange,
    control: &Control<'_>,
) -> Result<(), SealError> {
    let mut left = range.size();
    while left > 0 {
        control.cancel.check()?;
        let zeros = &ZEROS[..left.min(ZEROS.len() as u64) as usize];
        delivery.write(zeros)?;
        left -= zeros.len() as u64;
    }
    Ok(())
}

/// Reads the trailer again and compares it with the segments that were opened without it.
fn verify_trailer_again(
    stream: &SeekableStream,
    source: &dyn ReadAt,
    tally: &Tally,
) -> Result<(), SealError> {
    let trailer = stream.verify_trailer(source)?;
    match trailer.manifest.first_foreign(tally.entries()) {
        Some(segment) => Err(SealError::other_sealing(trailer.offset, segment)),
        None => Ok(()),
    }
}

static ZEROS: [u8; 65_536] = [0; 65_536];
