//! Tar archives of plain files: what retention moves old partitions into.
//!
//! POSIX ustar, uncompressed: for each file a header of one block, its bytes, zeros up to the
//! next block; two blocks of zeros end the archive. Blocks are 512 bytes. (IEEE 1003.1, pax.)

use crate::storage::{self, StorageFile};
use alloc::string::{String, ToString};
use core::fmt::Write;

/// Bytes of a block.
pub const BLOCK: usize = 512;

/// Bytes behind the last entry: two blocks of zeros.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The longest name of an entry, in bytes.
pub const MAX_NAME: usize = 100;

/// The largest entry: eleven octal digits.
const MAX_SIZE: u64 = (1 << 33) - 1;

/// Where the fields are.
mod field {
    use core::ops::Range;

    pub(super) const NAME: Range<usize> = 0..100;
    pub(super) const MODE: Range<usize> = 100..108;
    pub(super) const UID: Range<usize> = 108..116;
    pub(super) const GID: Range<usize> = 116..124;
    pub(super) const SIZE: Range<usize> = 124..136;
    pub(super) const MTIME: Range<usize> = 136..148;
    pub(super) const CHECKSUM: Range<usize> = 148..156;
    pub(super) const KIND: Range<usize> = 156..157;
    pub(super) const MAGIC: Range<usize> = 257..265;
    pub(super) const DEV_MAJOR: Range<usize> = 329..337;
    pub(super) const DEV_MINOR: Range<usize> = 337..345;
}

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Where its bytes start in the archive.
    pub offset: u64,
    /// How many there are.
    pub size: u64,
}

impl Entry {
    /// Where the next entry starts.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(padded(self.size))
    }
}

/// `size` rounded up to whole blocks.
pub fn padded(size: u64) -> u64 {
    size.div_ceil(512).saturating_mul(512)
}

/// The header of a file, or `None` when name or size are too large for one.
///
/// `mtime` is in seconds since the Unix epoch; times before it count as the epoch.
pub fn header(name: &str, size: u64, mtime: i64) -> Option<[u8; BLOCK]> {
    if name.is_empty() || name.len() > MAX_NAME || size > MAX_SIZE {
        return None;
    }
    let mut block = [0; BLOCK];
    put(&mut block, field::NAME, name.as_bytes());
    put_octal(&mut block, field::MODE, 0o644);
    put_octal(&mut block, field::UID, 0);
    put_octal(&mut block, field::GID, 0);
    put_octal(&mut block, field::SIZE, size);
    put_octal(&mut block, field::MTIME, u64::try_from(mtime).unwrap_or(0));
    put(&mut block, field::KIND, b"0");
    put(&mut block, field::MAGIC, b"ustar\x0000");
    put_octal(&mut block, field::DEV_MAJOR, 0);
    put_octal(&mut block, field::DEV_MINOR, 0);
    let mut digits = String::new();
    let _ = write!(digits, "{:06o}\0 ", checksum(&block)); // a String takes everything
    put(&mut block, field::CHECKSUM, digits.as_bytes());
    Some(block)
}

fn put(block: &mut [u8; BLOCK], at: core::ops::Range<usize>, bytes: &[u8]) {
    if let Some(field) = block.get_mut(at) {
        for (to, from) in field.iter_mut().zip(bytes) {
            *to = *from;
        }
    }
}

/// Octal digits with leading zeros, and a NUL.
fn put_octal(block: &mut [u8; BLOCK], at: core::ops::Range<usize>, value: u64) {
    let width = at.len().saturating_sub(1);
    let mut digits = String::new();
    let _ = write!(digits, "{value:0width$o}\0");
    put(block, at, digits.as_bytes());
}

/// The sum of all bytes, with blanks for those of the checksum itself.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let bytes = block.iter().enumerate();
    bytes.map(|(at, &byte)| if field::CHECKSUM.contains(&at) { 32 } else { u64::from(byte) }).sum()
}

/// Name and size of the file a header stands for, if it is one.
fn parse(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    let text = |at| {
        let bytes: &[u8] = block.get(at)?;
        core::str::from_utf8(bytes.split(|&byte| byte == 0).next()?).ok()
    };
    let octal = |at| u64::from_str_radix(text(at)?.trim_matches(' '), 8).ok();
    if octal(field::CHECKSUM)? != checksum(block) {
        return None;
    }
    Some((text(field::NAME)?.to_string(), octal(field::SIZE)?)).filter(|(name, _)| !name.is_empty())
}

