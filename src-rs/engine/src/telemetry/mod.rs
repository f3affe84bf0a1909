//! Progress and stage times of an operation. Used by pipeline and core, never by the workers. Contains nothing secret.

mod clock;
mod progress;

pub use clock::{Stage, StageTimes};
pub use progress::{Progress, ProgressMeter, SegmentDone, SegmentListener};
