//! Errors as JavaScript receives them.

#[allow(missing_docs, clippy::all, reason = "build.rs writes it")]
mod mirrors {
    include!(concat!(env!("OUT_DIR"), "/mirrors.rs"));
}

pub use mirrors::*;

use crate::types::convert::IntoJs;
use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue};
use napi::{Env, Error, JsRangeError, JsValue, Result, Status};
use sealstream::{SealError, crypto, floe};

/// A failure of the engine.
pub(crate) trait Failure {
    /// The JavaScript error: an `Error` with a `code`, and the engine's enum as its `failure`. A refused option is a RangeError, with the
    /// option's name in `option`.
    fn to_error(&self, env: &Env) -> Result<Error>;
}

impl Failure for SealError {
    fn to_error(&self, env: &Env) -> Result<Error> {
        if let Self::InvalidOption { option, .. } = self {
            let error = JsRangeError::from(Error::new("ERR_OUT_OF_RANGE", self.to_string()));
            let mut error: Object<'_> = error.into_unknown(*env).coerce_to_object()?;
            error.set_named_property("option", option.as_str())?;
            return Ok(thrown(&error));
        }
        let failure: SealFailure = self.clone().into_js();
        let mut error = error(env, &self.to_string(), &code_of(self), failure)?;
        error.set_named_property("isDamage", self.is_damage())?;
        Ok(thrown(&error))
    }
}

impl Failure for floe::FloeError {
    fn to_error(&self, env: &Env) -> Result<Error> {
        let code = format!("{FLOE_CODE_PREFIX}{}", self.code());
        let failure: FloeError = (*self).into_js();
        let error = error(env, &self.to_string(), &code, failure)?;
        Ok(thrown(&error))
    }
}

impl Failure for crypto::CryptoError {
    fn to_error(&self, env: &Env) -> Result<Error> {
        SealError::from(*self).to_error(env)
    }
}

/// Throws the failure of a call that runs on the JavaScript thread.
pub(crate) trait OrThrow<T> {
    fn or_throw(self, env: &Env) -> Result<T>;
}

impl<T, F: Failure> OrThrow<T> for std::result::Result<T, F> {
    fn or_throw(self, env: &Env) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(failure) => Err(failure.to_error(env)?),
        }
    }
}

/// The `code` of an error with this failure.
pub(crate) fn code_of(failure: &SealError) -> String {
    let told: SealFailure = failure.clone().into_js();
    let code = match told {
        SealFailure::Internal { .. } => "INTERNAL",
        _ => failure.code(),
    };
    format!("{SEAL_CODE_PREFIX}{code}")
}

/// An argument that no caller should pass.
pub(crate) fn invalid_argument(problem: impl ToString) -> Error {
    Error::new(Status::InvalidArg, problem.to_string())
}

/// The error as napi throws it. Its `From` would look `cause` up on prototypes, without a limit, and call `toString`, both of which a
/// program may have replaced.
fn thrown(error: &Object<'_>) -> Error {
    Error::from_unknown_without_coercion(error.to_unknown())
}

fn error<'env>(env: &'env Env, message: &str, code: &str, failure: impl ToNapiValue) -> Result<Object<'env>> {
    let mut error = env.create_error(Error::from_reason(message))?;
    error.set_named_property("code", code)?;
    error.set_named_property("failure", failure)?;
    Ok(error)
}
