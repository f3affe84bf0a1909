//! What JavaScript passes to an operation, and its conversion into what the engine takes.

pub mod credentials;
pub mod keys;
pub mod options;
pub mod placement;
pub mod senders;
pub mod sources;
