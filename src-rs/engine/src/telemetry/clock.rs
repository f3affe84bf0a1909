//! Stage times. Each worker measures its own; they are summed at the end.

use std::ops::{AddAssign, Sub};
use std::time::{Duration, Instant};

/// A stage of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading from the source.
    Read,
    /// AES-GCM: sealing or opening frames.
    Crypto,
    /// Digests and checksums.
    Digest,
    /// Writing to the sink.
    Write,
    /// Waiting for another thread.
    Wait,
}

/// Time in each stage, summed over all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimes([Duration; 5]);

impl StageTimes {
    /// Runs `work` and adds its time.
    pub fn time<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(stage, start.elapsed());
        result
    }

    /// Adds time that was measured elsewhere.
    pub fn add(&mut self, stage: Stage, time: Duration) {
        self.0[stage as usize] += time;
    }

    /// The time in one stage.
    #[must_use]
    pub const fn of(&self, stage: Stage) -> Duration {
        self.0[stage as usize]
    }
}

impl AddAssign for StageTimes {
    fn add_assign(&mut self, other: Self) {
        for (sum, time) in self.0.iter_mut().zip(other.0) {
            *sum += time;
        }
    }
}

impl Sub for StageTimes {
    type Output = Self;

    /// The time since `earlier`, a previous value of the same times.
    fn sub(self, earlier: Self) -> Self {
        let mut times = self;
        for (time, before) in times.0.iter_mut().zip(earlier.0) {
            *time = time.saturating_sub(before);
        }
        times
    }
}
