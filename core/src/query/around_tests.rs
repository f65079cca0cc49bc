//! Whatever byte of whatever file is damaged: everything else is answered, and the damage is named.

use crate::aggregate::{Aggregate, Arithmetic};
use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::error::Error;
use crate::metric_file::Version;
use crate::query::testing::{DAY, Local, MINUTE, START, open, value};
use crate::query::{AggregateQuery, ChartMethod, ChartQuery, Damaged, RangeQuery, Series};
use crate::settings::RawAction;
use crate::storage::{FileName, MemoryStorage, Storage, StorageFile};
use crate::types::{TimeRange, Timestamp};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use proptest::prelude::*;

/// Days of samples, each a partition.
const DAYS: i64 = 3;
const METRICS: [(&str, bool); 3] = [("a", false), ("b", true), ("c", false)];

/// Which files partitions have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Raw pages alone.
    Data,
    /// A metric file alone.
    Metric(Version),
    /// Both, with the same samples.
    Both(Version),
    /// A metric file, and raw pages set aside.
    Aside(Version),
    /// A metric file, and raw pages with later samples.
    Later(Version),
}

const VERSIONS: [Version; 3] = [Version::V1, Version::V2, Version::V3];

impl Layout {
    fn all() -> Vec<Self> {
        let with = |make: fn(Version) -> Self| VERSIONS.into_iter().map(make);
        let made = with(Self::Metric).chain(with(Self::Both)).chain(with(Self::Aside));
        core::iter::once(Self::Data).chain(made).chain(with(Self::Later)).collect()
    }
}

fn add(database: &Database<Local>, from: i64, count: usize) {
    for (name, ints) in METRICS {
        let rows = (0..count).map(|at| Row {
            target: Target::Name(name),
            time: Timestamp(from + i64::try_from(at).unwrap() * MINUTE),
            value: value(ints, 4, at),
        });
        assert_eq!(database.add_rows(rows).unwrap().accepted, count as u64);
        database.flush().unwrap();
    }
}

/// A closed database of such files.
fn stored(layout: Layout) -> Local {
    let host = LocalHost::new(MemoryStorage::new);
    let database = open(&host, "day");
    for day in 0..DAYS {
        add(&database, START + day * DAY, 600);
    }
    let (version, raw_action) = match layout {
        Layout::Data => return closed(&host, &database),
        Layout::Metric(version) | Layout::Later(version) => (version, RawAction::Delete),
        Layout::Both(version) => (version, RawAction::Keep),
        Layout::Aside(version) => (version, RawAction::Rename),
    };
    let options = BuildOptions { version, raw_action, ..BuildOptions::default() };
    for partition in database.partitions() {
        database.build_metric_file(&partition, options).unwrap();
    }
    if let Layout::Later(_) = layout {
        add(&database, START + (DAYS - 1) * DAY + 700 * MINUTE, 200);
    }
    closed(&host, &database)
}

fn closed(host: &Local, database: &Database<Local>) -> Local {
    database.close().unwrap();
    host.clone()
}

fn reopened(host: &Local) -> Arc<Database<Local>> {
    Engine::open(host.clone(), EngineOptions::default()).unwrap().database("home").unwrap()
}

/// Changes a file in place.
fn change(host: &Local, name: &FileName, change: impl FnOnce(&mut Vec<u8>)) {
    let mut file = host.directory("home").unwrap().open(name).unwrap();
    let mut bytes = file.read_all().unwrap();
    change(&mut bytes);
    file.truncate(0).unwrap();
    file.append(&bytes).unwrap();
}

fn sample_files(host: &Local) -> Vec<FileName> {
    let names = host.directory("home").unwrap().list().unwrap();
    names.into_iter().filter(|name| FileKind::parse(name.as_str()).is_some()).collect()
}

type Samples = BTreeMap<String, Vec<(i64, u32)>>;

fn samples(series: &Series) -> Vec<(i64, u32)> {
    series.times.iter().copied().zip(series.raws.iter().copied()).collect()
}

fn everything(database: &Database<Local>) -> (Samples, Vec<Damaged>) {
    let reading = database.lenient();
    let found = METRICS.map(|(name, _)| {
        let series = reading.range(name, Timestamp::MIN, Timestamp::MAX).unwrap();
        assert!(series.times.is_sorted());
        (name.to_string(), samples(&series))
    });
    (found.into_iter().collect(), reading.damage())
}

/// Whether all of `part` is in `whole`, each as often at most.
fn is_within(part: &[(i64, u32)], whole: &[(i64, u32)]) -> bool {
    let mut left = whole.iter();
    part.iter().all(|sample| left.any(|other| other == sample))
}

