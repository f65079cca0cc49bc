//! Real threads on real files: several databases, each with a writer, a builder of metric files
//! and readers. `NANOTDB_STRESS_SECONDS` sets how long.

use nanotdb::aggregate::{Aggregate, Arithmetic};
use nanotdb::engine::BuildOptions;
use nanotdb::error::Rejection;
use nanotdb::query::AggregateQuery;
use nanotdb::settings::RawAction;
use nanotdb::{Database, Error, Store, TimeRange, Timestamp, Value};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SETTINGS: &str = "[durability]\nprofile = \"balanced\"\n[stats]\ninterval = \"0s\"\n\
    [manifest_defaults.wal]\nskip_before = \"0s\"\n\
    [manifest_defaults.page]\nmax_records = 300\nmax_bytes = 127000\nmax_age = \"50ms\"\n";
const METRICS: [&str; 3] = ["a", "b", "c"];
/// A day has 288 of these: partitions follow one another quickly.
const STEP: i64 = 300_000_000_000;
const READERS: usize = 4;

fn duration() -> Duration {
    let typed = std::env::var("NANOTDB_STRESS_SECONDS").ok();
    let seconds = typed.map_or(2, |text| text.parse().expect("NANOTDB_STRESS_SECONDS is a number"));
    Duration::from_secs(seconds)
}

fn value_of(round: i64) -> f32 {
    i16::try_from(round % 1000).map(f32::from).unwrap()
}

/// One database while everybody works on it.
struct Scene {
    database: Arc<Database>,
    /// Rounds, each a sample of every metric, that were taken for certain.
    taken: AtomicI64,
    ended: AtomicBool,
}

impl Scene {
    fn write(&self, until: Instant) {
        let mut round = 0;
        while Instant::now() < until {
            for metric in METRICS {
                self.database.add(metric, Timestamp(round * STEP), value_of(round)).unwrap();
            }
            round += 1;
            self.taken.store(round, Ordering::SeqCst);
            if round % 10 == 0 {
                sleep(Duration::from_millis(1)); // queries must keep up with what there is
            }
        }
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Builds the newest partitions again and again, in all three ways.
    fn build(&self) {
        let actions = [RawAction::Keep, RawAction::Delete, RawAction::Rename];
        for raw_action in actions.into_iter().cycle() {
            if self.ended.load(Ordering::SeqCst) {
                break;
            }
            for key in self.database.partitions().iter().rev().take(3) {
                let mut options = BuildOptions::default();
                options.raw_action = raw_action;
                match self.database.build_metric_file(key, options) {
                    Ok(_) | Err(Error::Rejected(Rejection::PartitionOpen(_))) => {}
                    Err(error) => panic!("{key}: {error}"),
                }
            }
        }
    }

    /// Asks again and again; no answer may have less than an earlier one (D-22).
    fn read(&self, reader: usize) -> u64 {
        let metric = METRICS[reader % METRICS.len()];
        let (mut seen, mut answers) = (0, 0);
        while !self.ended.load(Ordering::SeqCst) {
            let least = self.taken.load(Ordering::SeqCst).max(seen);
            seen =
                if reader.is_multiple_of(2) { self.all_of(metric) } else { self.count_of(metric) };
            assert!(seen >= least, "{metric}: {seen} samples, but {least} before");
            let newest = self.database.last(metric).unwrap().map_or(-1, |s| s.time.0 / STEP);
            assert!(newest + 1 >= seen, "{metric}: newest is {newest} of {seen}");
            answers += 1;
        }
        answers
    }

    /// The number of samples, each of which is what was written.
    fn all_of(&self, metric: &str) -> i64 {
        let series = self.database.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap();
        for (round, sample) in (0..).zip(series.iter()) {
            let expected = (round * STEP, Value::F32(value_of(round)));
            assert_eq!((sample.time.0, sample.value), expected, "{metric} {round}");
        }
        i64::try_from(series.len()).unwrap()
    }

    #[expect(clippy::cast_possible_truncation, reason = "counts")]
    fn count_of(&self, metric: &str) -> i64 {
        let query = AggregateQuery {
            range: TimeRange::ALL,
            window_ns: i64::MAX,
            offset_ns: 0,
            aggregates: &[Aggregate::Count],
            arithmetic: Arithmetic::Exact,
        };
        let mut count = 0;
        let emit = |bucket: &nanotdb::aggregate::Bucket| {
            count += bucket.values[0] as i64;
            ControlFlow::Continue(())
        };
        self.database.aggregate(metric, &query, emit).unwrap();
        count
    }
}

#[test]
fn d22_no_reader_sees_a_sample_vanish() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("engine.toml"), SETTINGS).unwrap();
    let store = Store::open(directory.path()).unwrap();
    let scenes: Vec<Scene> = ["one", "two", "three"]
        .into_iter()
        .map(|name| Scene {
            database: store.create_database(name).unwrap(),
            taken: AtomicI64::new(0),
            ended: AtomicBool::new(false),
        })
        .collect();
    let until = Instant::now() + duration();
    std::thread::scope(|scope| {
        for scene in &scenes {
            scope.spawn(|| scene.write(until));
            scope.spawn(|| scene.build());
            for reader in 0..READERS {
                scope.spawn(move || assert!(scene.read(reader) > 0));
            }
        }
    });
    for scene in &scenes {
        let rounds = scene.taken.load(Ordering::SeqCst);
        assert!(METRICS.iter().all(|metric| scene.all_of(metric) == rounds));
        let stats = scene.database.stats();
        assert_eq!(stats.samples, 3 * u64::try_from(rounds).unwrap());
        assert!(stats.data.flush_bytes.count() > 1, "{stats:?}");
    }
    let rounds: Vec<i64> = scenes.iter().map(|scene| scene.taken.load(Ordering::SeqCst)).collect();
    drop(scenes);
    store.close().unwrap();
    let store = Store::open(directory.path()).unwrap();
    for (name, rounds) in ["one", "two", "three"].into_iter().zip(rounds) {
        let found = store.database(name).unwrap();
        let found = found.range("b", Timestamp::MIN, Timestamp::MAX).unwrap().len();
        assert_eq!(i64::try_from(found).unwrap(), rounds, "{name} after opening again");
    }
}
