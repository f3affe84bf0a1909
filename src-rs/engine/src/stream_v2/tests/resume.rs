//! Operations that are interrupted at every write, and go on: the right bytes, and no segment done twice.

use super::support::{FRAME, SEGMENT, compact, control, key, plaintext, reading, seal};
use crate::crypto::SecretKey;
use crate::headers::DigestKind;
use crate::keys::Recipient;
use crate::recovery::{JournalFile, SourceMark};
use crate::stream_v2::cancel::CancellationToken;
use crate::stream_v2::core::{decrypt_placed, decrypt_resumable, encrypt_placed, encrypt_resumable};
use crate::stream_v2::failure::{SealFailure, SizeRelation, StartedOver};
use crate::stream_v2::io::{ReadAt, Unfinished, WriteAt};
use crate::stream_v2::options::{Control, EncryptOptions, HeaderLayout};
use crate::stream_v2::report::{Report, ResumeReport};
use crate::stream_v2::resume::Attempt;
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// An output and its journal, which outlive the operations on them.
#[derive(Default)]
struct Place {
    output: Mutex<Vec<u8>>,
    journal: Arc<Mutex<Vec<u8>>>,
    /// Writes to the output in the last attempt.
    writes: AtomicUsize,
    /// The write from which on the disk is full.
    full_at: usize,
    /// The append from which on the journal's disk is full.
    journal_full_at: usize,
}

impl Place {
    fn new() -> Self {
        Self {
            full_at: usize::MAX,
            journal_full_at: usize::MAX,
            ..Self::default()
        }
    }

    fn attempt(&self, source: SourceMark) -> Attempt<'_> {
        self.writes.store(0, Ordering::SeqCst);
        Attempt {
            source,
            output: self,
            journal: Box::new(Journal {
                bytes: self.journal.clone(),
                left: self.journal_full_at,
            }),
            journal_path: Path::new("journal"),
            secret: None,
            lost: None,
            flush: true,
        }
    }

    fn encrypt(&self, plain: &[u8], control: &Control<'_>) -> Result<Report, SealFailure> {
        encrypt_resumable(&plain, self.attempt(mark(plain)), &compact(), control)
    }

    fn decrypt(&self, sealed: &[u8], control: &Control<'_>) -> Result<Report, SealFailure> {
        decrypt_resumable(&sealed, self.attempt(mark(sealed)), &reading(), control)
    }

    fn work(
        &self,
        direction: Direction,
        source: &[u8],
        control: &Control<'_>,
    ) -> Result<Report, SealFailure> {
        match direction {
            Direction::Seal => self.encrypt(source, control),
            Direction::Open => self.decrypt(source, control),
        }
    }

    fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn flip(&self, at: usize) {
        self.output.lock().unwrap()[at] ^= 1;
    }

    /// The plaintext that the output is, or holds.
    fn plain(&self, direction: Direction) -> Vec<u8> {
        let output = self.output.lock().unwrap().clone();
        match direction {
            Direction::Open => output,
            Direction::Seal => {
                let place = Self::new();
                place.decrypt(&output, &control(1)).unwrap();
                place.plain(Direction::Open)
            }
        }
    }
}

impl ReadAt for Place {
    fn size(&self) -> io::Result<u64> {
        Ok(self.output.lock().unwrap().len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.output.lock().unwrap()[..]).read_at(offset, buffers)
    }
}

impl WriteAt for Place {
    fn reserve(&self, size: u64) -> io::Result<()> {
        let mut output = self.output.lock().unwrap();
        let size = output.len().max(size as usize);
        output.resize(size, 0);
        Ok(())
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        if self.writes.fetch_add(1, Ordering::SeqCst) >= self.full_at {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut output = self.output.lock().unwrap();
        let mut at = offset as usize;
        for buffer in buffers {
            let end = at + buffer.len();
            if output.len() < end {
                output.resize(end, 0);
            }
            output[at..end].copy_from_slice(buffer);
            at = end;
        }
        Ok(())
    }
}

impl Unfinished for Place {
    fn truncate(&self, size: u64) -> io::Result<()> {
        self.output.lock().unwrap().truncate(size as usize);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

struct Journal {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Appends that still fit.
    left: usize,
}

impl JournalFile for Journal {
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::Cursor::new(self.bytes.lock().unwrap().clone())))
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(size as usize);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= 1;
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A source that counts what is read of it.
struct Counted<'a>(&'a [u8], AtomicUsize);

impl ReadAt for Counted<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.0.read_at(offset, buffers)?;
        self.1.fetch_add(read, Ordering::SeqCst);
        Ok(read)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Seal,
    Open,
}

