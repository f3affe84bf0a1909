//! Tests of verify, heal and salvage.

mod heal;
mod salvage;
mod verify;
