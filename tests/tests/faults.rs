//! A disk that fails, or loses its power, at every step of retention, rollups and backfills.

use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{Engine, EngineOptions, Host};
use nanotdb_core::query::RangeQuery;
use nanotdb_core::storage::{
    FileName, MemoryStorage, SimOptions, SimStorage, Storage, StorageErrorKind,
};
use nanotdb_core::{Error, TimeRange, Timestamp, tar};
use std::collections::BTreeMap;

const START: i64 = 1_767_225_600_000_000_000;
const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;
const NAMES: [&str; 2] = ["source", "hourly"];

type Disks = [SimStorage; 2];

/// What goes wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Fails(StorageErrorKind),
    PowerCut,
}

const FAULTS: [Fault; 3] =
    [Fault::Fails(StorageErrorKind::NoSpace), Fault::Fails(StorageErrorKind::Io), Fault::PowerCut];

fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

fn on(disks: &Disks, now: i64) -> LocalHost<SimStorage> {
    let host = LocalHost::new(SimStorage::new);
    let settings = "[metrics]\nenabled = true\nraw_ingest_action = \"rename\"\n\
                    [stats]\nenabled = false\n";
    host.root().unwrap().replace(&name("engine.toml"), settings.as_bytes()).unwrap();
    for (database, disk) in NAMES.iter().zip(disks) {
        host.set_database(database, disk.clone());
    }
    host.clock.set(Timestamp(now));
    host
}

fn open(host: &LocalHost<SimStorage>) -> Result<Engine<LocalHost<SimStorage>>, Error> {
    let engine = Engine::open(host.clone(), EngineOptions::default())?;
    engine.database("source")?;
    Ok(engine)
}

/// New disks, the source with this manifest.
fn disks(manifest: &str) -> Disks {
    let files = BTreeMap::from([(name("manifest.toml"), manifest.as_bytes().to_vec())]);
    [SimStorage::holding(files), SimStorage::new()]
}

/// Samples of a metric, by time.
fn times(engine: &Engine<LocalHost<SimStorage>>, database: &str, metric: &str) -> Vec<i64> {
    let Ok(database) = engine.database(database) else { return Vec::new() };
    database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap().times
}

/// Runs `plan` on disks prepared by `prepare`, with the fault at every step of either disk;
/// `check` sees what is left. Returns how often.
fn everywhere(
    now: i64,
    prepare: impl Fn() -> Disks,
    plan: impl Fn(&Engine<LocalHost<SimStorage>>) -> Result<(), Error>,
    check: impl Fn(&Disks, &str),
) -> u64 {
    let mut faults = 0;
    for (fault, struck) in FAULTS.into_iter().flat_map(|fault| [(fault, 0), (fault, 1)]) {
        for step in 1.. {
            let mut disks = prepare();
            let options = match fault {
                Fault::Fails(kind) => {
                    SimOptions { fail_at: Some((step, kind)), ..SimOptions::default() }
                }
                Fault::PowerCut => SimOptions { crash_at: Some(step), ..SimOptions::default() },
            };
            disks[struck] = disks[struck].clone().with_options(options);
            let host = on(&disks, now);
            let ended = open(&host).and_then(|engine| {
                let ended = plan(&engine);
                if fault != Fault::PowerCut {
                    still_answers(&engine, step);
                }
                ended
            });
            if disks[struck].steps() < step {
                assert!(ended.is_ok(), "{ended:?}");
                break;
            }
            faults += 1;
            for seed in 0..3 {
                let left = match fault {
                    Fault::PowerCut => [disks[0].after_crash(seed), disks[1].after_crash(seed)],
                    Fault::Fails(_) => {
                        disks[struck] = disks[struck].clone().with_options(SimOptions::default());
                        [disks[0].after_kill(0), disks[1].after_kill(0)]
                    }
                };
                check(
                    &left,
                    &format!("{fault:?} at step {step} of {}, seed {seed}", NAMES[struck]),
                );
            }
        }
    }
    faults
}

/// After a failure queries go on, and writes either do, too, or are refused with its cause.
fn still_answers(engine: &Engine<LocalHost<SimStorage>>, step: u64) {
    let source = engine.database("source").unwrap();
    for metric in source.metrics() {
        source.range_query(&metric.name, RangeQuery::all(TimeRange::ALL)).unwrap();
    }
    match source.add("a", engine.now(), 2) {
        Ok(()) => {}
        Err(Error::Poisoned { cause }) => {
            assert_eq!(cause, format!("injected {} at step {step}", cause_kind(&cause)));
        }
        Err(Error::Storage(error)) => assert!(error.detail.starts_with("injected"), "{error}"),
        Err(error) => panic!("{error}"),
    }
}

/// The word for what was injected.
fn cause_kind(cause: &str) -> &str {
    cause.split(' ').nth(1).unwrap_or_default()
}

