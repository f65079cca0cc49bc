//! Retention that is interrupted, at every step: a partition is in its files or in the archive.

use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::error::Error;
use crate::query::RangeQuery;
use crate::storage::{FileName, SimOptions, SimStorage, Storage, StorageErrorKind, StorageFile};
use crate::tar;
use crate::types::{TimeRange, Timestamp};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

const START: i64 = 1_767_225_600_000_000_000;
const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;

type Local = LocalHost<SimStorage>;
type Files = BTreeMap<FileName, Vec<u8>>;

fn disk(action: &str) -> SimStorage {
    let manifest = format!(
        "[retention]\nretention_days = 2\nretention_action = {action:?}\n\
         [wal]\nenabled = true\nskip_before = \"0s\"\n[page]\nmax_records = 20"
    );
    SimStorage::holding([(FileName::new("manifest.toml").unwrap(), manifest.into_bytes())].into())
}

/// An engine on a disk; all else that it has works.
fn open(disk: &SimStorage) -> crate::error::Result<(Local, Engine<Local>, Arc<Database<Local>>)> {
    let host = LocalHost::new(SimStorage::new);
    host.set_database("home", disk.clone());
    // Sealing would make other files of what is to be found again.
    let settings = FileName::new("engine.toml").unwrap();
    host.root_directory().replace(&settings, b"[metrics]\nenabled = false")?;
    let engine = Engine::open(host.clone(), EngineOptions::default())?;
    let database = engine.database("home")?;
    Ok((host, engine, database))
}

/// How far a plan came, and what it told.
#[derive(Default)]
struct Told {
    /// Everything before retention is on the disk.
    is_settled: bool,
    problems: usize,
    poisoned: bool,
    failed: Option<Error>,
}

/// Four days of samples, sealed into files of all three kinds; all but the last expire, twice.
fn plan(disk: &SimStorage, files: &mut Files) -> Told {
    let mut told = Told::default();
    let (host, engine, database) = match open(disk) {
        Ok(open) => open,
        Err(error) => return Told { failed: Some(error), ..told },
    };
    let mut work = || -> crate::error::Result<()> {
        for hour in 0..4 * 24 {
            let time = Timestamp(START + hour * HOUR);
            host.clock.set(time);
            database.add("a", time, 1)?;
            database.add("b", time, 1.5)?;
        }
        let mut options = BuildOptions::default();
        for (day, action) in [("2026-01-01", "rename"), ("2026-01-02", "delete")] {
            options.raw_action = crate::settings::RawAction::parse(action).unwrap();
            database.flush()?;
            database.build_metric_file(day, options)?;
        }
        database.add("late", Timestamp(START), 1)?;
        database.flush()?;
        database.sync()?;
        told.is_settled = true;
        *files = disk.files().into_iter().filter(|(name, _)| is_data(name)).collect();
        for round in 0..2 {
            host.clock.set(Timestamp(START + (5 + round) * DAY));
            let tick = engine.tick()?;
            told.problems += tick.databases.get("home").unwrap().problems.len();
            database.add("a", Timestamp(START + (5 + round) * DAY), 1)?;
        }
        engine.close().map_err(|mut errors| errors.remove(0))
    };
    told.failed = work().err();
    if !disk.has_crashed() && told.failed.is_some() {
        // Whatever cannot be written, answers go on.
        database.range_query("a", RangeQuery::all(TimeRange::ALL)).unwrap();
        database.last("b").unwrap();
        let added = database.add("a", Timestamp(START + 9 * DAY), 1);
        told.poisoned = matches!(added, Err(Error::Poisoned { .. }));
        if told.poisoned {
            assert_eq!(database.flush(), added);
            assert_eq!(database.tick().map(drop), added);
        }
    }
    told
}

fn is_data(name: &FileName) -> bool {
    let kind = FileKind::parse(name.as_str());
    kind.is_some_and(|(_, partition)| partition.range().to.0 < START + 9 * DAY)
}

