//! The thread that writes a journal, so that no worker waits for the disk.
//!
//! What is written survives the end of the process; what is synced survives a power cut. So entries are written every few
//! milliseconds and synced twice a second. Entries and output are not ordered on the disk: an entry whose
//! segment did not get there is found out when the segment is read again.

use super::{ENTRY_SIZE, JournalEntry};
use crate::crypto::JournalKey;
use crate::format::SegmentIndex;
use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Where a journal is kept.
pub(crate) trait JournalFile: Send {
    /// All that is in it, from its beginning.
    ///
    /// # Errors
    /// What the system says.
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>>;

    /// Cuts it to its first `size` bytes; what is appended stands behind them.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, size: u64) -> io::Result<()>;

    /// Writes behind all that is there.
    ///
    /// # Errors
    /// What the system says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Has everything on the disk.
    ///
    /// # Errors
    /// What the system says.
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

/// The journal could not be written, and nothing was added to it since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The first segment that is not in it.
    pub(crate) segment: SegmentIndex,
    /// The system's words.
    pub(crate) message: String,
}

/// Takes entries from any thread and has them written by its own. Dropped, it writes what it has taken.
#[derive(Debug)]
pub(crate) struct LogManager {
    /// Without a bound: an entry is 56 bytes, of which there is one for each segment at most, and a worker must not wait.
    messages: Option<Sender<Message>>,
    thread: Mutex<Option<JoinHandle<Option<Trouble>>>>,
}

enum Message {
    Finished(JournalEntry),
    /// Write all, and the entry that says that the end comes next; then answer.
    Close(Sender<()>),
}

impl LogManager {
    /// Starts the thread. The journal's header has been written, unless that is the `trouble` there was.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        journal: Box<dyn JournalFile>,
        key: JournalKey,
        header_mac: [u8; 48],
        trouble: Option<Trouble>,
    ) -> io::Result<Self> {
        let (messages, inbox) = channel();
        let writer = Writer {
            journal,
            key,
            header_mac,
            trouble,
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

    /// Notes a finished segment. Never waits.
    pub(crate) fn record(&self, entry: JournalEntry) {
        // Nobody listens where the thread is gone; `end` says so.
        self.send(Message::Finished(entry));
    }

    /// Returns when everything is on the disk and the journal says that the output's end comes next, or when the journal
    /// has been emptied because it could not be written.
    pub(crate) fn close(&self) {
        let (answer, done) = channel();
        self.send(Message::Close(answer));
        self.wake();
        // An error is the thread's end, of which `end` tells.
        let _ = done.recv();
    }

    /// Writes what was taken, ends the thread, and tells whether it all worked.
    #[must_use]
    pub(crate) fn end(mut self) -> Option<Trouble> {
        self.join()
    }

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

    fn join(&mut self) -> Option<Trouble> {
        self.messages = None;
        self.wake();
        let thread = self.thread.lock().ok()?.take()?;
        thread.join().unwrap_or_else(|_| {
            Some(Trouble {
                segment: SegmentIndex::ZERO,
                message: "its thread stopped without an answer (a bug in sealstream; please report it)"
                    .into(),
            })
        })
    }
}

impl Drop for LogManager {
    fn drop(&mut self) {
        self.join();
    }
}

struct Writer {
    journal: Box<dyn JournalFile>,
    key: JournalKey,
    header_mac: [u8; 48],
    trouble: Option<Trouble>,
    /// Entries that are not written.
    pending: Vec<u8>,
    first_pending: Option<SegmentIndex>,
    /// Entries that are written and not synced.
    unsynced: usize,
    last_sync: Instant,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Message>) -> Option<Trouble> {
        loop {
            match inbox.try_recv() {
                Ok(Message::Finished(entry)) => {
                    self.first_pending.get_or_insert(entry.index);
                    self.pending
                        .extend_from_slice(&entry.encode(&self.key, &self.header_mac));
                    if self.pending.len() < MAX_BATCH * ENTRY_SIZE {
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
                    return self.trouble;
                }
                Err(TryRecvError::Empty) => {
                    self.flush(false);
                    // Not woken by entries: waking a thread costs a worker more than the entry does.
                    std::thread::park_timeout(WRITE_INTERVAL);
                    continue;
                }
            }
            self.flush(false);
        }
    }

    /// Writes what is pending, and syncs if it is time.
    fn flush(&mut self, sync: bool) {
        let due = sync || self.unsynced >= MAX_BATCH || self.last_sync.elapsed() >= SYNC_INTERVAL;
        let segment = self.first_pending.take().unwrap_or_default();
        let pending = std::mem::take(&mut self.pending);
        if self.trouble.is_some() {
            return;
        }
        let result = self.write(&pending, due);
        self.trouble = result.err().map(|error| Trouble {
            segment,
            message: error.to_string(),
        });
    }

    fn write(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        if !bytes.is_empty() {
            self.journal.append(bytes)?;
            self.unsynced += bytes.len() / ENTRY_SIZE;
        }
        if sync && self.unsynced != 0 {
            self.journal.sync()?;
            self.unsynced = 0;
            self.last_sync = Instant::now();
        }
        Ok(())
    }

    fn close(&mut self) {
        let closed = JournalEntry::encode_closed(&self.key, &self.header_mac);
        self.pending.extend_from_slice(&closed);
        self.flush(true);
        if self.trouble.is_some() {
            // A journal that can't say that the end was written must not let anyone write to the stream again.
            // Cutting takes no room; what fails all the same is a disk that answers nothing more.
            let _ = self.journal.truncate(0).and_then(|()| self.journal.sync());
        }
    }
}

/// How long an entry waits in memory: what a process that is killed loses.
const WRITE_INTERVAL: Duration = Duration::from_millis(20);
/// How long an entry waits for the disk: what a power cut loses.
const SYNC_INTERVAL: Duration = Duration::from_millis(500);
/// Entries that are written at once, and after which the disk is not waited for any longer.
const MAX_BATCH: usize = 4096;
