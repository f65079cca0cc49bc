//! The engine under a scheduler that decides at each lock and each file operation which thread
//! goes on. `NANOTDB_SCHEDULES` sets how many schedules are tried; a failure prints its schedule.

mod host;

use host::ScheduledHost;
use nanotdb::engine::{self, BuildOptions, Engine, EngineOptions};
use nanotdb::error::Rejection;
use nanotdb::settings::RawAction;
use nanotdb::{Error, Timestamp, Value};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

type Database = engine::Database<ScheduledHost>;

const SETTINGS: &str = "[stats]\ninterval = \"0s\"\n\
    [manifest_defaults.page]\nmax_records = 4\nmax_bytes = 127000\nmax_age = \"60s\"\n";
const SAMPLES: i16 = 14;
const METRIC: &str = "a";

fn schedules() -> usize {
    let typed = std::env::var("NANOTDB_SCHEDULES").ok();
    typed.map_or(200, |count| count.parse().expect("NANOTDB_SCHEDULES is a number"))
}

/// Tries schedules picked at random, then such as change threads rarely but at any point.
fn try_schedules(scenario: fn()) {
    let mut config = Config::new();
    config.stack_size = 1 << 20; // what it starts with is not enough for a query
    Runner::new(RandomScheduler::new(schedules()), config.clone()).run(scenario);
    Runner::new(PctScheduler::new(3, schedules()), config).run(scenario);
}

fn open() -> (Arc<Engine<ScheduledHost>>, Arc<Database>) {
    let host = ScheduledHost::new(SETTINGS);
    let engine = Engine::open(host, EngineOptions::default()).unwrap();
    let database = engine.create_database("home").unwrap();
    (Arc::new(engine), database)
}

/// Adds sample after sample; `taken` is how many were taken for certain.
fn write(database: &Database, taken: &AtomicI64) {
    for at in 0..SAMPLES {
        database.add(METRIC, Timestamp(i64::from(at)), f32::from(at)).unwrap();
        taken.store(i64::from(at) + 1, Ordering::SeqCst);
    }
}

/// Samples that were taken are seen, each once, and never vanish again (D-22).
fn look(database: &Database, taken: &AtomicI64, seen: &mut i64) {
    let least = taken.load(Ordering::SeqCst).max(*seen);
    let series = database.range(METRIC, Timestamp::MIN, Timestamp::MAX).unwrap();
    let count = i64::try_from(series.len()).unwrap();
    assert!(count >= least, "{count} samples seen, but {least} before");
    for (at, sample) in (0_i16..).zip(series.iter()) {
        let expected = (i64::from(at), Value::F32(f32::from(at)));
        assert_eq!((sample.time.0, sample.value), expected, "sample {at}");
    }
    *seen = count;
}

fn build(database: &Database, raw_action: RawAction) {
    let mut options = BuildOptions::default();
    options.raw_action = raw_action;
    match database.build_metric_file("1970-01-01", options) {
        // Samples came in between, or there are none yet.
        Ok(_) | Err(Error::Rejected(Rejection::PartitionOpen(_) | Rejection::Invalid(_))) => {}
        Err(error) => panic!("{error}"),
    }
}

fn a_writer_a_builder_and_readers(raw_action: RawAction) {
    let (engine, database) = open();
    let taken = Arc::new(AtomicI64::new(0));
    let mut threads = Vec::new();
    for _ in 0..2 {
        let (database, taken) = (Arc::clone(&database), Arc::clone(&taken));
        threads.push(shuttle::thread::spawn(move || {
            let mut seen = 0;
            (0..3).for_each(|_| look(&database, &taken, &mut seen));
        }));
    }
    let building = Arc::clone(&database);
    threads.push(shuttle::thread::spawn(move || {
        (0..2).for_each(|_| build(&building, raw_action));
    }));
    write(&database, &taken);
    for thread in threads {
        thread.join().unwrap();
    }
    let mut seen = i64::from(SAMPLES);
    look(&database, &taken, &mut seen);
    engine.close().unwrap();
    look(&database, &taken, &mut seen);
}

#[test]
fn d22_samples_never_vanish_while_raw_pages_are_kept() {
    try_schedules(|| a_writer_a_builder_and_readers(RawAction::Keep));
}

#[test]
fn d22_samples_never_vanish_while_raw_pages_are_deleted() {
    try_schedules(|| a_writer_a_builder_and_readers(RawAction::Delete));
}

#[test]
fn d22_samples_never_vanish_while_raw_pages_are_set_aside() {
    try_schedules(|| a_writer_a_builder_and_readers(RawAction::Rename));
}

/// A tick, a flush and an inspection at any moment disturb neither each other nor the end.
#[test]
fn an_engine_closes_while_others_use_it() {
    try_schedules(|| {
        let (engine, database) = open();
        database.add(METRIC, Timestamp(0), 0.0).unwrap();
        let used = Arc::clone(&engine);
        let thread = shuttle::thread::spawn(move || {
            let closed = |result: nanotdb::Result<()>| {
                assert!(matches!(result, Ok(()) | Err(Error::Closed)), "{result:?}");
            };
            closed(used.tick().map(drop));
            let database = used.database("home").unwrap();
            closed(database.flush());
            closed(database.add(METRIC, Timestamp(1), 1.0));
            assert_eq!(database.stats().samples, database.inspect().stats.samples);
            database.inspect_wal().unwrap();
        });
        engine.close().unwrap();
        thread.join().unwrap();
        let inspected = database.inspect();
        assert!(inspected.open_pages.is_empty());
        let samples = database.range(METRIC, Timestamp::MIN, Timestamp::MAX).unwrap().len();
        assert_eq!(u64::try_from(samples).unwrap(), inspected.stats.samples);
    });
}

/// However many ask at once, there is one of each.
#[test]
fn a_database_is_opened_once() {
    try_schedules(|| {
        let host = ScheduledHost::new(SETTINGS);
        let engine = Arc::new(Engine::open(host, EngineOptions::default()).unwrap());
        let other = Arc::clone(&engine);
        let thread = shuttle::thread::spawn(move || other.create_database("home").unwrap());
        let mine = engine.create_database("home").unwrap();
        assert!(Arc::ptr_eq(&mine, &thread.join().unwrap()));
    });
}
