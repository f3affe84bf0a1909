//! Exporting, attaching and detaching a stream's header.

use crate::arguments::placement::{PlacementSettings, header_file};
use crate::arguments::sources::Source;
use crate::memory::{BytesCopy, CopiedBytes};
use crate::runtime::task::{RunSettings, Task};
use crate::types::failure::OrThrow;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::files::Placement;
use sealstream::rekey::detached;
use sealstream::stream_v2::io::Overwrite;
use std::path::Path;

/// Reads a stream's header, or its copy if the header is damaged or older.
#[napi(catch_unwind, ts_return_type = "Promise<ReturnType<typeof Buffer.alloc>>")]
pub fn export_header<'env>(env: &'env Env, source: Source) -> Result<Object<'env>> {
    Task::new(None).launch(env, move |control| {
        let opened = source.open(&control.cancel);
        let header = opened.and_then(|opened| detached::export_header(&*opened));
        source.judge(header).map(CopiedBytes)
    })
}

/// Throws unless `header` is exactly a stream's header, by its form.
#[napi(catch_unwind)]
pub fn check_header(env: &Env, #[napi(ts_arg_type = "Uint8Array")] header: BytesCopy) -> Result<()> {
    detached::check_header(&header).or_throw(env)
}

/// Writes a header and the body in the file `from` as one stream into the new file `to`.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn attach_header<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "Uint8Array")] header: BytesCopy,
    from: String,
    to: String,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let place = Placement::from(&placement);
    Task::parallel(run).launch(env, move |control| {
        detached::attach_header(&header, Path::new(&from), Path::new(&to), place, control)
    })
}

/// Writes the body of the stream in the file `from` into the new file `to`, and returns the header.
#[napi(catch_unwind, ts_return_type = "Promise<ReturnType<typeof Buffer.alloc>>")]
pub fn detach_header<'env>(
    env: &'env Env,
    from: String,
    to: String,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let place = Placement::from(&placement);
    Task::parallel(run).launch(env, move |control| {
        // Never over another header: that may be the only one of its stream.
        let header_to = header_file(&placement.header_to, Overwrite::Refuse);
        detached::detach_header(Path::new(&from), Path::new(&to), header_to, place, control).map(CopiedBytes)
    })
}
