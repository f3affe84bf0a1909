//! What failures say in a word: enums whose variants are told in words of their own.

use std::cmp::Ordering;
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $words:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $words,)* })
            }
        }
    };
}

words! {
    /// Why an operation that was to be resumed did all of its work again.
    StartedOver {
        /// The journal holds no whole header.
        JournalTorn = "the journal's beginning is torn",
        /// Neither a recipient's key nor the resume secret opens the journal's stream.
        NoMatchingKey = "no given key opens the journal",
        /// Only public keys were given, which open nothing, and no resume secret.
        NoSecret = "public keys open no journal, and no resume secret was given",
        /// The options, the recipients or the context are not those of the journal's stream.
        OptionsDiffer = "the options are not those that it was begun with",
        /// The unfinished output is not there.
        OutputMissing = "the unfinished output is gone",
        /// The end of the stream was written, so no segment may be sealed for it again, and one is not sound.
        OutputDamaged = "the output was complete but for its name, and is damaged",
        /// The journal or the unfinished output is a link, not a file, or open to others; it was removed.
        Distrusted = "others could have written to the journal or to the unfinished output",
    }
}

words! {
    /// A part of a stream's end.
    EndPart {
        /// The manifest.
        EndRecord = "end record",
        /// The last 24 bytes.
        Footer = "footer",
    }
}

words! {
    /// In what an end record and the stream differ.
    EndDisagreement {
        /// Its authentication code is not one made with the stream's key.
        Mac = "its authentication code does not match",
        /// The number of segments.
        SegmentCount = "it counts other segments",
        /// The plaintext's length.
        PlaintextTotal = "it states another plaintext length",
        /// A segment's size, or which sealing of it belongs to the stream.
        Segment = "it names another sealing of a segment",
    }
}

words! {
    /// A limit of a reader.
    Limit {
        /// Plaintext bytes in a segment.
        SegmentSize = "segment size",
        /// Memory times passes of all passphrase slots, in KiB.
        PassphraseCost = "cost of its passphrases, in KiB times passes,",
        /// Lanes of a passphrase slot.
        PassphraseLanes = "number of lanes of a passphrase",
    }
}

words! {
    /// How a source's length compares with what it was.
    SizeRelation {
        /// Fewer bytes.
        Shorter = "fewer",
        /// More bytes.
        Longer = "more",
        /// As many, but it was written to or replaced.
        Modified = "as many, but it was written to or replaced since",
    }
}

impl SizeRelation {
    /// How a source of `size` bytes, which is not the same as before, compares with the `expected` size.
    pub(crate) fn of(size: u64, expected: u64) -> Self {
        match size.cmp(&expected) {
            Ordering::Less => Self::Shorter,
            Ordering::Equal => Self::Modified,
            Ordering::Greater => Self::Longer,
        }
    }
}

words! {
    /// What a path can be.
    FileKind {
        /// A directory.
        Directory = "a directory",
        /// A named pipe.
        Fifo = "a named pipe",
        /// A socket.
        Socket = "a socket",
        /// A character or block device.
        Device = "a device",
        /// A symbolic link to nothing.
        DanglingLink = "a symbolic link to nothing",
        /// Something else.
        Other = "something else",
    }
}

words! {
    /// What was being done when the system said no.
    IoOperation {
        /// Opening a file to read.
        Open = "open",
        /// Reading.
        Read = "read",
        /// Creating the temporary output.
        Create = "create a file for",
        /// Writing.
        Write = "write",
        /// Flushing to the disk.
        Flush = "flush",
        /// Renaming the finished output into place.
        Rename = "rename the finished file to",
        /// Asking for a file's properties.
        Inspect = "look at",
    }
}
