//! Seals and opens segments in order: a reader, the pool, and a writer that gets the results in the stream's order.

mod delivery;
mod open;
mod seal;
mod skip_damage;
mod timed_reader;

pub(crate) use open::open_in_order;
pub(crate) use seal::seal_in_order;
pub(crate) use skip_damage::open_around_damage;