/// The entries of an archive, and where the last one ends: there the next one goes. What stands
/// behind that is the archive's end, or an entry that was cut short.
///
/// # Errors
///
/// What the file reports.
pub fn entries<F: StorageFile>(file: &F) -> storage::Result<(alloc::vec::Vec<Entry>, u64)> {
    let len = file.len()?;
    let (mut entries, mut at) = (alloc::vec::Vec::new(), 0);
    let mut block = [0; BLOCK];
    while file.read_at(at, &mut block)? == BLOCK {
        let Some((name, size)) = parse(&block) else { break };
        let entry = Entry { name, offset: at.saturating_add(512), size };
        if entry.end() > len {
            break;
        }
        at = entry.end();
        entries.push(entry);
    }
    Ok((entries, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{FileName, MemoryStorage, Storage};
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// FORMAT §12: mtime 1700000000.6 s is rounded to 1700000001.
    #[test]
    fn the_worked_example() {
        let block = header("data-1970-01-02.dat", 12, 1_700_000_001).unwrap();
        assert_eq!(&block[..19], b"data-1970-01-02.dat");
        assert_eq!(&block[0x64..0x7c], b"0000644\x000000000\x000000000\0");
        assert_eq!(&block[0x7c..0x94], b"00000000014\x0014524770401\0");
        assert_eq!(&block[0x9c..0x9d], b"0");
        assert_eq!(&block[0x101..0x109], b"ustar\x0000");
        assert_eq!(&block[0x149..0x159], b"0000000\x000000000\0");
        // The example's checksum has "root" twice in it, and those fields are empty here.
        let with_names = checksum(&block) + 2 * b"root".iter().map(|&b| u64::from(b)).sum::<u64>();
        assert_eq!(with_names, 0o13511);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(header(&"x".repeat(101), 1, 0), None);
        assert_eq!(header("", 1, 0), None);
        assert_eq!(header("x", MAX_SIZE + 1, 0), None);
        assert!(header(&"x".repeat(100), MAX_SIZE, -5).is_some());
    }

    fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = vec![];
        for (name, content) in files {
            bytes.extend(header(name, content.len() as u64, 0).unwrap());
            bytes.extend(content);
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        }
        bytes.extend(END);
        bytes
    }

    fn read(bytes: &[u8]) -> (Vec<Entry>, u64) {
        let (storage, name) = (MemoryStorage::new(), FileName::new("a.tar").unwrap());
        storage.replace(&name, bytes).unwrap();
        entries(&storage.open(&name).unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn entries_come_back_and_a_cut_takes_only_the_last(
            files in proptest::collection::vec(
                ("[a-z]{1,20}", proptest::collection::vec(any::<u8>(), 0..1500)), 0..5),
            cut in 0_usize..9000,
        ) {
            let bytes = archive(&files);
            let (found, end) = read(&bytes);
            prop_assert_eq!(found.len(), files.len());
            for (entry, (name, content)) in found.iter().zip(&files) {
                prop_assert_eq!(&entry.name, name);
                let at = usize::try_from(entry.offset).unwrap();
                prop_assert_eq!(&bytes[at..at + content.len()], &content[..]);
            }
            prop_assert_eq!(usize::try_from(end).unwrap() + END.len(), bytes.len());
            let cut = cut.min(bytes.len());
            let (left, end) = read(&bytes[..cut]);
            prop_assert!(end <= cut as u64);
            prop_assert_eq!(&left[..], &found[..left.len()]);
        }

        #[test]
        fn arbitrary_bytes_are_read_safely(
            bytes in proptest::collection::vec(any::<u8>(), 0..3000),
            flip in 0_usize..600,
        ) {
            let (found, end) = read(&bytes);
            prop_assert!(found.is_empty() && end == 0);
            let mut one = archive(&[("x".into(), vec![1; 10])]);
            one[flip % BLOCK] ^= 1;
            let (_, end) = read(&one);
            prop_assert!(end <= one.len() as u64);
        }
    }
}
