//! The values that JavaScript receives.

pub mod byte_range;
pub(crate) mod convert;
pub mod damage;
pub mod damage_map;
pub mod failure;
pub mod limits;
pub mod names;
pub mod report;
pub(crate) mod sender;
pub(crate) mod warning;
