//! Files of keys and of key pairs.

use crate::arguments::credentials::NativeCredential;
use crate::arguments::keys::NativeKey;
use crate::runtime::task::Task;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::error::IoOperation;
use sealstream::keys::{
    KeyFileError, read_identity_file, read_key_file, write_identity_file, write_key_file,
};
use std::path::{Path, PathBuf};

#[napi]
impl NativeKey {
    /// Writes a new key file.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write_file<'env>(&self, env: &'env Env, path: String) -> Result<Object<'env>> {
        let key = self.get()?.clone();
        Task::short().launch(env, move |_| {
            let path = Path::new(&path);
            write_key_file(path, &key).map_err(|error| file_failure(IoOperation::Create, path, error))
        })
    }
}

#[napi]
impl NativeCredential {
    /// Writes a new file with the pair.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write_file<'env>(&self, env: &'env Env, path: String) -> Result<Object<'env>> {
        let identity = self.pair()?.clone();
        Task::short().launch(env, move |_| {
            let path = Path::new(&path);
            write_identity_file(path, &identity)
                .map_err(|error| file_failure(IoOperation::Create, path, error))
        })
    }
}

/// Reads a key file. On Unix one that group or others can read is refused unless `allow_readable`.
#[napi(ts_return_type = "Promise<NativeKey>")]
pub fn read_key<'env>(env: &'env Env, path: String, allow_readable: bool) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::short().launch(env, move |_| {
        let key = read_key_file(&path, allow_readable)
            .map_err(|error| file_failure(IoOperation::Open, &path, error))?;
        Ok(NativeKey::from(key))
    })
}

/// Reads a file of key pairs. On Unix one that group or others can read is refused unless `allow_readable`.
#[napi(ts_return_type = "Promise<Array<NativeCredential>>")]
pub fn read_pairs<'env>(env: &'env Env, path: String, allow_readable: bool) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::short().launch(env, move |_| {
        let identities = read_identity_file(&path, allow_readable)
            .map_err(|error| file_failure(IoOperation::Open, &path, error))?;
        Ok(identities
            .into_iter()
            .map(NativeCredential::from)
            .collect::<Vec<_>>())
    })
}

/// Why a file of keys could not be used.
pub(crate) fn file_failure(operation: IoOperation, path: &Path, error: KeyFileError) -> SealError {
    match error {
        KeyFileError::Io(error) => SealError::io(operation, Some(path), &error),
        KeyFileError::Readable { .. }
        | KeyFileError::NotAKey
        | KeyFileError::NotAnIdentity { .. }
        | KeyFileError::NotAPair => SealError::InvalidOption {
            option: "path".into(),
            problem: format!("({}) names no usable key file: {error}", path.display()),
        },
    }
}
