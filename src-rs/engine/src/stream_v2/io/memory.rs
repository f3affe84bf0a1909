//! Memory as a positioned sink, split into slots so that workers write in parallel without unsafe code.

use super::WriteAt;
use std::io;
use std::io::IoSlice;
use std::sync::{Mutex, PoisonError};

/// A slice of memory in slots. A write locks the slots that it touches, one after the other. If a slot holds one segment's
/// output, workers never wait for one another.
pub struct MemorySlots<'a> {
    head: Mutex<&'a mut [u8]>,
    slots: Vec<Mutex<&'a mut [u8]>>,
    head_size: u64,
    slot_size: u64,
}

impl<'a> MemorySlots<'a> {
    /// Splits `memory` into a head of `head_size` bytes and slots of `slot_size`.
    #[must_use]
    pub fn new(memory: &'a mut [u8], head_size: u64, slot_size: u64) -> Self {
        let slot_size = slot_size.max(1);
        let split = usize::try_from(head_size).unwrap_or(usize::MAX).min(memory.len());
        let (head, rest) = memory.split_at_mut(split);
        let slots = rest
            .chunks_mut(usize::try_from(slot_size).unwrap_or(usize::MAX))
            .map(Mutex::new)
            .collect();
        Self {
            head: Mutex::new(head),
            slots,
            head_size: split as u64,
            slot_size,
        }
    }

    /// The slot that contains `offset`, and the offset inside it.
    fn slot_at(&self, offset: u64) -> Option<(&Mutex<&'a mut [u8]>, usize)> {
        let Some(behind_head) = offset.checked_sub(self.head_size) else {
            return Some((&self.head, offset as usize));
        };
        let slot = self
            .slots
            .get(usize::try_from(behind_head / self.slot_size).ok()?)?;
        Some((slot, (behind_head % self.slot_size) as usize))
    }
}

impl WriteAt for MemorySlots<'_> {
    fn write_at(&self, mut offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        for buffer in buffers {
            let mut bytes: &[u8] = buffer;
            while !bytes.is_empty() {
                let (slot, start) = self.slot_at(offset).ok_or(io::ErrorKind::WriteZero)?;
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                let room = slot
                    .get_mut(start..)
                    .filter(|room| !room.is_empty())
                    .ok_or(io::ErrorKind::WriteZero)?;
                let count = room.len().min(bytes.len());
                let (now, later) = bytes.split_at(count);
                room[..count].copy_from_slice(now);
                bytes = later;
                offset += count as u64;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_land_at_their_offsets_across_slots() {
        let mut memory = [0u8; 20];
        let slots = MemorySlots::new(&mut memory, 3, 5);
        slots
            .write_at(1, &mut [IoSlice::new(b"abcd"), IoSlice::new(b"efghij")])
            .unwrap();
        slots.write_at(18, &mut [IoSlice::new(b"yz")]).unwrap();
        drop(slots);
        assert_eq!(&memory, b"\0abcdefghij\0\0\0\0\0\0\0yz");
    }

    #[test]
    fn a_write_past_the_end_fails() {
        let mut memory = [0u8; 10];
        let slots = MemorySlots::new(&mut memory, 3, 5);
        for offset in [8, 10, 11, 1000, u64::MAX] {
            assert!(
                slots.write_at(offset, &mut [IoSlice::new(b"abc")]).is_err(),
                "{offset}"
            );
        }
        assert!(
            MemorySlots::new(&mut [], 3, 5)
                .write_at(0, &mut [IoSlice::new(b"a")])
                .is_err()
        );
    }
}
