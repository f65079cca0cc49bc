use super::*;
use crate::compress::CodecId;
use crate::metric_file::testing::{Pages, codecs, content, metric, name, type_of, written};
use crate::metric_file::{Frame, build_v3, compare, write_v3};
use crate::storage::{MemoryStorage, StorageFile};
use alloc::string::{String, ToString};
use alloc::vec;
use proptest::prelude::*;

const ALL: [Version; 3] = [Version::V1, Version::V2, Version::V3];

fn built(version: Version, samples: &[(u16, i64, u32)], options: &BuildOptions) -> Result<Vec<u8>> {
    let mut scan = Pages::of(samples);
    written(CodecId::S2, 1, |target| match version {
        Version::V1 => build_v1(target, &mut scan, &type_of, options),
        Version::V2 => build_v2(target, &mut scan, &type_of, options),
        Version::V3 => build_v3(target, &mut scan, &type_of, options),
    })
}

fn write_as(
    version: Version,
    target: &Target<'_, MemoryStorage>,
    series: &[SeriesInput<'_>],
) -> Result<BuildReport> {
    match version {
        Version::V1 => write_v1(target, series),
        Version::V2 => write_v2(target, series),
        Version::V3 => write_v3(target, series),
    }
}

fn one(id: u16, times: &'static [i64], raws: &'static [u32]) -> SeriesInput<'static> {
    SeriesInput { metric: metric(id), value_type: ValueType::F32, times, raws }
}

