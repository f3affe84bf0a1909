//! Memory for one portion of a record.

/// A worker's memory for one portion, aligned so that the kernel's copies run at full speed.
///
/// The kernel copies between this memory and the page cache. A copy is a third slower if the addresses of source and target
/// differ modulo 32, and up to four times slower if the target is less than 32 bytes behind the source modulo a page
/// (measured on a processor with fast short `rep movsb`). The frames' prefixes shift all offsets, so without alignment most
/// copies would be slow.
#[derive(Default)]
pub(crate) struct PortionBuffer(Vec<u8>);

impl PortionBuffer {
    /// `size` bytes whose address equals the file offset `goes_to` modulo 32, and is not close behind the file offset
    /// `comes_from` modulo a page. Contents are unspecified.
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
        // `align_offset` may fail: then copies are slower, but still correct.
        let start = self.0.as_ptr().align_offset(PAGE).min(PAGE) + shift;
        &mut self.0[start..start + size]
    }
}

const PAGE: usize = 4096;
/// Width of the widest loads and stores of a copy.
const COPY_ALIGNMENT: usize = 32;
