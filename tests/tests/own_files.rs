//! Files that our engine writes, judged by the second decoder.

use nanotdb::engine::{BuildOptions, ConvertOptions};
use nanotdb::metric_file::Version;
use nanotdb::settings::RawAction;
use nanotdb::{Database, Store, Timestamp, Value};
use nanotdb_core::compress::{CodecId, Codecs};
use nanotdb_core::metric_file::{self, SeriesInput, Target, write_v3};
use nanotdb_core::storage::{FileName, MemoryStorage, Storage};
use nanotdb_core::{MetricId, ValueType};
use nanotdb_tests::answers;
use nanotdb_tests::fixtures::Fixture;
use nanotdb_tests::independent::{Directory, Kind, MetricFile, Problem, crc32};
use nanotdb_tests::random::Random;
use std::fs;
use std::path::Path;

const START: i64 = 1_767_225_600_000_000_000;
const PARTITIONS: [&str; 4] = ["day", "month", "year", "forever"];

/// What the second decoder finds in the files is what our engine answers, and nothing is wrong
/// with them but what `allowed` lets through.
fn judge(root: &Path, store: &Store, allowed: impl Fn(&Problem) -> bool) {
    let directory = Directory::read(root).unwrap();
    let problems = directory.problems();
    let problems: Vec<&Problem> = problems.iter().filter(|problem| !allowed(problem)).collect();
    assert!(problems.is_empty(), "{problems:?}");
    for name in store.databases().unwrap() {
        let found = answers::streams(&store.database(&name).unwrap()).unwrap();
        let on_disk = answers::streams_on_disk(&directory.databases[&name]).unwrap();
        for (metric, points) in &on_disk {
            let own = &found[metric];
            assert!(own == points, "{name} {metric}: {} and {}", own.len(), points.len());
        }
        assert_eq!(found.len(), on_disk.len(), "{name}");
    }
}

/// Late samples beside a metric file whose raw pages were set aside or deleted: ours are merged
/// when read, the reference sees them after the next build (D-09).
fn is_stale(problem: &Problem) -> bool {
    problem.kind == Kind::Stale
}

/// Order is per metric, so the log of all metrics may step back; and behind its last record is
/// room for more, all zeros.
fn is_left_by_a_crash(root: &Path, problem: &Problem) -> bool {
    let room = || {
        let log = fs::read(root.join(&problem.file)).unwrap();
        log[problem.offset..].iter().all(|&byte| byte == 0)
    };
    let is_log = Path::new(&problem.file).extension().is_some_and(|e| e == "wal");
    is_log && (problem.what == "time goes back" || problem.kind == Kind::Damage && room())
}

fn value(random: &mut Random, integer: bool) -> Value {
    let bits = match random.below(12) {
        0 => 0,
        1 => 0x8000_0000,
        2 => 0x7fff_ffff,
        3 => u32::MAX,
        4 => 0x7f80_0000,
        5 => 0x7fc1_2345,
        6 => 1,
        _ => random.next_u32(),
    };
    if integer { Value::I32(bits.cast_signed()) } else { Value::F32(f32::from_bits(bits)) }
}

const NAMES: [&str; 7] =
    ["a", "b.c", "température", "дом/кухня", "\"quoted\"", "温度.<&>", "x\u{301}"];

/// Samples of all metrics, each metric's own clock running on, some standing still.
fn fill(database: &Database, random: &mut Random, clocks: &mut [i64], count: usize) {
    for _ in 0..count {
        let metric = random.index(NAMES.len());
        let step = [0, 1, 1_000_000_000, 3_600_000_000_000, 30_000_000_000_000];
        clocks[metric] += *random.pick(&step);
        let value = value(random, metric.is_multiple_of(2));
        database.add(NAMES[metric], Timestamp(clocks[metric]), value).unwrap();
        if random.one_in(400) {
            database.flush().unwrap();
        }
    }
}

#[test]
fn random_stores() {
    for (seed, profile) in (1..).zip(["strict", "balanced", "throughput"]) {
        let mut random = Random::new(seed);
        let manifest = |partition: &str| {
            format!(
                "[retention]\npartition = \"{partition}\"\n[wal]\nenabled = true\n\
                 skip_before = \"0s\"\n[page]\nmax_records = 60\nmax_age = \"1000h\"\n"
            )
        };
        let manifests = PARTITIONS.map(manifest);
        let databases: Vec<_> =
            PARTITIONS.into_iter().zip(manifests.iter().map(String::as_str)).collect();
        let engine = format!("[durability]\nprofile = \"{profile}\"\n");
        let mut root = answers::root_with(&engine, &databases);
        let mut clocks = [[START; NAMES.len()]; PARTITIONS.len()];
        for round in 0..4 {
            let store = answers::open(root.path());
            for (name, clocks) in PARTITIONS.iter().zip(&mut clocks) {
                fill(&store.database(name).unwrap(), &mut random, clocks, 500);
            }
            let copy = answers::killed(root.path());
            judge(copy.path(), &store, |problem| {
                is_stale(problem) || is_left_by_a_crash(copy.path(), problem)
            });
            if [0, 2].contains(&round) {
                store.close().unwrap();
                let store = answers::open(root.path());
                judge(root.path(), &store, is_stale);
                build_some(&store, &mut random);
                judge(root.path(), &store, is_stale);
            } else {
                let reopened = answers::open(copy.path());
                for name in PARTITIONS {
                    let before = answers::streams(&store.database(name).unwrap()).unwrap();
                    let after = answers::streams(&reopened.database(name).unwrap()).unwrap();
                    assert!(before == after, "seed {seed} round {round} {name}");
                }
                drop(reopened);
                root = copy;
            }
        }
    }
}

