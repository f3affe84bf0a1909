//! Node.js binding of sealstream: the engine's operations and types across Node-API, and nothing else.
//!
//! Everything here trusts its caller to be the façade in src-ts, which checks what users pass. Work on whole streams runs
//! on threads of the [executor], never on JavaScript's thread or libuv's; what is small enough for the caller's
//! own thread is in [sync]. Memory that JavaScript sees is allocated by JavaScript.

pub mod buffers;
pub mod credentials;
pub mod damage;
pub mod descriptors;
mod executor;
pub mod failure;
pub mod files;
pub mod header;
pub mod heal;
pub mod inspect;
pub mod keys;
mod large_memory;
pub mod operations;
pub mod options;
mod output;
mod pools;
mod promises;
pub mod ranges;
pub mod reader;
pub mod report;
pub mod rewrap;
pub mod salvage;
pub mod segment_log;
pub mod segments;
pub mod sources;
pub mod streams;
pub mod sync;
pub mod teardown;
pub mod verify;
pub mod words;

use napi_derive::napi;

/// The version of the binary; the façade refuses one that isn't its own.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
