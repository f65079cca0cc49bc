//! Sizes against those of the reference engine, and blocks against an independent implementation,
//! on the calibration workload.

use super::w84::{self, METRICS, Row, Shape};
use super::{BlockCodec, s2::S2, s2::S2Better};
use crate::codec::varint;
use alloc::vec::Vec;

/// Encodes, checks that both implementations read it back, and returns the block's length.
fn encoded_len(codec: &dyn BlockCodec, input: &[u8]) -> usize {
    let mut block = Vec::new();
    codec.encode(input, &mut block);
    let mut ours = Vec::new();
    codec.decode(&block, input.len(), &mut ours).expect("own block");
    assert!(ours == input);
    assert!(minlz::s2::decode(&block).expect("valid block") == input);
    block.len()
}

/// The bytes of a data file: 18 of header, a length, the payload and 4 of checksum a page.
fn data_file(rows: &[Row], codec: &dyn BlockCodec) -> usize {
    let frame = |payload: &Vec<u8>| {
        let len = encoded_len(codec, payload);
        let mut varint = Vec::new();
        varint::encode(len as u64, &mut varint);
        18 + varint.len() + len + 4
    };
    w84::pages(rows).iter().map(frame).sum()
}

/// The bytes of a metric file of the second version: times once for each set of metrics that
/// share them, then the values of each metric.
fn metric_file(rows: &[Row], codec: &dyn BlockCodec, shared_times: bool) -> usize {
    let time_vectors = if shared_times { 1 } else { METRICS };
    let times = (0..time_vectors).map(|metric| w84::times(rows, metric));
    let values = (0..METRICS).map(|metric| w84::values(rows, metric));
    let frames: usize = times.chain(values).map(|vector| 52 + encoded_len(codec, &vector)).sum();
    64 + frames + 40 * time_vectors + 44 * METRICS + 16
}

/// At most 2 % more than the reference writes.
fn assert_close(what: &str, ours: usize, reference: usize) {
    assert!(
        ours * 100 <= reference * 102,
        "{what}: {ours} bytes, the reference writes {reference}"
    );
}

fn fnv(rows: &[Row]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for row in rows {
        let fields = row.metric.to_le_bytes().into_iter();
        let fields = fields.chain(row.time.to_le_bytes()).chain(row.value.to_le_bytes());
        for byte in fields {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[test]
fn the_workload_is_the_one_the_reference_was_measured_with() {
    for (shape, first_tick, hundred_ticks, day) in [
        (Shape::Regular, 0xfd8c_060a_b539_6a8a, 0x006d_27f2_9352_123a, 0x0edf_4f09_5a14_b434),
        (Shape::Jitter, 0xcfba_7053_4f3f_8e06, 0xb233_5ffa_0344_670e, 0x52c2_0b63_de82_cba0),
        (Shape::Stagger, 0x6ff8_fc08_a7d3_8119, 0xe413_2fa2_98f3_8d78, 0xb43b_ce44_da22_5c6d),
    ] {
        let rows = w84::day(shape);
        assert_eq!(fnv(&rows[..METRICS]), first_tick, "{shape:?}");
        assert_eq!(fnv(&rows[..100 * METRICS]), hundred_ticks, "{shape:?}");
        assert_eq!(fnv(&rows), day, "{shape:?}");
    }
}

#[test]
fn regular_files_are_as_small_as_the_references() {
    let rows = w84::day(Shape::Regular);
    assert_close("data", data_file(&rows, &S2), 2_033_471);
    assert_close("s2", metric_file(&rows, &S2, true), 1_795_943);
    assert_close("s2_better", metric_file(&rows, &S2Better, true), 1_740_039);
}

#[test]
fn jitter_files_are_as_small_as_the_references() {
    let rows = w84::day(Shape::Jitter);
    assert_close("data", data_file(&rows, &S2), 2_042_516);
    assert_close("s2", metric_file(&rows, &S2, true), 1_795_943);
    assert_close("s2_better", metric_file(&rows, &S2Better, true), 1_748_598);
}

#[test]
fn stagger_files_are_as_small_as_the_references() {
    let rows = w84::day(Shape::Stagger);
    assert_close("data", data_file(&rows, &S2), 6_184_462);
    assert_close("s2", metric_file(&rows, &S2, false), 7_541_120);
    assert_close("s2_better", metric_file(&rows, &S2Better, false), 6_774_736);
}

#[test]
fn pages_of_the_oracle_are_read() {
    for shape in [Shape::Regular, Shape::Jitter, Shape::Stagger] {
        let rows = w84::day(shape);
        for page in w84::pages(&rows).iter().step_by(7) {
            let blocks = [
                minlz::s2::encode(page),
                minlz::s2::encode_better(page),
                minlz::s2::encode_best(page),
                minlz::s2::encode_snappy(page),
            ];
            for block in blocks {
                let mut out = Vec::new();
                assert_eq!(S2.decode(&block, page.len(), &mut out), Ok(()));
                assert!(out == *page);
            }
        }
    }
}
