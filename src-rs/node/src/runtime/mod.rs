//! What operations run on: threads, promises, and the end of an environment.

pub mod damage_judge;
pub(crate) mod executor;
pub(crate) mod pools;
pub(crate) mod promises;
pub mod segment_log;
pub(crate) mod spare_buffers;
pub mod task;
pub mod teardown;