impl Direction {
    fn source(self, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::Seal => plain.to_vec(),
            Self::Open => seal(plain, &compact()),
        }
    }

    /// Writes that are no segment's: the header in front and the end.
    fn extra_writes(self) -> usize {
        match self {
            Self::Seal => 2,
            Self::Open => 0,
        }
    }

    /// Where a segment's bytes are in the output.
    fn place_of(self, segment: usize) -> usize {
        match self {
            Self::Seal => {
                let sealed = seal(b"", &compact());
                let header = u32::from_be_bytes(sealed[64..68].try_into().unwrap()) as usize;
                header + segment * (SEGMENT as usize + 2 * 32 + 106 + 8)
            }
            Self::Open => segment * SEGMENT as usize,
        }
    }
}

const BOTH: [Direction; 2] = [Direction::Seal, Direction::Open];

fn mark(source: &[u8]) -> SourceMark {
    SourceMark {
        size: source.len() as u64,
        modified: 5,
        device: 1,
        inode: 2,
    }
}

fn resume(report: &Report) -> &ResumeReport {
    report.resume.as_ref().unwrap()
}

/// An attempt that ended when `segments` segments were done.
fn stopped_after(direction: Direction, source: &[u8], segments: usize) -> Place {
    let full_at = segments + direction.extra_writes() / 2;
    let mut place = Place {
        full_at,
        ..Place::new()
    };
    let failure = place.work(direction, source, &control(1)).unwrap_err();
    assert_eq!(failure.code(), "IO");
    place.full_at = usize::MAX;
    place
}

const SEGMENTS: usize = 7;

/// Six full segments and one of 10 bytes.
fn plain() -> Vec<u8> {
    plaintext((SEGMENTS as u64 - 1) * SEGMENT + 10)
}

#[test]
fn a_stop_at_any_segment_costs_only_what_was_not_finished() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        for done in 0..SEGMENTS {
            for threads in [1, 3] {
                let place = stopped_after(direction, &source, done);
                let told = Mutex::new(Vec::new());
                let listener = |progress: crate::telemetry::Progress| {
                    told.lock().unwrap().push(progress.bytes_done);
                };
                let control = Control {
                    progress: Some(&listener),
                    ..control(threads)
                };
                let report = place.work(direction, &source, &control).unwrap();
                let due = ResumeReport {
                    segments_resumed: done as u64,
                    bytes_resumed: done as u64 * SEGMENT,
                    ..ResumeReport::default()
                };
                assert_eq!(resume(&report), &due, "{direction:?}");
                assert_eq!(place.writes(), SEGMENTS - done + direction.extra_writes());
                assert_eq!(told.lock().unwrap().last(), Some(&(plain.len() as u64)));
                assert!(place.plain(direction) == plain, "{direction:?} {done}");
                let crc = crate::crypto::Crc64::of(&place.output.lock().unwrap());
                assert_eq!(report.output_crc64, crc);
                assert_eq!((report.segments, report.plaintext_size), (7, plain.len() as u64));
            }
        }
    }
}

#[test]
fn the_source_of_finished_segments_is_not_read_again() {
    let plain = plain();
    let place = stopped_after(Direction::Seal, &plain, 4);
    let source = Counted(&plain, AtomicUsize::new(0));
    encrypt_resumable(&source, place.attempt(mark(&plain)), &compact(), &control(1)).unwrap();
    assert_eq!(source.1.into_inner(), plain.len() - 4 * SEGMENT as usize);
}

#[test]
fn many_stops_in_a_row_end_at_last() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let mut place = Place {
            full_at: 2,
            ..Place::new()
        };
        let mut attempts = 0;
        while place.work(direction, &source, &control(1)).is_err() {
            attempts += 1;
            // The end needs a write of its own besides the header.
            place.full_at = if attempts > 6 { 3 } else { 2 };
            assert!(attempts < 20);
        }
        assert!(attempts > 2);
        assert!(place.plain(direction) == plain);
    }
}

#[test]
fn a_cancelled_operation_goes_on_too() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let place = stopped_after(direction, &source, 3);
        let cancelled = Control {
            cancel: CancellationToken::new(),
            ..control(1)
        };
        cancelled.cancel.cancel();
        let failure = place.work(direction, &source, &cancelled).unwrap_err();
        assert_eq!(failure, SealFailure::Cancelled);
        let report = place.work(direction, &source, &control(1)).unwrap();
        assert_eq!(resume(&report).segments_resumed, 3);
        assert!(place.plain(direction) == plain);
    }
}

