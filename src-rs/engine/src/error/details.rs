//! Details of errors: enums whose variants have a description for the message.

use std::cmp::Ordering;
use std::fmt;

macro_rules! described_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $description:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $description,)* })
            }
        }
    };
}

described_enum! {
    /// Why a resumed operation started from the beginning.
    StartedOver {
        /// The journal has no complete header.
        JournalTorn = "the journal's beginning is torn",
        /// Neither a recipient's key nor the resume secret opens the journal's stream.
        NoMatchingKey = "no given key opens the journal",
        /// Only public keys were given, which can't open a stream, and no resume secret.
        NoSecret = "public keys open no journal, and no resume secret was given",
        /// The options, the recipients or the context are not those of the journal's stream.
        OptionsDiffer = "the options are not those that it was begun with",
        /// The unfinished output is missing.
        OutputMissing = "the unfinished output is gone",
        /// The end of the stream was written, so none of its segments may be sealed again, but one is damaged.
        OutputDamaged = "the output was complete but for its name, and is damaged",
        /// The journal or the unfinished output is a link, is no file, or is accessible to other users; it was removed.
        Distrusted = "others could have written to the journal or to the unfinished output",
    }
}

described_enum! {
    /// A part of a stream's end.
    EndPart {
        /// The manifest.
        EndRecord = "end record",
        /// The last 24 bytes.
        Footer = "footer",
    }
}

described_enum! {
    /// How an end record and the stream differ.
    EndDisagreement {
        /// Its authentication code was not made with the stream's key.
        Mac = "its authentication code does not match",
        /// The number of segments.
        SegmentCount = "it counts other segments",
        /// The plaintext's length.
        PlaintextTotal = "it states another plaintext length",
        /// The size of a segment, or the sealing of it that belongs to the stream.
        Segment = "it names another sealing of a segment",
        /// A sealed extension entry.
        Extension = "a sealed extension does not open, or is malformed",
    }
}

described_enum! {
    /// A limit of a reader.
    Limit {
        /// Bytes of the stream.
        Size = "size in bytes",
        /// Plaintext bytes in a segment.
        SegmentSize = "segment size",
        /// Memory of a passphrase slot, in KiB.
        PassphraseMemory = "memory of a passphrase, in KiB,",
        /// Memory times passes of all passphrase slots, in KiB.
        PassphraseCost = "cost of its passphrases, in KiB times passes,",
        /// Bytes of the manifest.
        ManifestSize = "manifest size in bytes",
        /// Lanes of a passphrase slot.
        PassphraseLanes = "number of lanes of a passphrase",
        /// Attempts to open the slots for key pairs of all headers in a damaged source.
        KeyAttempts = "number of slots for key pairs, in all headers found,",
        /// Bytes of an output with zeros in the place of lost bytes.
        OutputSize = "size with zeros for what is lost, in bytes,",
        /// Rewraps of a header.
        Revisions = "number of rewraps",
    }
}

impl Limit {
    /// What a reader can do about it, for the end of a message.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::Size => "",
            Self::SegmentSize => "; raise maxSegmentSize if you trust it",
            Self::ManifestSize => "; raise the limit if you trust it",
            Self::PassphraseMemory => "; raise maxPassphraseMemory if you trust it",
            Self::PassphraseCost => "; raise maxPassphraseCost if you trust it",
            Self::PassphraseLanes => "; no option raises it",
            Self::OutputSize => "; raise maxOutputSize if you trust it",
            Self::KeyAttempts => "; pass the stream's own header as fallbackHeader",
            Self::Revisions => "; seal the content again",
        }
    }
}

described_enum! {
    /// How a source changed.
    SizeRelation {
        /// It has fewer bytes.
        Shorter = "fewer",
        /// It has more bytes.
        Longer = "more",
        /// It has the same size, but was written to or replaced.
        Modified = "as many, but it was written to or replaced since",
        /// It was memory of the caller's, which was transferred, detached or resized.
        Detached = "none, because its ArrayBuffer was transferred, detached or resized",
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

described_enum! {
    /// Kind of a path that is not a regular file.
    FileKind {
        /// A directory.
        Directory = "a directory",
        /// A named pipe.
        Fifo = "a named pipe",
        /// A socket.
        Socket = "a socket",
        /// A character or block device.
        Device = "a device",
        /// A symbolic link whose target does not exist.
        DanglingLink = "a symbolic link to nothing",
        /// Something else.
        Other = "something else",
    }
}

described_enum! {
    /// What the system refused to do with a file.
    IoOperation {
        /// Open it to read.
        Open = "open",
        /// Read it.
        Read = "read",
        /// Create it, or the temporary file beside it.
        Create = "create a file for",
        /// Write to it.
        Write = "write",
        /// Flush it, or its name, to the disk.
        Flush = "flush",
        /// Give the finished file its name.
        Rename = "rename the finished file to",
        /// Read its properties, such as its size.
        Inspect = "look at",
    }
}

impl IoOperation {
    /// The system call behind it, by the name that Node's errors have in `syscall`.
    #[must_use]
    pub const fn syscall(self) -> &'static str {
        match self {
            Self::Open | Self::Create => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Flush => "fsync",
            Self::Rename => "rename",
            Self::Inspect => "stat",
        }
    }
}
