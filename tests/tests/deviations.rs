//! Where we do better than the reference, on purpose: one test for each entry of the register
//! that no other test is named after.

use nanotdb::engine::{BuildOptions, ExportOptions, Row, Target};
use nanotdb::settings::RawAction;
use nanotdb::storage::StorageErrorKind;
use nanotdb::{Database, Error, OpenOptions, Store, TimeRange, Timestamp, Value};
use nanotdb_tests::answers::{export, killed, open, open_read_only, root_with, streams};
use nanotdb_tests::independent::{Directory, Extensions, Wal};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600_000_000_000;
const LOGGED: &str = "[wal]\nenabled = true\nskip_before = \"0s\"\n";
const DATA: &str = "home/data-2026-01-01.dat";

fn home(store: &Store) -> Arc<Database> {
    store.database("home").unwrap()
}

fn add(store: &Store, metric: &str, offset: i64, value: impl Into<Value>) {
    home(store).add(metric, Timestamp(START + offset), value).unwrap();
}

fn text(store: &Store) -> Vec<String> {
    export(&home(store), true).unwrap().lines().map(str::to_owned).collect()
}

fn append(path: &Path, bytes: &[u8]) {
    let mut all = fs::read(path).unwrap();
    all.extend_from_slice(bytes);
    fs::write(path, all).unwrap();
}

/// Appends to a log as a writer that reserves no room would.
fn append_to_log(path: &Path, bytes: &[u8]) {
    let mut log = fs::read(path).unwrap();
    log.truncate(Wal::decode("home.wal", &log, Extensions::Read).end);
    log.extend_from_slice(bytes);
    fs::write(path, log).unwrap();
}

/// A log record without name as the reference writes it, with a baseline of its own.
fn record(id: u16, time: i64, raw: u32) -> Vec<u8> {
    let mut payload = id.to_le_bytes().to_vec();
    payload.extend([0, 0, 0, 0x80]);
    payload.extend(time.to_le_bytes());
    payload.extend(raw.to_le_bytes());
    [vec![u8::try_from(payload.len()).unwrap()], payload].concat()
}

#[test]
fn d01_an_unknown_id_costs_one_record() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "a", 1, 1);
    let copy = killed(root.path());
    let log = copy.path().join("home/home.wal");
    append_to_log(&log, &record(9, START + 2, 7));
    append_to_log(&log, &record(1, START + 3, 2));
    append_to_log(&log, &record(1, START, 3)); // goes back, which the reference cannot open
    let store = open(copy.path());
    let report = home(&store).open_report().clone();
    assert_eq!((report.replayed, report.problems.len()), (3, 1), "{report:?}");
    assert!(report.problems[0].contains("metric id 9"), "{report:?}");
    assert_eq!(text(&store).len(), 3);
    assert!(copy.path().join("home/home.wal.damaged").exists());
}

#[test]
fn d01_names_are_logged_until_the_catalog_is_stored() {
    let root = root_with("", &[("home", "[wal]\nenabled = true\nskip_before = \"1h\"\n")]);
    let store = open(root.path());
    let now = store.now();
    let old = Timestamp(now.0 - 86_400_000_000_000);
    home(&store).add("a", old, 1).unwrap(); // in the log of late samples
    home(&store).add("a", now, 2).unwrap();
    let copy = killed(root.path());
    let log = fs::read(copy.path().join("home/home.wal")).unwrap();
    let log = Wal::decode("home.wal", &log, Extensions::Read);
    assert!(log.records[0].introduces.is_some(), "the reference passes over the other log");
    let store = open(copy.path());
    assert_eq!(streams(&home(&store)).unwrap()["a"], [(old.0, 1), (now.0, 2)]);
}

/// The records of the log as a decoder that knows nothing of ours finds them: id, and name if any.
fn logged(root: &Path) -> Vec<(u16, Option<String>)> {
    let bytes = fs::read(root.join("home/home.wal")).unwrap();
    let log = Wal::decode("home.wal", &bytes, Extensions::Ignored);
    log.records.into_iter().map(|r| (r.id, r.introduces.map(|(name, _)| name))).collect()
}

