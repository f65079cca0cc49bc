//! Pages written anew and pages salvaged, on files of the reference.

use nanotdb::engine::PageTotals;
use nanotdb::{Database, Error, Store, Timestamp, error::Rejection};
use nanotdb_core::storage::FileName;
use nanotdb_tests::answers::{self, export};
use nanotdb_tests::fixtures::{Fixture, sha256};
use nanotdb_tests::independent::{DataFile, Kind, Record};
use serde_json::Value as Json;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn prod(store: &Store) -> Arc<Database> {
    store.database("prod").unwrap()
}

/// Start, end and number of records of each frame.
fn shape(key: &str, bytes: &[u8]) -> Vec<(i64, i64, usize)> {
    let file = DataFile::decode("x", key, bytes);
    assert!(file.problems.is_empty(), "{:?}", file.problems);
    let of = |records: &[Record]| (records[0].time, records[records.len() - 1].time, records.len());
    file.frames.iter().map(|frame| of(&frame.records)).collect()
}

/// The same pages as the reference makes of the same file, and the same report but for bytes:
/// compressors differ.
#[test]
fn a_file_written_anew_has_the_pages_of_the_reference() {
    const KEY: &str = "2026-05-03";
    let fixture = Fixture::load("24");
    let report: Json = fixture.expected.extra("report");
    let (copy, path) = (fixture.copy(), format!("prod/data-{KEY}.dat"));
    let theirs = fs::read(copy.path().join(&path)).unwrap();
    let before = fixture.file("before.dat");
    fs::write(copy.path().join(&path), &before).unwrap();

    let store = answers::open(copy.path());
    let database = prod(&store);
    let text = export(&database, false).unwrap();
    let done = database.recompact(KEY).unwrap();
    let totals = |totals: PageTotals| (totals.frames, totals.records, totals.bytes);
    let number = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(
        totals(done.old),
        (number("old_frames"), number("old_records"), number("old_bytes"))
    );
    assert_eq!((done.new.frames, done.new.records), (number("new_frames"), number("new_records")));
    assert_eq!((done.database.as_str(), done.partition.as_str()), ("prod", KEY));
    assert_eq!(format!("prod/{}", done.file), path);
    assert_eq!(export(&database, false).unwrap(), text);
    assert_eq!(Some(text), fixture.expected_export());

    let ours = fs::read(copy.path().join(&path)).unwrap();
    assert_eq!(done.new.bytes, ours.len() as u64);
    assert_eq!(shape(KEY, &ours), shape(KEY, &theirs));
    let records = |bytes: &[u8]| DataFile::decode("x", KEY, bytes).records().collect::<Vec<_>>();
    assert!(records(&ours) == records(&theirs) && records(&ours) == records(&before));
    assert!(!copy.path().join(format!("{path}.tmp")).exists());

    // What comes later goes behind the new pages, and a second time changes nothing.
    database.add("a", Timestamp(1_777_773_190_000_000_000), 1).unwrap();
    let open = database.recompact(KEY);
    assert!(matches!(open, Err(Error::Rejected(Rejection::PartitionOpen(_)))), "{open:?}");
    database.flush().unwrap();
    let again = database.recompact(KEY).unwrap();
    assert_eq!((again.old.frames, again.new.frames, again.new.records), (3, 2, 801));
    store.close().unwrap();
    let store = answers::open_read_only(copy.path());
    assert_eq!(export(&prod(&store), false).unwrap().lines().count(), 801);
}

/// Damage is named and the file stays what it was.
#[test]
fn a_damaged_file_is_not_written_anew() {
    let fixture = Fixture::load("14");
    for damaged in fixture.expected.corrupted_data() {
        let name = damaged.file.unwrap();
        let bytes = fixture.file(&name);
        let copy = fixture.copy();
        let path = copy.path().join("prod/data-2026-01-10.dat");
        fs::write(&path, &bytes).unwrap();
        let store = answers::open(copy.path());
        let database = prod(&store);
        let before = fs::read(&path).unwrap(); // opening cuts what may be a torn append
        let done = database.recompact("2026-01-10");
        let theirs = &damaged.peer["recompact"]["error"];
        match done {
            Ok(report) => {
                assert_eq!(report.old.records, report.new.records, "{name}");
                assert!(theirs.is_null() || before != bytes, "{name}: {theirs}");
            }
            Err(error) => {
                assert!(matches!(error, Error::Corrupt(_)), "{name}: {error}");
                assert!(!theirs.is_null(), "{name}: {error}");
                assert_eq!(fs::read(&path).unwrap(), before, "{name}");
                assert!(!path.with_extension("dat.tmp").exists(), "{name}");
            }
        }
    }
}

