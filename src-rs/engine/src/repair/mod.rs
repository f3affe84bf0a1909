//! Finding damage, and what can be done about it.

mod fault_tolerant;
pub mod heal;
pub mod salvage;
pub mod verify;

#[cfg(test)]
mod tests;