fn refused(kind: u8, series: &[SeriesInput<'_>]) -> String {
    let write = |version| {
        let error = written(CodecId::S2, kind, |target| write_as(version, target, series));
        let error = error.unwrap_err();
        assert!(error.is_rejection(), "{error:?}");
        error.to_string()
    };
    let message = write(Version::V1);
    assert_eq!(message, write(Version::V2));
    assert_eq!(message, write(Version::V3));
    message
}

#[test]
fn what_no_reader_could_use_is_refused() {
    let good = one(1, &[5], &[7]);
    assert_eq!(refused(0, &[good]), "partition kind: found 0, expected 1 to 4");
    assert_eq!(refused(5, &[good]), "partition kind: found 5, expected 1 to 4");
    assert_eq!(refused(1, &[]), "a metric file needs at least one metric");
    let message = "metric 2: found 0 times and 0 values, expected equally many, at least one";
    assert_eq!(refused(1, &[good, one(2, &[], &[])]), message);
    let message = "metric 2: found 2 times and 1 values, expected equally many, at least one";
    assert_eq!(refused(1, &[good, one(2, &[1, 2], &[1])]), message);
    assert_eq!(refused(1, &[one(1, &[2, 1], &[1, 1])]), "metric 1: times decrease");
}

#[test]
fn a_partition_without_samples_or_types_is_refused() {
    for (samples, message) in [
        (vec![], "a metric file needs at least one metric"),
        (
            vec![(1, 5, 5), (1000, 6, 6)],
            "metric id 1000 has samples, and no catalog entry tells their type",
        ),
        (vec![(0, 5, 5)], "metric id 0 has samples, and no catalog entry tells their type"),
    ] {
        for budget in [0, 1 << 20] {
            for version in ALL {
                let options = BuildOptions::default().memory_budget(budget);
                let error = built(version, &samples, &options).unwrap_err();
                assert!(error.is_rejection());
                assert_eq!(error.to_string(), message);
            }
        }
    }
    let mut uneven = Pages(vec![(vec![1, 1], vec![5], vec![5])]);
    let options = BuildOptions::default();
    let result = written(CodecId::S2, 1, |t| build_v2(t, &mut uneven, &type_of, &options));
    assert_eq!(result.unwrap_err().to_string(), "a scan's columns differ in length");
}

#[test]
fn series_of_one_metric_keep_their_order() {
    let series = [one(2, &[9], &[1]), one(1, &[5], &[2]), one(2, &[3], &[3])];
    for version in ALL {
        let bytes = written(CodecId::S2, 1, |target| write_as(version, target, &series));
        let frames = content(&bytes.unwrap()).unwrap();
        let found: Vec<_> = frames.iter().map(|f| (f.info.metric.get(), f.raws[0])).collect();
        assert_eq!(found, [(1, 2), (2, 1), (2, 3)]);
    }
}

#[test]
fn late_samples_are_sorted_behind_those_of_their_time() {
    let samples = [(1, 5, 1), (2, 5, 9), (1, 7, 2), (1, 5, 3), (1, 4, 4)];
    for (budget, versions) in [(0, &ALL[..2]), (1 << 20, &ALL)] {
        let options = BuildOptions::default().memory_budget(budget);
        for &version in versions {
            let frames = content(&built(version, &samples, &options).unwrap()).unwrap();
            assert_eq!(frames[0].times, [4, 5, 5, 7]);
            assert_eq!(frames[0].raws, [4, 1, 3, 2]);
        }
    }
}

#[test]
fn what_a_dead_writer_left_is_replaced() {
    let storage = MemoryStorage::new();
    let (target_name, codecs) = (name(), codecs());
    for left in ["metric-2026-02-10.dat.tmp", "metric-2026-02-10.dat.spool.tmp"] {
        storage
            .create(&crate::storage::FileName::new(left).unwrap())
            .unwrap()
            .append(b"x")
            .unwrap();
    }
    let target = Target {
        storage: &storage,
        name: &target_name,
        partition_kind: 1,
        codec: CodecId::S2,
        codecs: &codecs,
    };
    let options = BuildOptions::default().spool_memory(0);
    let mut scan = Pages::of(&[(1, 2, 3)]);
    for _ in 0..2 {
        let report = build_v2(&target, &mut scan, &type_of, &options).unwrap();
        assert_eq!((report.metrics, report.points, report.time_frames), (1, 1, 1));
        assert_eq!(storage.list().unwrap(), [name()]);
        assert_eq!(content(&storage.read(&name()).unwrap().unwrap()).unwrap().len(), 1);
    }
}

#[test]
fn a_failed_build_leaves_the_file_that_was_there() {
    let storage = MemoryStorage::new();
    let (target_name, codecs) = (name(), codecs());
    storage.create(&name()).unwrap().append(b"old").unwrap();
    let codec = CodecId::S2;
    let target =
        Target { storage: &storage, name: &target_name, partition_kind: 1, codec, codecs: &codecs };
    for budget in [0, 1 << 20] {
        let options = BuildOptions::default().memory_budget(budget).spool_memory(0);
        let mut scan = Changing { scans: 0 };
        let result = build_v2(&target, &mut scan, &type_of, &options);
        assert_eq!(result.is_err(), budget == 0, "one scan is always consistent");
        if budget == 0 {
            assert_eq!(
                result.unwrap_err().to_string(),
                "the partition's samples changed while they were read"
            );
            assert_eq!(storage.list().unwrap(), [name()]);
            assert_eq!(storage.read(&name()).unwrap().unwrap(), b"old");
        }
    }
}

/// A partition that grows while it is read.
struct Changing {
    scans: usize,
}

impl SampleScan for Changing {
    fn scan(&mut self, visit: &mut crate::metric_file::Visit<'_>) -> Result<()> {
        self.scans += 1;
        for time in 0..10 + i64::try_from(self.scans).unwrap() {
            visit(&[1, 2], &[time, time], &[1, 2])?;
        }
        Ok(())
    }
}

#[test]
fn a_codec_that_loses_bytes_is_noticed() {
    #[derive(Debug)]
    struct Lossy;
    impl crate::compress::BlockCodec for Lossy {
        fn id(&self) -> CodecId {
            CodecId::S2
        }
        fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
            out.extend(&input[1..]);
        }
        fn decode(
            &self,
            block: &[u8],
            _: usize,
            out: &mut Vec<u8>,
        ) -> core::result::Result<(), crate::compress::BlockError> {
            out.push(0xff);
            out.extend(block);
            Ok(())
        }
    }
    let storage = MemoryStorage::new();
    let (target_name, codecs) = (name(), codecs().with(&Lossy));
    let codec = CodecId::S2;
    let target =
        Target { storage: &storage, name: &target_name, partition_kind: 1, codec, codecs: &codecs };
    let error = write_v2(&target, &[one(1, &[1], &[1])]).unwrap_err().to_string();
    assert!(error.contains("codec s2 does not restore what it compressed"), "{error}");
    assert_eq!(storage.list().unwrap(), []);
}

