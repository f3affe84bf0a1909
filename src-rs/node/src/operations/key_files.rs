//! Files with keys and key pairs.

use crate::arguments::credentials::NativeCredential;
use crate::arguments::keys::NativeKey;
use crate::runtime::task::Task;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::error::IoOperation;
use sealstream::keys::{
    read_identity_file, read_key_file, read_recipients_file, write_identity_file, write_key_file,
};
use std::path::PathBuf;

#[napi]
impl NativeKey {
    /// Writes the key to a new file.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write_file<'env>(&self, env: &'env Env, path: String) -> Result<Object<'env>> {
        let (key, path) = (self.get()?.clone(), PathBuf::from(path));
        Task::new(None).launch(env, move |_| {
            write_key_file(&path, &key)
                .map_err(|error| SealError::key_file(IoOperation::Create, &path, &error))
        })
    }
}

#[napi]
impl NativeCredential {
    /// Writes the key pair to a new file.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write_file<'env>(&self, env: &'env Env, path: String) -> Result<Object<'env>> {
        let (pair, path) = (self.identity()?.clone(), PathBuf::from(path));
        Task::new(None).launch(env, move |_| {
            write_identity_file(&path, &pair)
                .map_err(|error| SealError::key_file(IoOperation::Create, &path, &error))
        })
    }
}

/// Reads a key file. On Unix, a file that group or others can read is refused unless `allow_readable`.
#[napi(ts_return_type = "Promise<NativeKey>")]
pub fn read_key<'env>(env: &'env Env, path: String, allow_readable: bool) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::new(None).launch(env, move |_| {
        let key = read_key_file(&path, allow_readable);
        key.map(NativeKey::from)
            .map_err(|error| SealError::key_file(IoOperation::Open, &path, &error))
    })
}

/// Reads a file with key pairs. On Unix, a file that group or others can read is refused unless `allow_readable`.
#[napi(ts_return_type = "Promise<Array<NativeCredential>>")]
pub fn read_pairs<'env>(env: &'env Env, path: String, allow_readable: bool) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::new(None).launch(env, move |_| {
        let pairs = read_identity_file(&path, allow_readable)
            .map_err(|error| SealError::key_file(IoOperation::Open, &path, &error))?;
        Ok(pairs.into_iter().map(NativeCredential::from).collect::<Vec<_>>())
    })
}

/// Reads a file with public keys, or a pipe.
#[napi(ts_return_type = "Promise<Array<NativeCredential>>")]
pub fn read_recipients<'env>(env: &'env Env, path: String) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::new(None).launch(env, move |_| {
        let recipients = read_recipients_file(&path)
            .map_err(|error| SealError::key_file(IoOperation::Open, &path, &error))?;
        Ok(recipients
            .into_iter()
            .map(NativeCredential::from)
            .collect::<Vec<_>>())
    })
}
