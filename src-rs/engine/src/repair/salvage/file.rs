//! Salvages files by path.

use super::{DamageMap, Outcome, SalvageOptions, salvage};
use crate::error::SealError;
use crate::files::{OWNER_BITS, Placement, SourceFile};
use crate::operation::options::Control;
use std::path::Path;

/// Salvages the file `from` into the new file `to`, which gets the permission bits of `from` without those of group and others. Creates
/// no file if nothing was recovered.
///
/// # Errors
/// The errors of [`salvage`] and those of files. On an error `to` is unchanged and no other file remains, but see
/// [`OutputFile::commit`](crate::stream_v2::io::OutputFile::commit) for a disk that fails in the last step.
pub fn salvage_file(
    from: &Path,
    to: &Path,
    options: &SalvageOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<DamageMap, SealError> {
    let source = SourceFile::open(from)?;
    source.convert(to, placement, OWNER_BITS, |output| {
        let map = salvage(&source.file, &output.file(), options, control)?;
        if map.outcome == Outcome::Nothing {
            output.discard();
        }
        Ok(map)
    })
}
