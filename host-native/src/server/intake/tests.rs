use super::*;
use crate::Store;
use proptest::prelude::*;

struct Fixture {
    _directory: tempfile::TempDir,
    store: Store,
    intakes: Intakes,
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("store")).unwrap();
    Fixture { _directory: directory, store, intakes: Intakes::default() }
}

impl Fixture {
    fn begin(&self) -> Intake {
        self.intakes.begin(self.store.engine(), "home")
    }

    /// Takes samples in, each at a place of its own.
    fn take(&self, samples: &[(&str, Option<i64>, f64)]) -> IntakeReport {
        let mut intake = self.begin();
        for (place, &(metric, time, value)) in (1..).zip(samples) {
            intake.add(place, metric, time.map(Timestamp), value).unwrap();
        }
        intake.finish().unwrap()
    }

    fn stored(&self, metric: &str) -> Vec<(i64, f64)> {
        let home = self.store.database("home").unwrap();
        let series = home.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap();
        series.iter().map(|sample| (sample.time.0, sample.value.as_f64())).collect()
    }
}

fn counts(report: &IntakeReport) -> (u64, u64, u64) {
    (report.accepted, report.already_stored, report.refused)
}

#[test]
fn what_is_sent_twice_is_stored_once() {
    let fixture = fixture();
    let samples = [("a", Some(1), 0.1), ("b", Some(1), 2.0), ("a", Some(2), 0.2)];
    assert_eq!(counts(&fixture.take(&samples)), (3, 0, 0));
    assert_eq!(counts(&fixture.take(&samples)), (0, 3, 0));
    let longer = [samples[0], samples[2], samples[2], ("a", Some(3), 0.3), ("a", Some(3), 0.3)];
    assert_eq!(counts(&fixture.take(&longer)), (1, 4, 0));
    assert_eq!(fixture.stored("a").len(), 3);
    assert_eq!(fixture.stored("b").len(), 1);
}

#[test]
fn very_old_samples_are_looked_up_at_their_times_alone() {
    const STEP: i64 = 600_000_000_000;
    const DAYS: i64 = 30;
    let fixture = fixture();
    let start = 1_767_225_600_000_000_000; // midnight
    let all: Vec<(&str, Option<i64>, f64)> = (0..DAYS * 144)
        .map(|at| ("m", Some(start + at * STEP), f64::from(u32::try_from(at % 777).unwrap())))
        .collect();
    fixture.take(&all);
    let home = fixture.store.database("home").unwrap();
    home.flush().unwrap();
    for key in home.partitions() {
        home.compact(&key).unwrap();
    }
    let read = |samples: &[(&str, Option<i64>, f64)]| {
        let before = home.stats().metric_files.payload_bytes;
        let report = fixture.take(samples);
        (counts(&report), home.stats().metric_files.payload_bytes - before)
    };
    let (_, whole) = read(&all);
    assert!(whole > 0);
    for far in [0, 7, DAYS * 144 / 2] {
        let repeated = all[usize::try_from(far).unwrap()];
        let (counts, bytes) = read(&[repeated, ("m", repeated.1, -1.0), all[all.len() - 1]]);
        assert_eq!(counts, (0, 2, 1));
        assert!(bytes <= whole / 10, "{bytes} of {whole} bytes were decoded");
    }
}

#[test]
fn another_sample_at_or_before_the_newest_is_stale_and_named() {
    let fixture = fixture();
    fixture.take(&[("a", Some(10), 1.0), ("a", Some(20), 2.0)]);
    let report = fixture.take(&[("a", Some(15), 1.0), ("a", Some(20), 3.0), ("a", Some(21), 3.0)]);
    assert_eq!(counts(&report), (1, 0, 2));
    let places: Vec<u64> = report.named.iter().map(|refused| refused.place).collect();
    assert_eq!(places, [1, 2]);
    assert!(report.named[0].reason.contains("stale sample for a"), "{report:?}");
    assert!(report.named[1].reason.contains("another value"), "{report:?}");
    let problem = report.problem("line").unwrap();
    assert!(problem.starts_with("line 1: stale") && problem.ends_with("(and 1 more)"), "{problem}");
    assert_eq!(fixture.stored("a"), [(10, 1.0), (20, 2.0), (21, 3.0)]);
}

#[test]
fn samples_without_a_time_are_of_now_and_never_compared() {
    let fixture = fixture();
    let report = fixture.take(&[("a", None, 1.0), ("a", None, 1.0)]);
    assert_eq!(counts(&report), (2, 0, 0));
    assert_eq!(fixture.stored("a").len(), 2);
}

