//! JavaScript's memory: every read and write of it goes through this module.
//!
//! JavaScript can transfer, detach or resize the memory of an array at any time that it runs, and Node-API can't prevent that. So no
//! pointer to a caller's memory is used after JavaScript may have run:
//!
//! | what | type | why it is safe |
//! |---|---|---|
//! | small inputs, such as keys and contexts | [`BytesCopy`] | copied while the argument is converted |
//! | inputs of a call without a promise | [`BytesArgument`] | read before the call returns; JavaScript does not run meanwhile |
//! | inputs of an operation | [`HeldBytes`] | copied at the call, or read [on the JavaScript thread](held) part by part |
//! | outputs of an operation | [`NewBuffer`] | JavaScript does not know the memory before the promise resolves |
//! | outputs of a call without a promise | [`BytesArgument::fill`] | written before the call returns |
//!
//! Arrays are asked by Node-API only, which reads V8's own fields. Properties, getters and prototypes are never looked at.
//! [architecture/memory.md](../../../../docs/architecture/memory.md) lists every `unsafe` with the test that attacks it.

#![allow(unsafe_code, reason = "references to memory that another language owns")]

mod argument;
mod array;
mod caller_bytes;
mod held;
mod new_buffer;
mod reference;

pub(crate) use argument::{BytesArgument, BytesCopy};
pub(crate) use held::HeldBytes;
pub(crate) use new_buffer::{CopiedBytes, NewBuffer, Room};
