//! Whole streams: sealed and opened on every path, damaged and forged in every way that docs/FORMAT.md refuses.

mod parts;
mod support;
mod told;

mod cuts;
mod faults;
mod flips;
mod floe;
mod pipeline;
mod refusals;
mod roundtrip;
mod vectors;