/// Metric files of all versions in every codec the reference knows, with each raw action.
fn build_some(store: &Store, random: &mut Random) {
    for name in PARTITIONS {
        let database = store.database(name).unwrap();
        for partition in database.partitions() {
            let mut options = BuildOptions::default();
            options.version = *random.pick(&[Version::V1, Version::V2, Version::V3]);
            let codecs = CodecId::ALL.map(|codec| codec.is_known_to_reference().then_some(codec));
            options.codec = random.pick(&codecs).unwrap_or_default();
            options.raw_action =
                *random.pick(&[RawAction::Keep, RawAction::Rename, RawAction::Delete]);
            if random.one_in(2) {
                database.build_metric_file(&partition, options).unwrap();
                if random.one_in(2) {
                    there_and_back(&database, &partition, options);
                }
            }
        }
    }
}

/// What was another version for a while is what it was again.
fn there_and_back(database: &Database, partition: &str, built: BuildOptions) {
    let mut options = ConvertOptions::default();
    options.codec = built.codec;
    let other = if built.version == Version::V3 { Version::V2 } else { Version::V3 };
    for version in [other, built.version] {
        options.version = version;
        assert!(database.convert_metric_file(partition, options).unwrap().converted);
    }
}

#[test]
fn extreme_times() {
    let root = answers::root_with("", &[("old", "[wal]\nenabled = true\nskip_before = \"0s\"\n")]);
    let store = answers::open(root.path());
    let database = store.database("old").unwrap();
    for time in [i64::MIN, i64::MIN + 1, -86_400_000_000_001, -1, 0, 1, i64::MAX - 1, i64::MAX] {
        database.add("a", Timestamp(time), 1).unwrap();
    }
    let copy = answers::killed(root.path());
    judge(copy.path(), &store, |problem| is_left_by_a_crash(copy.path(), problem));
    database.flush().unwrap();
    judge(root.path(), &store, |_| false);
}

/// A metric file of version 2 without what depends on the compressor: payloads, their lengths
/// and checksums, and offsets that follow from them.
fn normalised(bytes: &[u8]) -> Vec<u8> {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| {
        usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
    };
    let mut out = bytes[..40].to_vec();
    out.extend(&bytes[56..60]);
    assert_eq!(u32_at(60), crc32(&bytes[..60]));
    let (times, metrics) = (u64_at(40), u64_at(48));
    let mut at = 64;
    while at < times {
        // Where a frame's header has its payload's length.
        let len_at = if &bytes[at..at + 4] == b"TPG2" { 32 } else { 36 };
        let len = u32_at(at + len_at) as usize;
        out.extend(&bytes[at..at + len_at]);
        out.extend(&bytes[at + len_at + 4..at + 44]);
        at += 48 + len + 4;
    }
    for entry in bytes[times..metrics].chunks_exact(40) {
        out.extend([&entry[..4], &entry[12..36]].concat());
    }
    for entry in bytes[metrics..bytes.len() - 16].chunks_exact(44) {
        out.extend([&entry[..4], &entry[12..40]].concat());
    }
    out.extend(&bytes[bytes.len() - 16..]);
    out
}

