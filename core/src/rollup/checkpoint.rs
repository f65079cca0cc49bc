//! The checkpoint file: `<task id>,<nanoseconds>` a line, later lines override earlier ones.
//!
//! Every period of the task that ends at or before the time is done. (FORMAT §11)

use crate::sorted::SortedMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A file longer than this is written anew, with one line for each task.
pub const COMPACT_ABOVE: u64 = 100 * 1024;

/// How far each task has come, by id.
pub type Checkpoints = SortedMap<String, i64>;

/// Reads the file. Lines that are none are passed over.
///
/// An id may have commas: the last one separates. The reference splits at each and never finds
/// such a line again (D-12).
pub fn parse(bytes: &[u8]) -> Checkpoints {
    let mut checkpoints = Checkpoints::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let Ok(line) = core::str::from_utf8(line) else { continue };
        let Some((id, time)) = line.rsplit_once(',') else { continue };
        let Ok(time) = time.trim().parse() else { continue };
        let id = id.trim();
        if !id.is_empty() {
            checkpoints.insert(id.to_string(), time);
        }
    }
    checkpoints
}

/// One line for each, in order of the ids.
pub fn encode<'a>(checkpoints: impl IntoIterator<Item = (&'a String, &'a i64)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (id, time) in checkpoints {
        bytes.extend_from_slice(format!("{id},{time}\n").as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example() {
        let bytes = b"temp_1h,1779408000000000000\n";
        let checkpoints = parse(bytes);
        assert_eq!(checkpoints.get("temp_1h"), Some(&1_779_408_000_000_000_000));
        assert_eq!(encode(&checkpoints), bytes);
    }

    #[test]
    fn later_lines_override_and_others_are_passed_over() {
        let checkpoints =
            parse(b"a,1\nb , 2 \n,3\nc,x\nnonsense\n\xff,4\na,5\nwith,comma,-6\ntorn,7");
        let expected = [("a", 5), ("b", 2), ("torn", 7), ("with,comma", -6)];
        assert_eq!(checkpoints, expected.map(|(id, time)| (id.to_string(), time)).into());
    }

    proptest! {
        #[test]
        fn checkpoints_come_back(
            checkpoints in proptest::collection::btree_map("[a-z:,.]{0,8}[a-z]", any::<i64>(), 0..20),
        ) {
            let checkpoints: Checkpoints = checkpoints.into_iter().collect();
            prop_assert_eq!(parse(&encode(&checkpoints)), checkpoints);
        }

        #[test]
        fn arbitrary_bytes_are_read_safely(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            parse(&bytes);
        }
    }
}
