use super::*;
use crate::compress::CodecId;
use crate::error::Error;
use crate::metric_file::testing::{Pages, metric, opened, type_of, written};
use crate::metric_file::{BuildOptions, build_v1, build_v2};
use alloc::string::ToString;

const RAW: [(u16, i64, u32); 7] =
    [(1, 10, 1), (3, 10, 2), (1, 20, 3), (3, 5, 4), (1, 20, 5), (4, 20, 6), (3, 20, 7)];

/// Compares `raw` with the file of `RAW`, in both versions and with memory for all or for little.
fn compared(raw: &[(u16, i64, u32)]) -> Comparison {
    let mut results = Vec::new();
    for budget in [0, 100, 1 << 20] {
        for version in [1, 2] {
            let mut scan = Pages::of(&RAW);
            let options = BuildOptions::default();
            let bytes = written(CodecId::S2, 1, |target| match version {
                1 => build_v1(target, &mut scan, &type_of, &options),
                _ => build_v2(target, &mut scan, &type_of, &options),
            });
            let file = opened(&bytes.unwrap()).unwrap();
            results.push(compare(&mut Pages::of(raw), &type_of, &file, budget).unwrap());
        }
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
    results[0]
}

fn mismatch(raw: &[(u16, i64, u32)]) -> Mismatch {
    compared(raw).mismatch.expect("a difference")
}

fn sample(time: i64, value: Value) -> Sample {
    Sample { time: Timestamp(time), value }
}

#[test]
fn equal() {
    assert_eq!(compared(&RAW), Comparison { metrics: 3, points: 7, mismatch: None });
    let mut other_order = RAW;
    other_order.sort_by_key(|(id, time, _)| (*id, *time));
    assert_eq!(compared(&other_order).mismatch, None);
}

#[test]
fn another_value() {
    let mut raw = RAW;
    raw[1].2 = 9;
    let value = |raw| Value::from_raw(ValueType::F32, raw);
    assert_eq!(
        mismatch(&raw),
        Mismatch {
            metric: metric(3),
            position: 1,
            expected: Some(sample(10, value(9))),
            found: Some(sample(10, value(2)))
        }
    );
    assert_eq!(compared(&raw).points, 4);
    let message = Mismatch {
        expected: Some(sample(10, Value::F32(2.5))),
        found: Some(sample(10, Value::F32(2.0))),
        ..mismatch(&raw)
    };
    assert_eq!(
        message.to_string(),
        "metric 3, sample 1: found 10 float32 2 (0x40000000) in the metric file, \
         expected 10 float32 2.5 (0x40200000) as in the raw data"
    );
}

#[test]
fn equal_times_in_another_order() {
    let mut raw = RAW;
    raw.swap(2, 4);
    assert_eq!((mismatch(&raw).metric, mismatch(&raw).position), (metric(1), 1));
}

#[test]
fn another_time() {
    let mut raw = RAW;
    raw[5].1 = 21;
    let found = mismatch(&raw);
    assert_eq!((found.metric, found.position), (metric(4), 0));
    assert_eq!(found.expected, Some(sample(21, Value::I32(6))));
    assert_eq!(found.found, Some(sample(20, Value::I32(6))));
}

#[test]
fn samples_on_one_side_only() {
    let without = |index: usize| {
        let mut raw = RAW.to_vec();
        raw.remove(index);
        raw
    };
    let value = |raw| Value::from_raw(ValueType::F32, raw);
    let last = mismatch(&without(6));
    assert_eq!((last.metric, last.position, last.expected), (metric(3), 2, None));
    assert_eq!(last.found, Some(sample(20, value(7))));
    let metric_4 = mismatch(&without(5));
    assert_eq!((metric_4.metric, metric_4.position, metric_4.expected), (metric(4), 0, None));

    let with = |extra| {
        let mut raw = RAW.to_vec();
        raw.push(extra);
        mismatch(&raw)
    };
    let more = with((1, 30, 8));
    assert_eq!((more.metric, more.position, more.found), (metric(1), 3, None));
    assert_eq!(more.expected, Some(sample(30, value(8))));
    let between = with((2, 30, 8));
    assert_eq!((between.metric, between.found), (metric(2), None));
    let behind = with((5, 30, 8));
    assert_eq!((behind.metric, behind.found), (metric(5), None));
    let first = mismatch(&[(3, 5, 4)]);
    assert_eq!((first.metric, first.expected), (metric(1), None));
    assert_eq!(mismatch(&[]).metric, metric(1), "nothing raw");
}

#[test]
fn another_type() {
    let mut scan = Pages::of(&RAW);
    let bytes = written(CodecId::S2, 1, |target| {
        build_v2(target, &mut scan, &type_of, &BuildOptions::default())
    });
    let file = opened(&bytes.unwrap()).unwrap();
    let all_integers = |_| Some(ValueType::I32);
    let found = compare(&mut scan, &all_integers, &file, 1000).unwrap().mismatch.unwrap();
    assert_eq!((found.metric, found.position), (metric(1), 0));
    assert_eq!(found.expected, Some(sample(10, Value::I32(1))));
}

#[test]
fn damage_is_an_error_and_no_mismatch() {
    let mut scan = Pages::of(&RAW);
    let bytes = written(CodecId::S2, 1, |target| {
        build_v2(target, &mut scan, &type_of, &BuildOptions::default())
    });
    let mut bytes = bytes.unwrap();
    let payload = bytes.windows(4).rposition(|part| part == b"MPG2").unwrap() + 50;
    bytes[payload] ^= 1;
    let result = compare(&mut scan, &type_of, &opened(&bytes).unwrap(), 1000);
    assert!(matches!(result, Err(Error::Corrupt(_))), "{result:?}");
    let result = compare(&mut scan, &|_| None, &opened(&bytes).unwrap(), 1000);
    assert!(result.unwrap_err().is_rejection());
}
