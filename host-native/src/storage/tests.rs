//! Real files: the promises of storage, and what only this host does.

use super::*;
use core::hint::black_box;
use core::mem;
use nanotdb_core::storage::{FileName, Storage, StorageFile, conformance};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;
use std::{env, fs};
use tempfile::TempDir;

/// Tells a copy of the test binary which directory to work in.
const CHILD: &str = "NANOTDB_TEST_CHILD";

fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

fn storage(directory: &TempDir) -> FsStorage {
    FsStorage::open(directory.path()).unwrap()
}

fn bytes_of(directory: &TempDir, file: &str) -> Vec<u8> {
    fs::read(directory.path().join(file)).unwrap()
}

/// This test binary again, running one test with [`CHILD`] set.
fn child(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &format!("storage::tests::{test}"), "--nocapture"]);
    command.env(CHILD, directory).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

#[test]
fn files_conform() {
    let parent = tempfile::tempdir().unwrap();
    let mut count = 0;
    conformance::run(|| {
        count += 1;
        FsStorage::create(parent.path().join(format!("{count}"))).unwrap()
    });
}

#[test]
fn files_in_memory_conform() {
    let Ok(parent) = tempfile::tempdir_in("/dev/shm") else {
        println!("skipped: no /dev/shm");
        return;
    };
    let mut count = 0;
    conformance::run(|| {
        count += 1;
        FsStorage::create(parent.path().join(format!("{count}"))).unwrap()
    });
}

#[test]
fn create_makes_parents_and_open_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/c");
    assert_eq!(FsStorage::open(&path).unwrap_err().kind, StorageErrorKind::NotFound);
    let made = FsStorage::create(&path).unwrap();
    made.replace(&name("x"), b"x").unwrap();
    FsStorage::create(&path).unwrap();
    assert_eq!(FsStorage::open(&path).unwrap().list().unwrap(), [name("x")]);
    assert_eq!(FsStorage::open(path.join("x")).unwrap_err().kind, StorageErrorKind::Io);
}

#[cfg(unix)]
#[test]
fn others_may_read_but_not_write() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let made = FsStorage::create(directory.path().join("db")).unwrap();
    made.create(&name("a")).unwrap();
    made.open_log(&name("a.wal")).unwrap();
    for path in ["db", "db/a", "db/a.wal"] {
        let mode = fs::metadata(directory.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o022, 0, "{path}: {mode:o}");
    }
}

#[test]
fn list_leaves_out_directories_and_hidden_files() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("sub")).unwrap();
    fs::write(directory.path().join(".hidden"), b"").unwrap();
    fs::write(directory.path().join("a"), b"").unwrap();
    assert_eq!(storage(&directory).list().unwrap(), [name("a")]);
}

#[test]
fn reading_only_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), b"content").unwrap();
    let reader = FsStorage::open_read_only(directory.path()).unwrap();
    let mut file = reader.open(&name("a")).unwrap();
    let mut log = reader.open_log(&name("a")).unwrap();
    let results = [
        reader.create(&name("b")).map(drop),
        reader.rename(&name("a"), &name("b")),
        reader.remove(&name("a")),
        reader.replace(&name("a"), b"new"),
        reader.sync_dir(),
        file.append(b"more"),
        file.truncate(0),
        file.sync(),
        log.append(b"more"),
        log.truncate(0),
    ];
    for (index, result) in results.into_iter().enumerate() {
        assert_eq!(result.unwrap_err().kind, StorageErrorKind::ReadOnly, "mutation {index}");
    }
    let missing = reader.open_log(&name("b")).unwrap_err();
    assert_eq!(missing.kind, StorageErrorKind::NotFound);
    assert_eq!(file.read_all().unwrap(), b"content");
    assert_eq!(reader.list().unwrap(), [name("a")]);
}

