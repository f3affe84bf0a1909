//! The functions that JavaScript calls, one file a surface.

pub mod buffers;
pub mod descriptors;
pub mod files;
pub mod floe;
pub mod header;
pub mod heal;
pub mod inspect;
pub mod key_files;
mod open_stream;
pub mod passphrase_generator;
pub mod reader;
pub mod rewrap;
pub mod salvage;
pub mod sync;
pub mod verify;
