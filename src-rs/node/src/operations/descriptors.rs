//! Sealing and opening between file descriptors and paths, for the command: pipes, terminals, redirected files.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenPlan, OpenSettings, SealPlan, SealSettings};
use crate::arguments::placement::PlacementSettings;
use crate::runtime::task::{RunSettings, Task};
use crate::types::report::Report;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::files::Placement;
use sealstream::stream_v2::io::{InputSource, OutputFile, OutputSink, PipeReader, PipeWriter, open_source};
use sealstream::{CancellationToken, Control, SealError, decrypt_stream_v2, encrypt_stream_v2};
use std::fs::File;
use std::path::{Path, PathBuf};

/// One end of a conversion: exactly one of its properties.
#[napi(object, object_to_js = false)]
pub struct End {
    /// A regular file by its path.
    pub path: Option<String>,
    /// An open file descriptor. It is duplicated, and never closed.
    pub fd: Option<i32>,
}

/// Seals from one end to the other. A target that is a path appears complete or not at all.
#[napi(catch_unwind, ts_return_type = "Promise<Report>")]
pub fn encrypt_between<'env>(
    env: &'env Env,
    source: End,
    target: End,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] recipients: Vec<
        CredentialArgument<'_>,
    >,
    settings: SealSettings,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let plan = SealPlan::new(&recipients, settings)?;
    let placement = placement.for_one_attempt();
    Task::large(run).launch(env, move |control| {
        let placement = placement.clone()?;
        let seal =
            |from: InputSource<'_>, to: OutputSink<'_>| encrypt_stream_v2(from, to, &plan.options(), control);
        convert(&source, &target, placement, control, seal)
    })
}

/// Opens from one end to the other. A target that is a path appears complete or not at all; what a target that is a
/// descriptor got must be discarded if this rejects.
#[napi(catch_unwind, ts_return_type = "Promise<Report>")]
pub fn decrypt_between<'env>(
    env: &'env Env,
    source: End,
    target: End,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] identities: Vec<
        CredentialArgument<'_>,
    >,
    settings: OpenSettings<'_>,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let plan = OpenPlan::new(&identities, settings)?;
    let placement = placement.for_one_attempt();
    Task::large(run).launch(env, move |control| {
        let placement = placement.clone()?;
        let open =
            |from: InputSource<'_>, to: OutputSink<'_>| decrypt_stream_v2(from, to, &plan.options(), control);
        convert(&source, &target, placement, control, open)
    })
}

fn convert(
    source: &End,
    target: &End,
    placement: Placement,
    control: &Control<'_>,
    convert: impl FnOnce(InputSource<'_>, OutputSink<'_>) -> std::result::Result<sealstream::Report, SealError>,
) -> std::result::Result<Report, SealError> {
    let (from, to) = (source.name(), target.name());
    let file = match &source.path {
        Some(path) => open_source(Path::new(path))?,
        None => duplicate(source.fd, "source")?,
    };
    let output = match &target.path {
        Some(path) => Ok(OutputFile::create(
            Some(&file),
            Path::new(path),
            placement.overwrite,
        )?),
        None => Err(duplicate(target.fd, "target")?),
    };
    let input = if source.path.is_some() {
        InputSource::file(file)
    } else {
        reader(file, &control.cancel)
    };
    let report = match output {
        Ok(output) => {
            let report =
                convert(input, OutputSink::file(output.file())).map_err(|error| error.on_file(&from, &to))?;
            // What came through a pipe has no permissions to take over: the owner alone may read the output.
            output.commit(None, placement.flush)?;
            report
        }
        Err(file) => convert(
            input,
            OutputSink::writer(PipeWriter::new(file, control.cancel.clone())),
        )
        .map_err(|error| error.on_file(&from, &to))?,
    };
    Ok(report.into())
}

fn reader(file: File, cancel: &CancellationToken) -> InputSource<'static> {
    InputSource::reader(PipeReader::new(file, cancel.clone()))
}

impl End {
    /// The path, or what a message calls the descriptor.
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
    let invalid = |problem: &str| SealError::InvalidOption {
        option: option.into(),
        problem: problem.into(),
    };
    let fd = fd.ok_or_else(|| invalid("must name a path or a file descriptor"))?;
    system::duplicate(fd).ok_or_else(|| invalid("must be an open file descriptor"))
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::os::fd::BorrowedFd;

    pub(super) fn duplicate(fd: i32) -> Option<File> {
        if fd < 0 {
            return None;
        }
        // SAFETY: `fd` is not -1, and it is used for this call only, which fails if nothing is open there.
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
