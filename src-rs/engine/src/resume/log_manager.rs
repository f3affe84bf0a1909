//! The thread that writes a journal, so that no worker waits for the disk.
//!
//! Written entries survive the end of the process; synced entries survive a power cut. Entries are therefore written every
//! few milliseconds and synced twice a second. The disk can store an entry before its segment: the next attempt reads
//! the segment again to find that out.

use super::journal::{EntryCodec, JournalEntry};
use crate::format::SegmentIndex;
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The file of a journal. All errors are the system's.
pub(crate) trait JournalFile: Send {
    /// Reads the whole journal from its beginning.
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>>;

    /// Cuts the journal to its first `size` bytes. The next entry is appended there.
    fn truncate(&mut self, size: u64) -> io::Result<()>;

    /// Appends `bytes`.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until everything is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl JournalFile for File {
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.seek(SeekFrom::Start(0))?;
        Ok(Box::new(self))
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.set_len(size)?;
        self.seek(SeekFrom::Start(size)).map(drop)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The error of a journal that could not be written. `segment` is the first one that is missing in it.
pub(crate) fn checkpoint_error(segment: SegmentIndex, message: impl ToString) -> SegmentWorkerError {
    SegmentWorkerError::CheckpointError {
        segment,
        message: message.to_string(),
    }
}

/// Takes entries from any thread and writes them on its own thread. When dropped, it writes all entries that it has taken.
#[derive(Debug)]
pub(crate) struct LogManager {
    /// Unbounded, because a worker must not wait: an entry takes about 130 bytes, and each segment has one.
    messages: Option<Sender<Message>>,
    thread: Mutex<Option<JoinHandle<Option<SegmentWorkerError>>>>,
}

enum Message {
    Finished(JournalEntry),
    /// Write all entries and the closing one, then answer.
    Close(Sender<()>),
}

impl LogManager {
    /// Starts the thread. The journal's header has been written, unless that failed with `failure`.
    ///
    /// # Errors
    /// The system can't start a thread.
    pub(crate) fn start(
        journal: Box<dyn JournalFile>,
        codec: EntryCodec,
        failure: Option<SegmentWorkerError>,
    ) -> io::Result<Self> {
        let (messages, inbox) = channel();
        let writer = Writer {
            journal,
            codec,
            failure,
            pending: Vec::new(),
            first_pending: None,
            unsynced: 0,
            last_sync: Instant::now(),
        };
        let thread = std::thread::Builder::new()
            .name("sealstream-journal".into())
            .spawn(move || writer.run(&inbox))?;
        Ok(Self {
            messages: Some(messages),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Adds the entry of a finished segment. Never waits.
    pub(crate) fn record(&self, entry: JournalEntry) {
        self.send(Message::Finished(entry));
    }

    /// Returns when all entries and the closing one are on the disk, or when the journal was emptied because it could not
    /// be written.
    pub(crate) fn close(&self) {
        let (answer, done) = channel();
        self.send(Message::Close(answer));
        self.wake();
        // Fails only if the thread has ended; `end` then returns its error.
        let _ = done.recv();
    }

    /// Writes all entries, ends the thread, and returns its first error.
    #[must_use]
    pub(crate) fn end(mut self) -> Option<SegmentWorkerError> {
        self.join()
    }

    /// If the thread has ended, `end` returns its error.
    fn send(&self, message: Message) {
        if let Some(messages) = &self.messages {
            let _ = messages.send(message);
        }
    }

    fn wake(&self) {
        if let Ok(thread) = self.thread.lock()
            && let Some(thread) = &*thread
        {
            thread.thread().unpark();
        }
    }

    fn join(&mut self) -> Option<SegmentWorkerError> {
        self.messages = None;
        self.wake();
        let thread = self.thread.lock().ok()?.take()?;
        let panicked = "its thread stopped without an answer (a bug in sealstream; please report it)";
        thread
            .join()
            .unwrap_or_else(|_| Some(checkpoint_error(SegmentIndex::ZERO, panicked)))
    }
}

impl Drop for LogManager {
    fn drop(&mut self) {
        self.join();
    }
}

struct Writer {
    journal: Box<dyn JournalFile>,
    codec: EntryCodec,
    /// Once set, nothing more is written.
    failure: Option<SegmentWorkerError>,
    /// Encoded entries that are not written yet.
    pending: Vec<u8>,
    first_pending: Option<SegmentIndex>,
    /// Number of entries that are written but not synced.
    unsynced: usize,
    last_sync: Instant,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Message>) -> Option<SegmentWorkerError> {
        loop {
            match inbox.try_recv() {
                Ok(Message::Finished(entry)) => {
                    self.first_pending.get_or_insert(entry.index);
                    self.pending.extend_from_slice(&self.codec.encode(&entry));
                    if self.pending.len() < MAX_BATCH * self.codec.entry_size() {
                        continue;
                    }
                }
                Ok(Message::Close(answer)) => {
                    self.close();
                    let _ = answer.send(());
                    continue;
                }
                Err(TryRecvError::Disconnected) => {
                    self.flush(true);
                    return self.failure;
                }
                Err(TryRecvError::Empty) => {
                    self.flush(false);
                    // Entries don't wake this thread: waking it would cost a worker more than the entry.
                    std::thread::park_timeout(WRITE_INTERVAL);
                    continue;
                }
            }
            self.flush(false);
        }
    }

    /// Writes the pending entries, and syncs if it is time or if `sync` is set.
    fn flush(&mut self, sync: bool) {
        let sync = sync || self.unsynced >= MAX_BATCH || self.last_sync.elapsed() >= SYNC_INTERVAL;
        let segment = self.first_pending.take().unwrap_or_default();
        let pending = std::mem::take(&mut self.pending);
        if self.failure.is_none() {
            let result = self.write(&pending, sync);
            self.failure = result.err().map(|error| checkpoint_error(segment, error));
        }
    }

    fn write(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        if !bytes.is_empty() {
            self.journal.append(bytes)?;
            self.unsynced += bytes.len() / self.codec.entry_size();
        }
        if sync && self.unsynced != 0 {
            self.journal.sync()?;
            self.unsynced = 0;
            self.last_sync = Instant::now();
        }
        Ok(())
    }

    fn close(&mut self) {
        let closed = self.codec.encode(&self.codec.closing());
        self.pending.extend_from_slice(&closed);
        self.flush(true);
        if self.failure.is_some() {
            // Without the closing entry the next attempt could add segments to a stream whose end was written: the
            // journal must not be used again. Best effort: truncation takes no space, so it fails only if the disk does.
            let _ = self.journal.truncate(0).and_then(|()| self.journal.sync());
        }
    }
}

/// Time that an entry waits in memory. A killed process loses these entries.
const WRITE_INTERVAL: Duration = Duration::from_millis(20);
/// Time that an entry waits for the disk. A power cut loses these entries.
const SYNC_INTERVAL: Duration = Duration::from_millis(500);
/// Largest number of entries in one write, and of entries that are not synced.
const MAX_BATCH: usize = 4096;