/// Checks every kind of query against the range, where all there ever was is `whole`.
fn check_alike(database: &Database<Local>, found: &Samples, whole: &Samples) {
    for (name, expected) in found {
        let reading = database.lenient();
        let query = RangeQuery::all(TimeRange::ALL);
        let mut visited = vec![];
        reading
            .visit_range(name, query, |batch| {
                visited.extend(batch.times.iter().copied().zip(batch.raws.iter().copied()));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(&visited, expected, "visit {name}");
        let newest = reading.last(name).unwrap();
        let newest = newest.map(|sample| sample.time.0);
        let last_of = |samples: &[(i64, u32)]| samples.last().map(|last| last.0);
        // Statistics say what the last sample was, whether it can be decoded or not.
        assert!([last_of(expected), last_of(&whole[name])].contains(&newest), "last {name}");

        let mut count = 0.0;
        let aggregates = AggregateQuery {
            range: TimeRange::ALL,
            window_ns: 7 * MINUTE,
            offset_ns: 0,
            aggregates: &[Aggregate::Count],
            arithmetic: Arithmetic::Exact,
        };
        reading
            .aggregate(name, &aggregates, |bucket| {
                count += bucket.values[0];
                ControlFlow::Continue(())
            })
            .unwrap();
        // Statistics may know of samples that cannot be decoded any more.
        let number = f64::from(u32::try_from(expected.len()).unwrap());
        let is_alike = count.to_bits() == number.to_bits();
        assert!(is_alike || count > number && !damage_of(database, name).is_empty());
        let range = TimeRange { from: Timestamp(START), to: Timestamp(START + DAYS * DAY) };
        for method in [ChartMethod::MinMax, ChartMethod::Lttb] {
            let points = NonZeroUsize::new(50).unwrap();
            let chart = reading.chart(name, &ChartQuery { range, points, method }).unwrap();
            assert_eq!(chart.series.is_empty(), expected.is_empty() && count < 0.5);
        }
    }
    let reading = database.lenient();
    let mut scanned: BTreeMap<u16, Vec<(i64, u32)>> = BTreeMap::new();
    reading
        .scan(TimeRange::ALL, |ids, times, raws| {
            for ((id, time), raw) in ids.iter().zip(times).zip(raws) {
                scanned.entry(*id).or_default().push((*time, *raw));
            }
            Ok(())
        })
        .unwrap();
    for (name, expected) in found {
        let id = database.metric_info(name).unwrap().id.get();
        let mut scanned = scanned.remove(&id).unwrap_or_default();
        let mut expected = expected.clone();
        scanned.sort_unstable();
        expected.sort_unstable();
        assert_eq!(scanned, expected, "scan {name}");
    }
}

fn damage_of(database: &Database<Local>, metric: &str) -> Vec<Damaged> {
    let reading = database.lenient();
    reading.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap();
    reading.damage()
}

/// Damages a file of a database that is open, and checks what can still be read. Says whether
/// anything is missing.
fn check(layout: Layout, name: &FileName, damage: impl FnOnce(&mut Vec<u8>)) -> bool {
    let host = stored(layout);
    let (whole, none) = everything(&reopened(&host));
    assert!(none.is_empty(), "{none:?}");
    let database = reopened(&host);
    change(&host, name, damage);
    let (found, damaged) = everything(&database);
    let (_, partition) = FileKind::parse(name.as_str()).unwrap();
    for (metric, whole) in &whole {
        let found = &found[metric];
        assert!(is_within(found, whole), "{layout:?} {name}: {metric} has what nobody stored");
        let outside = |sample: &&(i64, u32)| !partition.range().contains(Timestamp(sample.0));
        assert_eq!(
            found.iter().filter(outside).count(),
            whole.iter().filter(outside).count(),
            "{layout:?} {name}: other partitions' samples of {metric}"
        );
    }
    let is_missing = found != whole;
    if is_missing {
        assert!(!damaged.is_empty(), "{layout:?} {name}: missing without a word");
        let strict = METRICS.map(|(metric, _)| {
            database.range(metric, Timestamp::MIN, Timestamp::MAX).map(|series| samples(&series))
        });
        assert!(strict.iter().any(Result::is_err), "{layout:?} {name}: only lenient queries tell");
    }
    for damaged in &damaged {
        assert_eq!((damaged.database.as_str(), &*damaged.file), ("home", name.as_str()));
        assert!(damaged.to_string().starts_with(&format!("home/{name}: ")), "{damaged}");
    }
    check_alike(&database, &found, &whole);
    is_missing
}

#[test]
fn a_file_without_bytes_hides_its_own_samples_only() {
    for layout in Layout::all() {
        let names = sample_files(&stored(layout));
        for name in names {
            check(layout, &name, Vec::clear);
        }
    }
}

#[test]
fn a_damaged_metric_file_is_answered_from_raw_pages() {
    for version in VERSIONS {
        for layout in [Layout::Both(version), Layout::Aside(version)] {
            let names = sample_files(&stored(layout));
            let metric = names.into_iter().find(|name| name.as_str().starts_with("metric-"));
            let name = metric.unwrap();
            assert!(!check(layout, &name, Vec::clear), "{layout:?}");
            assert!(!check(layout, &name, |bytes| bytes.truncate(bytes.len() / 2)), "{layout:?}");
            assert!(!check(layout, &name, |bytes| bytes[100] ^= 1), "{layout:?}");
        }
    }
}

#[test]
fn damaged_raw_pages_are_answered_from_the_metric_file() {
    for version in VERSIONS {
        let layout = Layout::Both(version);
        for name in sample_files(&stored(layout)) {
            assert!(!check(layout, &name, |bytes| bytes[40] ^= 0x10), "{layout:?} {name}");
        }
    }
}

#[test]
fn a_damaged_frame_of_one_metric_hides_no_other_metric() {
    for version in VERSIONS {
        let layout = Layout::Metric(version);
        let host = stored(layout);
        let database = reopened(&host);
        let name = sample_files(&host).remove(1);
        // The values of the metric that is stored last before the indexes.
        let entry = {
            let file = host.directory("home").unwrap().open(&name).unwrap();
            let opened = crate::metric_file::MetricFile::open(
                file,
                name.as_str(),
                &crate::compress::Codecs::portable(),
            )
            .unwrap();
            *opened.entries().iter().max_by_key(|entry| entry.offset).unwrap()
        };
        let at = usize::try_from(entry.offset).unwrap() + 60;
        change(&host, &name, |bytes| bytes[at] ^= 0xff);
        for (metric, _) in METRICS {
            let is_hit = database.metric_info(metric).unwrap().id == entry.metric;
            let found = database.lenient();
            let series = found.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap();
            assert_eq!(series.len() == 1800, !is_hit, "{version:?} {metric}: {}", series.len());
            assert_eq!(found.damage().is_empty(), !is_hit, "{version:?} {metric}");
        }
    }
}

#[test]
fn a_missing_file_is_named_and_what_no_file_can_open_is_an_error() {
    let host = stored(Layout::Metric(Version::V3));
    let database = reopened(&host);
    let name = sample_files(&host).remove(0);
    host.directory("home").unwrap().remove(&name).unwrap();
    let (found, damaged) = everything(&database);
    assert_eq!(found["a"].len(), 1200);
    assert_eq!((damaged.len(), &*damaged[0].file, damaged[0].offset), (1, name.as_str(), None));
    let strict = database.range("a", Timestamp::MIN, Timestamp::MAX);
    assert!(matches!(strict, Err(Error::Storage(_))), "{strict:?}");
}

#[test]
fn a_file_that_is_whole_again_is_read_again() {
    let host = stored(Layout::Metric(Version::V3));
    let database = reopened(&host);
    let name = sample_files(&host).remove(2);
    let before = host.directory("home").unwrap().read(&name).unwrap().unwrap();
    change(&host, &name, Vec::clear);
    for _ in 0..3 {
        let reading = database.lenient();
        assert_eq!(reading.last("a").unwrap().unwrap().time.0, START + DAY + 599 * MINUTE);
        assert_eq!(everything(&database).0["a"].len(), 1200);
        assert!(!reading.damage().is_empty());
    }
    change(&host, &name, |bytes| *bytes = before);
    assert_eq!(everything(&database).0["a"].len(), 1800);
    let reading = database.lenient();
    assert_eq!(reading.last("a").unwrap().unwrap().time.0, START + 2 * DAY + 599 * MINUTE);
    assert!(reading.damage().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_hides_nothing_else(
        layout in proptest::sample::select(Layout::all()),
        file: proptest::sample::Index,
        at: proptest::sample::Index,
        bit in 0_u32..8,
    ) {
        let names = sample_files(&stored(layout));
        let name = file.get(&names);
        check(layout, name, |bytes| {
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
        });
    }

    #[test]
    fn any_cut_hides_nothing_else(
        layout in proptest::sample::select(Layout::all()),
        file: proptest::sample::Index,
        len: proptest::sample::Index,
    ) {
        let names = sample_files(&stored(layout));
        let name = file.get(&names);
        check(layout, name, |bytes| bytes.truncate(len.index(bytes.len())));
    }
}
