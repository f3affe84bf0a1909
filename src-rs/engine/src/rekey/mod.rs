//! Changes to a stream's header that leave the sealed data as it is: rewrapping, and detached headers.

pub mod detached;
pub mod rewrap;

#[cfg(test)]
mod tests;
