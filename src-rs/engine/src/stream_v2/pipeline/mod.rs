//! Threads, order and back-pressure. No cryptography: it calls the segment workers and moves bytes.
//!
//! If source and sink can be addressed by offset, each worker does all of the work on a segment alone (`positioned`).
//! Everything else goes through a bounded window of segments in memory (`ordered`).

mod decrypt_pipeline;
mod ordered;
mod panic_guard;
mod portion_buffer;
mod portions;
mod positioned;
mod record;
pub mod record_layout;
mod record_reader;
mod task_error;
mod transfer;

pub use decrypt_pipeline::DecryptPipeline;
pub(crate) use ordered::run_ordered;
pub(crate) use panic_guard::guard;
#[cfg(test)]
pub(crate) use portions::Parallelism;
pub use portions::portion_size;
pub(crate) use portions::{PORTION, PortionRunner};
pub(crate) use positioned::{Worker, map_positioned, run_positioned};
pub(crate) use record::{open_in_place, open_record, seal_in_place, seal_record};
pub(crate) use record_reader::{Destination, RecordReader};
pub(crate) use task_error::TaskError;
pub(crate) use transfer::{Checkpoints, Transfer};