/// The reference's later versions look up the type of each record before they take names in, so
/// a second record without a name would keep them from opening the database.
#[test]
fn d26_every_record_names_its_metric_until_the_catalog_has_it() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "a", 1, 1);
    add(&store, "b", 1, 1.5_f32);
    add(&store, "a", 2, 2);
    let named = |id: u16, name: &str| (id, Some(name.to_owned()));
    assert_eq!(logged(root.path()), [named(1, "a"), named(2, "b"), named(1, "a")]);
    // After a kill, as well: the log knows the names, the catalog file does not yet.
    let copy = killed(root.path());
    let after = open(copy.path());
    assert_eq!(home(&after).open_report().problems, [""; 0]);
    add(&after, "b", 3, 2.5_f32);
    assert_eq!(logged(copy.path()).last(), Some(&named(2, "b")));
    assert_eq!(text(&after).len(), 4, "a name that is repeated makes no sample of its own");
}

#[test]
fn d26_a_tick_stores_the_catalog_so_that_records_become_short() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "a", 1, 1);
    store.tick().unwrap();
    let catalog = fs::read_to_string(root.path().join("home/catalog.json")).unwrap();
    assert!(catalog.contains("\"a\""), "{catalog}");
    add(&store, "a", 2, 2);
    assert_eq!(logged(root.path()).last(), Some(&(1, None)));
    let copy = killed(root.path());
    assert_eq!(text(&open(copy.path())).len(), 2);
}

#[test]
fn d02_no_chain_of_torn_logs_loses_acknowledged_samples() {
    let mut root = root_with("", &[("home", LOGGED)]);
    for round in 0..40_usize {
        let store = open(root.path());
        let expected = (0..round).map(|n| format!("home/a {n}i 2026-01-01 00:00:00.{n:09}"));
        assert_eq!(text(&store), expected.collect::<Vec<_>>(), "round {round}");
        add(&store, "a", i64::try_from(round).unwrap(), i32::try_from(round).unwrap());
        let copy = killed(root.path());
        // A record that was being written when the process ended.
        let torn = record(1, START + 1000, 77);
        append_to_log(&copy.path().join("home/home.wal"), &torn[..=(round % (torn.len() - 1))]);
        drop(store);
        root = copy;
    }
}

#[test]
fn d03_no_entry_leads_out_of_the_root() {
    let parent = tempfile::tempdir().unwrap();
    let store = open(&parent.path().join("root"));
    for name in ["..", "../evil", "a/b", "a\\b", "", " ", ".x", "-x", "a\0b", &"x".repeat(65)] {
        assert!(store.create_database(name).is_err(), "{name:?}");
        assert!(store.database(name).is_err(), "{name:?}");
        assert!(store.add(name, "m", Timestamp(1), 1).is_err(), "{name:?}");
    }
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[test]
fn d04_metric_names() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    for name in ["", " ", "a b", "a\tb", "a\nb", "a\u{a0}b", &"x".repeat(256)] {
        assert!(home(&store).add(name, Timestamp(START), 1).is_err(), "{name:?}");
    }
    assert!(home(&store).metrics().is_empty());
    let longest = "x".repeat(255);
    add(&store, &longest, 0, 1);
    assert_eq!(text(&open_read_only(root.path())).len(), 1);
}

#[test]
fn d05_pages_hold_at_most_65535_records() {
    let manifest = "[wal]\nenabled = true\n[page]\nmax_records = 1000000\nmax_bytes = 100000000\n";
    let root = root_with("", &[("home", manifest)]);
    let store = open(root.path());
    let rows = (0..70_000).map(|n| Row {
        target: Target::Name("a"),
        time: Timestamp(START + i64::from(n)),
        value: Value::I32(n),
    });
    assert_eq!(home(&store).add_rows(rows).unwrap().accepted, 70_000);
    store.close().unwrap();
    let directory = Directory::read(root.path()).unwrap();
    let frames = &directory.databases["home"].data["2026-01-01"].frames;
    let counts: Vec<usize> = frames.iter().map(|frame| frame.records.len()).collect();
    assert_eq!(counts, [65_535, 4_465]);
}