#[test]
fn integers_stay_integers() {
    let fixture = fixture();
    let home = fixture.store.create_database("home").unwrap();
    home.add("n", Timestamp(1), 7).unwrap();
    home.metric("empty", crate::ValueType::I32).unwrap();
    let samples = [
        ("n", Some(1), 7.0),
        ("n", Some(2), 8.0),
        ("n", Some(3), 8.5),
        ("empty", Some(1), 1.0),
        ("empty", Some(1), 1.0),
        ("empty", Some(2), 0.5),
        ("n", Some(4), 3e9),
    ];
    let report = fixture.take(&samples);
    assert_eq!(counts(&report), (2, 2, 3));
    assert!(report.named.iter().all(|refused| refused.reason.contains("int32")), "{report:?}");
    assert_eq!(report.named.iter().map(|refused| refused.place).collect::<Vec<_>>(), [3, 6, 7]);
    assert_eq!(fixture.stored("n"), [(1, 7.0), (2, 8.0)]);
    assert_eq!(fixture.stored("empty"), [(1, 1.0)]);
}

#[test]
fn what_the_engine_refuses_is_refused_with_its_repetitions() {
    let fixture = fixture();
    let long = "n".repeat(256);
    let report = fixture.take(&[(&long, Some(1), 1.0), (&long, Some(1), 1.0), ("a", Some(1), 1.0)]);
    assert_eq!(counts(&report), (1, 0, 2));
    assert!(report.named[1].reason.contains("expected 1 to 255 bytes"), "{report:?}");
}

#[test]
fn all_are_counted_and_some_named() {
    let fixture = fixture();
    let mut intake = fixture.begin();
    for place in 1..=250 {
        intake.refuse(place, "no sample");
    }
    intake.skip(3);
    let report = intake.finish().unwrap();
    assert_eq!((report.refused, report.named.len(), report.skipped), (250, MAX_NAMED, 3));
    let unknown = fixture.store.database("home");
    assert!(unknown.is_err(), "nothing to store makes no database");
}

#[test]
fn many_chunks_are_stored_whole() {
    let fixture = fixture();
    let samples: Vec<(&str, Option<i64>, f64)> = (0..10_000)
        .map(|n| (["a", "b", "c"][n % 3], Some(i64::try_from(n).unwrap()), 1.0))
        .collect();
    assert_eq!(counts(&fixture.take(&samples)), (10_000, 0, 0));
    assert_eq!(counts(&fixture.take(&samples)), (0, 10_000, 0));
}

#[test]
fn requests_at_once_store_each_sample_once() {
    let fixture = fixture();
    let samples: Vec<(&str, Option<i64>, f64)> = (0..5000).map(|n| ("a", Some(n), 1.0)).collect();
    let reports: Vec<IntakeReport> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| fixture.take(&samples))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(reports.iter().map(|report| report.accepted).sum::<u64>(), 5000);
    assert_eq!(reports.iter().map(|report| report.already_stored).sum::<u64>(), 15_000);
    assert_eq!(fixture.stored("a").len(), 5000);
}

#[test]
fn a_store_that_cannot_write_says_so() {
    let fixture = fixture();
    let mut intake = fixture.begin();
    intake.add(1, "a", None, 1.0).unwrap();
    let Fixture { store, .. } = fixture;
    store.close().unwrap();
    assert_eq!(intake.finish(), Err(crate::Error::Closed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is sent, in whatever pieces and how often: each metric ends up with what a list
    /// that only grows would hold.
    #[test]
    fn as_a_list_that_only_grows(
        requests in proptest::collection::vec(
            proptest::collection::vec((0_usize..2, 0_i64..12, 0_u8..3), 0..12), 1..6),
    ) {
        let fixture = fixture();
        let mut model: [Vec<(i64, f64)>; 2] = [vec![], vec![]];
        for request in requests {
            let samples: Vec<(&str, Option<i64>, f64)> = request
                .iter()
                .map(|&(metric, time, value)| (["a", "b"][metric], Some(time), f64::from(value)))
                .collect();
            let (mut accepted, mut already, mut refused) = (0, 0, 0);
            for &(metric, time, value) in &request {
                let sample = (time, f64::from(value));
                let list = &mut model[metric];
                if list.last().is_none_or(|last| last.0 < time) {
                    list.push(sample);
                    accepted += 1;
                } else if list.contains(&sample) {
                    already += 1;
                } else {
                    refused += 1;
                }
            }
            prop_assert_eq!(counts(&fixture.take(&samples)), (accepted, already, refused));
        }
        for (metric, list) in ["a", "b"].into_iter().zip(model) {
            if !list.is_empty() {
                prop_assert_eq!(fixture.stored(metric), list);
            }
        }
    }
}
