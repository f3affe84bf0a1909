//! Thread-pool wiring, order and back-pressure. No cryptography: it calls the segment workers and moves bytes.
//!
//! Where both ends can be addressed by offset, each worker takes a segment through its whole life alone
//! (`positioned`). Everything else goes through a bounded window of segments in memory (`ordered`).

mod decrypt_pipeline;
mod ordered;
mod panic_guard;
mod portion_buffer;
mod positioned;
mod reading;
mod record;
pub mod record_layout;
mod resumable;

pub use decrypt_pipeline::DecryptPipeline;
pub(crate) use ordered::run_ordered;
pub(crate) use panic_guard::guard;
pub(crate) use positioned::{OpenTask, SealTask, SegmentTask, Transfer, Worker, run_positioned};
pub(crate) use reading::{Broken, RecordReader};
pub use record::portion_size;
pub(crate) use record::{
    Parallelism, PortionRunner, TaskError, open_in_place, open_record, seal_in_place, seal_record,
};
pub(crate) use resumable::{Checkpoints, Resumable};