#[test]
fn d06_hostile_lengths_are_refused_without_memory() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let mut frame = START.to_le_bytes().to_vec();
    frame.extend(START.to_le_bytes());
    frame.extend(u16::MAX.to_le_bytes());
    frame.extend(huge);
    let root = root_with("", &[("home", LOGGED)]);
    fs::write(root.path().join(DATA), &frame).unwrap();
    fs::write(root.path().join("home/metric-2026-01-02.dat"), [0xff; 200]).unwrap();
    fs::write(root.path().join("home/home.wal"), huge).unwrap();
    let store = open(root.path());
    assert_eq!(home(&store).open_report().log_bytes_cut, 9);
    assert_eq!(fs::read(root.path().join(format!("{DATA}.torn"))).unwrap(), frame);
    add(&store, "a", 0, 1);
    let day = |day: i64| {
        let from = Timestamp(START + day * 86_400_000_000_000);
        home(&store).range("a", from, Timestamp(from.0 + 1000)).map(|series| series.len())
    };
    assert_eq!(day(0).unwrap(), 1);
    let damaged = day(1).unwrap_err().to_string();
    assert!(damaged.starts_with("metric-2026-01-02.dat: damaged at byte "), "{damaged}");
}

#[test]
fn d07_a_torn_frame_is_cut_and_kept() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "a", 1, 1);
    store.close().unwrap();
    let whole = fs::read(root.path().join(DATA)).unwrap();
    append(&root.path().join(DATA), &whole[..20]);
    let store = open(root.path());
    add(&store, "a", 2, 2);
    store.close().unwrap();
    assert_eq!(fs::read(root.path().join(format!("{DATA}.torn"))).unwrap(), whole[..20]);
    assert!(fs::read(root.path().join(DATA)).unwrap().starts_with(&whole));
    assert_eq!(text(&open(root.path())).len(), 2);
    assert_eq!(Directory::read(root.path()).unwrap().problems(), []);
}

#[test]
fn d09_late_samples_are_seen_beside_a_metric_file() {
    for action in [RawAction::Keep, RawAction::Rename, RawAction::Delete] {
        let root = root_with("", &[("home", LOGGED)]);
        let store = open(root.path());
        let mut options = BuildOptions::default();
        options.raw_action = action;
        for n in 0..6 {
            add(&store, "a", n, 1);
            if n % 2 == 1 {
                home(&store).build_metric_file("2026-01-01", options).unwrap();
            }
            assert_eq!(i64::try_from(text(&store).len()).unwrap(), n + 1, "{action:?}");
        }
        store.close().unwrap();
        assert_eq!(text(&open(root.path())).len(), 6, "{action:?}");
    }
}

#[test]
fn d09_what_a_build_merged_is_not_read_twice() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    let build = |raw_action| {
        let mut options = BuildOptions::default();
        options.raw_action = raw_action;
        home(&store).build_metric_file("2026-01-01", options).unwrap();
    };
    for (n, action) in [RawAction::Delete, RawAction::Keep, RawAction::Keep].iter().enumerate() {
        let n = i64::try_from(n).unwrap();
        add(&store, "a", 2 * n, 1);
        build(*action);
        add(&store, "a", 2 * n + 1, 1);
        home(&store).flush().unwrap();
        assert_eq!(i64::try_from(text(&store).len()).unwrap(), 2 * n + 2);
    }
    drop(store.close());
    assert_eq!(text(&open(root.path())).len(), 6);
}

#[test]
fn d21_set_aside_pages_are_not_replayed() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    for n in 0..5 {
        add(&store, "a", n, 1);
    }
    // Needs the log, which so keeps the samples of the first day.
    add(&store, "a", 86_400_000_000_000, 1);
    let mut options = BuildOptions::default();
    for action in [RawAction::Rename, RawAction::Delete] {
        options.raw_action = action;
        add(&store, "b", 5, 1);
        home(&store).build_metric_file("2026-01-01", options).unwrap();
        let expected = text(&store).len();
        let copy = killed(root.path());
        assert_eq!(text(&open(copy.path())).len(), expected, "{action:?}");
    }
}

