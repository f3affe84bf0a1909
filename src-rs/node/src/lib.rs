//! Node.js binding of sealstream: the engine's operations and types across Node-API, and nothing else.
//!
//! Everything here trusts its caller to be the façade in src-ts, which checks what users pass. Work on whole streams runs
//! on threads of the [executor], never on JavaScript's thread or libuv's; what is small enough for the caller's
//! own thread is in [sync]. Memory that JavaScript sees is allocated by JavaScript.

#![deny(unsafe_code)]

pub mod arguments;
mod memory;
pub mod operations;
pub mod runtime;
pub mod streams;
pub mod types;

use napi_derive::napi;

/// The version of the binary; the façade refuses one that isn't its own.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