#[test]
fn reading_works_beside_a_writer() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = storage(&directory).open_log(&name("a.wal")).unwrap();
    let reader = FsStorage::open_read_only(directory.path()).unwrap();
    for _ in 0..3 {
        log.append(b"record").unwrap();
    }
    let found = reader.read(&name("a.wal")).unwrap().unwrap();
    assert!(found.starts_with(b"recordrecordrecord"));
    assert!(found[18..].iter().all(|byte| *byte == 0));
}

#[test]
fn errors_name_the_operation_and_the_path() {
    let directory = tempfile::tempdir().unwrap();
    let error = storage(&directory).open(&name("absent.dat")).unwrap_err();
    let path = directory.path().join("absent.dat");
    assert!(error.detail.starts_with(&format!("open {}: ", path.display())), "{error}");
    assert!(error.detail.contains("os error"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_no_space() {
    let directory = tempfile::tempdir().unwrap();
    for file in ["full", "full.wal"] {
        std::os::unix::fs::symlink("/dev/full", directory.path().join(file)).unwrap();
    }
    let mut file = storage(&directory).open(&name("full")).unwrap();
    let error = file.append(b"12345").unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::NoSpace);
    assert!(error.detail.contains("wrote 0 of 5 bytes"), "{error}");
    let mut log = storage(&directory).open_log(&name("full.wal")).unwrap();
    assert_eq!(log.append(b"12345").unwrap_err().kind, StorageErrorKind::NoSpace);
}

#[test]
fn a_closed_log_has_no_reserved_room() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = storage(&directory).open_log(&name("a.wal")).unwrap();
    for _ in 0..1_000 {
        log.append(&[7; 30]).unwrap();
    }
    drop(log);
    assert_eq!(bytes_of(&directory, "a.wal"), vec![7; 30_000]);
}

#[test]
fn a_killed_log_keeps_what_was_appended_and_zeros() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = storage(&directory).open_log(&name("a.wal")).unwrap();
    for number in 0..10_000_u32 {
        log.append(&(number + 1).to_le_bytes()).unwrap();
        if number == 5_000 {
            log.sync().unwrap();
        }
    }
    mem::forget(log);
    let content: Vec<u8> = (1..=10_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut reopened = storage(&directory).open_log(&name("a.wal")).unwrap();
    let found = reopened.read_all().unwrap();
    assert!(found.starts_with(&content));
    assert!(found[content.len()..].iter().all(|byte| *byte == 0));
    reopened.truncate(content.len() as u64).unwrap();
    reopened.append(b"next").unwrap();
    drop(reopened);
    assert_eq!(bytes_of(&directory, "a.wal"), [&content[..], b"next"].concat());
}

#[test]
fn an_aborted_process_loses_nothing_it_appended() {
    let records = 50_000_u32;
    if let Some(path) = env::var_os(CHILD) {
        let mut log = FsStorage::open(path).unwrap().open_log(&name("a.wal")).unwrap();
        for number in 1..=records {
            log.append(&number.to_le_bytes()).unwrap();
        }
        std::process::abort();
    }
    let directory = tempfile::tempdir().unwrap();
    let mut process = child("an_aborted_process_loses_nothing_it_appended", directory.path());
    assert!(!process.output().unwrap().status.success());
    let content: Vec<u8> = (1..=records).flat_map(u32::to_le_bytes).collect();
    let found = bytes_of(&directory, "a.wal");
    assert!(found.starts_with(&content), "{} bytes found", found.len());
    assert!(found[content.len()..].iter().all(|byte| *byte == 0));
}

#[test]
fn syncing_each_append_gives_the_same_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = storage(&directory).open_log(&name("a.wal")).unwrap();
    let mut content = Vec::new();
    for number in 0..300_u32 {
        let record = number.to_le_bytes().repeat(25);
        log.append(&record).unwrap();
        content.extend(record);
        if number % 7 != 0 {
            log.sync().unwrap(); // so writes and copies follow each other in every order
        }
        assert_eq!(log.read_all().unwrap(), content);
    }
    drop(log);
    assert_eq!(bytes_of(&directory, "a.wal"), content);
}