/// Everything that the source's files and archives hold of metric `a`: times of partitions that
/// are archived come from the archive.
fn everything(disks: &Disks, now: i64) -> Vec<i64> {
    let engine = open(&on(disks, now)).unwrap();
    let mut found = times(&engine, "source", "a");
    drop(engine);
    let Some(archive) = disks[0].read(&name("archive-2026-01.tar")).unwrap() else { return found };
    // The archive's files as a database of their own.
    let (bytes, holder) = (archive.clone(), MemoryStorage::new());
    holder.replace(&name("a.tar"), &archive).unwrap();
    let (entries, _) = tar::entries(&holder.open(&name("a.tar")).unwrap()).unwrap();
    let unpacked = SimStorage::new();
    for file in ["catalog.json", "manifest.toml"] {
        if let Some(bytes) = disks[0].read(&name(file)).unwrap() {
            unpacked.replace(&name(file), &bytes).unwrap();
        }
    }
    for entry in entries {
        let at = usize::try_from(entry.offset).unwrap();
        let content = &bytes[at..at + usize::try_from(entry.size).unwrap()];
        if disks[0].read(&name(&entry.name)).unwrap().is_none() && !entry.name.contains(".1.") {
            unpacked.replace(&name(&entry.name), content).unwrap();
        }
    }
    let engine = open(&on(&[unpacked, SimStorage::new()], 0)).unwrap();
    found.extend(times(&engine, "source", "a"));
    found.sort_unstable();
    found.dedup(); // a file may have come to the archive, and another of its partition not yet
    found
}

#[test]
fn retention_interrupted_anywhere_leaves_every_sample_in_a_file_or_in_the_archive() {
    let manifest = "[retention]\nretention_days = 5\nretention_action = \"archive\"\n\
                    max_active_days = 1\n[wal]\nenabled = true\nskip_before = \"0s\"\n";
    let now = START + 20 * DAY;
    let expected: Vec<i64> = (0..3 * 24).map(|hour| START + hour * HOUR).collect();
    let prepare = || {
        let disks = disks(manifest);
        let engine = open(&on(&disks, START + 2 * DAY)).unwrap();
        for time in &expected {
            engine.add("source", "a", Timestamp(*time), 1).unwrap();
        }
        engine.close().unwrap();
        disks
    };
    let archives = |engine: &Engine<LocalHost<SimStorage>>| {
        let tick = engine.tick()?;
        let report = &tick.databases["source"];
        report.problems.is_empty().then_some(()).ok_or(Error::Closed)
    };
    let faults = everywhere(now, prepare, archives, |left, at| {
        let found = everything(left, now);
        let without_later: Vec<i64> = found.into_iter().filter(|time| *time < now).collect();
        assert_eq!(without_later, expected, "{at}");
        // And the next run finishes it.
        let engine = open(&on(left, now)).unwrap();
        let tick = engine.tick().unwrap();
        assert_eq!(tick.databases["source"].problems, [""; 0], "{at}");
        engine.tick().unwrap();
        let later: Vec<i64> =
            times(&engine, "source", "a").into_iter().filter(|time| *time < now).collect();
        assert_eq!(later, [0; 0], "{at}");
        drop(engine);
        let found = everything(left, now);
        let without_later: Vec<i64> = found.into_iter().filter(|time| *time < now).collect();
        assert_eq!(without_later, expected, "{at}");
    });
    assert!(faults > 60, "{faults}");
}

#[test]
fn rollups_and_backfills_interrupted_anywhere_are_finished_by_the_next() {
    let manifest = "[wal]\nenabled = true\nskip_before = \"0s\"\n[rollups]\nenabled = true\n\
        default_grace = \"0s\"\ndefault_interval = \"1h\"\ndefault_destination_db = \"hourly\"\n\
        default_aggregates = [\"sum\", \"count\"]\n[[rollups.jobs]]\nid = \"all\"\n\
        source_pattern = \"*\"\n";
    let now = START + DAY;
    let expected: Vec<i64> = (0..60).map(|n| START + n * HOUR / 6).collect();
    let hours: Vec<i64> = (0..9).map(|hour| START + hour * HOUR).collect();
    // It has no later sample: a backfill writes it, and a run after a silence.
    let last_hour = START + 9 * HOUR;
    let prepare = || {
        let disks = disks(manifest);
        let engine = open(&on(&disks, START)).unwrap();
        engine.set_auto_rollups(false);
        for time in &expected {
            engine.add("source", "a", Timestamp(*time), 1).unwrap();
        }
        engine.close().unwrap();
        disks
    };
    let run = |engine: &Engine<LocalHost<SimStorage>>| {
        let run = engine.run_rollups("source")?;
        let filled = engine.backfill_rollups(&[])?;
        let is_whole = run.problems.is_empty() && filled.problems.is_empty();
        is_whole.then_some(()).ok_or(Error::Closed)
    };
    let fill = |engine: &Engine<LocalHost<SimStorage>>| {
        let filled = engine.backfill_rollups(&[])?;
        filled.problems.is_empty().then_some(()).ok_or(Error::Closed)
    };
    let check = |left: &Disks, at: &str| {
        let engine = open(&on(left, now)).unwrap();
        let found: Vec<i64> =
            times(&engine, "source", "a").into_iter().filter(|time| *time < now).collect();
        assert_eq!(found, expected, "{at}");
        for metric in ["a.sum", "a.count"] {
            let there = times(&engine, "hourly", metric);
            let may_be = |hour: &i64| hours.contains(hour) || *hour == last_hour;
            assert!(there.is_sorted_by(|a, b| a < b) && there.iter().all(may_be), "{at}");
        }
        // Nothing is missing after the next run, whatever the checkpoint says.
        engine.run_rollups("source").unwrap();
        for metric in ["a.sum", "a.count"] {
            let there: Vec<i64> =
                times(&engine, "hourly", metric).into_iter().filter(|t| *t < last_hour).collect();
            assert_eq!(there, hours, "{at}: {metric}");
        }
    };
    let faults = everywhere(now, prepare, run, check) + everywhere(now, prepare, fill, check);
    assert!(faults > 60, "{faults}");
}
