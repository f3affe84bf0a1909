//! Memory for one portion of a record.

/// A worker's memory for one portion, placed so that the kernel's copies run at full speed.
///
/// Copying between memory and page cache is a third slower where the two ends differ in their offset within 32 bytes,
/// and up to four times where the end that is written to lies less than 32 bytes behind the other one modulo a page
/// (measured on a processor with fast short `rep movsb`). Frames' prefixes shift everything by odd amounts, so it would
/// happen all the time.
#[derive(Default)]
pub(crate) struct PortionBuffer(Vec<u8>);

impl PortionBuffer {
    /// `size` bytes whose address is that of the file offset `goes_to` modulo 32, and not close behind that of the file
    /// offset `comes_from` modulo a page. Their contents are unspecified.
    pub(crate) fn take(&mut self, size: usize, goes_to: u64, comes_from: u64) -> &mut [u8] {
        let room = size + 2 * PAGE;
        if self.0.len() < room {
            self.0.resize(room, 0);
        }
        let phase = COPY_ALIGNMENT + goes_to as usize % COPY_ALIGNMENT;
        let behind = phase.wrapping_sub(comes_from as usize) % PAGE;
        let shift = if behind < COPY_ALIGNMENT {
            phase + PAGE / 2
        } else {
            phase
        };
        // On an address that can't be aligned this would be slower, and still right.
        let start = self.0.as_ptr().align_offset(PAGE).min(PAGE) + shift;
        &mut self.0[start..start + size]
    }
}

const PAGE: usize = 4096;
/// The width of the widest loads and stores that copies are made of.
const COPY_ALIGNMENT: usize = 32;
