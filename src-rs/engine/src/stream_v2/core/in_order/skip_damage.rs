//! Opens segments in order and has the damage policy decide about those that fail.

use super::delivery::Delivery;
use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex};
use crate::operation::damage::{DamageDecider, DamageLog, Settled};
use crate::operation::options::{Control, DecryptOptions, check_output_size};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::io::{HoleWriter, ReadAt};
use crate::stream_v2::pipeline::PortionRunner;
use crate::telemetry::StageTimes;

/// Opens segments that are read by offset. `policy` decides about those that fail, and about an end that does not verify.
pub(crate) fn open_around_damage(
    stream: &SeekableStream,
    source: &dyn ReadAt,
    writer: &mut HoleWriter<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<(Tally, DamageLog), SealError> {
    let cancel = &control.cancel;
    let runner = PortionRunner::new(control, Some(stream.segments()));
    let open = |index, buffer, times: &mut StageTimes| stream.open_with(runner, source, index, buffer, times);
    let mut decider = DamageDecider::new(options.on_damage.clone(), cancel);
    // All segments that are missing at the end are one damaged part.
    let count = stream.segments().min(stream.segments_present() + 1);
    let mut indices = (0..count).map(SegmentIndex::new);
    let mut delivery = Delivery::new(
        Tally::opening(stream.geometry().digest()),
        writer,
        control,
        stream.plaintext_size(),
    );
    delivery.run(
        stream.geometry(),
        |buffer| indices.next().map(|index| Ok((index, buffer))),
        |(index, buffer), times| Ok((index, open(index, buffer, times))),
        |delivery, (index, opened), mut times| {
            let place = stream.place(index);
            let verified = delivery.tally.verified_bytes();
            let describe = |failure: SealError| place.damage(failure.after(verified));
            let settled = decider.settle(opened, describe, || open(index, Vec::new(), &mut times))?;
            let zeros = match settled {
                Settled::Intact(segment) => return delivery.deliver_opened(segment, times),
                Settled::Lost { zeros } => zeros,
            };
            delivery.tally.times += times;
            if zeros {
                check_output_size(place.plaintext.end, options.max_output_size)?;
                write_zeros(delivery, place.plaintext, control)?;
            }
            delivery.count_lost(place, zeros);
            Ok(None)
        },
    )?;
    delivery.flush()?;
    let tally = &delivery.tally;
    let trailer = stream.trailer().map(|_| ()).map_err(Clone::clone);
    let place = stream.end_place(tally.segments(), tally.output_size());
    let describe = |failure: SealError| place.damage(failure.after(tally.verified_bytes()));
    decider.settle(trailer, describe, || verify_trailer_again(stream, source, tally))?;
    Ok((delivery.finish(StageTimes::default()), decider.into_log()))
}

fn write_zeros(
    delivery: &mut Delivery<'_, HoleWriter<'_>>,
    range: ByteRange,
    control: &Control<'_>,
) -> Result<(), SealError> {
    let mut left = range.size();
    if delivery.writer().leave_hole(left).map_err(SealError::writing)? {
        return Ok(());
    }
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
    match tally.records().first_foreign(&trailer.manifest.entries) {
        Some(segment) => Err(SealError::other_sealing(trailer.offset, segment)),
        None => Ok(()),
    }
}

static ZEROS: [u8; 65_536] = [0; 65_536];
