//! Files whose bytes pass through JavaScript, from or to a stream. A thread of the executor reads and writes them.

use crate::arguments::placement::PlacementSettings;
use crate::memory::{BytesCopy, CopiedBytes};
use crate::runtime::task::{Cancellation, Task};
use crate::types::failure::invalid_argument;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::error::IoOperation;
use sealstream::files::UnfinishedFile;
use sealstream::stream_v2::io::{ReadAt, open_source};
use std::fs::File;
use std::io::IoSliceMut;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A new file that appears complete or not at all. Unless it is committed, nothing of it remains.
#[napi]
pub struct FileOutput {
    /// Empty after the end.
    file: Arc<Mutex<Option<UnfinishedFile>>>,
}

/// Creates the file `to` under a temporary name.
#[napi(catch_unwind, ts_return_type = "Promise<FileOutput>")]
pub fn create_file_output<'env>(
    env: &'env Env,
    to: String,
    placement: PlacementSettings,
    cancellation: Option<&Cancellation>,
) -> Result<Object<'env>> {
    let place = placement.unresumable(env)?;
    Task::new(cancellation).launch(env, move |_| {
        let file = UnfinishedFile::create(Path::new(&to), place)?;
        Ok(FileOutput {
            file: Arc::new(Mutex::new(Some(file))),
        })
    })
}

#[napi]
impl FileOutput {
    /// Writes the next bytes. Call it again after the promise settled.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn write<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "Uint8Array")] bytes: BytesCopy,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let file = Arc::clone(&self.file);
        let task = Task::new(cancellation).of_size(bytes.len() as u64);
        task.launch(env, move |_| match &mut *lock(&file) {
            Some(file) => file.write(&bytes),
            None => Err(SealError::Cancelled),
        })
    }

    /// Gives the file its name. It can't be cancelled.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn commit<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let file = Arc::clone(&self.file);
        Task::new(None).launch(env, move |_| {
            let unfinished = lock(&file).take();
            unfinished.map_or(Err(SealError::Cancelled), UnfinishedFile::commit)
        })
    }

    /// Removes the file, if it was not committed.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn discard<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let file = Arc::clone(&self.file);
        Task::new(None).launch(env, move |_| {
            drop(lock(&file).take());
            Ok(())
        })
    }

    /// As `discard`, before the call returns: for a process that exits.
    #[napi(catch_unwind)]
    pub fn discard_now(&self) {
        drop(lock(&self.file).take());
    }
}

fn lock(file: &Mutex<Option<UnfinishedFile>>) -> MutexGuard<'_, Option<UnfinishedFile>> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A regular file that is open to read.
#[napi]
pub struct FileInput {
    file: Option<Arc<OpenedFile>>,
}

pub(super) struct OpenedFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
}

/// Opens a regular file to read.
#[napi(catch_unwind, ts_return_type = "Promise<FileInput>")]
pub fn open_file_input<'env>(
    env: &'env Env,
    path: String,
    cancellation: Option<&Cancellation>,
) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::new(cancellation).launch(env, move |_| {
        let opened = OpenedFile {
            file: open_source(&path)?,
            path: path.clone(),
        };
        Ok(FileInput {
            file: Some(Arc::new(opened)),
        })
    })
}

#[napi]
impl FileInput {
    /// Reads `size` bytes from `offset` on, or what is left of the file.
    #[napi(catch_unwind, ts_return_type = "Promise<ReturnType<typeof Buffer.alloc>>")]
    pub fn read<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        size: u32,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let opened = self.opened()?;
        let task = Task::new(cancellation).of_size(size.into());
        task.launch(env, move |_| {
            let OpenedFile { file, path } = &*opened;
            let mut bytes = vec![0; size as usize];
            let read = file.read_at(offset as u64, &mut [IoSliceMut::new(&mut bytes)]);
            bytes.truncate(read.map_err(|error| SealError::io(IoOperation::Read, Some(path), &error))?);
            Ok(CopiedBytes(bytes))
        })
    }

    /// Closes the file when no operation on it is running.
    #[napi]
    pub fn close(&mut self) {
        self.file = None;
    }

    pub(super) fn opened(&self) -> Result<Arc<OpenedFile>> {
        let opened = self.file.as_ref();
        opened
            .map(Arc::clone)
            .ok_or_else(|| invalid_argument("the file was closed"))
    }
}
