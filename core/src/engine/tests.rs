//! The engine as a user sees it, on files in memory.

use super::testing::LocalHost;
use super::*;
use crate::aggregate::{Accumulator, Aggregate, Arithmetic, CustomAggregate, Grid};
use crate::compress::Codecs;
use crate::error::{Error, Rejection};
use crate::metric_file::{MetricFile, Version};
use crate::query::{AggregateQuery, RangeQuery};
use crate::storage::{FileName, MemoryStorage, Storage, StorageFile};
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::ControlFlow;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;
const DAY: i64 = 86_400_000_000_000;

fn local() -> Local {
    LocalHost::new(MemoryStorage::new)
}

fn open(host: &Local) -> Engine<Local> {
    Engine::open(host.clone(), EngineOptions::default()).unwrap()
}

fn all(database: &Database<Local>, metric: &str) -> Vec<(i64, Value)> {
    let series = database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap();
    series.iter().map(|sample| (sample.time.0, sample.value)).collect()
}

fn export(database: &Database<Local>) -> String {
    let mut text = vec![];
    database
        .export(ExportOptions::default(), |bytes| {
            text.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn samples_are_seen_at_once_and_after_every_kind_of_end() {
    let host = local();
    let expected = [(START, Value::F32(21.5)), (START + 5, Value::F32(22.0))];
    {
        let engine = open(&host);
        let database = engine.create_database("home").unwrap();
        database.add("temp", Timestamp(START), 21.5).unwrap();
        database.add("temp", Timestamp(START + 5), 22.0_f32).unwrap();
        assert_eq!(all(&database, "temp"), expected);
        // No close: the process is gone.
    }
    {
        let database = open(&host).database("home").unwrap();
        assert_eq!(database.open_report().replayed, 2);
        assert_eq!(all(&database, "temp"), expected);
        assert_eq!(database.last("temp").unwrap().unwrap().value, Value::F32(22.0));
        database.close().unwrap();
    }
    let database = open(&host).database("home").unwrap();
    assert_eq!(database.open_report().replayed, 0);
    assert_eq!(all(&database, "temp"), expected);
    assert_eq!(database.last("temp").unwrap().unwrap().time, Timestamp(START + 5), "D-15");
    let too_old = database.add("temp", Timestamp(START + 4), 1.0);
    assert!(matches!(too_old, Err(Error::Rejected(Rejection::Stale { .. }))), "D-15");
}

#[test]
fn order_is_per_metric_and_pages_are_sorted_when_written() {
    let host = local();
    let engine = open(&host);
    let database = engine.create_database("home").unwrap();
    database.add("a", Timestamp(START + 10), 1).unwrap();
    database.add("b", Timestamp(START + 3), 2).unwrap();
    database.add("a", Timestamp(START + 10), 3).unwrap();
    assert!(database.add("a", Timestamp(START + 9), 4).is_err());
    database.flush().unwrap();
    assert_eq!(
        export(&database),
        "home/b 2i 2026-01-01 00:00:00.000000003\n\
         home/a 1i 2026-01-01 00:00:00.000000010\n\
         home/a 3i 2026-01-01 00:00:00.000000010\n"
    );
}

#[test]
fn d01_nothing_happens_for_a_refused_sample() {
    let host = local();
    let engine = open(&host);
    let database = engine.create_database("home").unwrap();
    database.add("a", Timestamp(START), 1).unwrap();
    let directory = host.directory("home").unwrap();
    let log = || directory.read(&FileName::new("home.wal").unwrap()).unwrap();
    let before = log();
    assert!(database.add("a", Timestamp(START), 1.0).is_err(), "another type");
    assert!(database.add("a", Timestamp(START - 1), 1).is_err(), "older");
    assert!(database.add("white space", Timestamp(START), 1).is_err(), "a name that is none");
    assert_eq!(log(), before);
    assert_eq!(database.metrics().len(), 1);
}

#[test]
fn d19_reading_makes_nothing() {
    let host = local();
    let engine = open(&host);
    let unknown = engine.database("nowhere");
    assert!(matches!(unknown, Err(Error::Rejected(Rejection::UnknownDatabase(_)))));
    assert!(host.directory("nowhere").is_none());
}

#[test]
fn d03_names_do_not_lead_out() {
    let engine = open(&local());
    for name in ["..", "a/b", "", ".hidden", "-x", "a b"] {
        assert!(engine.create_database(name).is_err(), "{name}");
    }
}

#[test]
fn full_pages_are_written_and_read_in_order() {
    let host = local();
    let engine = open(&host);
    let database = engine.create_database("home").unwrap();
    let handle = database.metric("n", ValueType::I32).unwrap();
    let rows = (0..40_000).map(|n| Row {
        target: Target::Handle(handle),
        time: Timestamp(START + i64::from(n)),
        value: Value::I32(n),
    });
    let report = database.add_rows(rows).unwrap();
    assert_eq!((report.accepted, report.rejected.len()), (40_000, 0));
    for _ in 0..3 {
        // The first query decodes, the second fills the cache, the third reads it.
        let found = all(&database, "n");
        assert_eq!(found.len(), 40_000);
        assert!(found.iter().zip(0..).all(|(sample, n)| sample.1 == Value::I32(n)));
    }
    let series = database.range("n", Timestamp(START + 9_000), Timestamp(START + 9_100)).unwrap();
    assert_eq!((series.len(), series.raws[0]), (101, 9_000));
    let directory = host.directory("home").unwrap();
    let data = directory.open(&FileName::new("data-2026-01-01.dat").unwrap()).unwrap();
    let mut first = [0; 18];
    data.read_at(0, &mut first).unwrap();
    assert_eq!(u16::from_le_bytes([first[16], first[17]]), 9072, "127000 bytes of 14 each");
}

#[test]
fn d21_a_crash_between_page_and_log_reset_doubles_nothing() {
    let host = local();
    {
        let database = open(&host).create_database("home").unwrap();
        for n in 0..5 {
            database.add("a", Timestamp(START + i64::from(n / 2)), 7).unwrap();
        }
        database.add("a", Timestamp(START + DAY), 7).unwrap();
        // The page of the first day is written; the log keeps both, because the second needs it.
        database.writer().write(|writer| {
            let first = crate::partition::Partition::containing(
                crate::settings::Partitioning::Day,
                Timestamp(START),
            );
            writer.flush(first).unwrap();
        });
    }
    let database = open(&host).database("home").unwrap();
    assert_eq!((database.open_report().replayed, database.open_report().duplicates), (1, 5));
    assert_eq!(all(&database, "a").len(), 6);
}

#[test]
fn windows_follow_floor_division() {
    let host = local();
    let database = open(&host).create_database("home").unwrap();
    for (time, value) in [(-15, 1.0), (-5, 2.0), (5, 3.0), (7, 5.0)] {
        database.add("a", Timestamp(time), value).unwrap();
    }
    let query = AggregateQuery {
        range: TimeRange { from: Timestamp(-20), to: Timestamp(20) },
        window_ns: 10,
        offset_ns: 0,
        aggregates: &[Aggregate::Avg, Aggregate::Count],
        arithmetic: Arithmetic::Exact,
    };
    let mut buckets = vec![];
    database
        .aggregate("a", &query, |bucket| {
            buckets.push((bucket.start.0, bucket.end.0, bucket.values.clone()));
            ControlFlow::Continue(())
        })
        .unwrap();
    let expected = [(-20, -10, vec![1.0, 1.0]), (-10, 0, vec![2.0, 1.0]), (0, 10, vec![4.0, 2.0])];
    assert_eq!(buckets, expected, "D-13");
}

#[test]
fn imports_keep_good_lines_and_name_the_others() {
    let host = local();
    let engine = open(&host);
    let mut importer = Importer::new(&engine, None);
    let mut rejected = vec![];
    let mut note = |line: RejectedLine| rejected.push(line.number);
    let text = "# comment\n\na/x 1i 5\nnonsense\na/x 2i 4\nb/y 1.5 7\n../z 1 1\na/x 3i 6";
    for piece in text.as_bytes().chunks(3) {
        importer.feed(piece, &mut note).unwrap();
    }
    let report = importer.finish(&mut note).unwrap();
    assert_eq!((report.total_lines, report.imported_lines, report.skipped_lines), (8, 3, 2));
    assert_eq!(rejected, [4, 5, 7]);
    assert_eq!(all(&engine.database("a").unwrap(), "x").len(), 2);
    assert_eq!(export(&engine.database("b").unwrap()), "b/y 1.5 1970-01-01 00:00:00.000000007\n");
}

#[test]
fn lines_can_be_added_one_by_one_or_as_a_text() {
    let host = local();
    let engine = open(&host);
    engine.add_line("a/x 1i 5").unwrap();
    engine.add_line(" # comment").unwrap();
    engine.add_line("").unwrap();
    host.clock.set(Timestamp(START));
    engine.add_line("a/x 2i").unwrap();
    for refused in ["nonsense", "a/x 2i 4", "../z 1 1", "a/x 1.5 2026-01-02", "a/x 1i 5\nb/y 1"] {
        assert!(engine.add_line(refused).unwrap_err().is_rejection(), "{refused}");
    }
    let mut numbers = vec![];
    let text = "a/x 3i 2026-01-02\nnonsense\n\nb/y 1.5 7";
    let report = engine.add_lines(text, |line| numbers.push(line.number)).unwrap();
    assert_eq!((report.total_lines, report.imported_lines, report.skipped_lines), (4, 2, 1));
    assert_eq!((report.rejected_lines, numbers), (1, vec![2]));
    let expected = [(5, 1), (START, 2), (START + DAY, 3)].map(|(at, n)| (at, Value::I32(n)));
    assert_eq!(all(&engine.database("a").unwrap(), "x"), expected);
    assert_eq!(all(&engine.database("b").unwrap(), "y"), [(7, Value::F32(1.5))]);
}

#[test]
fn many_metrics_come_in_the_order_asked() {
    let host = local();
    let engine = open(&host);
    let database: Arc<Database<Local>> = engine.create_database("home").unwrap();
    for n in 0..3000 {
        for name in ["a", "b", "c"] {
            database.add(name, Timestamp(START + n), 1.0).unwrap();
        }
        database.add(&format!("m{}", n % 50), Timestamp(START + n), 1).unwrap();
    }
    let found =
        database.range_many(&["c", "nope", "m7", "c"], RangeQuery::all(TimeRange::ALL)).unwrap();
    let counts: Vec<usize> = found.iter().map(crate::query::Series::len).collect();
    assert_eq!(counts, [3000, 0, 60, 0]);
}

#[test]
fn opening_a_new_root_writes_its_settings() {
    let host = local();
    let name = FileName::new("engine.toml").unwrap();
    let options = EngineOptions { read_only: true, ..EngineOptions::default() };
    drop(Engine::open(host.clone(), options).unwrap());
    assert_eq!(host.root_directory().read(&name).unwrap(), None, "only looked at");
    let engine = open(&host);
    let written = host.root_directory().read(&name).unwrap().unwrap();
    assert_eq!(written, engine.settings().to_toml().into_bytes());
    let settings = b"[defaults]\ndatabases = [\"home\"]\n";
    host.root_directory().replace(&name, settings).unwrap();
    assert!(open(&host).is_loaded("home"), "the settings name it");
    assert_eq!(host.root_directory().read(&name).unwrap().unwrap(), settings);
}

#[test]
fn a_visit_of_batches_can_be_ended() {
    let database = open(&local()).create_database("home").unwrap();
    for n in 0..3 {
        database.add("a", Timestamp(START + n * DAY), 7).unwrap();
    }
    let visit = |end_after: usize| {
        let mut seen = vec![];
        let query = RangeQuery::all(TimeRange::ALL);
        let visited = database.visit_range("a", query, |batch| {
            seen.extend_from_slice(batch.times);
            if seen.len() >= end_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        visited.unwrap();
        seen
    };
    assert_eq!(visit(usize::MAX), [START, START + DAY, START + 2 * DAY]);
    assert_eq!(visit(1), [START], "one batch for each day");
}

#[test]
fn metrics_are_listed_by_name() {
    let database = open(&local()).create_database("home").unwrap();
    database.add("b", Timestamp(START), 1.5).unwrap();
    database.add("a", Timestamp(START), 1).unwrap();
    let found = database.metrics().into_iter().map(|m| (m.name, m.id.get(), m.value_type));
    let expected = [("a", 2, ValueType::I32), ("b", 1, ValueType::F32)];
    assert!(found.eq(expected.map(|(name, id, ty)| (name.into(), id, ty))));
}

#[test]
fn a_partition_is_compared_with_its_metric_file() {
    let host = local();
    let database = open(&host).create_database("home").unwrap();
    for n in 0..50 {
        database.add("a", Timestamp(START + n), 1.0).unwrap();
    }
    for version in [Version::V1, Version::V2, Version::V3] {
        let options = BuildOptions { version, ..BuildOptions::default() };
        let built = database.build_metric_file("2026-01-01", options).unwrap();
        assert_eq!((built.metrics, built.points), (1, 50));
        let directory = host.directory("home").unwrap();
        let file = directory.open(&built.metric_file).unwrap();
        let opened = MetricFile::open(file, "metric", &Codecs::portable()).unwrap();
        assert_eq!(opened.version(), version);
        let report = database.verify_partition("2026-01-01").unwrap();
        assert!(report.is_whole());
        let equal: Vec<Option<bool>> = report.files.iter().map(|file| file.equals_raw).collect();
        assert_eq!(equal, [None, Some(true)], "{version}: pages, metric file");
    }
    assert!(database.verify_partition("2026").unwrap_err().is_rejection());
}

#[test]
fn a_log_that_reaches_its_limit_is_emptied() {
    let host = local();
    let toml = b"[wal]\nmax_segment_size = 500\n";
    host.root_directory().replace(&FileName::new("engine.toml").unwrap(), toml).unwrap();
    let database = open(&host).create_database("home").unwrap();
    for n in 0..100 {
        database.add("a", Timestamp(START + n), 1).unwrap();
        assert!(database.stats().wal.buffer_bytes < 500);
    }
    let resets = database.stats().wal.reset_bytes;
    assert!(resets.count() > 1 && resets.extremes().unwrap().0 >= 500, "{resets:?}");
    assert_eq!(all(&database, "a").len(), 100);
}

/// Found by fuzzing: each opening cut one damaged frame more.
#[test]
fn damage_that_no_crash_leaves_behind_stays_where_it_is() {
    let host = local();
    let name = FileName::new("data-2026-01-01.dat").unwrap();
    {
        let database = open(&host).create_database("home").unwrap();
        for frame in 0..3 {
            database.add("a", Timestamp(START + frame), 7).unwrap();
            database.flush().unwrap();
        }
    }
    let directory = host.directory("home").unwrap();
    let mut bytes = directory.read(&name).unwrap().unwrap();
    let frame_len = bytes.len() / 3;
    for at in [2 * frame_len - 1, 3 * frame_len - 1] {
        bytes[at] ^= 1;
    }
    directory.replace(&name, &bytes).unwrap();
    for _ in 0..3 {
        let database = open(&host).database("home").unwrap();
        assert_eq!(database.open_report().cut, [""; 0]);
        let range = RangeQuery::all(TimeRange::ALL);
        assert!(matches!(database.range_query("a", range), Err(Error::Corrupt(_))));
    }
    assert_eq!(directory.read(&name).unwrap().unwrap(), bytes);
}

/// Found by fuzzing.
#[test]
fn a_metric_file_of_a_later_version_keeps_nothing_else_closed() {
    let host = local();
    {
        let database = open(&host).create_database("home").unwrap();
        database.add("a", Timestamp(START), 7).unwrap();
        database.close().unwrap();
    }
    let directory = host.directory("home").unwrap();
    let later = [&b"NTMF\x09"[..], &[0; 200]].concat();
    directory.replace(&FileName::new("metric-2026-01-02.dat").unwrap(), &later).unwrap();
    let database = open(&host).database("home").unwrap();
    database.add("a", Timestamp(START + 2 * DAY), 8).unwrap();
    let first_day = database.range("a", Timestamp(START), Timestamp(START + DAY - 1)).unwrap();
    assert_eq!(first_day.times, [START]);
    let second_day = database.range("a", Timestamp(START + DAY), Timestamp(START + DAY));
    let error = second_day.unwrap_err();
    assert!(matches!(&error, Error::Unsupported { file, .. } if file == "metric-2026-01-02.dat"));
}

/// The window's last value less its first.
struct Gain;

impl CustomAggregate for Gain {
    fn name(&self) -> &'static str {
        "gain"
    }

    fn accumulator(&self) -> alloc::boxed::Box<dyn Accumulator> {
        alloc::boxed::Box::new(Ends(None))
    }
}

struct Ends(Option<(f64, f64)>);

impl Accumulator for Ends {
    fn add(&mut self, value: f64) {
        let first = self.0.map_or(value, |(first, _)| first);
        self.0 = Some((first, value));
    }

    fn finish(&mut self) -> f64 {
        self.0.map_or(f64::NAN, |(first, last)| last - first)
    }
}

#[test]
fn windows_can_be_folded_in_ways_of_ones_own() {
    let database = open(&local()).create_database("home").unwrap();
    for (at, value) in [(0, 1), (5, 7), (9, 4), (10, 2), (31, 5), (32, 5)] {
        database.add("a", Timestamp(at), Value::I32(value)).unwrap();
    }
    let ask = |aggregates: &[&dyn CustomAggregate], window_ns| {
        let mut found = vec![];
        let emit = |bucket: &crate::aggregate::Bucket| {
            found.push((bucket.start.0, bucket.values.clone()));
            ControlFlow::Continue(())
        };
        let grid = Grid::new(window_ns, 1)?;
        database.aggregate_with("a", TimeRange::ALL, grid, aggregates, emit).map(|()| found)
    };
    let found = ask(&[&Gain, &Aggregate::Max, &Aggregate::Median], 10).unwrap();
    let expected =
        [(-9, vec![0.0, 1.0, 1.0]), (1, vec![-5.0, 7.0, 4.0]), (31, vec![0.0, 5.0, 5.0])];
    assert_eq!(found, expected);
    assert!(ask(&[], 10).is_err() && ask(&[&Gain], 0).is_err());
}

/// What a power cut left of one append happened to read as the headers of two frames, and was
/// taken for more damage than one append can leave (D-07).
#[test]
fn d07_a_torn_append_that_reads_as_two_frames_is_cut() {
    let host = local();
    let database = open(&host).create_database("home").unwrap();
    database.add("temp", Timestamp(START + 1), 1.0).unwrap();
    database.flush().unwrap();
    let storage = host.directory("home").unwrap();
    let mut file = storage.open(&FileName::new("data-2026-01-01.dat").unwrap()).unwrap();
    let whole = file.len().unwrap();
    for (start, end) in [(START + 2, i64::MAX), (-7, 7)] {
        file.append(&crate::page::frame::encode_header(start, end, 5, 6)).unwrap();
        file.append(&[0xa5; 10]).unwrap(); // payload and checksum
    }
    let database = open(&host).database("home").unwrap();
    assert_eq!(database.open_report().cut.len(), 1);
    assert_eq!(file.len().unwrap(), whole);
    assert_eq!(all(&database, "temp"), [(START + 1, Value::F32(1.0))]);
}

/// A query sees the page that was open when it began, so it must not see the frame that another
/// query has meanwhile found the page to be (D-22).
#[test]
fn a_page_written_while_a_query_is_under_way_is_seen_once() {
    let database = open(&local()).create_database("home").unwrap();
    let add = |n: i64| database.add("a", Timestamp(START + n), 7).unwrap();
    add(0);
    database.flush().unwrap();
    add(1);
    let readable = database.readable();
    let views = readable.view(TimeRange::ALL);
    database.flush().unwrap();
    assert_eq!(all(&database, "a").len(), 2);
    let count = || {
        let mut count = 0;
        let counted = readable.scan(&views[0], crate::query::OnDamage::Fail, &mut |ids, _, _| {
            count += ids.len();
            Ok(())
        });
        counted.unwrap();
        count
    };
    assert_eq!(count(), 2);
    // Nor may it miss anything when the file is paged anew meanwhile.
    let report = database.recompact("2026-01-01").unwrap();
    assert_eq!((report.old.frames, report.new.frames), (2, 1));
    assert_eq!(count(), 2);
    assert_eq!(all(&database, "a").len(), 2);
}

#[test]
fn without_a_log_samples_are_known_until_they_are_in_a_file() {
    let host = local();
    let (manifest, directory) = (FileName::new("manifest.toml").unwrap(), MemoryStorage::new());
    directory.replace(&manifest, b"[wal]\nenabled = false\n").unwrap();
    host.set_database("home", directory);
    let database = open(&host).database("home").unwrap();
    database.add("new", Timestamp(START), 1.0).unwrap();
    assert!(database.has_unlogged());
    database.flush().unwrap();
    assert!(!database.has_unlogged());
}

#[cfg(feature = "testing")]
#[test]
fn what_was_made_durable_survives_a_power_cut_under_every_profile() {
    use crate::storage::SimStorage;
    for profile in ["strict", "balanced", "throughput"] {
        for (wal, seed) in [(true, 1), (true, 2), (false, 3)] {
            let host = LocalHost::new(SimStorage::new);
            host.clock.set(Timestamp(START + DAY));
            let settings = format!("[durability]\nprofile = {profile:?}\n[stats]\nenabled = false");
            let settings_file = FileName::new("engine.toml").unwrap();
            host.root_directory().replace(&settings_file, settings.as_bytes()).unwrap();
            let disk = SimStorage::new();
            let manifest = format!("[wal]\nenabled = {wal}\n");
            let manifest_file = FileName::new("manifest.toml").unwrap();
            disk.replace(&manifest_file, manifest.as_bytes()).unwrap();
            host.set_database("home", disk.clone());
            let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
            let database = engine.database("home").unwrap();
            for at in 0..5 {
                database.add("new", Timestamp(START + DAY + at), 1.0).unwrap();
                database.add("old", Timestamp(START + at), 2.0).unwrap();
            }
            database.make_durable().unwrap();
            let left = disk.after_crash(seed);
            host.set_database("home", left);
            let again = Engine::open(host, EngineOptions::default()).unwrap();
            let database = again.database("home").unwrap();
            for metric in ["new", "old"] {
                let found = database.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap().len();
                assert_eq!(found, 5, "{metric}, {profile}, log {wal}");
            }
        }
    }
}
