//! Fields that several encodings have, read with the checks that bytes of unknown origin need.

use super::ColumnError;
use crate::codec::Reader;

/// A uvarint of at most 32 bits; `what` it is, for the error.
pub(super) fn narrow(reader: &mut Reader<'_>, what: &'static str) -> Result<u32, ColumnError> {
    let found = reader.uvarint().ok_or(ColumnError::Truncated)?;
    let expected = "at most 32 bits";
    u32::try_from(found).map_err(|_| ColumnError::Invalid { what, found, expected })
}

/// A byte that is 0 or 1.
pub(super) fn flag(reader: &mut Reader<'_>, what: &'static str) -> Result<bool, ColumnError> {
    match reader.u8().ok_or(ColumnError::Truncated)? {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(ColumnError::Invalid { what, found: found.into(), expected: "0 or 1" }),
    }
}

/// A list of at most `most` entries of `N` bytes, behind their number.
pub(super) fn list<'b, const N: usize>(
    reader: &mut Reader<'b>,
    most: usize,
    (what, expected): (&'static str, &'static str),
) -> Result<&'b [[u8; N]], ColumnError> {
    let found = reader.uvarint().ok_or(ColumnError::Truncated)?;
    let count = usize::try_from(found).ok().filter(|count| *count <= most);
    let count = count.ok_or(ColumnError::Invalid { what, found, expected })?;
    Ok(reader.bytes(count * N).ok_or(ColumnError::Truncated)?.as_chunks().0)
}
