//! Salvage of whole files by path.

use super::{DamageMap, Outcome, SalvageOptions, salvage};
use crate::error::SealError;
use crate::files::{OWNER_BITS, Placement, SourceFile};
use crate::operation::options::Control;
use std::path::Path;

/// Salvages the file `from` into the new file `to`, which gets the permission bits of `from` without those of group and
/// others. Where nothing came out there is no new file.
///
/// # Errors
/// As [`salvage`], and of files. On any of them `to` is as it was and nothing is left beside it, but see
/// [`OutputFile::commit`](crate::stream_v2::io::OutputFile::commit) for a disk that fails at the last moment.
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