/// What the partition holds, by hand: columns by id, stably sorted by time.
fn expected(samples: &[(u16, i64, u32)]) -> Vec<(u16, Vec<(i64, u32)>)> {
    let mut by_id: SortedMap<u16, Vec<(i64, u32)>> = SortedMap::new();
    for &(id, time, raw) in samples {
        by_id.get_or_default(id).push((time, raw));
    }
    for samples in by_id.values_mut() {
        samples.sort_by_key(|sample| sample.0);
    }
    by_id.into_iter().collect()
}

fn found(frames: &[Frame]) -> Vec<(u16, Vec<(i64, u32)>)> {
    let samples = |f: &Frame| f.times.iter().copied().zip(f.raws.iter().copied()).collect();
    frames.iter().map(|f| (f.info.metric.get(), samples(f))).collect()
}

/// Few instants, so that metrics often share times, contain each other's or arrive late.
fn samples() -> impl Strategy<Value = Vec<(u16, i64, u32)>> {
    prop::collection::vec((1_u16..12, 0_i64..25, any::<u32>()), 1..200)
}

/// Each metric has a window of one clock, in order.
fn windows() -> impl Strategy<Value = Vec<(u16, i64, u32)>> {
    let metrics = prop::collection::vec((0_i64..8, 1_i64..12, 1_i64..3), 1..12);
    metrics.prop_map(|metrics| {
        let ticks = (0..25_i64).flat_map(|tick| (1_u16..).zip(&metrics).map(move |m| (tick, m)));
        ticks
            .filter(|(tick, (_, (from, len, step)))| {
                tick >= from && *tick < from + len && tick % step == 0
            })
            .map(|(tick, (id, _))| (id, tick * 1_000, u32::from(id)))
            .chain([(40, 0, 0)])
            .collect()
    })
}

proptest! {
    #[test]
    fn what_was_built_is_read(samples in samples(), version in prop::sample::select(&ALL[..])) {
        let bytes = built(version, &samples, &BuildOptions::default()).unwrap();
        prop_assert_eq!(found(&content(&bytes).unwrap()), expected(&samples));
    }

    #[test]
    fn every_budget_gives_the_same_bytes(
        samples in prop_oneof![samples(), windows()],
        budget in prop_oneof![Just(0_usize), 0_usize..5000],
        spool in prop_oneof![Just(0_usize), 0_usize..3000],
        first: bool,
    ) {
        let version = if first { Version::V1 } else { Version::V2 };
        let whole = built(version, &samples, &BuildOptions::default()).unwrap();
        let options = BuildOptions::default().memory_budget(budget).spool_memory(spool);
        prop_assert_eq!(built(version, &samples, &options).unwrap(), whole);
    }

    #[test]
    fn built_equals_written(
        samples in prop_oneof![samples(), windows()],
        version in prop::sample::select(&ALL[..]),
    ) {
        let columns: Vec<(u16, Vec<i64>, Vec<u32>)> = expected(&samples)
            .into_iter()
            .map(|(id, samples)| {
                let (times, raws) = samples.into_iter().unzip();
                (id, times, raws)
            })
            .collect();
        let series: Vec<SeriesInput<'_>> = columns
            .iter()
            .map(|(id, times, raws)| SeriesInput {
                metric: metric(*id),
                value_type: type_of(*id).unwrap(),
                times,
                raws,
            })
            .collect();
        let bytes = written(CodecId::S2, 1, |target| write_as(version, target, &series));
        prop_assert_eq!(bytes.unwrap(), built(version, &samples, &BuildOptions::default()).unwrap());
    }

    #[test]
    fn what_was_built_compares_equal(
        samples in samples(),
        budget in 0_usize..6000,
        version in prop::sample::select(&ALL[..]),
    ) {
        let bytes = built(version, &samples, &BuildOptions::default()).unwrap();
        let file = crate::metric_file::testing::opened(&bytes).unwrap();
        let found = compare(&mut Pages::of(&samples), &type_of, &file, budget).unwrap();
        prop_assert_eq!(found.mismatch, None);
        prop_assert_eq!(usize::try_from(found.points).unwrap(), samples.len());
        prop_assert_eq!(found.metrics, expected(&samples).len());
    }
}
