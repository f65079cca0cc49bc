//! What becomes of partitions as time goes on, beside what becomes of them in the reference.

use nanotdb::query::RangeQuery;
use nanotdb::{TimeRange, Timestamp, tar};
use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{Database, Engine, EngineOptions, EngineTick, Host};
use nanotdb_core::storage::{FileName, MemoryStorage, Storage};

use nanotdb_tests::fixtures::Fixture;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

type Local = LocalHost<MemoryStorage>;

/// Names and contents, in order.
type Files = Vec<(String, Vec<u8>)>;

/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600_000_000_000;
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

fn write(host: &Local, database: &str, file: &str, text: &str) {
    let directory = host.database(database, true).unwrap();
    directory.replace(&FileName::new(file).unwrap(), text.as_bytes()).unwrap();
}

fn files(host: &Local, database: &str) -> BTreeSet<String> {
    let names = host.directory(database).unwrap().list().unwrap();
    names.into_iter().map(|name| name.to_string()).filter(|name| name.contains('-')).collect()
}

fn times(database: &Database<Local>, metric: &str) -> Vec<i64> {
    database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap().times
}

/// Default settings, but for what makes rollups and retention happen at all. The clock goes on,
/// samples come as they are measured, and the engine is closed and opened now and then.
#[test]
fn thirty_days_of_live_ingest() {
    let host = LocalHost::new(MemoryStorage::new);
    host.clock.set(Timestamp(START));
    let manifest = "[retention]\nretention_days = 10\nretention_action = \"delete\"\n\
        [wal]\nenabled = true\n[rollups]\nenabled = true\ndefault_interval = \"1h\"\ndefault_destination_db = \"hourly\"\n\
        [[rollups.jobs]]\nid = \"all\"\nsource_pattern = \"*\"\n";
    write(&host, "home", "manifest.toml", manifest);
    let open = || Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let mut engine = open();
    let (mut taken, mut sealed) = (Vec::new(), BTreeMap::new());
    let mut work = |tick: EngineTick| {
        for report in tick.databases.values() {
            assert_eq!(report.problems, [""; 0]);
        }
        for built in &tick.databases["home"].built {
            *sealed.entry(built.partition.clone()).or_insert(0) += 1;
        }
        for run in &tick.rollups {
            assert_eq!(run.problems, [""; 0]);
        }
    };
    for minute in 0..30 * 24 * 60 {
        let now = START + minute * 60 * SECOND;
        host.clock.set(Timestamp(now));
        let home = engine.database("home").unwrap();
        // Every minute but for three hours a day, when the machine sleeps.
        if minute % (24 * 60) >= 3 * 60 {
            home.add("temp", Timestamp(now), 20.5).unwrap();
            home.add("count", Timestamp(now), i32::try_from(minute).unwrap()).unwrap();
            taken.push(now);
        }
        work(engine.tick().unwrap());
        // Rollups are never more than an interval, and the sample that closes it, behind.
        if minute % (24 * 60) > 4 * 60 + 6 {
            let done = engine.database("hourly").unwrap().last("temp.avg").unwrap().unwrap();
            let grace = 300 * SECOND; // retention.grace
            assert!(done.time.0 + HOUR > now - grace - HOUR, "{minute}");
        }
        if minute % 7777 == 7776 {
            drop(home);
            if minute % 2 == 0 {
                engine.close().unwrap();
            }
            drop(engine); // or it was killed
            engine = open();
            engine.database("home").unwrap();
        }
    }
    // Sealed, each once, and all but the last two days.
    let days: Vec<String> = (1..=28).map(|day| format!("2026-01-{day:02}")).collect();
    assert_eq!(sealed.keys().collect::<Vec<_>>(), days.iter().collect::<Vec<_>>());
    assert!(sealed.values().all(|times| *times == 1), "{sealed:?}");
    // Retention: what ended 10 days before today, and nothing else.
    let kept: BTreeSet<String> = (20..=30)
        .map(|day| format!("{}-2026-01-{day:02}.dat", if day > 28 { "data" } else { "metric" }))
        .collect();
    assert_eq!(files(&host, "home"), kept);
    let home = engine.database("home").unwrap();
    let expected: Vec<i64> =
        taken.iter().copied().filter(|time| *time >= START + 19 * DAY).collect();
    for metric in ["temp", "count"] {
        let found = times(&home, metric);
        let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!((found.len(), differs), (expected.len(), None), "{metric}");
    }
    // Rollups: every hour of the thirty days, also of those that are gone.
    let hours: BTreeSet<i64> = taken
        .iter()
        .map(|time| time.div_euclid(HOUR) * HOUR)
        .filter(|hour| *hour < START + 30 * DAY - HOUR)
        .collect();
    let hourly = engine.database("hourly").unwrap();
    assert_eq!(times(&hourly, "temp.avg"), hours.iter().copied().collect::<Vec<_>>());
    let counts = hourly.range_query("temp.count", RangeQuery::all(TimeRange::ALL)).unwrap();
    assert!(counts.raws.iter().all(|raw| f32::from_bits(*raw).to_bits() == 60_f32.to_bits()));
}

