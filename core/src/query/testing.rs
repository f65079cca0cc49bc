//! Databases of all kinds of files, for tests of queries.

use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::metric_file::Version;
use crate::query::Series;
use crate::settings::RawAction;
use crate::storage::{FileName, MemoryStorage, Storage};
use crate::types::{TimeRange, Timestamp, Value};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use proptest::prelude::*;

pub(super) type Local = LocalHost<MemoryStorage>;

pub(super) const START: i64 = 1_767_225_600_000_000_000;
pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// The version whose files say what is known of their points.
pub(super) const NEW: Version = Version::V3;

/// Something that is done to a database of the metrics `f` and `i`.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Samples of one of them, some time after its last one.
    Add {
        ints: bool,
        gap: i64,
        step: i64,
        count: usize,
        values: u8,
    },
    /// A metric file of each partition.
    Build {
        version: Version,
        delete: bool,
    },
    /// From now on the other partitioning.
    Repartition,
    Flush,
}

pub(super) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let step = prop_oneof![Just(0), Just(SECOND), Just(10 * SECOND), Just(MINUTE), 1_i64..HOUR];
    let add = (any::<bool>(), 0_i64..6 * HOUR, step, 1_usize..3000, any::<u8>());
    let add = add.prop_map(|(ints, gap, step, count, values)| Act::Add {
        ints,
        gap: gap / SECOND * SECOND,
        step,
        count,
        values,
    });
    let version = prop_oneof![1 => Just(Version::V1), 1 => Just(Version::V2), 4 => Just(NEW)];
    let build = (version, any::<bool>());
    let build = build.prop_map(|(version, delete)| Act::Build { version, delete });
    let act = prop_oneof![6 => add, 4 => build, 1 => Just(Act::Repartition), 1 => Just(Act::Flush)];
    proptest::collection::vec(act, 1..12)
}

pub(super) fn open(host: &Local, partition: &str) -> Arc<Database<Local>> {
    let home = host.database("home", true).unwrap();
    let manifest = FileName::new("manifest.toml").unwrap();
    home.replace(&manifest, format!("[retention]\npartition = \"{partition}\"").as_bytes())
        .unwrap();
    Engine::open(host.clone(), EngineOptions::default()).unwrap().database("home").unwrap()
}

pub(super) fn build(database: &Database<Local>, version: Version, delete: bool) {
    database.flush().unwrap();
    let raw_action = if delete { RawAction::Delete } else { RawAction::Keep };
    let options = BuildOptions { version, raw_action, ..BuildOptions::default() };
    let partitions: Vec<_> =
        database.readable().view(TimeRange::ALL).iter().map(|view| view.partition).collect();
    // Those of the partitioning before have theirs already, or stay as they are.
    let own = database.settings().partition;
    for partition in partitions.iter().filter(|partition| partition.partitioning() == own) {
        database.build_metric_file(&format!("{partition}"), options).unwrap();
    }
}

pub(super) fn value(ints: bool, values: u8, at: usize) -> Value {
    let at = i32::try_from(at).unwrap();
    let wave = (at * 7919) % 1000;
    match (ints, values % 5) {
        (true, 0) => Value::I32(if wave > 500 { i32::MIN } else { i32::MAX }),
        (true, _) => Value::I32(wave - 500),
        (false, 0) if wave < 100 => Value::F32(f32::NAN),
        (false, 1) => Value::F32(f32::NAN),
        (false, 2) if wave == 0 => Value::F32(f32::INFINITY),
        (false, 3) => Value::F32(f32::from_bits(at.cast_unsigned().wrapping_mul(0x9e37_79b9))),
        (false, _) => Value::F32(f32::from(i16::try_from(wave).unwrap()) / 100.0),
    }
}

/// A database to which all that was done, and what the partitioning is by now.
pub(super) fn database(acts: &[Act]) -> Arc<Database<Local>> {
    let host = LocalHost::new(MemoryStorage::new);
    let mut partitions = ["day", "month"].into_iter().cycle();
    let mut database = open(&host, partitions.next().unwrap());
    let mut newest = [START + 3 * HOUR; 2];
    for act in acts {
        match *act {
            Act::Add { ints, gap, step, count, values } => {
                let newest = &mut newest[usize::from(ints)];
                let name = if ints { "i" } else { "f" };
                *newest += gap;
                let from = *newest;
                let rows = (0..count).map(|at| {
                    let time = from + i64::try_from(at).unwrap() * step;
                    Row {
                        target: Target::Name(name),
                        time: Timestamp(time),
                        value: value(ints, values, at),
                    }
                });
                *newest += i64::try_from(count - 1).unwrap() * step;
                assert_eq!(database.add_rows(rows).unwrap().accepted, count as u64);
            }
            Act::Build { version, delete } => build(&database, version, delete),
            Act::Repartition => {
                database.close().unwrap();
                drop(database);
                database = open(&host, partitions.next().unwrap());
            }
            Act::Flush => database.flush().unwrap(),
        }
    }
    database
}

/// The samples of a range.
pub(super) fn within(all: &Series, range: TimeRange) -> Series {
    let columns = all.times.iter().zip(&all.raws);
    let inside = columns.filter(|(time, _)| range.contains(Timestamp(**time)));
    let (times, raws) = inside.unzip();
    Series { value_type: all.value_type, times, raws }
}
