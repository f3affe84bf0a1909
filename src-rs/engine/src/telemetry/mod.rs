//! What an operation did and where its time went. Used by pipeline and core, never by the workers; nothing secret.

mod clock;
mod progress;

pub use clock::{Stage, StageTimes};
pub use progress::{Progress, ProgressMeter, SegmentDone, SegmentListener};