/// Needs a mount of its own, so it runs where user namespaces are allowed.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_not_a_signal() {
    const TEST: &str = "a_full_disk_is_an_error_and_not_a_signal";
    if let Some(path) = env::var_os(CHILD) {
        return fill_the_disk(Path::new(&path));
    }
    let directory = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=600k tmpfs \"$NANOTDB_TEST_CHILD\" || exit 77; \
                  exec \"$0\" --exact \"storage::tests::$1\" --nocapture";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).arg(env::current_exe().unwrap()).arg(TEST);
    match command.env(CHILD, directory.path()).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) if matches!(output.status.code(), Some(1 | 77)) => {
            println!("skipped: no mount: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output) => panic!("{output:?}"),
        Err(error) => println!("skipped: unshare: {error}"),
    }
}

#[cfg(target_os = "linux")]
fn fill_the_disk(path: &Path) {
    let directory = FsStorage::open(path).unwrap();
    let mut log = directory.open_log(&name("a.wal")).unwrap();
    let mut appended = 0_u64;
    let error = loop {
        match log.append(&[1; 1000]) {
            Ok(()) => appended += 1000,
            Err(error) => break error,
        }
    };
    // A wrong outcome must not look like a test that was skipped, whose code is 1 as well.
    let right = error.kind == StorageErrorKind::NoSpace && appended > 590_000;
    let right = right && log.len().unwrap() == appended && log.sync().is_ok();
    if !right {
        eprintln!("{error} after {appended} bytes");
        std::process::exit(2);
    }
    drop(log);
    let found = directory.read(&name("a.wal")).unwrap().unwrap();
    std::process::exit(if found.len() as u64 == appended { 0 } else { 3 });
}

#[cfg(target_os = "linux")]
#[test]
fn a_root_that_node_has_open_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join(".nanotdb.node.lock");
    fs::write(&note, format!("{} 12345\n", std::process::id())).unwrap();
    let error = RootLock::acquire(directory.path()).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Locked);
    assert!(error.detail.contains("Node"), "{error}");
    // Numbers end far below: nobody has this one.
    fs::write(&note, "4294967295\n").unwrap();
    drop(RootLock::acquire(directory.path()).unwrap());
    fs::write(&note, "what is this").unwrap();
    drop(RootLock::acquire(directory.path()).unwrap());
}

#[test]
fn a_root_is_locked_once() {
    let directory = tempfile::tempdir().unwrap();
    let lock = RootLock::acquire(directory.path()).unwrap();
    let error = RootLock::acquire(directory.path()).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Locked);
    let path = directory.path().join(RootLock::FILE_NAME);
    let detail = format!("lock {}: held by process {}", path.display(), std::process::id());
    assert_eq!(error.detail, detail);
    drop(lock);
    drop(RootLock::acquire(directory.path()).unwrap());
    let missing = RootLock::acquire(directory.path().join("absent")).unwrap_err();
    assert_eq!(missing.kind, StorageErrorKind::NotFound);
}

#[test]
fn a_lock_ends_with_its_process() {
    if let Some(path) = env::var_os(CHILD) {
        let _lock = RootLock::acquire(path).unwrap();
        println!("\nlocked");
        std::io::stdin().lock().lines().for_each(drop); // until the parent kills us
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut holder = child("a_lock_ends_with_its_process", directory.path()).spawn().unwrap();
    wait_for_line(holder.stdout.take().unwrap(), "locked");
    let error = RootLock::acquire(directory.path()).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Locked);
    assert!(error.detail.ends_with(&format!("held by process {}", holder.id())), "{error}");
    kill(&mut holder);
    RootLock::acquire(directory.path()).unwrap();
}

fn wait_for_line(output: ChildStdout, wanted: &str) {
    let mut lines = BufReader::new(output).lines().map_while(std::io::Result::ok);
    assert!(lines.any(|line| line == wanted), "the child never said {wanted:?}");
}

