//! One suite for every storage: it panics at the first broken promise, saying which.
//!
//! ```
//! use nanotdb_core::storage::{MemoryStorage, conformance};
//!
//! conformance::run(MemoryStorage::new);
//! ```
#![cfg_attr(not(test), expect(clippy::panic, reason = "a broken promise is reported by a panic"))]

use super::{FileName, Result, Storage, StorageErrorKind, StorageFile};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// More than any page, chunk or reservation that a host is likely to work in.
const LARGE: usize = 1 << 20;

/// Checks every promise of [`Storage`] and [`StorageFile`]. `fresh` makes an empty directory each
/// time it is called.
///
/// # Panics
///
/// When the storage breaks a promise.
pub fn run<S: Storage>(mut fresh: impl FnMut() -> S) {
    creates_and_opens(&fresh());
    appends_and_reads(&fresh());
    reads_at_every_offset(&fresh());
    truncates(&fresh());
    appends_large_pieces(&fresh());
    syncs(&fresh());
    renames(&fresh());
    removes(&fresh());
    creates_whatever_there_was(&fresh());
    lists(&fresh());
    replaces(&fresh());
    reads_whole_files(&fresh());
    handles_agree(&fresh());
    takes_long_names(&fresh());
    keeps_files_apart(&fresh());
    logs_grow(&fresh());
    logs_reopen(&fresh());
    logs_start_over(&fresh());
    logs_take_large_pieces(&fresh());
    logs_are_seen_by_readers(&fresh());
}

fn creates_and_opens<S: Storage>(storage: &S) {
    let absent = ok(storage.list(), "list of an empty directory");
    assert!(absent.is_empty(), "a fresh directory has files: {absent:?}");
    fails(storage.open(&name("a")), StorageErrorKind::NotFound, "open of a missing file");
    let file = ok(storage.create(&name("a")), "create");
    assert_eq!(ok(file.len(), "len"), 0, "a created file is not empty");
    assert!(ok(file.is_empty(), "is_empty"), "a created file says it is not empty");
    fails(
        storage.create(&name("a")),
        StorageErrorKind::AlreadyExists,
        "create of an existing file",
    );
    drop(file);
    let file = ok(storage.open(&name("a")), "open of an empty file");
    let read = ok(file.read_at(0, &mut [0; 8]), "read of an empty file");
    assert_eq!(read, 0, "an empty file had bytes");
}

fn appends_and_reads<S: Storage>(storage: &S) {
    let mut file = ok(storage.create(&name("a")), "create");
    ok(file.append(b"one"), "append");
    ok(file.append(b""), "append of nothing");
    ok(file.append(b"two"), "append");
    expect(&file, b"onetwo", "two appends");
    drop(file);
    let mut file = ok(storage.open(&name("a")), "open");
    expect(&file, b"onetwo", "two appends, reopened");
    ok(file.append(b"three"), "append after open");
    expect(&file, b"onetwothree", "append after open starts at the end");
}

fn reads_at_every_offset<S: Storage>(storage: &S) {
    let content = pattern(100);
    let mut file = ok(storage.create(&name("a")), "create");
    ok(file.append(&content), "append");
    for offset in 0..=content.len() + 2 {
        for wanted in [0, 1, 7, 100, 200] {
            let mut buf = vec![0xEE; wanted];
            let read = ok(file.read_at(offset as u64, &mut buf), "read_at");
            let rest = content.get(offset..).unwrap_or_default();
            let filled = rest.len().min(wanted);
            assert_eq!(read, filled, "read_at({offset}) of {wanted} bytes from 100: wrong count");
            assert_eq!(buf.get(..filled), rest.get(..filled), "read_at({offset}): wrong bytes");
        }
    }
    let read = ok(file.read_at(1 << 40, &mut [0; 4]), "read_at far behind the end");
    assert_eq!(read, 0, "there are bytes far behind the end");
}

fn truncates<S: Storage>(storage: &S) {
    let mut file = ok(storage.create(&name("a")), "create");
    ok(file.append(b"0123456789"), "append");
    ok(file.truncate(10), "truncate to the same length");
    expect(&file, b"0123456789", "truncate to the same length");
    ok(file.truncate(4), "truncate");
    expect(&file, b"0123", "truncate");
    ok(file.append(b"xy"), "append after truncate");
    expect(&file, b"0123xy", "append after truncate starts at the new end");
    ok(file.truncate(0), "truncate to nothing");
    expect(&file, b"", "truncate to nothing");
    ok(file.append(b"z"), "append after truncate to nothing");
    drop(file);
    let file = ok(storage.open(&name("a")), "open");
    expect(&file, b"z", "truncated file, reopened");
}

