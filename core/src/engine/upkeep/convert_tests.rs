//! Metric files in the layout that is asked for, and converted to another.

use crate::compress::CodecId;
use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::error::Error;
use crate::metric_file::Version;
use crate::query::RangeQuery;
use crate::settings::RawAction;
use crate::storage::{FileName, MemoryStorage, Storage};
use crate::types::{TimeRange, Timestamp};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
const KEY: &str = "2026-01-01";

fn engine(settings: &str, format: Version) -> (Local, Engine<Local>) {
    let host = LocalHost::new(MemoryStorage::new);
    host.clock.set(Timestamp(START));
    let file = FileName::new("engine.toml").unwrap();
    host.root().unwrap().replace(&file, settings.as_bytes()).unwrap();
    let options = EngineOptions { metric_format: format, ..EngineOptions::default() };
    let engine = Engine::open(host.clone(), options).unwrap();
    (host, engine)
}

/// A day of values that are easily not themselves afterwards.
fn filled(raw_action: RawAction) -> (Local, Arc<Database<Local>>) {
    let (host, engine) = engine("", Version::V2);
    let database = engine.create_database("home").unwrap();
    let odd = [0x7fc0_0001, 0xffa0_0000, 0x8000_0000, 0x0000_0001, 0x7f80_0000, 0x4048_f5c3];
    for n in 0..3000_i32 {
        let time = Timestamp(START + i64::from(n / 2) * SECOND);
        let bits = odd[usize::try_from(n).unwrap() % odd.len()];
        database.add("odd", time, f32::from_bits(bits)).unwrap();
        database.add("count", time, n).unwrap();
    }
    database.add("once", Timestamp(START + 7), 21.5).unwrap();
    let options = BuildOptions { raw_action, ..BuildOptions::default() };
    database.build_metric_file(KEY, options).unwrap();
    (host, database)
}

fn to(version: Version, codec: CodecId) -> ConvertOptions {
    ConvertOptions { version, codec, allow_foreign_codec: true }
}

fn all(database: &Database<Local>) -> Vec<(Vec<i64>, Vec<u32>)> {
    let of = |name| database.range_query(name, RangeQuery::all(TimeRange::ALL)).unwrap();
    ["odd", "count", "once"].map(of).map(|series| (series.times, series.raws)).to_vec()
}

fn bytes(host: &Local, name: &str) -> Option<Vec<u8>> {
    host.directory("home").unwrap().read(&FileName::new(name).unwrap()).unwrap()
}

#[test]
fn every_layout_becomes_every_other_bit_for_bit() {
    for raw_action in [RawAction::Delete, RawAction::Keep] {
        let (host, database) = filled(raw_action);
        let (before, data) = (all(&database), bytes(&host, "data-2026-01-01.dat"));
        assert_eq!(data.is_some(), raw_action == RawAction::Keep);
        let mut was = (Version::V2, bytes(&host, "metric-2026-01-01.dat").unwrap().len());
        for version in Version::ALL {
            for codec in CodecId::ALL {
                let report = database.convert_metric_file(KEY, to(version, codec)).unwrap();
                let file = bytes(&host, "metric-2026-01-01.dat").unwrap();
                assert_eq!(Version::of(file.first_chunk().unwrap()), Some(version));
                assert_eq!(report.version, version);
                assert_eq!((report.old_version, report.old_bytes), (was.0, was.1 as u64));
                assert_eq!((report.bytes, report.metrics), (file.len() as u64, 3));
                assert_eq!(report.points, 6001);
                assert_eq!(all(&database), before, "{version} {codec}");
                let verified = database.verify(|_| ()).unwrap();
                assert!(verified.is_whole(), "{verified:?}");
                assert!(verified.files.iter().all(|file| file.equals_raw != Some(false)));
                was = (version, file.len());
            }
        }
        assert_eq!(bytes(&host, "data-2026-01-01.dat"), data);
        assert_eq!(database.metric_partitions(), [KEY]);
    }
}

#[test]
fn what_is_as_it_should_be_stays() {
    let (host, database) = filled(RawAction::Delete);
    let before = bytes(&host, "metric-2026-01-01.dat");
    let report = database.convert_metric_file(KEY, ConvertOptions::default()).unwrap();
    assert!(!report.converted);
    assert_eq!(report.old_bytes, report.bytes);
    assert_eq!(bytes(&host, "metric-2026-01-01.dat"), before);
    let report = database.convert_metric_file(KEY, to(Version::V1, CodecId::S2)).unwrap();
    assert!(report.converted);
    assert_ne!(bytes(&host, "metric-2026-01-01.dat"), before);
}

