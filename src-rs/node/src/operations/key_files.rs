//! Files with keys and key pairs.

use crate::arguments::credentials::NativeCredential;
use crate::arguments::keys::NativeKey;
use crate::arguments::senders::{NativeSender, find_agent_key, key_of};
use crate::memory::BytesCopy;
use crate::runtime::task::Task;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::error::IoOperation;
use sealstream::keys::{
    read_identity_file, read_key_file, read_recipients_file, read_sender_key_file, read_senders_file,
    write_identity_file, write_key_file, write_sender_key_file,
};
use std::path::PathBuf;
use std::time::Duration;

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

/// Reads a sender's private key, as OpenSSH writes it. `passphrase` opens an encrypted one.
#[napi(ts_return_type = "Promise<NativeSender>")]
pub fn read_sender<'env>(
    env: &'env Env,
    path: String,
    #[napi(ts_arg_type = "Uint8Array | undefined | null")] passphrase: Option<BytesCopy>,
    allow_readable: bool,
) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::new(None).launch(env, move |_| {
        read_sender_key_file(&path, passphrase.as_deref(), allow_readable)
            .map(NativeSender::from)
            .map_err(|error| SealError::key_file(IoOperation::Open, &path, &error))
    })
}

/// Writes a new private key of a sender to a new file, and returns the public key.
#[napi(ts_return_type = "Promise<string>")]
pub fn write_sender<'env>(env: &'env Env, path: String, comment: String) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::new(None).launch(env, move |_| {
        write_sender_key_file(&path, &comment)
            .map(|key| key.to_string())
            .map_err(|error| SealError::key_file(IoOperation::Create, &path, &error))
    })
}

/// Finds a key in the SSH agent: the one with this public key, or the only one that can sign. `timeout` is in milliseconds.
#[napi(ts_return_type = "Promise<NativeSender>")]
pub fn find_agent_sender<'env>(
    env: &'env Env,
    public_key: Option<String>,
    timeout: Option<f64>,
) -> Result<Object<'env>> {
    let key = public_key.as_deref().map(key_of).transpose()?;
    let timeout = timeout.map(|milliseconds| Duration::from_millis(milliseconds as u64));
    Task::new(None).launch(env, move |_| find_agent_key(key.clone(), timeout))
}

/// Reads a file of senders' public keys, as OpenSSH writes them.
#[napi(ts_return_type = "Promise<Array<string>>")]
pub fn read_senders<'env>(env: &'env Env, path: String) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::new(None).launch(env, move |_| {
        let senders = read_senders_file(&path)
            .map_err(|error| SealError::key_file(IoOperation::Open, &path, &error))?;
        Ok(senders.iter().map(ToString::to_string).collect::<Vec<_>>())
    })
}
