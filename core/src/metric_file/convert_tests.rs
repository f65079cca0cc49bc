use super::*;
use crate::compress::CodecId;
use crate::metric_file::testing::{Pages, content, metric, opened, type_of, written};
use crate::metric_file::{SeriesInput, write_v2};
use alloc::string::ToString;
use proptest::prelude::*;

const ALL: [Version; 3] = [Version::V1, Version::V2, Version::V3];

fn converted(bytes: &[u8], version: Version, options: &BuildOptions) -> Vec<u8> {
    let file = opened(bytes).unwrap();
    let kind = file.partition_kind();
    written(CodecId::S2, kind, |target| convert(&file, target, version, options)).unwrap()
}

fn built(samples: &[(u16, i64, u32)]) -> Vec<u8> {
    let options = BuildOptions::default();
    let mut scan = Pages::of(samples);
    written(CodecId::S2, 2, |target| build_v2(target, &mut scan, &type_of, &options)).unwrap()
}

/// A metric's samples in order of time.
type Stream = (u16, ValueType, Vec<(i64, u32)>);

fn streams(bytes: &[u8]) -> Vec<Stream> {
    let mut streams: Vec<Stream> = Vec::new();
    for frame in content(bytes).unwrap() {
        let samples = frame.times.into_iter().zip(frame.raws);
        let (id, value_type) = (frame.info.metric.get(), frame.info.value_type);
        match streams.last_mut().filter(|last| last.0 == id) {
            Some(last) => last.2.extend(samples),
            None => streams.push((id, value_type, samples.collect())),
        }
    }
    for (_, _, samples) in &mut streams {
        samples.sort_by_key(|sample| sample.0);
    }
    streams
}

#[test]
fn a_metric_of_both_types_is_refused() {
    let one = |value_type| SeriesInput { metric: metric(7), value_type, times: &[1], raws: &[1] };
    let series = [one(ValueType::I32), one(ValueType::F32)];
    let bytes = written(CodecId::S2, 1, |target| write_v2(target, &series)).unwrap();
    let file = opened(&bytes).unwrap();
    let options = BuildOptions::default();
    let error = written(CodecId::S2, 1, |target| convert(&file, target, Version::V3, &options));
    let error = error.unwrap_err();
    assert!(error.is_rejection());
    assert_eq!(error.to_string(), "metric 7: found int32 and float32 in one file");
}

proptest! {
    #[test]
    fn any_version_becomes_any_other_and_comes_back_the_same(
        samples in prop::collection::vec(
            (1_u16..9, prop_oneof![0_i64..40, any::<i64>()], any::<u32>()), 1..200),
        by_way_of in prop::sample::select(&ALL[..]),
        budget in prop_oneof![Just(24 << 20), 0_usize..3000],
    ) {
        let options = BuildOptions::default().memory_budget(budget);
        let v2 = built(&samples);
        let other = converted(&v2, by_way_of, &options);
        prop_assert_eq!(opened(&other).unwrap().version(), by_way_of);
        prop_assert_eq!(streams(&other), streams(&v2));
        let v3 = converted(&other, Version::V3, &options);
        prop_assert_eq!(streams(&v3), streams(&v2));
        prop_assert_eq!(converted(&v3, Version::V2, &options), v2);
    }
}
