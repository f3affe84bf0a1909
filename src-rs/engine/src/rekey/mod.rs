//! Who can open a stream, changed or stored apart: headers without the records behind them.

pub mod detached;
pub mod rewrap;

#[cfg(test)]
mod tests;
