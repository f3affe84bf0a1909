//! Salvage of whole files by path.

use super::{DamageMap, Outcome, SalvageOptions, salvage};
use crate::error::{IoOperation, SealError};
use crate::files::{OWNER_BITS, Placement, mode_of};
use crate::operation::options::Control;
use crate::stream_v2::io::{OutputFile, open_source};
use std::path::Path;

/// Salvages the file `from` into the new file `to`, which gets the permission bits of `from` without those of group and
/// others. Where nothing came out there is no new file.
///
/// # Errors
/// As [`salvage`], and of files. On any of them `to` is as it was and nothing is left beside it, but see
/// [`OutputFile::commit`] for a disk that fails at the last moment.
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
