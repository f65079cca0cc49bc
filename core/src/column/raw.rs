//! Columns as they are: the encoding with id 0 of times and of values.

use super::{BLOCK_LEN, ColumnError, Description, Encoded};
use alloc::string::String;

/// The encoding's id.
pub(super) const RAW: u8 = 0;

/// Replaces what `out` holds by the column of these fields.
pub(super) fn encode<T: Copy, const N: usize>(
    column: &[T],
    bytes: impl Fn(T) -> [u8; N],
    out: &mut Encoded,
) {
    out.clear();
    out.head.push(RAW);
    for block in column.chunks(BLOCK_LEN) {
        out.body.extend(block.iter().flat_map(|field| bytes(*field)));
        out.end_block();
    }
}

/// The fields of a block, which are all of its bytes.
pub(super) fn fields<const N: usize>(bytes: &[u8], len: usize) -> Result<&[[u8; N]], ColumnError> {
    let (own, behind) = bytes.split_at_checked(len * N).ok_or(ColumnError::Truncated)?;
    match behind.len() {
        0 => Ok(own.as_chunks().0),
        count => Err(ColumnError::TrailingBytes(count)),
    }
}

/// How such a column is encoded.
pub(super) fn describe() -> Description {
    Description { numbers: String::from("bytes"), divisor: 1, delta: 0, body: "raw" }
}
