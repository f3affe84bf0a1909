//! The directions as data.

/// A module and what is said of it.
pub(crate) struct Row {
    /// Path below the crate's root; empty for the root itself.
    pub(crate) module: &'static str,
    /// Modules of the rows above that it has no business with all the same.
    pub(crate) never: &'static [&'static str],
    /// Crates and parts of the standard library that it does not name.
    pub(crate) foreign: &'static [&'static str],
    /// Why it stands where it does.
    #[allow(dead_code, reason = "it is there to be read")]
    pub(crate) because: &'static str,
}

/// From the bottom up: a module may use itself and the rows above its own, but for what its row excludes.
pub(crate) const ROWS: &[Row] = &[
    Row {
        module: "headers",
        never: &[],
        foreign: NO_IO_OR_THREADS,
        because: "bytes to typed values and back; knows nothing but bytes",
    },
    Row {
        module: "crypto",
        never: &[],
        foreign: NO_IO_OR_THREADS,
        because: "primitives over the typed values; the only module that names ring, argon2 and hpke",
    },
    Row {
        module: "keys",
        never: &[],
        foreign: &[],
        because: "who may open a stream: slots of the header, wrapped by crypto; reads key files, and has threads for Argon2",
    },
    Row {
        module: "telemetry",
        never: &["headers", "crypto", "keys"],
        foreign: &[],
        because: "times and counts; nothing secret, so nothing of a stream",
    },
    Row {
        module: "recovery",
        never: &["telemetry"],
        foreign: &[],
        because: "journals of unfinished operations: their bytes, their files, the thread that writes them",
    },
    Row {
        module: "stream_v2::framing",
        never: &["keys", "telemetry", "recovery"],
        foreign: NO_IO_OR_THREADS,
        because: "a frame's wire layout; of crypto only the types and sizes that stand on the wire, see ITEMS",
    },
    Row {
        module: "stream_v2::frame_worker",
        never: &["keys", "telemetry", "recovery"],
        foreign: NO_IO_OR_THREADS,
        because: "one frame in the caller's slice",
    },
    Row {
        module: "stream_v2::segment_worker",
        never: &["keys", "telemetry", "recovery"],
        foreign: NO_IO_OR_THREADS,
        because: "one segment in the caller's buffers; threading is a parameter",
    },
    Row {
        module: "stream_v2::floe",
        never: &["keys", "telemetry", "recovery", "stream_v2::segment_worker"],
        foreign: NO_IO_OR_THREADS,
        because: "whole messages in memory, from frame workers: beside the segment worker, not above it",
    },
    Row {
        module: "stream_v2::cancel",
        never: ALL_BELOW_CANCEL,
        foreign: &[],
        because: "a flag; everything that waits or loops looks at it",
    },
    Row {
        module: "stream_v2::failure",
        never: &["telemetry", "recovery", "stream_v2::floe"],
        foreign: &[],
        because: "what the caller is told: holds the workers' errors, so it stands above them",
    },
    Row {
        module: "stream_v2::damage",
        never: &["crypto", "keys", "telemetry", "stream_v2::floe"],
        foreign: NO_IO_OR_THREADS,
        because: "what is lost and what the caller decides: failures with their places",
    },
    Row {
        module: "stream_v2::io",
        never: &[
            "headers",
            "crypto",
            "keys",
            "telemetry",
            "stream_v2::segment_worker",
        ],
        foreign: &[],
        because: "sources and sinks: bytes and offsets, no format",
    },
    Row {
        module: "stream_v2::pipeline",
        never: &["crypto", "keys", "stream_v2::frame_worker", "stream_v2::floe"],
        foreign: &[],
        because: "threads, order and back-pressure around the segment workers; no cryptography",
    },
    Row {
        module: "stream_v2::options",
        never: &["crypto", "stream_v2::io"],
        foreign: NO_IO_OR_THREADS,
        because: "what the caller chooses, the pipeline's threads among it",
    },
    Row {
        module: "stream_v2::segmentation",
        never: &[
            "crypto",
            "keys",
            "telemetry",
            "recovery",
            "stream_v2::io",
            "stream_v2::pipeline",
        ],
        foreign: NO_IO_OR_THREADS,
        because: "where segments end and records begin, as bytes come in order",
    },
    Row {
        module: "stream_v2::report",
        never: &["keys", "stream_v2::io", "stream_v2::pipeline"],
        foreign: NO_IO_OR_THREADS,
        because: "what the caller is told at the end: sums over segments",
    },
    Row {
        module: "stream_v2::outgoing",
        never: &["telemetry", "stream_v2::io", "stream_v2::pipeline"],
        foreign: NO_IO_OR_THREADS,
        because: "header and end of a new stream, as bytes",
    },
    Row {
        module: "stream_v2::incoming",
        never: &["telemetry", "stream_v2::pipeline", "stream_v2::outgoing"],
        foreign: &[],
        because: "a stream's header, read and unlocked",
    },
    Row {
        module: "stream_v2::patchy",
        never: &[
            "crypto",
            "keys",
            "telemetry",
            "stream_v2::segment_worker",
            "stream_v2::pipeline",
        ],
        foreign: &[],
        because: "a source read around what can't be read of it",
    },
    Row {
        module: "stream_v2::ending",
        never: &["telemetry", "stream_v2::pipeline", "stream_v2::outgoing"],
        foreign: &[],
        because: "a stream's end, read and verified; needs the header",
    },
    Row {
        module: "stream_v2::opened",
        never: &["crypto", "keys", "stream_v2::outgoing"],
        foreign: &[],
        because: "an unlocked stream whose segments are opened one by one, in any order",
    },
    Row {
        module: "stream_v2::random_access",
        never: &["crypto", "keys", "stream_v2::frame_worker", "stream_v2::outgoing"],
        foreign: &["std::thread", "std::fs", "rayon"],
        because: "single frames of an opened stream, and what was opened of it lately",
    },
    Row {
        module: "stream_v2::resume",
        never: &["stream_v2::in_order"],
        foreign: &[],
        because: "what a journal is worth to this operation, and which finished segments are sound",
    },
    Row {
        module: "stream_v2::in_order",
        never: &["keys", "recovery", "stream_v2::resume"],
        foreign: &[],
        because: "core's ordered path: segments of a reader through the pipeline into a writer",
    },
    Row {
        module: "stream_v2::core",
        never: &[],
        foreign: &[],
        because: "the two operations: options in, report out",
    },
    Row {
        module: "stream_v2::session",
        never: &["keys", "recovery", "stream_v2::in_order", "stream_v2::core"],
        foreign: &["std::thread", "std::fs", "std::sync::mpsc"],
        because: "streams whose bytes are handed over, segment by segment; no thread is theirs",
    },
    Row {
        module: "stream_v2::inspect",
        never: &["crypto", "telemetry", "stream_v2::pipeline", "stream_v2::core"],
        foreign: &[],
        because: "what is seen without a key: header and end, no segment",
    },
    Row {
        module: "stream_v2::verify",
        never: &["keys", "stream_v2::core", "stream_v2::inspect"],
        foreign: &[],
        because: "looks for damage: header, end and every segment through the pipeline, and nothing comes out",
    },
    Row {
        module: "stream_v2::files",
        never: &["keys", "stream_v2::pipeline"],
        foreign: &[],
        because: "core's operations on whole files, by path",
    },
    Row {
        module: "stream_v2::header_export",
        never: &[
            "crypto",
            "keys",
            "telemetry",
            "stream_v2::pipeline",
            "stream_v2::core",
        ],
        foreign: &[],
        because: "a header's bytes, seen without a key",
    },
    Row {
        module: "stream_v2::rewrap",
        never: &[
            "stream_v2::core",
            "stream_v2::in_order",
            "stream_v2::outgoing",
            "stream_v2::pipeline",
        ],
        foreign: &["std::thread", "rayon"],
        because: "another header for a stream that was opened: slots, and where they are written; no segment is looked at",
    },
    Row {
        module: "stream_v2::detached",
        never: &[
            "keys",
            "stream_v2::pipeline",
            "stream_v2::in_order",
            "stream_v2::outgoing",
        ],
        foreign: &["std::thread", "rayon"],
        because: "headers apart from their streams: adapters around sources and sinks, and whole files",
    },
    Row {
        module: "stream_v2::heal",
        never: &[
            "keys",
            "stream_v2::core",
            "stream_v2::in_order",
            "stream_v2::outgoing",
        ],
        foreign: &[],
        because: "one whole stream out of damaged copies, without a key: digests and manifest, no keys",
    },
    Row {
        module: "stream_v2::salvage",
        never: &["stream_v2::core", "stream_v2::in_order", "stream_v2::outgoing"],
        foreign: &[],
        because: "what is left of a wreck: markers, single frames, and a map of the rest",
    },
    Row {
        module: "stream_v2",
        never: &[],
        foreign: &[],
        because: "re-exports; what is below names the module itself",
    },
    Row {
        module: "",
        never: &[],
        foreign: &[],
        because: "the public interface: re-exports, nothing else",
    },
];

