//! Taking a day in.

use crate::measure::{cpu_seconds, millis, timed};
use crate::report::{Bench, Unit};
use crate::stores::{Wal, bytes, create, day, row, settings};
use nanotdb::engine::{MetricHandle, Row, Target};
use nanotdb::settings::{Durability, EngineSettings};
use nanotdb::{Database, Timestamp};
use nanotdb_tests::workload::{self, DATABASE, METRICS, Point, Shape};
use std::thread;
use std::time::Duration;

/// How samples are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One at a time: the only one that the reference has.
    Name,
    Handle,
    TickByName,
    TickByHandle,
    Batch8192,
}

impl Way {
    const ALL: [Self; 5] =
        [Self::Name, Self::Handle, Self::TickByName, Self::TickByHandle, Self::Batch8192];

    const fn suffix(self) -> &'static str {
        match self {
            Self::Name => "",
            Self::Handle => "/by_handle",
            Self::TickByName => "/ticks_by_name",
            Self::TickByHandle => "/ticks_by_handle",
            Self::Batch8192 => "/batches_8192",
        }
    }

    fn add(self, database: &Database, points: &[Point], names: &[String]) {
        let handles = handles(database, points, names);
        let by_handle = |point: &Point| Row {
            target: Target::Handle(handles[point.metric]),
            time: Timestamp(point.time),
            value: point.value,
        };
        match self {
            Self::Name => points.iter().for_each(|point| {
                let name = &names[point.metric];
                database.add(name, Timestamp(point.time), point.value).expect("taken in");
            }),
            Self::Handle => points.iter().for_each(|point| {
                let handle = handles[point.metric];
                database.add_to(handle, Timestamp(point.time), point.value).expect("taken in");
            }),
            Self::TickByName => batches(database, points, METRICS, |point| row(names, point)),
            Self::TickByHandle => batches(database, points, METRICS, by_handle),
            Self::Batch8192 => batches(database, points, 8192, |point| row(names, point)),
        }
    }
}

fn batches<'a>(
    database: &Database,
    points: &[Point],
    rows: usize,
    row: impl Fn(&Point) -> Row<'a>,
) {
    for batch in points.chunks(rows) {
        let report = database.add_rows(batch.iter().map(&row)).expect("taken in");
        assert!(report.rejected.is_empty());
    }
}

fn handles(database: &Database, points: &[Point], names: &[String]) -> Vec<MetricHandle> {
    let of = |point: &Point| database.metric(&names[point.metric], point.value.value_type());
    points.iter().take(METRICS).map(|point| of(point).expect("a handle")).collect()
}

pub(crate) fn run(bench: &mut Bench) {
    let profiles = [Durability::Balanced, Durability::Strict, Durability::Throughput];
    for durability in profiles {
        for wal in Wal::ALL {
            for way in Way::ALL {
                let like = format!("ingest/{durability}/{}", wal.name());
                let name = format!("{like}{}", way.suffix());
                if bench.wants(&name) {
                    let mut points = day(Shape::Regular);
                    if wal == Wal::Always {
                        points.truncate(5040);
                    }
                    stream(bench, &name, &like, &settings(durability, wal), &points, way);
                }
            }
        }
    }
    let strict = settings(Durability::Strict, Wal::Segment);
    for (shape, name) in [(Shape::Jitter, "jitter"), (Shape::Stagger, "stagger")] {
        let name = format!("ingest/strict/wal_segment/{name}");
        if bench.wants(&name) {
            stream(bench, &name, &name, &strict, &day(shape), Way::Name);
        }
    }
    let name = "ingest/strict/wal_segment/page_12000rec_256KiB";
    if bench.wants(name) {
        let mut settings = strict.clone();
        settings.manifest_defaults.page_max_records = 12_000;
        settings.manifest_defaults.page_max_bytes = 262_144;
        stream(bench, name, name, &settings, &day(Shape::Regular), Way::Name);
    }
    for writers in [1, 2, 4] {
        let name = format!("ingest/strict/wal_segment/{writers}_writers_own_db_total");
        if bench.wants(&name) {
            parallel(bench, &name, &strict, writers);
        }
    }
}

fn stream(
    bench: &mut Bench,
    name: &str,
    like: &str,
    settings: &EngineSettings,
    points: &[Point],
    way: Way,
) {
    let names = workload::names();
    let (mut rates, mut cpus, mut close, mut dat) = (vec![], f64::MAX, Duration::MAX, 0);
    for _ in 0..bench.repeats {
        let root = bench.directory();
        let store = create(root.path(), settings);
        let database = store.create_database(DATABASE).expect("a database");
        let before = cpu_seconds();
        let ((), time) = timed(|| way.add(&database, points, &names));
        let used = (cpu_seconds() - before) * 1e6 / points.len() as f64;
        let found = database.range(&names[METRICS - 1], Timestamp::MIN, Timestamp::MAX);
        assert_eq!(found.expect("readable").len(), points.len() / METRICS);
        drop(database);
        let (closed, closing) = timed(|| store.close());
        closed.expect("closed");
        rates.push(points.len() as f64 / time.as_secs_f64());
        cpus = cpus.min(used);
        close = close.min(closing);
        dat = bytes(root.path(), "data-");
    }
    let notes =
        vec![("cpu_us_per_sample", cpus), ("dat_bytes", dat as f64), ("close_ms", millis(close))];
    bench.figure_like(name, like, Unit::PerSecond, rates, notes);
}

/// Each writer takes a whole day into a database of its own.
fn parallel(bench: &mut Bench, name: &str, settings: &EngineSettings, writers: usize) {
    let names = workload::names();
    let points = day(Shape::Regular);
    let mut rates = vec![];
    for _ in 0..bench.repeats {
        let root = bench.directory();
        let store = create(root.path(), settings);
        let database = |n| store.create_database(&format!("bench{n}")).expect("a database");
        let databases: Vec<_> = (0..writers).map(database).collect();
        let ((), time) = timed(|| {
            thread::scope(|scope| {
                for database in &databases {
                    scope.spawn(|| Way::Name.add(database, &points, &names));
                }
            });
        });
        drop(databases);
        store.close().expect("closed");
        rates.push((writers * points.len()) as f64 / time.as_secs_f64());
    }
    bench.figure(name, Unit::PerSecond, rates);
}
