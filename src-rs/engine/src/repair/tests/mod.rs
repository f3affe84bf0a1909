//! Damage: found, mended, and worked around.

mod heal;
mod salvage;
mod verify;