#[test]
fn keys_of_another_kind_are_refused() {
    let copy = Fixture::load("24").copy();
    let store = answers::open(copy.path());
    for key in ["2026-05", "../x", "", "forever"] {
        let refused = prod(&store).recompact(key);
        let invalid = matches!(refused, Err(Error::Rejected(Rejection::InvalidPartition { .. })));
        assert!(invalid, "{key}: {refused:?}");
    }
    let missing = prod(&store).recompact("2020-01-01");
    assert!(matches!(missing, Err(Error::Rejected(Rejection::Invalid(_)))), "{missing:?}");
}

/// Everything that the reference recovers is recovered, with the same report. D-06: where it ends
/// with a panic we go on, and frames that go back in time or end when another one ends are
/// legitimate, so we take them, too.
#[test]
fn d06_salvage_takes_what_the_reference_takes_and_more() {
    const KEY: &str = "2026-01-10";
    let (torn, flipped) = (Fixture::load("13"), Fixture::load("14"));
    let full = torn.file("full.dat");
    let cut = torn.expected.torn_data().into_iter().map(|damaged| {
        let len = damaged.length.unwrap();
        (format!("cut at {len}"), full[..len].to_vec(), damaged.peer)
    });
    let others = flipped.expected.corrupted_data().into_iter().map(|damaged| {
        let name = damaged.file.unwrap();
        let bytes = flipped.file(&name);
        let name = name.trim_start_matches("corrupted/").trim_end_matches(".dat").to_string();
        (name, bytes, damaged.peer)
    });
    let (mut same, mut better) = (0, 0);
    for (name, bytes, peer) in cut.chain(others) {
        let copy = flipped.copy();
        fs::write(copy.path().join(format!("prod/data-{KEY}.dat")), &bytes).unwrap();
        let store = answers::open_read_only(copy.path());
        let mut output = Vec::new();
        let done = prod(&store).salvage(KEY, |_, frame| {
            output.extend_from_slice(frame);
            Ok(())
        });
        let peer = &peer["recover"];
        let number = |name: &str| peer["report"][name].as_u64().unwrap();
        let more = match name.as_str() {
            "junk_prefix" | "junk_between" | "junk_suffix" => Some((6, 240, 97)),
            "frame_duplicated" => Some((7, 280, 0)),
            "frames_swapped" => Some((6, 240, 0)),
            _ => None,
        };
        match (done, more) {
            (Ok(report), Some((frames, records, skipped))) => {
                assert_eq!(report.recovered_frames, frames, "{name}");
                assert_eq!(report.recovered_records, records, "{name}");
                assert_eq!((report.skipped_bytes, report.rejected_frames), (skipped, 0), "{name}");
                better += 1;
            }
            (Ok(report), None) => {
                assert!(peer["error"].is_null(), "{name}: {report:?}");
                assert_eq!(report.source_bytes, number("source_bytes"), "{name}");
                assert_eq!(report.output_bytes, number("output_bytes"), "{name}");
                assert_eq!(report.recovered_frames, number("recovered_frames"), "{name}");
                assert_eq!(report.recovered_records, number("recovered_records"), "{name}");
                assert_eq!(report.skipped_bytes, number("skipped_bytes"), "{name}");
                assert_eq!(report.rejected_frames, number("rejected_frames"), "{name}");
                let ends = (report.first_accepted_offset, report.last_accepted_offset);
                let theirs = (number("first_accepted_offset"), number("last_accepted_offset"));
                assert_eq!(ends, (Some(theirs.0), Some(theirs.1)), "{name}");
                assert_eq!(sha256(&output), peer["output_sha256"].as_str().unwrap(), "{name}");
                same += 1;
            }
            (Err(error), _) => {
                assert!(matches!(error, Error::Corrupt(_)), "{name}: {error}");
                assert!(!peer["error"].is_null(), "{name}: {error}");
            }
        }
        let file = DataFile::decode("x", KEY, &output);
        assert!(file.problems.iter().all(|p| p.kind != Kind::Damage), "{name}");
    }
    assert_eq!((same, better), (17 + 12, 5));
}