#[test]
fn d11_exports_come_back_as_they_were() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "i", -3_000_000_000_000_000_001, 16_777_217);
    add(&store, "f", -3_000_000_000_000_000_001, 0.1);
    let mut options = BuildOptions::default();
    options.raw_action = RawAction::Delete;
    let key = home(&store).partitions();
    assert!(key.is_empty(), "{key:?}");
    home(&store).flush().unwrap();
    let key = home(&store).partitions().remove(0);
    home(&store).build_metric_file(&key, options).unwrap();
    let lines = export(&home(&store), true).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let other = root_with("", &[("home", LOGGED)]);
    let copy = open(other.path());
    let mut importer = nanotdb::engine::Importer::new(&*copy, None);
    importer.feed(lines.as_bytes(), &mut |line| panic!("{line:?}")).unwrap();
    importer.finish(&mut |line| panic!("{line:?}")).unwrap();
    assert_eq!(streams(&home(&copy)).unwrap(), streams(&home(&store)).unwrap());
    let mut empty = 0;
    let range = TimeRange { from: Timestamp(0), to: Timestamp(1) };
    home(&store)
        .export(ExportOptions { range, integer_suffix: true }, |bytes| {
            empty += bytes.len();
            Ok(())
        })
        .unwrap();
    assert_eq!(empty, 0);
}

#[test]
fn d13_times_before_1970_survive_text() {
    for nanos in [-1, -1_000_000_000, -1_500_000_000, i64::MIN, i64::MAX, 0] {
        let text = Timestamp(nanos).to_string();
        assert_eq!(text.parse::<Timestamp>().unwrap().0, nanos, "{text}");
    }
    assert!("9999-12-31".parse::<Timestamp>().is_err(), "beyond what nanoseconds can say");
}

#[test]
fn d15_the_newest_sample_is_known_after_a_restart() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "a", 5, 1);
    add(&store, "b", 9, 2);
    store.close().unwrap();
    let store = open(root.path());
    assert_eq!(home(&store).last("a").unwrap().unwrap().time.0, START + 5);
    let older = home(&store).add("a", Timestamp(START + 4), 1);
    assert!(matches!(older, Err(Error::Rejected(_))), "{older:?}");
    add(&store, "a", 5, 2);
}

#[test]
fn d16_no_two_metrics_share_an_id() {
    let root = root_with("", &[("home", "[wal]\nenabled = true\nskip_before = \"1h\"\n")]);
    let store = open(root.path());
    let now = store.now();
    home(&store).add("old", Timestamp(now.0 - 86_400_000_000_000), 1).unwrap();
    home(&store).add("fresh", now, 2).unwrap();
    let copy = killed(root.path());
    fs::remove_file(copy.path().join("home/home.late.wal")).unwrap();
    let store = open(copy.path());
    // What became of the log of late samples when the reference had the root: id 1 is lost.
    home(&store).add("new", now, 3).unwrap();
    let ids: Vec<_> = home(&store).metrics().into_iter().map(|m| (m.name, m.id.get())).collect();
    assert_eq!(ids, [("fresh".to_owned(), 2), ("new".to_owned(), 3)]);
}

#[test]
fn d17_a_crash_between_temporary_and_rename_leaves_the_old_file() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "a", 1, 1);
    store.close().unwrap();
    for file in ["home/catalog.json.tmp", "home/manifest.toml.tmp", "engine.toml.tmp"] {
        fs::write(root.path().join(file), "{ \"half").unwrap();
    }
    let store = open(root.path());
    add(&store, "b", 2, 2);
    store.close().unwrap();
    assert_eq!(text(&open(root.path())).len(), 2);
    assert!(!root.path().join("home/catalog.json.tmp").exists(), "used and renamed");
}

#[test]
fn d18_types_in_the_log_come_from_the_catalog() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "f", 1, 1.5);
    home(&store).flush().unwrap(); // the catalog is stored, the log empty
    add(&store, "f", 2, 2.5);
    let copy = killed(root.path());
    let log = fs::read(copy.path().join("home/home.wal")).unwrap();
    let log = Wal::decode("home.wal", &log, Extensions::Read);
    assert_eq!((log.records.len(), log.records[0].introduces.is_none()), (1, true));
    let expected = "home/f 2.5 2026-01-01 00:00:00.000000002";
    assert_eq!(text(&open(copy.path()))[1], expected);
}

const CHILD: &str = "NANOTDB_TEST_LOCKED_ROOT";

#[test]
fn d20_one_writer_for_a_root() {
    if let Some(root) = std::env::var_os(CHILD) {
        return second_handle(Path::new(&root));
    }
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "a", 1, 1);
    second_handle(root.path());
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "d20_one_writer_for_a_root"])
        .env(CHILD, root.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    add(&store, "a", 2, 2);
    store.close().unwrap();
    drop(OpenOptions::default().open(root.path()).unwrap());
}

