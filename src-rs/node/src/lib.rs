//! Node.js binding of sealstream: the engine's operations and types across Node-API, and nothing else.
//!
//! The caller is the façade in src-ts, which has checked the types of all arguments. Work on whole streams runs on threads of
//! [`runtime`], never on the JavaScript thread or libuv's. Only small work runs on the calling thread: [`operations::sync`] and
//! [`operations::floe`]. JavaScript allocates all memory that it sees.
//!
//! Rooms, each of which uses only those before it: [`types`], [`runtime`], [`arguments`], then [`operations`] and [`streams`].

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
