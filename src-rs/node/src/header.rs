//! A stream's header by itself.

use crate::operations::Task;
use crate::sources::Source;
use napi::bindgen_prelude::{BufferSlice, Object, ToNapiValue};
use napi::{Env, Result, sys};
use napi_derive::napi;
use sealstream::stream_v2::header_export::export_header;

/// Bytes that become a buffer of JavaScript's own.
struct CopiedBytes(Vec<u8>);

impl ToNapiValue for CopiedBytes {
    unsafe fn to_napi_value(env: sys::napi_env, bytes: Self) -> Result<sys::napi_value> {
        let buffer = BufferSlice::copy_from(&Env::from_raw(env), bytes.0)?;
        // SAFETY: `env` is what the caller vouches for.
        unsafe { ToNapiValue::to_napi_value(env, &buffer) }
    }
}

/// Reads a stream's header, or its copy where the header is damaged.
#[napi(js_name = "exportHeader", catch_unwind, ts_return_type = "Promise<Buffer>")]
pub fn export_header_of<'env>(env: &'env Env, source: Source) -> Result<Object<'env>> {
    Task::short().launch(env, move |_| {
        let opened = source.open()?;
        export_header(&*opened)
            .map(CopiedBytes)
            .map_err(|failure| source.blame(failure))
    })
}
