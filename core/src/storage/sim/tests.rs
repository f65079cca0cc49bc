//! The tester, tested.

use super::*;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;

const SEEDS: u64 = 60;

fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

fn content(storage: &SimStorage, text: &str) -> Option<Vec<u8>> {
    storage.read(&name(text)).unwrap()
}

/// Five versions of one file; says how many `replace` calls succeeded.
fn replace_five_times(storage: &SimStorage) -> usize {
    (1..=5).take_while(|number| storage.replace(&name("a"), &version(*number)).is_ok()).count()
}

fn version(number: usize) -> Vec<u8> {
    match number {
        0 => Vec::new(),
        _ => format!("version {number}, ").repeat(20).into_bytes(),
    }
}

/// Crashes at every step, then checks that the file is the last acknowledged version or the one
/// that was being written. Answers with the first failure.
fn crash_at_every_step(flaw: Option<Flaw>) -> core::result::Result<(), String> {
    let whole = SimStorage::new();
    replace_five_times(&whole);
    for step in 1..=whole.steps() + 1 {
        for seed in 0..SEEDS {
            let options = SimOptions { crash_at: Some(step), flaw, ..SimOptions::default() };
            let storage = SimStorage::new().with_options(options);
            let acknowledged = replace_five_times(&storage);
            let found = content(&storage.after_crash(seed), "a").unwrap_or_default();
            if found != version(acknowledged) && found != version(acknowledged + 1) {
                return Err(format!("step {step} seed {seed}: {acknowledged} acknowledged"));
            }
        }
    }
    Ok(())
}

#[test]
fn replace_shows_old_or_new_bytes_after_any_crash() {
    assert_eq!(crash_at_every_step(None), Ok(()));
}

#[test]
fn replace_without_sync_is_caught() {
    assert!(crash_at_every_step(Some(Flaw::ReplaceWithoutSync)).is_err());
}

#[test]
fn replace_without_sync_dir_is_caught() {
    assert!(crash_at_every_step(Some(Flaw::ReplaceWithoutSyncDir)).is_err());
}

#[test]
fn replace_survives_a_kill_without_any_sync() {
    for step in 1..=30 {
        for seed in 0..SEEDS {
            let storage = SimStorage::crashing_at(step);
            let acknowledged = replace_five_times(&storage);
            let found = content(&storage.after_kill(seed), "a").unwrap_or_default();
            let allowed = [version(acknowledged), version(acknowledged + 1)];
            assert!(allowed.contains(&found), "step {step} seed {seed}");
        }
    }
}

#[test]
fn equal_seeds_give_equal_disks() {
    let storage = SimStorage::new();
    storage.create(&name("a")).unwrap().append(&[7; 500]).unwrap();
    for seed in 0..SEEDS {
        assert_eq!(storage.after_crash(seed).files(), storage.after_crash(seed).files());
    }
    let disks: BTreeSet<_> = (0..SEEDS).map(|seed| storage.after_crash(seed).files()).collect();
    assert!(disks.len() > 10, "only {} different disks", disks.len());
}

#[test]
fn unsynced_tails_are_kept_cut_zeroed_or_garbage() {
    let storage = SimStorage::new();
    let mut file = storage.create(&name("a")).unwrap();
    file.append(b"synced").unwrap();
    file.sync().unwrap();
    storage.sync_dir().unwrap();
    file.append(b"unsynced").unwrap();
    let (mut whole, mut cut, mut zeroed, mut garbage) = (0, 0, 0, 0);
    for seed in 0..SEEDS * 4 {
        let found = content(&storage.after_crash(seed), "a").unwrap();
        assert!(found.starts_with(b"synced"), "seed {seed}");
        match found.strip_prefix(b"synced").unwrap() {
            b"unsynced" => whole += 1,
            tail if b"unsynced".starts_with(tail) => cut += 1,
            [.., 0] => zeroed += 1,
            _ => garbage += 1,
        }
    }
    assert!(whole > 0 && cut > 0 && zeroed > 0 && garbage > 0, "{whole} {cut} {zeroed} {garbage}");
}

#[test]
fn the_first_seeds_are_the_extremes() {
    let storage = SimStorage::new();
    let mut file = storage.create(&name("a")).unwrap();
    file.append(b"bytes").unwrap();
    assert_eq!(content(&storage.after_crash(0), "a"), None);
    assert_eq!(content(&storage.after_crash(1), "a").as_deref(), Some(&b"bytes"[..]));
    storage.sync_dir().unwrap();
    assert_eq!(content(&storage.after_crash(0), "a").as_deref(), Some(&b""[..]));
}