/// The content of every entry of the archive.
fn archived(disk: &SimStorage) -> Vec<Vec<u8>> {
    let Ok(archive) = disk.open(&FileName::new("archive-2026-01.tar").unwrap()) else {
        return vec![];
    };
    let (entries, _) = tar::entries(&archive).unwrap();
    let content = |entry: tar::Entry| {
        let mut bytes = vec![0; usize::try_from(entry.size).unwrap()];
        archive.read_at(entry.offset, &mut bytes).unwrap();
        bytes
    };
    entries.into_iter().map(content).collect()
}

/// What was settled is in its file or in the archive; after the next retention in the archive.
fn check(disk: &SimStorage, files: &Files, at: &str) {
    let is_kept = |disk: &SimStorage| {
        let (found, archived) = (disk.files(), archived(disk));
        for (name, bytes) in files {
            let is_there = found.get(name).is_some_and(|found| found.starts_with(bytes));
            assert!(is_there || archived.contains(bytes), "{at}: {name} is in neither place");
        }
    };
    is_kept(disk);
    let (host, engine, database) = open(disk).unwrap();
    is_kept(disk);
    assert!(database.verify(|_| ()).unwrap().is_whole(), "{at}");
    host.clock.set(Timestamp(START + 30 * DAY));
    database.flush().unwrap();
    let tick = engine.tick().unwrap();
    let report = tick.databases.get("home").unwrap();
    assert!(report.problems.is_empty(), "{at}: {report:?}");
    let archived = archived(disk);
    for (name, bytes) in files.iter().filter(|(name, _)| !name.as_str().contains("01-04")) {
        assert!(archived.contains(bytes), "{at}: {name} is not archived");
    }
    let expired: Vec<_> = disk.files().into_keys().filter(is_data).collect();
    assert!(expired.is_empty(), "{at}: {expired:?}");
    assert_eq!(database.range("b", Timestamp(START), Timestamp(START + DAY)).unwrap().len(), 0);
    engine.close().unwrap();
}

#[test]
fn d10_a_power_cut_at_any_step_leaves_a_partition_in_its_files_or_in_the_archive() {
    let mut crashes = 0;
    for step in 1.. {
        let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
        let disk = disk("archive").with_options(options);
        let mut files = Files::new();
        let told = plan(&disk, &mut files);
        if told.failed.is_none() && told.problems == 0 {
            break;
        }
        if !told.is_settled {
            continue;
        }
        for seed in 0..12 {
            crashes += 1;
            let at = format!("power cut at step {step}, seed {seed}");
            check(&disk.after_crash(seed), &files, &at);
            check(&disk.after_kill(seed), &files, &at);
        }
    }
    assert!(crashes > 200, "{crashes}");
}

#[test]
fn d10_a_failing_write_at_any_step_of_retention_loses_nothing() {
    let mut faults = [0; 2];
    for action in ["archive", "delete"] {
        for kind in [StorageErrorKind::NoSpace, StorageErrorKind::Io] {
            for step in 1.. {
                let options = SimOptions { fail_at: Some((step, kind)), ..SimOptions::default() };
                let disk = disk(action).with_options(options);
                let mut files = Files::new();
                let told = plan(&disk, &mut files);
                let at = format!("{action}, {kind:?} at step {step}");
                if told.failed.is_none() && disk.steps() < step {
                    break;
                }
                if !told.is_settled {
                    continue;
                }
                let healed = disk.with_options(SimOptions::default());
                if told.poisoned {
                    faults[0] += 1;
                } else if told.problems > 0 {
                    faults[1] += 1;
                }
                if action == "archive" {
                    check(&healed.after_kill(0), &files, &at);
                } else {
                    let (host, engine, database) = open(&healed).unwrap();
                    assert!(database.verify(|_| ()).unwrap().is_whole(), "{at}");
                    host.clock.set(Timestamp(START + 30 * DAY));
                    database.flush().unwrap();
                    let tick = engine.tick().unwrap();
                    let report = tick.databases.get("home").unwrap();
                    assert!(report.problems.is_empty(), "{at}: {report:?}");
                    assert_eq!(healed.files().into_keys().filter(is_data).count(), 0, "{at}");
                    engine.close().unwrap();
                }
            }
        }
    }
    assert!(faults[0] > 20 && faults[1] > 20, "{faults:?}");
}