fn appends_large_pieces<S: Storage>(storage: &S) {
    let content = pattern(LARGE + 1);
    let mut file = ok(storage.create(&name("a")), "create");
    ok(file.append(b"head"), "append");
    ok(file.append(&content), "append of 1 MiB");
    assert_eq!(ok(file.len(), "len"), 4 + content.len() as u64, "length after 1 MiB");
    let mut found = vec![0; content.len()];
    let read = ok(file.read_at(4, &mut found), "read of 1 MiB");
    assert_eq!(read, content.len(), "a read of 1 MiB was short");
    assert!(found == content, "1 MiB came back changed");
}

fn syncs<S: Storage>(storage: &S) {
    let mut file = ok(storage.create(&name("a")), "create");
    ok(file.sync(), "sync of an empty file");
    ok(file.append(b"kept"), "append");
    ok(file.sync(), "sync");
    ok(file.sync(), "sync of nothing new");
    ok(storage.sync_dir(), "sync_dir");
    ok(file.append(b" and more"), "append after sync");
    expect(&file, b"kept and more", "append after sync");
}

fn renames<S: Storage>(storage: &S) {
    write(storage, "a", b"content of a");
    ok(storage.rename(&name("a"), &name("b")), "rename");
    fails(storage.open(&name("a")), StorageErrorKind::NotFound, "open of the old name");
    expect_file(storage, "b", Some(b"content of a"), "rename");
    write(storage, "c", b"c");
    ok(storage.rename(&name("b"), &name("c")), "rename over an existing file");
    expect_file(storage, "b", None, "rename over an existing file");
    expect_file(storage, "c", Some(b"content of a"), "rename over an existing file");
    let missing = storage.rename(&name("b"), &name("c"));
    fails(missing, StorageErrorKind::NotFound, "rename of a missing file");
    expect_file(storage, "c", Some(b"content of a"), "a rename that failed");
    write(storage, "a", b"new");
    expect_file(storage, "a", Some(b"new"), "create under a name that was renamed away");
}

fn removes<S: Storage>(storage: &S) {
    fails(storage.remove(&name("a")), StorageErrorKind::NotFound, "remove of a missing file");
    ok(storage.remove_if_present(&name("a")), "remove_if_present of a missing file");
    write(storage, "a", b"old");
    write(storage, "b", b"stays");
    ok(storage.remove(&name("a")), "remove");
    expect_file(storage, "a", None, "remove");
    expect_file(storage, "b", Some(b"stays"), "remove of another file");
    ok(storage.remove_if_present(&name("b")), "remove_if_present");
    expect_file(storage, "b", None, "remove_if_present");
    drop(ok(storage.create(&name("a")), "create of a removed name"));
    expect_file(storage, "a", Some(b""), "a removed file's bytes came back");
}

fn creates_whatever_there_was<S: Storage>(storage: &S) {
    drop(ok(storage.create_anew(&name("a")), "create_anew"));
    expect_file(storage, "a", Some(b""), "create_anew");
    write(storage, "b", b"left");
    drop(ok(storage.create_anew(&name("b")), "create_anew of an existing file"));
    expect_file(storage, "b", Some(b""), "create_anew of an existing file");
    let (mut file, created) = ok(storage.open_or_create(&name("c")), "open_or_create");
    assert!(created, "open_or_create did not say that it made the file");
    ok(file.append(b"kept"), "append to a file that was made");
    drop(file);
    let (mut file, created) = ok(storage.open_or_create(&name("c")), "open_or_create again");
    assert!(!created, "open_or_create said that it made a file that was there");
    ok(file.append(b" too"), "append to a file that was there");
    drop(file);
    expect_file(storage, "c", Some(b"kept too"), "open_or_create of an existing file");
}

fn lists<S: Storage>(storage: &S) {
    for text in ["b.dat", "a.wal", "A", "x.tmp", "with space", "grün"] {
        write(storage, text, b"");
    }
    ok(storage.remove(&name("A")), "remove");
    ok(storage.rename(&name("a.wal"), &name("c.wal")), "rename");
    let mut found = ok(storage.list(), "list");
    found.sort();
    let expected = ["b.dat", "c.wal", "grün", "with space", "x.tmp"].map(name);
    assert_eq!(found, expected, "list");
}