#[test]
fn an_unsynced_truncate_may_or_may_not_have_happened() {
    let storage = SimStorage::holding([(name("a"), b"0123456789".to_vec())].into());
    storage.open(&name("a")).unwrap().truncate(4).unwrap();
    let found: BTreeSet<_> =
        (0..SEEDS).map(|seed| content(&storage.after_crash(seed), "a").unwrap()).collect();
    assert_eq!(found, BTreeSet::from([b"0123".to_vec(), b"0123456789".to_vec()]));
}

#[test]
fn an_append_in_flight_is_partly_there() {
    let storage = SimStorage::crashing_at(2);
    let mut file = storage.create(&name("a")).unwrap();
    assert!(file.append(b"abcdef").is_err());
    assert!(file.append(b"later").is_err());
    assert!(file.len().is_err() && storage.list().is_err(), "a dead process reads");
    let killed: BTreeSet<_> =
        (0..SEEDS).map(|seed| content(&storage.after_kill(seed), "a").unwrap()).collect();
    assert_eq!(killed.len(), 7, "every prefix of the append");
    assert!(killed.iter().all(|found| b"abcdef".starts_with(found)));
}

#[test]
fn a_kill_keeps_what_a_power_cut_takes() {
    let storage = SimStorage::new();
    storage.create(&name("a")).unwrap().append(b"bytes").unwrap();
    let killed = storage.after_kill(5);
    assert_eq!(killed.files(), storage.files());
    assert_eq!(content(&killed.after_crash(0), "a"), None);
}

#[test]
fn directory_operations_survive_as_a_prefix() {
    let storage = SimStorage::new();
    for text in ["a", "b", "c"] {
        storage.create(&name(text)).unwrap();
    }
    let mut counts = BTreeSet::new();
    for seed in 0..SEEDS {
        let found = storage.after_crash(seed).list().unwrap();
        assert_eq!(found, ["a", "b", "c"].map(name)[..found.len()], "seed {seed}");
        counts.insert(found.len());
    }
    assert_eq!(counts.len(), 4);
}

#[test]
fn logs_end_in_zeros_that_nobody_appended() {
    let storage = SimStorage::new();
    let mut log = storage.open_log(&name("a.wal")).unwrap();
    log.append(b"record").unwrap();
    log.sync().unwrap();
    storage.sync_dir().unwrap();
    for after in [SimStorage::after_crash, SimStorage::after_kill] {
        let longest = (0..SEEDS).map(|seed| content(&after(&storage, seed), "a.wal").unwrap());
        let longest = longest.max_by_key(Vec::len).unwrap();
        let zeros = longest.strip_prefix(b"record").unwrap();
        assert!(zeros.len() > 100 && zeros.iter().all(|byte| *byte == 0));
    }
    assert_eq!(content(&storage, "a.wal").as_deref(), Some(&b"record"[..]));
}

#[test]
fn one_operation_fails_and_later_ones_work() {
    let storage = SimStorage::failing_at(2, StorageErrorKind::NoSpace);
    let mut file = storage.create(&name("a")).unwrap();
    assert_eq!(file.append(&[1; 50]).unwrap_err().kind, StorageErrorKind::NoSpace);
    let partial = usize::try_from(file.len().unwrap()).unwrap();
    assert!(partial <= 50);
    file.append(&[2; 5]).unwrap();
    let expected = [vec![1; partial], vec![2; 5]].concat();
    assert_eq!(file.read_all().unwrap(), expected);
    assert_eq!(storage.steps(), 3);
}

#[test]
fn a_second_sync_proves_nothing_about_the_first() {
    let storage = SimStorage::failing_at(4, StorageErrorKind::Io);
    let mut file = storage.create(&name("a")).unwrap();
    storage.sync_dir().unwrap();
    file.append(b"lost").unwrap();
    assert!(file.sync().is_err());
    file.append(b"kept").unwrap();
    file.sync().unwrap();
    assert_eq!(file.read_all().unwrap(), b"lostkept");
    let found = content(&storage.after_crash(0), "a").unwrap();
    assert!(found.ends_with(b"kept") && !found.starts_with(b"lost"), "{found:?}");
}

#[test]
fn only_mutations_count() {
    let storage = SimStorage::new();
    assert!(storage.remove(&name("a")).is_err());
    assert!(storage.open(&name("a")).is_err());
    drop(storage.create(&name("a")).unwrap());
    assert!(storage.create(&name("a")).is_err());
    storage.list().unwrap();
    storage.read(&name("a")).unwrap();
    assert_eq!(storage.steps(), 1);
}
