//! A rewrap in place that ends at any moment, with any part of what was not yet on the disk written.

use super::*;
use crate::rekey::rewrap::{RewrapPlan, write_in_place};
use crate::stream_v2::io::{ReadAt, ReadWriteAt, WriteAt};
use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::sync::Mutex;

/// A disk in memory. It notes what is done to it, and can fail at one of these operations.
struct Disk {
    bytes: Mutex<Vec<u8>>,
    log: Mutex<Vec<Operation>>,
    fails_at: Option<usize>,
}

#[derive(Clone, Debug)]
enum Operation {
    Write(usize, Vec<u8>),
    Sync,
}

impl Disk {
    fn new(bytes: &[u8], fails_at: Option<usize>) -> Self {
        Self {
            bytes: Mutex::new(bytes.to_vec()),
            log: Mutex::default(),
            fails_at,
        }
    }

    fn note(&self, operation: Operation) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        let now = log.len();
        log.push(operation);
        if self.fails_at == Some(now) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl ReadAt for Disk {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        ReadAt::read_at(&&self.bytes.lock().unwrap()[..], offset, buffers)
    }
}

impl WriteAt for Disk {
    fn set_size(&self, _: u64) -> io::Result<()> {
        panic!("a rewrap in place keeps the length");
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        let written: Vec<u8> = buffers.iter().flat_map(|buffer| buffer.to_vec()).collect();
        self.note(Operation::Write(offset as usize, written.clone()))?;
        let mut bytes = self.bytes.lock().unwrap();
        bytes[offset as usize..][..written.len()].copy_from_slice(&written);
        Ok(())
    }
}

impl ReadWriteAt for Disk {
    fn sync(&self) -> io::Result<()> {
        self.note(Operation::Sync)
    }
}

/// A rewrap in place on a disk; what it did to that.
fn run(disk: &Disk, change: SlotChange, number: u8) -> Result<(), SealError> {
    let control = Control::serial();
    let plan = RewrapPlan::new(disk, &change, &reading(identity(number)), &control.cancel).unwrap();
    write_in_place(disk, &plan, plan.copy_offset().unwrap())
}

