//! A volume's medium in memory: nothing of it outlives the page.

use crate::volume::medium::Medium;
use nanotdb_core::storage::Result;

/// Bytes of a piece: growing never copies what is there.
const PIECE: usize = 1 << 18;

/// Bytes in memory.
#[derive(Debug, Default)]
pub struct Memory {
    pieces: Vec<Box<[u8]>>,
    len: u64,
}

impl Memory {
    /// The pieces that `len` bytes from `offset` on are in: number, and from where to where.
    fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = offset.saturating_add(len);
        let mut at = offset;
        core::iter::from_fn(move || {
            let start = at % PIECE;
            let stop = PIECE.min(start + (end - at));
            let piece = (at / PIECE, start, stop);
            at += stop - start;
            (stop > start).then_some(piece)
        })
    }
}

impl Medium for Memory {
    fn len(&self) -> Result<u64> {
        Ok(self.len)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let there = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = there.min(buf.len());
        let mut rest = buf.get_mut(..wanted).unwrap_or_default();
        for (number, start, stop) in Self::pieces(offset, wanted) {
            let Some((to, behind)) = rest.split_at_mut_checked(stop - start) else { break };
            if let Some(from) = self.pieces.get(number).and_then(|piece| piece.get(start..stop)) {
                to.copy_from_slice(from);
            }
            rest = behind;
        }
        Ok(wanted)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let end = offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if end > self.len {
            self.set_len(end)?;
        }
        let mut rest = bytes;
        for (number, start, stop) in Self::pieces(offset, bytes.len()) {
            let Some((from, behind)) = rest.split_at_checked(stop - start) else { break };
            let piece = self.pieces.get_mut(number).and_then(|piece| piece.get_mut(start..stop));
            if let Some(to) = piece {
                to.copy_from_slice(from);
            }
            rest = behind;
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        if len < self.len {
            // What grows again begins with zeros.
            let cut = usize::try_from(self.len - len).unwrap_or(usize::MAX);
            for (number, start, stop) in Self::pieces(len, cut) {
                if let Some(piece) = self.pieces.get_mut(number) {
                    piece.get_mut(start..stop).unwrap_or_default().fill(0);
                }
            }
        }
        let pieces = usize::try_from(len).unwrap_or(usize::MAX).div_ceil(PIECE);
        self.pieces.resize_with(pieces, || vec![0; PIECE].into_boxed_slice());
        self.len = len;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_across_pieces() {
        let mut memory = Memory::default();
        let bytes: Vec<u8> = (0..PIECE + 300).map(|at| (at % 251) as u8).collect();
        memory.write_at(PIECE as u64 - 100, &bytes).unwrap();
        let mut found = vec![9; bytes.len() + 10];
        assert_eq!(memory.read_at(PIECE as u64 - 100, &mut found).unwrap(), bytes.len());
        assert_eq!(found[..bytes.len()], bytes);
        memory.set_len(PIECE as u64 - 50).unwrap();
        memory.set_len(PIECE as u64).unwrap();
        let mut tail = [9; 60];
        assert_eq!(memory.read_at(PIECE as u64 - 60, &mut tail).unwrap(), 60);
        assert_eq!(tail[..10], bytes[40..50]);
        assert_eq!(tail[10..], [0; 50]);
        assert_eq!(memory.read_at(PIECE as u64, &mut tail).unwrap(), 0);
    }
}
