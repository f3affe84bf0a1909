//! A stream's header by itself, and apart from the stream.

use crate::arguments::placement::{PlacementSettings, header_file};
use crate::arguments::sources::Source;
use crate::memory::CopiedBytes;
use crate::runtime::task::{RunSettings, Task};
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::files::Placement;
use sealstream::rekey::detached::{attach_header, detach_header, export_header};
use sealstream::stream_v2::io::Overwrite;
use std::path::Path;

/// Reads a stream's header, or its copy where the header is damaged or older.
#[napi(js_name = "exportHeader", catch_unwind, ts_return_type = "Promise<Buffer>")]
pub fn export_header_of<'env>(env: &'env Env, source: Source) -> Result<Object<'env>> {
    Task::short().launch(env, move |_| {
        let opened = source.open()?;
        export_header(&*opened)
            .map(CopiedBytes)
            .map_err(|failure| source.blame(failure))
    })
}

/// Writes a header and the body in the file `from` as one stream into the new file `to`.
#[napi(js_name = "attachHeader", catch_unwind, ts_return_type = "Promise<void>")]
pub fn attach_header_to<'env>(
    env: &'env Env,
    header: Uint8Array,
    from: String,
    to: String,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let placement = Placement::from(placement);
    Task::large(run).launch(env, move |control| {
        attach_header(&header, Path::new(&from), Path::new(&to), placement, control)
    })
}

/// Writes the body of the stream in the file `from` into the new file `to`, and returns the header.
#[napi(js_name = "detachHeader", catch_unwind, ts_return_type = "Promise<Buffer>")]
pub fn detach_header_of<'env>(
    env: &'env Env,
    from: String,
    to: String,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let header_to = placement.header_to.clone();
    let placement = Placement::from(placement);
    Task::large(run).launch(env, move |control| {
        // An older header may be the only one that is left of its stream.
        let header_to = header_to
            .as_ref()
            .map(|path| header_file(path, Overwrite::Refuse));
        detach_header(Path::new(&from), Path::new(&to), header_to, placement, control).map(CopiedBytes)
    })
}