/// The salvaged file is whole, and the engine's own files are safe from it.
#[test]
fn a_salvaged_file_lies_beside_the_damaged_one() {
    let fixture = Fixture::load("14");
    let copy = fixture.copy();
    let path = copy.path().join("prod/data-2026-01-10.dat");
    let bytes = fixture.file("corrupted/junk_between.dat");
    fs::write(&path, &bytes).unwrap();
    let store = answers::open(copy.path());
    let database = prod(&store);
    let name = |name: &str| FileName::new(name).unwrap();
    for taken in ["data-2026-01-10.dat", "raw-2026-01-11.dat", "prod.wal", "catalog.json"] {
        let refused = database.recover("2026-01-10", &name(taken));
        assert!(matches!(refused, Err(Error::Rejected(Rejection::Invalid(_)))), "{taken}");
    }
    let report = database.recover("2026-01-10", &name("salvaged.dat")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let salvaged = fs::read(copy.path().join("prod/salvaged.dat")).unwrap();
    assert_eq!(salvaged.len() as u64, report.output_bytes);
    assert!(!copy.path().join("prod/salvaged.dat.tmp").exists());
    store.close().unwrap();
    fs::write(&path, salvaged).unwrap();
    let store = answers::open(copy.path());
    assert!(prod(&store).verify(|_| ()).unwrap().is_whole());
    assert_eq!(export(&prod(&store), false).unwrap().lines().count(), 240);
}

/// Layout 2 with the codec and the raw action of `engine.toml`.
#[test]
fn compaction_follows_the_settings() {
    let copy = Fixture::load("24").copy();
    let settings = copy.path().join("engine.toml");
    let text = fs::read_to_string(&settings).unwrap();
    let text = text.replace("raw_ingest_action = \"keep\"", "raw_ingest_action = \"delete\"");
    assert!(text.contains("delete"), "{text}");
    fs::write(&settings, text).unwrap();
    let store = answers::open(copy.path());
    let database = prod(&store);
    let before = answers::streams(&database).unwrap();
    let report = database.compact("2026-05-03").unwrap();
    assert_eq!(report.data_file.as_str(), "data-2026-05-03.dat");
    assert_eq!(report.metric_file.as_str(), "metric-2026-05-03.dat");
    let on_disk = |name: &FileName| fs::metadata(copy.path().join("prod").join(name.as_str()));
    assert_eq!(on_disk(&report.metric_file).unwrap().len(), report.metric_bytes);
    assert!(on_disk(&report.data_file).is_err(), "deleted");
    assert_eq!((report.database.as_str(), report.data_bytes), ("prod", 4027));
    assert_eq!(report.saved_bytes, 4027 - i64::try_from(report.metric_bytes).unwrap());
    assert_eq!(answers::streams(&database).unwrap(), before);
    // Nothing is left that could be paged anew.
    assert!(database.recompact("2026-05-03").unwrap_err().is_rejection());
}

/// A query that has begun goes on reading the file it began with, and each one sees every sample
/// once.
#[test]
fn queries_go_on_while_pages_are_written_anew() {
    let fixture = Fixture::load("24");
    let copy = fixture.copy();
    fs::write(copy.path().join("prod/data-2026-05-03.dat"), fixture.file("before.dat")).unwrap();
    let store = answers::open(copy.path());
    let database = prod(&store);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut seen = 0;
                while !done.load(Ordering::Relaxed) {
                    let found: usize =
                        answers::streams(&database).unwrap().values().map(Vec::len).sum();
                    assert!(found >= seen.max(800), "{found} after {seen}");
                    seen = found;
                }
            });
        }
        for n in 0..60 {
            let time = Timestamp(1_777_773_190_000_000_000 + n);
            database.add("a", time, 1).unwrap();
            database.flush().unwrap();
            let report = database.recompact("2026-05-03").unwrap();
            assert_eq!((report.new.frames, report.new.records), (2, 801 + n.unsigned_abs()));
        }
        done.store(true, Ordering::Relaxed);
    });
}