fn kill(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn databases_are_found_by_their_files() {
    let directory = tempfile::tempdir().unwrap();
    let root = FsRoot::create(directory.path().join("root")).unwrap();
    for (database, file) in [
        ("by-log", "by-log.wal"),
        ("by-manifest", "manifest.toml"),
        ("by-catalog", "catalog.json"),
        ("by-data", "data-2026-05-22.dat"),
        ("not-by-other-log", "else.wal"),
        ("not-by-rest", "raw-2026-05-22.dat"),
    ] {
        root.create_database(database).unwrap().create(&name(file)).unwrap();
    }
    root.create_database("empty").unwrap();
    root.storage().unwrap().replace(&name("engine.toml"), b"").unwrap();
    assert_eq!(root.databases().unwrap(), ["by-catalog", "by-data", "by-log", "by-manifest"]);
    assert!(root.has_database("by-log").unwrap());
    assert!(!root.has_database("empty").unwrap() && !root.has_database("absent").unwrap());
    assert_eq!(root.database("absent").unwrap_err().kind, StorageErrorKind::NotFound);
}

#[test]
fn no_database_name_leads_out_of_the_root() {
    let directory = tempfile::tempdir().unwrap();
    let root = FsRoot::create(directory.path().join("root")).unwrap();
    for bad in ["", ".", "..", "../x", "a/b", "/etc", "a/..", "a\\b", "a\0b"] {
        assert_eq!(root.database(bad).unwrap_err().kind, StorageErrorKind::InvalidName, "{bad:?}");
        let created = root.create_database(bad).unwrap_err();
        assert_eq!(created.kind, StorageErrorKind::InvalidName, "{bad:?}");
    }
}

#[test]
fn a_root_for_reading_gives_databases_for_reading() {
    let directory = tempfile::tempdir().unwrap();
    let root = FsRoot::create(directory.path()).unwrap();
    root.create_database("a").unwrap().create(&name("catalog.json")).unwrap();
    let reader = FsRoot::open_read_only(directory.path()).unwrap();
    assert_eq!(reader.access(), Access::ReadOnly);
    assert_eq!(reader.databases().unwrap(), ["a"]);
    assert_eq!(reader.create_database("b").unwrap_err().kind, StorageErrorKind::ReadOnly);
    for refused in [reader.database("a").unwrap(), reader.storage().unwrap()] {
        let error = refused.create(&name("b")).unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::ReadOnly);
    }
}

/// Not a check: what appends cost here. Run it alone, with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn append_cost() {
    let directory = tempfile::tempdir_in(".").unwrap();
    let mut log = storage(&directory).open_log(&name("a.wal")).unwrap();
    for records in [1_000, 20_000, 200_000] {
        let rounds = 4_000_000 / records;
        let start = Instant::now();
        for _ in 0..rounds {
            for _ in 0..records {
                log.append(black_box(&[7; 30])).unwrap();
            }
            log.truncate(0).unwrap();
        }
        let each = start.elapsed() / (rounds * records);
        println!("append of 30 bytes, emptied after {records}: {each:?}");
    }
}

/// Not a check: what syncing each append costs here.
#[test]
#[ignore = "a measurement"]
fn sync_cost() {
    let directory = tempfile::tempdir_in(".").unwrap();
    let mut log = storage(&directory).open_log(&name("a.wal")).unwrap();
    let mut plain = storage(&directory).create(&name("plain")).unwrap();
    for _ in 0..4 {
        for (what, file) in [("log", &mut log), ("plain file", &mut plain)] {
            let start = Instant::now();
            for _ in 0..500 {
                file.append(&[7; 2500]).unwrap();
                file.sync().unwrap();
            }
            println!("append of 2500 bytes and sync, {what}: {:?}", start.elapsed() / 500);
        }
    }
}
