//! Finds damage, and repairs it.

mod fault_tolerant;
pub mod heal;
pub mod salvage;
mod segment_headers;
mod stored_manifest;
pub mod verify;

#[cfg(test)]
mod tests;