/// What can be on the disk if the power fails after any of the operations: of what was written since the last sync everything,
/// nothing, or as much as ends or starts at any block of 512 bytes.
fn crashes(before: &[u8], log: &[Operation]) -> Vec<Vec<u8>> {
    let mut states = vec![before.to_vec()];
    let mut durable = before.to_vec();
    for operation in log {
        let Operation::Write(offset, bytes) = operation else {
            continue;
        };
        for cut in (0..=bytes.len()).step_by(512) {
            for part in [0..cut, cut..bytes.len()] {
                let mut state = durable.clone();
                state[offset + part.start..offset + part.end].copy_from_slice(&bytes[part]);
                states.push(state);
            }
        }
        durable[*offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    states.push(durable);
    states
}

fn is_synced_after_every_write(log: &[Operation]) -> bool {
    log.chunks(2)
        .all(|pair| matches!(pair, [Operation::Write(..), Operation::Sync]))
}

#[test]
fn after_any_interruption_the_stream_opens_and_can_be_rewrapped() {
    let stream = sealed_for(vec![recipient(1), recipient(9)]);
    let disk = Disk::new(&stream, None);
    run(&disk, hand_over(2), 1).unwrap();
    let log = disk.log.into_inner().unwrap();
    assert_eq!(log.len(), 4);
    assert!(is_synced_after_every_write(&log));
    for state in crashes(&stream, &log) {
        let by = [1, 2].map(|number| opens(&state, number));
        assert_ne!(by, [false, false]);
        // Whose slot stays is never locked out.
        assert!(opens(&state, 9));
        for number in [1, 2, 9].into_iter().filter(|&number| opens(&state, number)) {
            let sealed = Sealed::new(&state);
            let report = sealed
                .rewrap(
                    SlotChange::Replace(vec![recipient(3)]),
                    &reading(identity(number)),
                )
                .unwrap();
            assert!(report.in_place);
            let after = sealed.bytes();
            assert_eq!(
                [1, 2, 3, 9].map(|number| opens(&after, number)),
                [false, false, true, false]
            );
            let parts = StreamParts::of(&after);
            assert_eq!(parts.header, parts.copy);
        }
    }
}

#[test]
fn between_copy_and_header_old_and_new_keys_open() {
    let stream = sealed_for(vec![recipient(1)]);
    let disk = Disk::new(&stream, None);
    run(&disk, hand_over(2), 1).unwrap();
    let log = disk.log.into_inner().unwrap();
    let state = crashes(&stream, &log[..2]).pop().unwrap();
    assert_eq!([1, 2].map(|number| opens(&state, number)), [true, true]);
}

#[test]
fn a_rewrap_after_an_interrupted_one_can_be_interrupted_too() {
    let stream = sealed_for(vec![recipient(1), recipient(9)]);
    let disk = Disk::new(&stream, None);
    run(&disk, hand_over(2), 1).unwrap();
    let first = disk.log.into_inner().unwrap();
    // With the copy of revision 1 written, and the header of revision 0 whole or torn.
    for torn in [0, 512, 2048] {
        let mut state = crashes(&stream, &first[..2]).pop().unwrap();
        let Operation::Write(0, header) = &first[2] else {
            panic!("{first:?}")
        };
        state[..torn].copy_from_slice(&header[..torn]);
        let disk = Disk::new(&state, None);
        let change = edit(vec![recipient(3)], vec![SlotSelector::KeyId("2".into())]);
        run(&disk, change, 2).unwrap();
        let log = disk.log.into_inner().unwrap();
        assert_eq!(log.len(), 6);
        assert!(is_synced_after_every_write(&log));
        for state in crashes(&state, &log) {
            // Number 2 is what opened it, and is replaced by number 3: at no moment are both locked out.
            assert!(opens(&state, 2) || opens(&state, 3));
            assert!(opens(&state, 9));
        }
    }
}

#[test]
fn a_rewrap_with_an_old_key_does_not_undo_the_interrupted_one() {
    let stream = sealed_for(vec![recipient(1), recipient(9)]);
    let disk = Disk::new(&stream, None);
    run(&disk, hand_over(2), 1).unwrap();
    let first = disk.log.into_inner().unwrap();
    let state = crashes(&stream, &first[..2]).pop().unwrap();
    let disk = Disk::new(&state, None);
    run(&disk, edit(vec![recipient(3)], Vec::new()), 1).unwrap();
    let log = disk.log.into_inner().unwrap();
    assert!(is_synced_after_every_write(&log));
    for state in crashes(&state, &log) {
        // Who was given the stream last has it at every moment.
        assert!(opens(&state, 2) && opens(&state, 9));
    }
    let after = disk.bytes.into_inner().unwrap();
    assert_eq!([1, 2, 3].map(|number| opens(&after, number)), [false, true, true]);
}

#[test]
fn an_interrupted_rewrap_can_be_repeated() {
    let stream = sealed_for(vec![recipient(1), recipient(9)]);
    let disk = Disk::new(&stream, None);
    run(&disk, hand_over(2), 1).unwrap();
    let log = disk.log.into_inner().unwrap();
    let state = crashes(&stream, &log[..2]).pop().unwrap();
    // With the keys of the old header, the new one, and both.
    for number in [1, 2, 9] {
        let sealed = Sealed::new(&state);
        sealed.rewrap(hand_over(2), &reading(identity(number))).unwrap();
        let after = sealed.bytes();
        assert_eq!([1, 2, 9].map(|number| opens(&after, number)), [false, true, true]);
    }
    // What neither of the two has is still not there.
    let sealed = Sealed::new(&state);
    let change = edit(Vec::new(), vec![SlotSelector::KeyId("7".into())]);
    assert_eq!(
        sealed.rewrap(change, &reading(identity(9))).unwrap_err().code(),
        "INVALID_OPTION"
    );
}

#[test]
fn after_any_disk_failure_the_stream_opens() {
    let stream = sealed_for(vec![recipient(1)]);
    for at in 0..4 {
        let disk = Disk::new(&stream, Some(at));
        let failure = run(&disk, hand_over(2), 1).unwrap_err();
        assert_eq!(failure.code(), "IO");
        let after = disk.bytes.into_inner().unwrap();
        // What failed at the copy is undone.
        assert_eq!(after == stream, at < 2, "{at}");
        let expected = [at < 3, at >= 2];
        assert_eq!([1, 2].map(|number| opens(&after, number)), expected, "{at}");
    }
}
