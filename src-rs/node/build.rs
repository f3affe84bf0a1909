//! Links the addon and writes the mirrors of the engine's errors.

use std::env;
use std::path::PathBuf;

#[path = "build/mirror.rs"]
mod mirror;
#[path = "build/source.rs"]
mod source;

use source::Source;

fn main() {
    napi_build::setup();
    if let Err(error) = write_mirrors() {
        println!("cargo::error={error}");
    }
}

fn write_mirrors() -> Result<(), String> {
    let directory = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .ok_or_else(|| format!("{name} is not set"))
    };
    let engine = directory("CARGO_MANIFEST_DIR")?.join("../engine/src");
    let mut source = Source::default();
    for (file, module) in ENGINE {
        println!("cargo::rerun-if-changed={}", engine.join(file).display());
        source.read(&engine.join(file), module)?;
    }
    let code = mirror::write(&source, ROOTS, REPORTED)?;
    let out = directory("OUT_DIR")?.join("mirrors.rs");
    std::fs::write(&out, code).map_err(|error| format!("{}: {error}", out.display()))
}

/// The enums that cross to JavaScript, with all that they contain, and the prefix of their codes.
const ROOTS: &[(&str, &str)] = &[("SealError", "ERR_SEAL_"), ("FloeError", "ERR_FLOE_")];

/// Enums that cross as parts of reports.
const REPORTED: &[&str] = &["StartedOver"];

/// Where those and what they contain are declared, and the paths by which the addon names them.
const ENGINE: &[(&str, &str)] = &[
    ("format/units.rs", "::sealstream::format"),
    ("format/error.rs", "::sealstream::format"),
    ("crypto/mod.rs", "::sealstream::crypto"),
    ("stream_v2/framing/types.rs", "::sealstream::stream_v2::framing"),
    ("stream_v2/frame_worker/types.rs", "::sealstream"),
    ("stream_v2/segment_worker/error.rs", "::sealstream"),
    ("error/mod.rs", "::sealstream::error"),
    ("error/reasons.rs", "::sealstream::error"),
    ("floe/mod.rs", "::sealstream::floe"),
];