/// A fixture's root on a host in memory, with its archives unpacked: as the reference had it
/// before retention.
fn unpacked(fixture: &Fixture) -> (Local, BTreeMap<String, Files>) {
    let host = LocalHost::new(MemoryStorage::new);
    let engine = std::fs::read_to_string(fixture.root().join("engine.toml")).unwrap();
    host.root()
        .unwrap()
        .replace(&FileName::new("engine.toml").unwrap(), engine.as_bytes())
        .unwrap();
    let prod = host.database("prod", true).unwrap();
    let mut archives = BTreeMap::new();
    for path in std::fs::read_dir(fixture.root().join("prod")).unwrap() {
        let path = path.unwrap().path();
        let name = FileName::new(path.file_name().unwrap().to_str().unwrap()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        if !name.as_str().starts_with("archive-") {
            prod.replace(&name, &bytes).unwrap();
            continue;
        }
        let entries = entries(&bytes);
        for (name, content) in &entries {
            prod.replace(&FileName::new(name).unwrap(), content).unwrap();
        }
        archives.insert(name.to_string(), entries);
    }
    (host, archives)
}

/// What an archive holds.
fn entries(archive: &[u8]) -> Files {
    let (storage, name) = (MemoryStorage::new(), FileName::new("archive.tar").unwrap());
    storage.replace(&name, archive).unwrap();
    let (entries, _) = tar::entries(&storage.open(&name).unwrap()).unwrap();
    let content = |entry: &tar::Entry| {
        let at = usize::try_from(entry.offset).unwrap();
        archive[at..at + usize::try_from(entry.size).unwrap()].to_vec()
    };
    entries.iter().map(|entry| (entry.name.clone(), content(entry))).collect()
}

#[test]
fn archives_hold_what_the_reference_s_hold() {
    // By the clock, and by the partition's end (D-10): the reference takes the time of a sample
    // and the partition's start, so a month is compared when all of it is old enough.
    let cases = [
        ("28-retention-archive-day", START + 6 * DAY),
        ("30-retention-archive-month", START + 212 * DAY),
    ];
    for (name, now) in cases {
        let fixture = Fixture::load(name);
        let (host, archives) = unpacked(&fixture);
        host.clock.set(Timestamp(now));
        let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
        let prod = engine.database("prod").unwrap();
        let retired = prod.tick().unwrap().retired;
        assert_eq!(retired.len(), archives.values().map(Vec::len).sum::<usize>());
        let left: BTreeSet<String> = std::fs::read_dir(fixture.root().join("prod"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains('-'))
            .collect();
        assert_eq!(files(&host, "prod"), left, "{name}");
        for (archive, expected) in archives {
            let directory = host.directory("prod").unwrap();
            let bytes = directory.read(&FileName::new(&archive).unwrap()).unwrap().unwrap();
            assert_eq!(entries(&bytes), expected, "{name}/{archive}");
            assert!(bytes.ends_with(&tar::END));
        }
    }
}

#[test]
fn the_system_s_tar_reads_our_archives() {
    let fixture = Fixture::load("28-retention-archive-day");
    let (host, _) = unpacked(&fixture);
    host.clock.set(Timestamp(START + 6 * DAY));
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    engine.database("prod").unwrap().apply_retention().unwrap();
    let name = FileName::new("archive-2026-01.tar").unwrap();
    let bytes = host.directory("prod").unwrap().read(&name).unwrap().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive.tar");
    std::fs::write(&path, &bytes).unwrap();
    let unpack = Command::new("tar").arg("-xf").arg(&path).arg("-C").arg(directory.path()).status();
    assert!(unpack.unwrap().success());
    for (name, content) in entries(&bytes) {
        assert_eq!(std::fs::read(directory.path().join(name)).unwrap(), content);
    }
}

#[test]
fn retention_deletes_what_the_reference_deleted_and_no_more() {
    let fixture = Fixture::load("29-retention-delete");
    let (host, _) = unpacked(&fixture);
    let before = files(&host, "prod");
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let prod = engine.database("prod").unwrap();
    host.clock.set(Timestamp(START + 2 * DAY));
    assert_eq!(prod.tick().unwrap().retired, [], "the reference had done it");
    assert_eq!(files(&host, "prod"), before);
    host.clock.advance(2 * DAY);
    assert_eq!(prod.tick().unwrap().retired.len(), 2);
    host.clock.advance(100 * DAY);
    assert_eq!(prod.tick().unwrap().retired.len(), 2);
    assert_eq!(files(&host, "prod"), BTreeSet::new());
}

#[test]
fn metric_files_appear_where_the_reference_made_them() {
    let fixture = Fixture::load("20-auto-metric");
    let copy = fixture.copy();
    let store = nanotdb::OpenOptions::read_only().open(copy.path()).unwrap();
    let theirs = store.database("prod").unwrap();
    let mut samples = Vec::new();
    for metric in theirs.metrics() {
        let series = theirs.range_query(&metric.name, RangeQuery::all(TimeRange::ALL)).unwrap();
        samples.extend(series.iter().map(|s| (s.time, metric.name.clone(), s.value)));
    }
    samples.sort_by_key(|sample| sample.0); // stable
    let (host, _) = unpacked(&fixture);
    let prod = host.directory("prod").unwrap();
    let expected = files(&host, "prod");
    for name in prod.list().unwrap().iter().filter(|name| !name.as_str().contains(".toml")) {
        prod.remove(name).unwrap();
    }
    host.clock.set(Timestamp(START + 100 * DAY));
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let ours = engine.database("prod").unwrap();
    for (time, metric, value) in samples {
        ours.add(&metric, time, value).unwrap();
    }
    ours.close().unwrap();
    assert_eq!(files(&host, "prod"), expected);
    for metric in theirs.metrics() {
        let all = RangeQuery::all(TimeRange::ALL);
        let found = ours.range_query(&metric.name, all).unwrap();
        assert_eq!(found, theirs.range_query(&metric.name, all).unwrap());
    }
    assert!(ours.verify(|_| ()).unwrap().is_whole());
}