/// Of some modules only some items may be used: by whom, which module, and which items of it.
pub(crate) const ITEMS: &[(&str, &str, &[&str])] = &[
    // What a journal keeps the file key under: it is handed through.
    ("stream_v2::files", "crypto", &["SecretKey"]),
    // What stands in a frame on the wire. Nothing with which a frame could be sealed.
    (
        "stream_v2::framing",
        "crypto",
        &["FrameIv", "FRAME_IV_SIZE", "FRAME_TAG_SIZE"],
    ),
];

/// Crates that one module alone names.
pub(crate) const ONLY: &[(&str, &str)] = &[
    ("ring", "crypto"),
    ("argon2", "crypto"),
    ("hpke", "crypto"),
    ("bip39", "keys"),
];

/// Named nowhere in the engine.
pub(crate) const NOWHERE: &[&str] = &["napi", "napi_derive", "napi_sys", "tokio"];

const NO_IO_OR_THREADS: &[&str] = &[
    "std::thread",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::sync::mpsc",
    "rayon",
    "crossbeam",
    "crossbeam_channel",
    "rustix",
    "tempfile",
];

const ALL_BELOW_CANCEL: &[&str] = &[
    "headers",
    "crypto",
    "keys",
    "telemetry",
    "recovery",
    "stream_v2::framing",
    "stream_v2::frame_worker",
    "stream_v2::segment_worker",
    "stream_v2::floe",
];