fn replaces<S: Storage>(storage: &S) {
    let target = name("settings");
    ok(storage.replace(&target, b"first"), "replace of a missing file");
    expect_file(storage, "settings", Some(b"first"), "replace of a missing file");
    write(storage, "settings.tmp", b"left by a crash, and longer than what follows");
    ok(storage.replace(&target, b"2nd"), "replace");
    expect_file(storage, "settings", Some(b"2nd"), "replace");
    expect_file(storage, "settings.tmp", None, "replace left its temporary file");
    ok(storage.replace(&target, b""), "replace by nothing");
    expect_file(storage, "settings", Some(b""), "replace by nothing");
}

fn reads_whole_files<S: Storage>(storage: &S) {
    let missing = ok(storage.read(&name("a")), "read of a missing file");
    assert_eq!(missing, None, "read of a missing file");
    let content = pattern(10_000);
    write(storage, "a", &content);
    expect_file(storage, "a", Some(&content), "read");
}

fn handles_agree<S: Storage>(storage: &S) {
    let mut writer = ok(storage.create(&name("a")), "create");
    ok(writer.append(b"before"), "append");
    let reader = ok(storage.open(&name("a")), "second handle");
    expect(&reader, b"before", "second handle");
    ok(writer.append(b" after"), "append");
    expect(&reader, b"before after", "second handle after an append by the first");
    ok(writer.truncate(3), "truncate");
    expect(&reader, b"bef", "second handle after a truncate by the first");
    drop(writer);
    expect(&reader, b"bef", "second handle after the first was dropped");
}

fn takes_long_names<S: Storage>(storage: &S) {
    let long = "n".repeat(FileName::MAX_LEN);
    write(storage, &long, b"long");
    expect_file(storage, &long, Some(b"long"), "a name of 255 bytes");
    let replaced = "r".repeat(FileName::MAX_LEN - ".tmp".len());
    ok(storage.replace(&name(&replaced), b"new"), "replace under the longest name it can");
    expect_file(storage, &replaced, Some(b"new"), "replace under the longest name it can");
    let found = ok(storage.list(), "list");
    assert!(found.contains(&name(&long)), "list leaves out a name of 255 bytes");
}

fn keeps_files_apart<S: Storage>(storage: &S) {
    let names: Vec<String> = (0..20).map(|number| format!("file-{number}")).collect();
    let mut files: Vec<S::File> =
        names.iter().map(|text| ok(storage.create(&name(text)), "create")).collect();
    for round in 0..3_u8 {
        for (index, file) in (0..).zip(&mut files) {
            ok(file.append(&[index, round]), "append to one of many");
        }
    }
    for (index, text) in (0..).zip(&names) {
        let expected = [index, 0, index, 1, index, 2];
        expect_file(storage, text, Some(&expected), "one of many open files");
    }
}

fn logs_grow<S: Storage>(storage: &S) {
    let mut log = ok(storage.open_log(&name("a.wal")), "open_log of a missing file");
    assert_eq!(ok(log.len(), "len"), 0, "a new log is not empty");
    let mut content = Vec::new();
    for number in 0..20_000_u32 {
        let record = number.to_le_bytes();
        let size = 1 + usize::from(record[0] % 4);
        let record = record.get(..size).unwrap_or_default();
        ok(log.append(record), "append to a log");
        content.extend_from_slice(record);
        if number % 4_000 == 0 {
            ok(log.sync(), "sync of a log");
            expect(&log, &content, "a synced log");
        }
    }
    expect(&log, &content, "20000 appends to a log");
    let mut buf = [0xEE; 16];
    let offset = content.len() as u64 - 5;
    let read = ok(log.read_at(offset, &mut buf), "read at the end of a log");
    assert_eq!(read, 5, "a log shows bytes behind its end");
    let read = ok(log.read_at(offset + 5, &mut buf), "read behind the end of a log");
    assert_eq!(read, 0, "a log shows bytes behind its end");
}

