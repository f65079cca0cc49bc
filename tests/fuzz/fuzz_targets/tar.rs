//! Archives: entries lie within the file, one behind the other, and another one goes behind them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::storage::{FileName, MemoryStorage, Storage, StorageFile};
use nanotdb_core::tar;

fuzz_target!(|bytes: &[u8]| {
    let (storage, name) = (MemoryStorage::new(), FileName::new("a.tar").expect("a name"));
    storage.replace(&name, bytes).expect("memory does not fail");
    let mut file = storage.open(&name).expect("it was written");
    let (entries, end) = tar::entries(&file).expect("memory does not fail");
    assert!(end <= bytes.len() as u64 && end % tar::BLOCK as u64 == 0);
    let mut at = 0;
    for entry in &entries {
        assert_eq!(entry.offset, at + tar::BLOCK as u64);
        at = entry.end();
    }
    assert_eq!(at, end);
    file.truncate(end).expect("memory does not fail");
    file.append(&tar::header("new", 0, 0).expect("it is short")).expect("memory does not fail");
    file.append(&tar::END).expect("memory does not fail");
    let (more, _) = tar::entries(&file).expect("memory does not fail");
    assert_eq!(more.len(), entries.len() + 1);
    assert_eq!(&more[..entries.len()], &entries[..]);
});
