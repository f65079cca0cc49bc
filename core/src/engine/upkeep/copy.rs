//! Copying from one file to another, with bounded memory.

use crate::storage::{self, StorageFile};
use alloc::vec;
use core::ops::Range;

/// Bytes moved at a time.
pub(super) const PIECE: usize = 256 * 1024;

/// Appends these bytes of a file to another one, and says how many they were: fewer when the file
/// ends before them.
pub(super) fn copy(
    from: &impl StorageFile,
    range: Range<u64>,
    to: &mut impl StorageFile,
) -> storage::Result<u64> {
    let mut buffer = vec![0; PIECE];
    let mut at = range.start;
    while at < range.end {
        let left = usize::try_from(range.end - at).unwrap_or(PIECE).min(PIECE);
        let read = from.read_at(at, buffer.get_mut(..left).unwrap_or_default())?;
        if read == 0 {
            break;
        }
        to.append(buffer.get(..read).unwrap_or_default())?;
        at = at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    Ok(at.saturating_sub(range.start))
}