#[test]
fn streams_of_every_small_size_are_sealed_opened_and_gone_on_with() {
    for size in [0, 1, FRAME, SEGMENT - 1, SEGMENT, SEGMENT + 1] {
        let plain = plaintext(size);
        for direction in BOTH {
            let source = direction.source(&plain);
            let place = Place::new();
            let report = place.work(direction, &source, &control(2)).unwrap();
            assert_eq!(resume(&report), &ResumeReport::default());
            assert!(place.plain(direction) == plain);
            let again = place.work(direction, &source, &control(2)).unwrap();
            assert_eq!(resume(&again).segments_resumed, again.segments);
            assert!(place.plain(direction) == plain);
        }
    }
}

#[test]
fn a_finished_segment_that_was_damaged_is_done_again() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        for segment in 0..4 {
            for within in [0, 40, 500] {
                let place = stopped_after(direction, &source, 4);
                place.flip(direction.place_of(segment) + within);
                let report = place.work(direction, &source, &control(2)).unwrap();
                assert_eq!(resume(&report).segments_resumed, 3, "{direction:?} {segment}");
                assert!(place.plain(direction) == plain);
            }
        }
    }
}

#[test]
fn an_output_that_is_shorter_or_longer_costs_what_is_missing() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let shorter = stopped_after(direction, &source, 4);
        let two = direction.place_of(2) + 100;
        shorter.output.lock().unwrap().truncate(two);
        let report = shorter.work(direction, &source, &control(2)).unwrap();
        assert_eq!(resume(&report).segments_resumed, 2);
        let longer = stopped_after(direction, &source, 4);
        longer.output.lock().unwrap().resize(100_000, 7);
        let report = longer.work(direction, &source, &control(2)).unwrap();
        assert_eq!(resume(&report).segments_resumed, 4);
        assert!(longer.plain(direction) == plain && shorter.plain(direction) == plain);
        let due = match direction {
            Direction::Seal => report.stream_size,
            Direction::Open => report.plaintext_size,
        };
        assert_eq!(longer.size().unwrap(), due);
    }
}

#[test]
fn a_journal_that_is_torn_anywhere_loses_its_last_entries_at_most() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let whole = stopped_after(direction, &source, 2);
        let journal = whole.journal.lock().unwrap().clone();
        let output = whole.output.lock().unwrap().clone();
        let header_size = journal.len() - 2 * 104;
        for length in 0..journal.len() {
            let place = Place::new();
            *place.output.lock().unwrap() = output.clone();
            *place.journal.lock().unwrap() = journal[..length].to_vec();
            let report = place.work(direction, &source, &control(1)).unwrap();
            let told = resume(&report);
            let torn = length != 0 && length < header_size;
            assert_eq!(
                told.started_over,
                torn.then_some(StartedOver::JournalTorn),
                "{length}"
            );
            let kept = length.saturating_sub(header_size) / 104;
            assert_eq!(told.segments_resumed, kept as u64, "{length}");
            assert!(place.plain(direction) == plain);
        }
    }
}

#[test]
fn a_journal_with_any_byte_flipped_is_never_believed() {
    let plain = plaintext(2 * SEGMENT);
    for direction in BOTH {
        let source = direction.source(&plain);
        let whole = stopped_after(direction, &source, 1);
        let journal = whole.journal.lock().unwrap().clone();
        let output = whole.output.lock().unwrap().clone();
        let header_size = journal.len() - 104;
        for at in 0..journal.len() {
            let place = Place::new();
            *place.output.lock().unwrap() = output.clone();
            let mut flipped = journal.clone();
            flipped[at] ^= 1;
            *place.journal.lock().unwrap() = flipped;
            let report = place.work(direction, &source, &control(1)).unwrap();
            assert_eq!(resume(&report).segments_resumed, 0, "{at}");
            let torn = at < header_size;
            assert_eq!(
                resume(&report).started_over,
                torn.then_some(StartedOver::JournalTorn),
                "{at}"
            );
            assert!(place.plain(direction) == plain, "{at}");
        }
    }
}

#[test]
fn a_journal_whose_header_was_forged_is_refused() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let place = stopped_after(direction, &source, 2);
        {
            let mut journal = place.journal.lock().unwrap();
            let header_size = journal.len() - 2 * 104;
            journal[20] ^= 1; // The source's size.
            let crc = crate::headers::crc32c(&journal[..header_size - 4]);
            journal[header_size - 4..header_size].copy_from_slice(&crc.to_be_bytes());
        }
        let failure = place.work(direction, &source, &control(1)).unwrap_err();
        assert_eq!(failure.code(), "JOURNAL_REFUSED");
    }
}