#[test]
fn samples_that_came_later_are_neither_hidden_nor_lost() {
    let (_, database) = filled(RawAction::Keep);
    for round in 0..3 {
        database.add("once", Timestamp(START + SECOND + round), 3.5).unwrap();
        let before = all(&database);
        database.convert_metric_file(KEY, to(Version::V1, CodecId::S2)).unwrap();
        assert_eq!(all(&database), before, "in an open page");
        database.convert_metric_file(KEY, to(Version::V2, CodecId::S2)).unwrap();
        database.add("count", Timestamp(START + 4000 * SECOND + round), 1).unwrap();
        assert_eq!(all(&database)[2], before[2]);
    }
    database.flush().unwrap();
    assert_eq!(all(&database)[2].0.len(), 4);
}

#[test]
fn what_cannot_be_converted_is_refused() {
    let (host, database) = filled(RawAction::Keep);
    let refused = |key: &str, options| match database.convert_metric_file(key, options) {
        Err(Error::Rejected(rejection)) => rejection.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused("2026-01-02", ConvertOptions::default()),
        "partition 2026-01-02 has no metric file"
    );
    let lz4 = ConvertOptions { codec: CodecId::Lz4, ..ConvertOptions::default() };
    assert_eq!(refused(KEY, lz4), "the reference engine cannot read codec lz4");
    assert!(refused("2026-01", lz4).contains("YYYY-MM-DD"));
    // A damaged file is no source of anything.
    let name = FileName::new("metric-2026-01-01.dat").unwrap();
    let mut damaged = bytes(&host, "metric-2026-01-01.dat").unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    host.directory("home").unwrap().replace(&name, &damaged).unwrap();
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let database = engine.database("home").unwrap();
    let failed = database.convert_metric_file(KEY, to(Version::V1, CodecId::S2));
    assert!(matches!(failed, Err(Error::Corrupt(_))), "{failed:?}");
    assert_eq!(bytes(&host, "metric-2026-01-01.dat"), Some(damaged));
    assert_eq!(bytes(&host, "metric-2026-01-01.dat.new"), None);
}

#[test]
fn the_settings_say_which_layout_is_built() {
    for (settings, option, expected) in [
        ("", Version::V2, Version::V2),
        ("", Version::V1, Version::V1),
        ("", Version::V3, Version::V3),
        ("format = \"v3\"", Version::V2, Version::V3),
        ("format = \"v1\"", Version::V2, Version::V1),
        ("format = \" V2 \"", Version::V1, Version::V2),
    ] {
        let text = format!("[metrics]\nenabled = true\n{settings}");
        let (host, engine) = engine(&text, option);
        assert_eq!(engine.settings().metrics.format, expected);
        let database = engine.create_database("home").unwrap();
        database.add("a", Timestamp(START), 1.5).unwrap();
        host.clock.advance(3 * DAY);
        database.tick().unwrap(); // writes the page
        host.clock.advance(61 * SECOND);
        let report = database.tick().unwrap();
        assert_eq!(report.built[0].version, expected);
        let file = bytes(&host, "metric-2026-01-01.dat").unwrap();
        assert_eq!(Version::of(file.first_chunk().unwrap()), Some(expected), "{settings}");
        database.add("a", Timestamp(START + DAY), 1.5).unwrap();
        database.compact("2026-01-02").unwrap();
        let file = bytes(&host, "metric-2026-01-02.dat").unwrap();
        assert_eq!(Version::of(file.first_chunk().unwrap()), Some(expected), "{settings}");
    }
}

#[test]
fn a_new_root_s_settings_do_not_name_a_layout() {
    let host = LocalHost::new(MemoryStorage::new);
    let options = EngineOptions { metric_format: Version::V1, ..EngineOptions::default() };
    let engine = Engine::open(host.clone(), options).unwrap();
    assert_eq!(engine.settings().metrics.format, Version::V1);
    let file = FileName::new("engine.toml").unwrap();
    let written = host.root().unwrap().read(&file).unwrap().unwrap();
    assert!(!String::from_utf8(written).unwrap().contains("format"));
    let again = Engine::open(host, EngineOptions::default()).unwrap();
    assert_eq!(again.settings().metrics.format, Version::V2);
}
