//! Failures on their way to JavaScript: an `Error` with a `code` and the engine's enum as its `failure`.

#[allow(missing_docs, clippy::all)] // It is not written by hand.
mod mirrors {
    include!(concat!(env!("OUT_DIR"), "/mirrors.rs"));
}

pub use mirrors::*;

use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue};
use napi::{Env, Error, JsValue, Status};
use sealstream::floe;

/// The JavaScript error of a failed operation.
pub(crate) fn rejection(env: &Env, failure: &sealstream::SealError) -> napi::Result<Error> {
    let mut object = error(
        env,
        &failure.to_string(),
        &code_of(failure),
        SealFailure::from(failure),
    )?;
    object.set_named_property("isDamage", failure.is_damage())?;
    Ok(Error::from(object.to_unknown()))
}

/// The `code` of an error that carries this failure.
pub(crate) fn code_of(failure: &sealstream::SealError) -> String {
    format!("{SEAL_CODE_PREFIX}{}", failure.code())
}

/// The JavaScript error of a FLOE message that was not sealed or opened.
pub(crate) fn floe_rejection(env: &Env, failure: &floe::FloeError) -> napi::Result<Error> {
    let code = format!("{FLOE_CODE_PREFIX}{}", failure.code());
    let object = error(env, &failure.to_string(), &code, FloeError::from(failure))?;
    Ok(Error::from(object.to_unknown()))
}

fn error<'env>(
    env: &'env Env,
    message: &str,
    code: &str,
    failure: impl ToNapiValue,
) -> napi::Result<Object<'env>> {
    let mut error = env.create_error(Error::from_reason(message))?;
    error.set_named_property("code", code)?;
    error.set_named_property("failure", failure)?;
    Ok(error)
}

/// An operation that panicked, which is a bug.
pub(crate) struct Panicked;

impl From<Panicked> for Error {
    fn from(_: Panicked) -> Self {
        Self::new(
            Status::GenericFailure,
            "an operation stopped without an answer (a bug in sealstream; please report it)",
        )
    }
}