#[test]
fn a_source_that_changed_is_refused_and_the_attempt_kept() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let place = stopped_after(direction, &source, 2);
        let journal = place.journal.lock().unwrap().clone();
        let now = mark(&source);
        let changes = [
            (SourceMark { modified: 6, ..now }, SizeRelation::Modified),
            (SourceMark { inode: 3, ..now }, SizeRelation::Modified),
        ];
        for (changed, relation) in changes {
            let attempt = place.attempt(changed);
            let failure = match direction {
                Direction::Seal => encrypt_resumable(&&source[..], attempt, &compact(), &control(1)),
                Direction::Open => decrypt_resumable(&&source[..], attempt, &reading(), &control(1)),
            };
            let expected = source.len() as u64;
            assert_eq!(
                failure.unwrap_err(),
                SealFailure::SourceChanged { expected, relation }
            );
        }
        assert_eq!(*place.journal.lock().unwrap(), journal);
        // A device has another number when the system has started again.
        let renumbered = SourceMark { device: 9, ..now };
        let attempt = place.attempt(renumbered);
        let report = match direction {
            Direction::Seal => encrypt_resumable(&&source[..], attempt, &compact(), &control(1)),
            Direction::Open => decrypt_resumable(&&source[..], attempt, &reading(), &control(1)),
        };
        assert_eq!(resume(&report.unwrap()).segments_resumed, 2);
    }
    for (size, relation) in [(1, SizeRelation::Shorter), (99_999, SizeRelation::Longer)] {
        let place = stopped_after(Direction::Seal, &plain, 2);
        let failure = place.encrypt(&plaintext(size), &control(1)).unwrap_err();
        let expected = plain.len() as u64;
        assert_eq!(failure, SealFailure::SourceChanged { expected, relation });
    }
}

#[test]
fn a_journal_of_another_direction_or_stream_is_refused() {
    let plain = plain();
    let sealed = seal(&plain, &compact());
    let sealing = stopped_after(Direction::Seal, &plain, 2);
    assert_eq!(
        sealing.decrypt(&sealed, &control(1)).unwrap_err().code(),
        "JOURNAL_REFUSED"
    );
    let opening = stopped_after(Direction::Open, &sealed, 2);
    assert_eq!(
        opening.encrypt(&plain, &control(1)).unwrap_err().code(),
        "JOURNAL_REFUSED"
    );
    let other = Place::new();
    other.encrypt(&plain, &control(1)).unwrap();
    let other = other.output.into_inner().unwrap();
    assert_eq!(
        opening.decrypt(&other, &control(1)).unwrap_err().code(),
        "JOURNAL_REFUSED"
    );
}

#[test]
fn other_options_start_over_and_say_so() {
    let plain = plain();
    let defaults = compact();
    let two = |second: Recipient| {
        let mut recipients = defaults.recipients.clone();
        recipients.push(second);
        recipients
    };
    let named = |id: &str| Recipient::Key {
        key: key(),
        id: id.into(),
    };
    let others = [
        EncryptOptions {
            frame_size: 2048,
            ..defaults.clone()
        },
        EncryptOptions {
            segment_size: Some(1024),
            ..defaults.clone()
        },
        EncryptOptions {
            digest: DigestKind::None,
            ..defaults.clone()
        },
        EncryptOptions {
            header: HeaderLayout::Rewrappable,
            ..defaults.clone()
        },
        EncryptOptions {
            recipients: vec![named("other")],
            ..defaults.clone()
        },
        EncryptOptions {
            recipients: two(named("more")),
            ..defaults.clone()
        },
        defaults.clone().with_context(b"another"),
    ];
    for options in others {
        let place = stopped_after(Direction::Seal, &plain, 3);
        let attempt = place.attempt(mark(&plain));
        let report = encrypt_resumable(&&plain[..], attempt, &options, &control(1)).unwrap();
        let due = ResumeReport {
            started_over: Some(StartedOver::OptionsDiffer),
            ..ResumeReport::default()
        };
        assert_eq!(resume(&report), &due, "{options:?}");
    }
}

