//! Headers that are rewritten, and headers that are detached.

mod detached;
mod rewrap;
