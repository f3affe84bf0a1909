//! Whole streams: sealed and opened on every path, damaged and forged in every way that docs/FORMAT.md refuses.

mod faulty;
mod parts;
mod sound;
mod support;
mod told;

mod control;
mod cuts;
mod damage;
mod detached;
mod faults;
mod files;
mod flips;
mod floe;
mod heal;
mod inspect;
mod pipeline;
#[cfg(unix)]
mod pipes;
mod random_access;
mod refusals;
mod resume;
mod resume_files;
mod rewrap;
mod roundtrip;
mod salvage;
mod session;
mod slots;
#[cfg(unix)]
mod unix_files;
mod vectors;
mod verify;
mod worked_stream;