#[test]
fn without_a_key_that_opens_the_journal_only_the_resume_secret_tells_more() {
    let plain = plain();
    let stranger = EncryptOptions {
        recipients: vec![Recipient::Key {
            key: SecretKey::from_bytes(&[9; 32]).unwrap(),
            id: "test".into(),
        }],
        ..compact()
    };
    let [secret, wrong] = [[1; 32], [2; 32]].map(|bytes| SecretKey::from_bytes(&bytes).unwrap());
    for (given, due) in [
        (None, StartedOver::NoMatchingKey),
        (Some(&wrong), StartedOver::NoMatchingKey),
        (Some(&secret), StartedOver::OptionsDiffer),
    ] {
        let place = Place {
            full_at: 3,
            ..Place::new()
        };
        let attempt = Attempt {
            secret: Some(&secret),
            ..place.attempt(mark(&plain))
        };
        encrypt_resumable(&&plain[..], attempt, &compact(), &control(1)).unwrap_err();
        let place = Place {
            full_at: usize::MAX,
            ..place
        };
        let attempt = Attempt {
            secret: given,
            ..place.attempt(mark(&plain))
        };
        let report = encrypt_resumable(&&plain[..], attempt, &stranger, &control(1)).unwrap();
        assert_eq!(resume(&report).started_over, Some(due));
    }
}

#[test]
fn a_full_disk_under_the_journal_costs_nothing_but_the_journal() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        for appends in [0, 1] {
            let place = Place {
                journal_full_at: appends,
                ..Place::new()
            };
            let report = place.work(direction, &source, &control(2)).unwrap();
            let errors = &resume(&report).checkpoint_errors;
            assert!(
                matches!(&errors[..], [SegmentWorkerError::CheckpointError { .. }]),
                "{errors:?}"
            );
            assert!(place.plain(direction) == plain);
            assert!(
                place.journal.lock().unwrap().is_empty(),
                "it could not say that it is closed"
            );
        }
    }
}

#[test]
fn a_closed_stream_that_is_whole_is_kept_and_one_that_is_not_is_sealed_anew() {
    let plain = plain();
    let place = Place::new();
    place.encrypt(&plain, &control(1)).unwrap();
    let first = place.output.lock().unwrap().clone();

    let again = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(resume(&again).segments_resumed, 7);
    assert!(
        *place.output.lock().unwrap() == first,
        "the end is the same, written twice"
    );

    // The end was torn: the same segments have the same end.
    place.output.lock().unwrap().truncate(first.len() - 50);
    place.encrypt(&plain, &control(1)).unwrap();
    assert!(*place.output.lock().unwrap() == first);

    place.flip(Direction::Seal.place_of(3) + 200);
    let anew = place.encrypt(&plain, &control(1)).unwrap();
    assert_eq!(resume(&anew).started_over, Some(StartedOver::OutputDamaged));
    assert_ne!(
        anew.stream_id[..],
        first[32..64],
        "another stream, with another key"
    );
    assert!(place.plain(Direction::Seal) == plain);
}

#[test]
fn an_output_that_has_its_place_already_is_known_by_its_journal() {
    let plain = plain();
    let sealed = seal(&plain, &compact());
    let sealing = Place::new();
    sealing.encrypt(&plain, &control(1)).unwrap();
    let placed =
        |place: &Place| encrypt_placed(place.attempt(mark(&plain)), &compact(), &control(1)).unwrap();
    assert_eq!(resume(&placed(&sealing).unwrap()).segments_resumed, 7);
    let length = sealing.output.lock().unwrap().len();
    for at in [0, 300, length / 2, length - 1] {
        sealing.flip(at);
        assert!(placed(&sealing).is_none(), "{at}");
        sealing.flip(at);
    }
    sealing.output.lock().unwrap().push(0);
    assert!(placed(&sealing).is_none());

    let opening = Place::new();
    opening.decrypt(&sealed, &control(1)).unwrap();
    let placed = |place: &Place| {
        decrypt_placed(
            &&sealed[..],
            place.attempt(mark(&sealed)),
            &reading(),
            &control(1),
        )
        .unwrap()
    };
    assert_eq!(resume(&placed(&opening).unwrap()).segments_resumed, 7);
    opening.flip(5);
    assert!(placed(&opening).is_none());
    opening.flip(5);
    opening.output.lock().unwrap().push(0);
    assert!(placed(&opening).is_none());
    assert!(placed(&stopped_after(Direction::Open, &sealed, 3)).is_none());
}

#[test]
fn a_stream_without_an_end_fails_as_it_does_otherwise() {
    let sealed = super::support::seal_unsized(&plain(), &compact());
    let place = Place::new();
    let failure = place
        .decrypt(&sealed[..sealed.len() - 30], &control(1))
        .unwrap_err();
    assert_eq!(failure.code(), "TRUNCATED");
    let report = place.decrypt(&sealed, &control(1)).unwrap();
    assert_eq!(resume(&report).started_over, None);
    assert!(place.plain(Direction::Open) == plain());
}