#[test]
fn metric_files_are_laid_out_as_the_reference_does() {
    let mut compared = 0;
    for number in ["15", "15b", "16", "17", "20"] {
        let fixture = Fixture::load(number);
        let directory = Directory::read(&fixture.root()).unwrap();
        for (name, db) in &directory.databases {
            for (partition, theirs) in db.metric.iter().filter(|file| file.1.version == 2) {
                let copy = fixture.copy();
                let path = copy.path().join(name).join(&theirs.name);
                let expected = fs::read(&path).unwrap();
                fs::remove_file(&path).unwrap();
                let codec = CodecId::from_u16(theirs.metric_frames[0].codec.unwrap().id()).unwrap();
                let mut options = BuildOptions::default();
                options.codec = codec;
                let store = answers::open(copy.path());
                let database = store.database(name).unwrap();
                database.build_metric_file(partition, options).unwrap();
                let found = fs::read(&path).unwrap();
                let label = format!("{} {name} {partition}", fixture.name());
                assert!(normalised(&found) == normalised(&expected), "{label}");
                let ours = MetricFile::decode(&theirs.name, partition, &found).unwrap();
                assert!(ours.shares_like_the_reference(), "{label}");
                let content = |file: &MetricFile| -> Vec<_> {
                    let frames = file.metric_frames.iter();
                    frames.map(|f| (f.id, f.times.clone(), f.raws.clone())).collect()
                };
                assert!(content(&ours) == content(theirs), "{label}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 13, "{compared}");
}

/// Times of several kinds: on a grid, late on a grid, in bursts, with gaps, at random.
fn clocks(random: &mut Random) -> Vec<Vec<i64>> {
    let second = 1_000_000_000;
    let mut late = |most: u64| i64::try_from(random.below(most)).unwrap();
    let grid: Vec<i64> = (0..9000).map(|i| START + i * 10 * second).collect();
    let jitter = (0..5000).map(|i| START + i * second + late(2000) * 1000).collect();
    let bursts = (0..2500).map(|i| START + i / 100 * 3600 * second + i % 100).collect();
    let mut gaps = grid.clone();
    gaps.retain(|time| time / 7_000_000_000_000 % 5 != 0);
    let mut wild: Vec<i64> = (0..1500).map(|_| late(1 << 62)).collect();
    wild.sort_unstable();
    vec![grid, jitter, bursts, gaps, wild, vec![START; 300], vec![i64::MIN, -1, 0, i64::MAX]]
}

/// Values of several kinds, so many of each.
fn values_of(random: &mut Random, kind: usize, len: usize) -> (ValueType, Vec<u32>) {
    let (float, integer) = (ValueType::F32, ValueType::I32);
    let counting = (0..len).map(|i| u32::try_from(i).unwrap());
    let mut below = |most: u64| u32::try_from(random.below(most)).unwrap();
    let tenths = |tenths: u32| f32::from(u16::try_from(tenths).unwrap()) / 10.0;
    match kind {
        0 => (integer, vec![7; len]),
        1 => (integer, counting.map(|i| i * 1000 + below(3) * 1000).collect()),
        2 => (float, counting.map(|i| tenths(200 + i / 50 + below(4)).to_bits()).collect()),
        3 => (float, counting.map(|_| below(1 << 32)).collect()),
        4 => (integer, counting.map(|i| i * i).collect()),
        5 => (float, counting.map(|_| tenths(below(1 << 16)).sqrt().to_bits()).collect()),
        6 => (integer, counting.map(|_| if below(50) == 0 { below(1 << 31) } else { 5 }).collect()),
        7 => (float, counting.map(|_| special(below(12), &tenths)).collect()),
        _ => (integer, counting.map(|_| below(1 << 7).wrapping_sub(64)).collect()),
    }
}

fn special(which: u32, tenths: &impl Fn(u32) -> f32) -> u32 {
    match which {
        0 => 0x8000_0000,
        1 => 0x7fc1_2345,
        2 => f32::INFINITY.to_bits(),
        3 => 1,
        tenth => tenths(tenth).to_bits(),
    }
}

#[test]
fn every_encoding_of_version_3_is_what_the_format_says() {
    let mut random = Random::new(6);
    let mut seen = std::collections::BTreeSet::new();
    for times in clocks(&mut random) {
        let columns: Vec<_> =
            (0..9).map(|kind| values_of(&mut random, kind, times.len())).collect();
        let series: Vec<SeriesInput<'_>> = (1..)
            .zip(&columns)
            .map(|(id, (value_type, raws))| {
                let metric = MetricId::new(id).unwrap();
                let from = usize::from(id) % 3 * times.len() / 5; // parts of the times, too
                let (times, raws) = (&times[from..], &raws[from..]);
                SeriesInput { metric, value_type: *value_type, times, raws }
            })
            .collect();
        let (storage, codecs) = (MemoryStorage::new(), Codecs::portable());
        let name = FileName::new("metric-forever.dat").unwrap();
        let codec = CodecId::S2;
        let target =
            Target { storage: &storage, name: &name, partition_kind: 4, codec, codecs: &codecs };
        write_v3(&target, &series).unwrap();

        let bytes = storage.read(&name).unwrap().unwrap();
        let judged = MetricFile::decode(name.as_str(), "forever", &bytes).unwrap();
        assert_eq!(judged.problems, []);
        for one in &series {
            let expected: Vec<(i64, u32)> =
                one.times.iter().copied().zip(one.raws.iter().copied()).collect();
            assert!(judged.stream(one.metric.get()) == expected, "metric {}", one.metric);
        }
        let handle = storage.open(&name).unwrap();
        let file = metric_file::MetricFile::open(handle, "metric", &codecs).unwrap();
        let of_values = file.entries().iter().map(|entry| file.encoding(entry).unwrap().unwrap());
        for encoding in of_values.chain(file.times_encodings().unwrap()) {
            seen.insert(format!("{} by {}", encoding.column.numbers, encoding.column.body));
        }
    }
    // Raw, each way and body of values, each encoding of times.
    for part in ["raw", "integer", "decimal", "float", "constant", "pack", "bins", "grid", "steps"]
    {
        assert!(seen.iter().any(|encoding| encoding.contains(part)), "{part}: {seen:?}");
    }
}