fn logs_reopen<S: Storage>(storage: &S) {
    let mut log = ok(storage.open_log(&name("a.wal")), "open_log");
    ok(log.append(b"first"), "append to a log");
    drop(log);
    expect_file(storage, "a.wal", Some(b"first"), "a closed log");
    let mut log = ok(storage.open_log(&name("a.wal")), "open_log of an existing file");
    expect(&log, b"first", "a reopened log");
    ok(log.append(b"second"), "append to a reopened log");
    expect(&log, b"firstsecond", "a reopened log");
    drop(log);
    expect_file(storage, "a.wal", Some(b"firstsecond"), "a closed log");
    write(storage, "b", b"plain");
    let mut log = ok(storage.open_log(&name("b")), "open_log of a plain file");
    ok(log.append(b" log"), "append to a log");
    drop(log);
    expect_file(storage, "b", Some(b"plain log"), "a plain file opened as a log");
}

fn logs_start_over<S: Storage>(storage: &S) {
    let mut log = ok(storage.open_log(&name("a.wal")), "open_log");
    for round in 1..=4_u8 {
        for _ in 0..1_000 {
            ok(log.append(&[round; 30]), "append to a log");
        }
        ok(log.truncate(15), "truncate of a log");
        expect(&log, &[round; 15], "a truncated log");
        ok(log.append(b"!"), "append to a truncated log");
        ok(log.append(b"?"), "append to a truncated log");
        expect(&log, &[&[round; 15][..], b"!?"].concat(), "a truncated log that grew");
        ok(log.truncate(0), "truncate of a log to nothing");
        assert_eq!(ok(log.len(), "len"), 0, "a log truncated to nothing");
    }
    ok(log.sync(), "sync of an emptied log");
    ok(log.append(b"end"), "append to an emptied log");
    drop(log);
    expect_file(storage, "a.wal", Some(b"end"), "a log that started over");
}

fn logs_take_large_pieces<S: Storage>(storage: &S) {
    let content = pattern(LARGE + 77);
    let mut log = ok(storage.open_log(&name("a.wal")), "open_log");
    for piece in [&b"small"[..], &b"other"[..], &content, &b"small"[..], &content] {
        ok(log.append(piece), "append to a log");
    }
    ok(log.sync(), "sync of a log");
    let expected = [&b"smallother"[..], &content, b"small", &content].concat();
    assert!(ok(log.read_all(), "read_all") == expected, "a log changed a large append");
    drop(log);
    let found = ok(storage.read(&name("a.wal")), "read");
    assert!(found == Some(expected), "a closed log changed a large append");
}

fn logs_are_seen_by_readers<S: Storage>(storage: &S) {
    let mut log = ok(storage.open_log(&name("a.wal")), "open_log");
    for number in 1..=100_u8 {
        ok(log.append(&[number]), "append to a log");
    }
    let reader = ok(storage.open(&name("a.wal")), "second handle on a log");
    let found = ok(reader.read_all(), "read_all");
    let expected: Vec<u8> = (1..=100).collect();
    assert_eq!(found.get(..100), Some(&expected[..]), "a reader of a log in use");
    let reserved = found.get(100..).unwrap_or_default();
    assert!(reserved.iter().all(|byte| *byte == 0), "a log in use ends in more than zeros");
    drop((reader, log));
    expect_file(storage, "a.wal", Some(&expected), "a closed log");
}

fn name(text: &str) -> FileName {
    ok(FileName::new(text), text)
}

/// Bytes that differ from their neighbours and from page to page.
fn pattern(len: usize) -> Vec<u8> {
    let (mut bytes, mut state) = (Vec::with_capacity(len), 1_u32);
    while bytes.len() < len {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push(state.to_le_bytes()[3]);
    }
    bytes
}

fn write<S: Storage>(storage: &S, text: &str, content: &[u8]) {
    let mut file = ok(storage.create(&name(text)), "create");
    ok(file.append(content), "append");
}

fn expect_file<S: Storage>(storage: &S, text: &str, content: Option<&[u8]>, what: &str) {
    let found = ok(storage.read(&name(text)), what);
    assert_eq!(found.as_deref(), content, "{what}: content of {text}");
}

fn expect<F: StorageFile>(file: &F, content: &[u8], what: &str) {
    assert_eq!(ok(file.len(), what), content.len() as u64, "{what}: length");
    assert!(ok(file.read_all(), what) == content, "{what}: content");
}

fn ok<T>(result: Result<T>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {:?}: {error}", error.kind),
    }
}

fn fails<T>(result: Result<T>, kind: StorageErrorKind, what: &str) {
    match result {
        Ok(_) => panic!("{what} succeeded, expected {kind:?}"),
        Err(error) => assert_eq!(error.kind, kind, "{what}: {error}"),
    }
}
