//! Newtypes for positions, so that an index can't be taken for an offset.

use std::fmt;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name($inner);

        impl $name {
            /// The first position.
            pub const ZERO: Self = Self(0);

            /// Wraps a plain number.
            #[must_use]
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

unit! {
    /// Position of a segment in its stream, from 0.
    SegmentIndex(u64)
}
unit! {
    /// Position of a frame in its segment, from 0.
    FrameIndex(u32)
}
unit! {
    /// Byte offset in the sealed stream, from the first byte of its header.
    WireOffset(u64)
}
