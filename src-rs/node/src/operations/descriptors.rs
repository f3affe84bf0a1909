//! Sealing and opening between file descriptors and paths, for the command: pipes, terminals, redirected files.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenSettings, SealSettings};
use crate::arguments::placement::PlacementSettings;
use crate::runtime::task::{RunSettings, Task};
use crate::types::report::{DecryptReport, EncryptReport};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::files::{NewFile, Placement};
use sealstream::operation::invalid;
use sealstream::stream_v2::io::{InputSource, OutputSink, PipeReader, PipeWriter, open_source};
use sealstream::{Control, SealError, decrypt_stream_v2, encrypt_stream_v2};
use std::fs::File;
use std::path::{Path, PathBuf};

/// One end of a conversion: a path or a file descriptor.
#[napi(object, object_to_js = false)]
pub struct End {
    /// Path of a regular file.
    pub path: Option<String>,
    /// An open file descriptor. It is duplicated, and never closed.
    pub fd: Option<i32>,
}

/// Seals from one end to the other. A target with a path appears complete or not at all.
#[napi(catch_unwind, ts_return_type = "Promise<EncryptReport>")]
pub fn encrypt_between<'env>(
    env: &'env Env,
    source: End,
    target: End,
    recipients: Vec<CredentialArgument<'_>>,
    settings: SealSettings<'_>,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let options = settings.for_recipients(env, &recipients)?;
    let place = placement.unresumable(env)?;
    Task::parallel(run).launch(env, move |control| {
        convert(&source, &target, place, control, |from, to| {
            encrypt_stream_v2(from, to, &options, control)
        })
        .map(EncryptReport::from)
    })
}

/// Opens from one end to the other. A target with a path appears complete or not at all. If this rejects, what was written to a
/// target that is a descriptor must be discarded.
#[napi(catch_unwind, ts_return_type = "Promise<DecryptReport>")]
pub fn decrypt_between<'env>(
    env: &'env Env,
    source: End,
    target: End,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let options = settings.for_identities(env, &identities)?;
    let place = placement.unresumable(env)?;
    Task::parallel(run).launch(env, move |control| {
        convert(&source, &target, place, control, |from, to| {
            decrypt_stream_v2(from, to, &options, control)
        })
        .map(DecryptReport::from)
    })
}

fn convert(
    source: &End,
    target: &End,
    place: Placement,
    control: &Control<'_>,
    convert: impl FnOnce(InputSource<'_>, OutputSink<'_>) -> std::result::Result<sealstream::Report, SealError>,
) -> std::result::Result<sealstream::Report, SealError> {
    let cancel = &control.cancel;
    let file = match &source.path {
        Some(path) => open_source(Path::new(path))?,
        None => duplicate(source.fd, "source")?,
    };
    let input = match source.path {
        Some(_) => InputSource::positioned(&file),
        None => {
            let pipe = duplicate(source.fd, "source")?;
            InputSource::reader(PipeReader::new(pipe, cancel.clone()))
        }
    };
    let (from, to) = (source.name(), target.name());
    match &target.path {
        Some(path) => {
            let new = NewFile {
                from: &from,
                sources: &[&file],
                to: Path::new(path),
                // A pipe has no permissions to copy: only the owner may read the output.
                mode: None,
                placement: place,
            };
            new.write(|output| convert(input, OutputSink::positioned(output.file())))
        }
        None => {
            let writer = PipeWriter::new(duplicate(target.fd, "target")?, cancel.clone());
            convert(input, OutputSink::writer(writer)).map_err(|error| error.on_file(&from, &to))
        }
    }
}

impl End {
    /// The path, or the descriptor's name in messages.
    fn name(&self) -> PathBuf {
        match (&self.path, self.fd) {
            (Some(path), _) => path.into(),
            (None, Some(0)) => "the standard input".into(),
            (None, Some(1)) => "the standard output".into(),
            (None, fd) => format!("the file descriptor {}", fd.unwrap_or(-1)).into(),
        }
    }
}

fn duplicate(fd: Option<i32>, option: &str) -> std::result::Result<File, SealError> {
    let fd = fd.ok_or_else(|| invalid(option, "must name a path or a file descriptor"))?;
    system::duplicate(fd).ok_or_else(|| invalid(option, "must be an open file descriptor"))
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::os::fd::BorrowedFd;

    #[allow(unsafe_code, reason = "Rust has no type for a number that JavaScript passes")]
    pub(super) fn duplicate(fd: i32) -> Option<File> {
        if fd < 0 {
            return None;
        }
        // SAFETY: `fd` is not -1, and it is used for this call only, which fails if the descriptor is not open.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
        borrowed.try_clone_to_owned().ok().map(File::from)
    }
}

/// The numbers of other descriptors belong to Node's C runtime, which an addon does not share.
#[cfg(windows)]
mod system {
    use std::fs::File;
    use std::os::windows::io::AsHandle;

    pub(super) fn duplicate(fd: i32) -> Option<File> {
        let owned = match fd {
            0 => std::io::stdin().as_handle().try_clone_to_owned(),
            1 => std::io::stdout().as_handle().try_clone_to_owned(),
            2 => std::io::stderr().as_handle().try_clone_to_owned(),
            _ => return None,
        };
        owned.ok().map(File::from)
    }
}