/// Refused while another handle writes; reading works, and writes nothing.
fn second_handle(root: &Path) {
    match OpenOptions::default().open(root) {
        Err(Error::Storage(error)) => assert_eq!(error.kind, StorageErrorKind::Locked),
        other => panic!("{other:?}"),
    }
    let reader = open_read_only(root);
    assert_eq!(text(&reader).len(), 1);
    assert!(home(&reader).add("a", Timestamp(START + 9), 1).is_err());
}

#[test]
fn d22_no_query_misses_an_acknowledged_sample() {
    let manifest = format!("{LOGGED}[page]\nmax_records = 40\n");
    let root = root_with("[durability]\nprofile = \"throughput\"\n", &[("home", &manifest)]);
    let store = open(root.path());
    let database = home(&store);
    let (acknowledged, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let before = acknowledged.load(Ordering::SeqCst);
                    let found = database.range("a", Timestamp::MIN, Timestamp::MAX).unwrap();
                    assert!(found.len() >= before, "{} of {before}", found.len());
                    let in_order = found.raws.iter().zip(0..).all(|(raw, n)| *raw == n);
                    assert!(in_order, "each once");
                }
            });
        }
        for n in 0..8_000 {
            database.add("a", Timestamp(START + i64::from(n)), n).unwrap();
            acknowledged.fetch_add(1, Ordering::SeqCst);
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn d25_one_database_that_fails_does_not_stop_the_others() {
    let root = root_with("", &[("a", LOGGED), ("b", LOGGED), ("c", LOGGED)]);
    let store = open(root.path());
    for name in ["a", "b", "c"] {
        store.add(name, "m", Timestamp(START), 1).unwrap();
    }
    // Nothing can be appended to a directory.
    fs::create_dir(root.path().join("a/data-2026-01-01.dat")).unwrap();
    let refused = store.close().unwrap_err().to_string();
    assert!(refused.contains("data-2026-01-01.dat"), "{refused}");
    for name in ["b", "c"] {
        let data = root.path().join(name).join("data-2026-01-01.dat");
        assert_ne!(fs::metadata(data).unwrap().len(), 0, "{name}");
    }
    // Nothing is lost: the log still has it.
    fs::remove_dir(root.path().join("a/data-2026-01-01.dat")).unwrap();
    let store = open(root.path());
    assert_eq!(export(&store.database("a").unwrap(), true).unwrap().lines().count(), 1);
}

/// The reference's log grows until a page is full, and is emptied before the page is synced.
#[test]
fn d23_a_log_does_not_grow_beyond_its_limit() {
    let root = root_with("[wal]\nmax_segment_size = 2000\n", &[("home", LOGGED)]);
    let store = open(root.path());
    for second in 0..1000 {
        add(&store, "a", second * 1_000_000_000, 1);
        let log = fs::read(root.path().join("home/home.wal")).unwrap();
        let end = Wal::decode("home.wal", &log, Extensions::Read).end;
        assert!(end < 2100, "{end} bytes after {second} samples");
    }
    assert!(fs::metadata(root.path().join(DATA)).unwrap().len() > 0);
    assert_eq!(text(&store).len(), 1000);
}

/// Entries of the register that have a test of their own, by the name of the test. Of D-24 it is
/// the durations of days and weeks: its other parts are about HTTP, and their tests belong to the
/// server.
#[test]
fn every_deviation_has_a_test() {
    fn collect(directory: &Path, names: &mut String) {
        for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if entry.is_dir() && !["target", "fixtures", ".git"].contains(&name.as_str()) {
                collect(&entry, names);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&entry).unwrap();
                let functions = text.lines().map(str::trim).filter(|line| line.starts_with("fn d"));
                functions.for_each(|line| names.extend([line, "\n"]));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = String::new();
    for member in ["core", "host-native", "tests"] {
        collect(&root.join(member), &mut names);
    }
    let missing: Vec<String> = (1..=25)
        .map(|number| format!("fn d{number:02}_"))
        .filter(|prefix| !names.lines().any(|name| name.starts_with(prefix.as_str())))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
