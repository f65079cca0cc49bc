//! What a volume is kept in: one file that can be written anywhere.

use nanotdb_core::storage::Result;

/// One file with random access, held by nobody else.
///
/// After a crash, any part of what was written since the last [`flush`](Self::flush) may be
/// missing; what was written before it is there.
pub trait Medium: core::fmt::Debug {
    /// Length in bytes.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn len(&self) -> Result<u64>;

    /// Whether nothing was ever written.
    ///
    /// # Errors
    ///
    /// As [`len`](Self::len).
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buf` from `offset` on and says how far; short only at the end.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    ///
    /// `NoSpace` when less than all was written, or whatever the platform reports.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes the file shorter, or longer with zeros.
    ///
    /// # Errors
    ///
    /// `NoSpace`, or whatever the platform reports.
    fn set_len(&mut self, len: u64) -> Result<()>;

    /// Makes everything durable that was written so far.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn flush(&mut self) -> Result<()>;
}

impl<M: Medium + ?Sized> Medium for Box<M> {
    fn len(&self) -> Result<u64> {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        (**self).read_at(offset, buf)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        (**self).write_at(offset, bytes)
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        (**self).set_len(len)
    }

    fn flush(&mut self) -> Result<()> {
        (**self).flush()
    }
}
