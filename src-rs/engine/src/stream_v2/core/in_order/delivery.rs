//! The writing end.

use crate::error::SealError;
use crate::format::ManifestEntry;
use crate::operation::options::Control;
use crate::operation::report::Totals;
use crate::telemetry::{Stage, StageTimes};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Results in order, until the first failure.
pub(super) struct Delivery<'a, 'c> {
    writer: &'a mut (dyn Write + Send + 'a),
    buffers: Sender<Vec<u8>>,
    control: &'a Control<'c>,
    pub(super) written: u64,
    pub(super) totals: Totals,
    pub(super) entries: Vec<ManifestEntry>,
    pub(super) times: StageTimes,
    idle_since: Instant,
    outcome: Result<(), SealError>,
}

impl<'a, 'c> Delivery<'a, 'c> {
    pub(super) fn new(
        writer: &'a mut (dyn Write + Send + 'a),
        buffers: Sender<Vec<u8>>,
        control: &'a Control<'c>,
    ) -> Self {
        Self {
            writer,
            buffers,
            control,
            written: 0,
            totals: Totals::default(),
            entries: Vec::new(),
            times: StageTimes::default(),
            idle_since: Instant::now(),
            outcome: Ok(()),
        }
    }

    /// Takes the next result; `deliver` writes it and gives its buffer back.
    pub(super) fn accept<T>(
        &mut self,
        result: Result<(T, StageTimes), SealError>,
        deliver: impl FnOnce(&mut Self, T, StageTimes) -> Result<Vec<u8>, SealError>,
    ) -> ControlFlow<()> {
        self.times.add(Stage::Wait, self.idle_since.elapsed());
        let wanted = self.control.cancel.check().map_err(SealError::from);
        let delivered = wanted.and(result).and_then(|(item, times)| {
            self.times += times;
            deliver(self, item, times)
        });
        self.idle_since = Instant::now();
        match delivered {
            Ok(buffer) => {
                // The reader may have ended already, and then needs no buffers.
                let _ = self.buffers.send(buffer);
                ControlFlow::Continue(())
            }
            Err(failure) => {
                self.outcome = Err(self.explain(failure));
                ControlFlow::Break(())
            }
        }
    }

    /// The failure that ended the delivery, if one did.
    pub(super) fn check(&mut self) -> Result<(), SealError> {
        std::mem::replace(&mut self.outcome, Ok(()))
    }

    /// Adds what only the delivering end knows, and stops a reader that waits.
    fn explain(&self, failure: SealError) -> SealError {
        self.control.cancel.cancel();
        failure.after(self.totals.plaintext_size)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        let Self { writer, times, .. } = self;
        let written = times.time(Stage::Write, || writer.write_all(bytes));
        written.map_err(SealError::writing)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), SealError> {
        self.writer.flush().map_err(SealError::writing)
    }
}
