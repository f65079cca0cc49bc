use crate::engine::testing::LocalHost;
use crate::engine::{
    Engine, EngineOptions, ExportOptions, ImportReport, Importer, RejectedLine, Row, Target,
};
use crate::storage::MemoryStorage;
use crate::types::{Timestamp, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use proptest::prelude::*;

type Local = LocalHost<MemoryStorage>;

fn engine() -> Engine<Local> {
    Engine::open(LocalHost::new(MemoryStorage::new), EngineOptions::default()).unwrap()
}

/// Takes a file in, in pieces of this length.
fn import(engine: &Engine<Local>, text: &[u8], piece: usize) -> (ImportReport, Vec<RejectedLine>) {
    let mut rejected = Vec::new();
    let mut note = |line| rejected.push(line);
    let mut importer = Importer::of_file(engine, None);
    for piece in text.chunks(piece) {
        importer.feed(piece, &mut note).unwrap();
    }
    let report = importer.finish_uncut(&mut note).unwrap();
    (report, rejected)
}

fn export(engine: &Engine<Local>) -> String {
    let mut text = Vec::new();
    let database = engine.database("home").unwrap();
    let write = |piece: &[u8]| {
        text.extend_from_slice(piece);
        Ok(())
    };
    database.export(ExportOptions::default(), write).unwrap();
    String::from_utf8(text).unwrap()
}

/// Lines taken, there before, and refused.
fn counts(report: &ImportReport) -> (u64, u64, u64) {
    (report.imported_lines, report.already_stored_lines, report.rejected_lines)
}

const FILE: &str = "home/a 1 2026-01-01\nhome/b 1i 2026-01-01\nhome/a 2 2026-01-02\n\
                    home/a 2 2026-01-02\nhome/a NaN 2026-01-03\nhome/b 2i 2026-01-03\n";

#[test]
fn a_file_imported_twice_changes_nothing() {
    for piece in [7, 60, 4096] {
        let engine = engine();
        assert_eq!(counts(&import(&engine, FILE.as_bytes(), piece).0), (6, 0, 0));
        let once = export(&engine);
        assert_eq!(once.lines().count(), 6);
        assert_eq!(counts(&import(&engine, FILE.as_bytes(), piece).0), (0, 6, 0));
        assert_eq!(counts(&import(&engine, once.as_bytes(), piece).0), (0, 6, 0));
        assert_eq!(export(&engine), once);
    }
}

#[test]
fn what_is_missing_is_added_before_what_is_there() {
    let engine = engine();
    let lines: Vec<&str> = FILE.lines().collect();
    let some = [lines[3], lines[5]].join("\n") + "\n";
    assert_eq!(counts(&import(&engine, some.as_bytes(), 4096).0), (2, 0, 0));
    assert_eq!(counts(&import(&engine, FILE.as_bytes(), 30).0), (4, 2, 0));
    let database = engine.database("home").unwrap();
    let times = |metric| database.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap().times;
    assert_eq!((times("a").len(), times("b").len()), (4, 2));
    assert!(times("a").is_sorted());
    let last = database.last("b").unwrap().unwrap();
    assert_eq!(last.value, Value::I32(2), "an older sample is not the newest");
    // Nothing else takes older samples.
    assert!(database.add("b", Timestamp(last.time.0 - 1), 3).is_err());
    assert!(database.add("b", last.time, 2).is_ok(), "equal samples are kept");
}

#[test]
fn lines_without_a_time_are_always_new() {
    let engine = engine();
    for expected in [2, 4] {
        assert_eq!(counts(&import(&engine, b"home/a 1\nhome/a 1\n", 4096).0), (2, 0, 0));
        assert_eq!(export(&engine).lines().count(), expected);
    }
}

#[test]
fn a_last_line_that_may_have_been_cut_is_named() {
    for (text, taken) in [
        ("home/a 1 2026-01-01 00:00:00\nhome/a 2", 1),
        ("home/a 1 2026-01-01 00:00:00\nhome/a 2 2026-01-02", 1),
        ("home/a 1 2026-01-01 00:00:00\nhome/a 2 2026-01-01 00:00:1", 1),
        ("home/a 1 2026-01-01 00:00:00\nhome/a 2 2026-01-01 00:00:01", 2),
        ("home/a 1 2026-01-01\r\nhome/a 2 2026-01-02", 2),
        ("home/a 1\nhome/a 2", 1),
        ("home/a 1 2026-01-01", 0),
        ("home/a 1 1767225600000000000", 1),
        ("home/a 1 176722560000000000", 0),
        ("home/a 1 2026-01-01 00:00:00.000000000", 1),
        ("home/a 1 2026-01-01\n# no sample", 1),
        ("home/a 1 2026-01-01\n   ", 1),
    ] {
        for piece in [1, 4096] {
            let engine = engine();
            let (report, rejected) = import(&engine, text.as_bytes(), piece);
            assert_eq!(report.imported_lines, taken, "{text:?}");
            let samples = text.lines().filter(|line| line.starts_with("home")).count();
            assert_eq!(rejected.len() as u64, samples as u64 - taken, "{text:?}");
            for line in rejected {
                assert_eq!(line.number, text.lines().count() as u64);
                assert!(line.reason.contains("no line end"), "{}", line.reason);
            }
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    for piece in [1, 4096] {
        let engine = engine();
        let text = "\u{feff}home/a 1 2026-01-01\r\nhome/a 2 2026-01-02\r\nhome/a 3 2026-01-03";
        assert_eq!(counts(&import(&engine, text.as_bytes(), piece).0), (3, 0, 0));
        let (report, rejected) =
            import(&engine, "home/a 4 2026-01-04\n\u{feff}home/a 5 2026-01-05\n".as_bytes(), piece);
        assert_eq!((counts(&report), rejected.len()), ((1, 0, 1), 1));
    }
}

/// Metric, second and value.
type Sample = (u8, i64, u8);

fn samples(most: usize) -> impl Strategy<Value = Vec<Sample>> {
    proptest::collection::vec((0_u8..3, 0_i64..12, 0_u8..3), 0..most).prop_map(|mut samples| {
        samples.sort_by_key(|sample| sample.1);
        samples
    })
}

fn count(samples: &[Sample]) -> BTreeMap<Sample, u32> {
    let mut counts = BTreeMap::new();
    for sample in samples {
        *counts.entry(*sample).or_default() += 1;
    }
    counts
}

proptest! {
    #[test]
    fn as_many_are_added_as_are_missing(
        stored in samples(40),
        file in samples(40),
        by_metric: bool,
        piece in 1_usize..400,
    ) {
        let engine = engine();
        let database = engine.create_database("home").unwrap();
        for &(metric, second, value) in &stored {
            let name = format!("m{metric}");
            let time = Timestamp(second * 1_000_000_000);
            let row = Row { target: Target::Name(&name), time, value: Value::F32(value.into()) };
            prop_assert_eq!(database.add_rows([row]).unwrap().accepted, 1);
        }
        let mut file = file;
        if by_metric {
            file.sort_by_key(|sample| sample.0);
        }
        let line = |&(metric, second, value): &Sample| {
            format!("home/m{metric} {value} {}\n", second * 1_000_000_000)
        };
        let text: String = file.iter().map(line).collect();
        let (report, _) = import(&engine, text.as_bytes(), piece);
        let (stored, file) = (count(&stored), count(&file));
        let mut expected = stored.clone();
        for (sample, count) in &file {
            let stored = expected.entry(*sample).or_default();
            *stored = (*stored).max(*count);
        }
        let mut found = BTreeMap::new();
        for metric in database.metrics() {
            let number = metric.name[1..].parse::<u8>().unwrap();
            let series = database.range(&metric.name, Timestamp::MIN, Timestamp::MAX).unwrap();
            for (time, raw) in series.times.iter().zip(&series.raws) {
                let value = f32::from_bits(*raw).to_string().parse::<u8>().unwrap();
                *found.entry((number, time / 1_000_000_000, value)).or_default() += 1;
            }
        }
        prop_assert_eq!(&found, &expected);
        let (all, before) = (found.values().sum::<u32>(), stored.values().sum::<u32>());
        prop_assert_eq!(report.imported_lines, u64::from(all - before));
        let (again, _) = import(&engine, text.as_bytes(), piece);
        prop_assert_eq!(again.imported_lines, 0);
    }
}
