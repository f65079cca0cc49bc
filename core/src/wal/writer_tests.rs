use super::super::{Item, Records};
use super::*;
use crate::storage::{FileName, MemoryStorage, Storage};

const NAMED: Option<(&str, ValueType)> = Some(("a", ValueType::I32));

fn storage_and_log(policy: FsyncPolicy) -> (MemoryStorage, Log<<MemoryStorage as Storage>::File>) {
    let storage = MemoryStorage::new();
    let file = storage.create(&name()).unwrap();
    (storage, Log::new(file, 0, policy))
}

fn commit(log: &mut Log<<MemoryStorage as Storage>::File>) -> Committed {
    log.commit(Duration::default).unwrap()
}

fn name() -> FileName {
    FileName::new("home.wal").unwrap()
}

/// Time and whether the record sets a baseline, of every record in the file.
fn stored(storage: &MemoryStorage) -> Vec<(i64, bool)> {
    let bytes = storage.read(&name()).unwrap().unwrap();
    let mut records = Records::new(&bytes);
    let found = records
        .by_ref()
        .map(|(_, item)| match item {
            Item::Record(record, _) => (record.time, record.has_baseline),
            Item::Damage(..) => panic!("{item:?}"),
        })
        .collect();
    assert_eq!(records.tail(), None);
    found
}

#[test]
fn records_reach_the_file_when_they_are_committed() {
    let (storage, mut log) = storage_and_log(FsyncPolicy::Always);
    commit(&mut log);
    assert!(log.is_empty());
    log.add((1, 10, 0), NAMED, Some(0));
    log.add((1, 11, 0), None, None);
    assert_eq!((log.len(), stored(&storage).len()), (0, 0));
    let committed = commit(&mut log);
    let expected = Committed { records: 2, bytes: log.len(), sync_time: Some(Duration::default()) };
    assert_eq!(committed, expected);
    assert_eq!(stored(&storage), [(10, true), (11, false)]);
    let len = storage.open(&name()).unwrap().len().unwrap();
    assert_eq!(log.len(), len);
    commit(&mut log);
    assert_eq!(log.len(), len);
}

#[test]
fn a_reset_log_starts_over_with_a_baseline() {
    let (storage, mut log) = storage_and_log(FsyncPolicy::Segment);
    log.reset().unwrap();
    log.add((1, 10, 0), NAMED, None);
    commit(&mut log);
    log.reset().unwrap();
    assert!(log.is_empty() && stored(&storage).is_empty());
    log.add((1, 11, 0), None, None);
    commit(&mut log);
    log.sync().unwrap();
    assert_eq!(stored(&storage), [(11, true)]);
}

#[test]
fn a_continued_log_sets_a_baseline_of_its_own() {
    let (storage, mut log) = storage_and_log(FsyncPolicy::Segment);
    log.add((1, 10, 0), NAMED, None);
    commit(&mut log);
    let mut log = Log::new(storage.open(&name()).unwrap(), log.len(), FsyncPolicy::Segment);
    log.add((1, 11, 0), None, None);
    commit(&mut log);
    assert_eq!(stored(&storage), [(10, true), (11, true)]);
}

#[test]
fn a_large_batch_is_one_write_and_leaves_no_large_buffer() {
    let (storage, mut log) = storage_and_log(FsyncPolicy::Segment);
    for time in 0..50_000 {
        log.add((1, time, 0), None, None);
    }
    assert!(log.pending.len() > PENDING_KEPT);
    commit(&mut log);
    assert!(log.pending.capacity() <= PENDING_KEPT);
    assert_eq!(stored(&storage).len(), 50_000);
}
