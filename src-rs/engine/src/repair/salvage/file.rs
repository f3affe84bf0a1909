//! Salvages files by path.

use super::{DamageMap, Outcome, SalvageOptions, salvage};
use crate::error::{IoOperation, SealError};
use crate::files::{OWNER_BITS, Placement, mode_of};
use crate::operation::options::Control;
use crate::stream_v2::io::{OutputFile, open_source};
use std::path::Path;

/// Salvages the file `from` into the new file `to`, which gets the permission bits of `from` without those of group and others. Creates
/// no file if nothing was recovered.
///
/// # Errors
/// The errors of [`salvage`] and those of files. On an error `to` is unchanged and no other file remains, but see
/// [`OutputFile::commit`] for a disk that fails in the last step.
pub fn salvage_file(
    from: &Path,
    to: &Path,
    options: &SalvageOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<DamageMap, SealError> {
    let source = open_source(from)?;
    let output = OutputFile::create(Some(&source), to, placement.overwrite)?;
    let mode = mode_of(&source).map_err(|error| SealError::io(IoOperation::Inspect, Some(from), &error))?;
    let map =
        salvage(&source, &output.file(), options, control).map_err(|failure| failure.on_file(from, to))?;
    if map.outcome != Outcome::Nothing {
        output.commit(mode.map(|mode| mode & OWNER_BITS), placement.flush)?;
    }
    Ok(map)
}
