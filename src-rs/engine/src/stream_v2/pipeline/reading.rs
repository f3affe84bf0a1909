//! A record on its way in by offset, a portion at a time through one buffer.

use super::portion_buffer::PortionBuffer;
use crate::format::{Geometry, WireOffset};
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, RecordPreamble};
use crate::telemetry::{Stage, StageTimes};
use std::io;
use std::io::IoSliceMut;

/// Reads the record of a segment whose size is known.
pub(crate) struct RecordReader<'a> {
    source: &'a dyn ReadAt,
    position: u64,
    frames_left: usize,
    preamble: RecordPreamble,
    has_preamble: bool,
    digest: [u8; 64],
    digest_size: usize,
}

/// Why a record can't be read to its end.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The source ends here.
    Ended(WireOffset),
    /// The system says no.
    Failed(io::Error),
}

impl<'a> RecordReader<'a> {
    /// The record at `offset` of a segment with `plaintext_size` bytes.
    pub(crate) fn new(
        source: &'a dyn ReadAt,
        geometry: &Geometry,
        offset: WireOffset,
        plaintext_size: u32,
    ) -> Self {
        Self {
            source,
            position: offset.get(),
            frames_left: geometry.frames_wire_size(plaintext_size),
            preamble: [0; PREAMBLE_SIZE],
            has_preamble: false,
            digest: [0; 64],
            digest_size: geometry.digest().size(),
        }
    }

    /// Reads the next frames, at most `portion` bytes of them, into `buffer`; `None` when all were. Their bytes, or what
    /// becomes of them, go to the offset `goes_to` of a file, if anywhere.
    pub(crate) fn next<'b>(
        &mut self,
        buffer: &'b mut PortionBuffer,
        portion: usize,
        goes_to: Option<u64>,
        times: &mut StageTimes,
    ) -> Result<Option<&'b mut [u8]>, Broken> {
        if self.frames_left == 0 {
            return Ok(None);
        }
        // One call to the system reads what stands around these frames too.
        let head: &mut [u8] = if self.has_preamble {
            &mut []
        } else {
            &mut self.preamble
        };
        let slots_at = self.position + head.len() as u64;
        let slots = buffer.take(
            self.frames_left.min(portion),
            goes_to.unwrap_or(slots_at),
            slots_at,
        );
        self.frames_left -= slots.len();
        self.has_preamble = true;
        let tail = if self.frames_left == 0 {
            &mut self.digest[..self.digest_size]
        } else {
            &mut []
        };
        let wanted = head.len() + slots.len() + tail.len();
        let read = times.time(Stage::Read, || {
            let mut buffers = [
                IoSliceMut::new(head),
                IoSliceMut::new(slots),
                IoSliceMut::new(tail),
            ];
            self.source.read_at(self.position, &mut buffers)
        });
        let read = read.map_err(Broken::Failed)?;
        self.position += read as u64;
        if read == wanted {
            Ok(Some(slots))
        } else {
            Err(Broken::Ended(WireOffset::new(self.position)))
        }
    }

    /// The bytes in front of the frames, once the first of these were read.
    pub(crate) const fn preamble(&self) -> &RecordPreamble {
        &self.preamble
    }

    /// The digest behind the frames, once all of these were read.
    pub(crate) fn digest(&self) -> &[u8] {
        &self.digest[..self.digest_size]
    }

    /// Where the next read starts.
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }
}
