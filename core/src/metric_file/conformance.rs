//! Metric files of version 3 where a host runs them: the same bytes as everywhere, every bit back,
//! whatever interrupts a build.
#![cfg_attr(
    not(test),
    expect(clippy::expect_used, reason = "a broken promise is reported by a panic")
)]

use super::{BuildOptions, MetricFile, SeriesInput, Target, Version, convert, write_v2};
use crate::codec::checksum::crc32;
use crate::column::noise::noise;
use crate::column::{Encoded, times, values};
use crate::compress::{CodecId, Codecs};
use crate::error::Result;
use crate::storage::sim::SimOptions;
use crate::storage::{FileName, MemoryStorage, SimStorage, Storage};
use crate::types::{MetricId, ValueType};
use alloc::vec::Vec;

/// Floats that are no ordinary numbers: zeros, subnormals, infinities, payloads of NaN.
const ODD: [u32; 10] = [
    0,
    1 << 31,
    1,
    0x807f_ffff,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0001,
    0x7f80_0001,
    u32::MAX,
    0x7f7f_ffff,
];

/// Points of a column: two blocks and a part.
const POINTS: u32 = 2500;

/// Encodes and decodes columns of many kinds, and returns a checksum of all encoded bytes, which is
/// the same on every host.
///
/// # Panics
///
/// When a column does not come back bit for bit.
pub fn columns() -> u32 {
    let mut checksums = Vec::new();
    let mut encoded = Encoded::default();
    for (value_type, raws) in value_columns() {
        values::encode(value_type, &raws, &mut encoded);
        let decoder =
            values::Decoder::new(&encoded.head, value_type, raws.len()).expect("its own head");
        let mut decoded = Vec::new();
        for (index, block) in encoded.blocks().enumerate() {
            decoder.block(index, block, &mut decoded).expect("its own block");
        }
        assert!(decoded == raws, "{:?}", decoder.describe());
        checksums.extend([crc32(&encoded.head), crc32(&encoded.body)]);
    }
    for all in time_columns() {
        times::encode(&all, &mut encoded);
        let decoder = times::Decoder::new(&encoded.head, all.len()).expect("its own head");
        let mut decoded = Vec::new();
        for (index, block) in encoded.blocks().enumerate() {
            decoder.block(index, block, &mut decoded).expect("its own block");
        }
        assert!(decoded == all, "{:?}", decoder.describe());
        checksums.extend([crc32(&encoded.head), crc32(&encoded.body)]);
    }
    crc32(&checksums.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>())
}

/// Turns a file of version 2 into one of version 3 and back.
///
/// # Panics
///
/// When the file that comes back is another.
pub fn conversions() {
    let storage = MemoryStorage::new();
    let older = written(&storage).expect("a file of version 2");
    assert!(converted(&storage, Version::V3).is_ok(), "to version 3");
    assert_eq!(version(&storage), Version::V3);
    assert!(converted(&storage, Version::V2).is_ok(), "back to version 2");
    assert!(read(&storage) == older, "another file came back");
}

/// Interrupts a build at every step, by a crash and by a failing write.
///
/// # Panics
///
/// When what is left is neither the old file nor the new one, or keeps the next build from working.
pub fn crashes() {
    let old = SimStorage::holding([].into());
    let before = written(&old).expect("a file of version 2");
    let fresh = || SimStorage::holding([(name(), before.clone())].into());
    let undisturbed = fresh();
    assert!(converted(&undisturbed, Version::V3).is_ok());
    let after = read(&undisturbed);
    let steps = undisturbed.steps();
    assert!(steps > 3, "{steps} steps");
    for step in 1..=steps {
        let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
        let storage = fresh().with_options(options);
        assert!(converted(&storage, Version::V3).is_err(), "step {step}");
        for seed in 0..4 {
            for left in [storage.after_crash(seed), storage.after_kill(seed)] {
                let found = read(&left);
                assert!(found == before || found == after, "step {step} seed {seed}");
                assert!(converted(&left, Version::V3).is_ok(), "step {step} seed {seed}");
                assert!(read(&left) == after, "step {step} seed {seed}");
            }
        }
    }
}

fn name() -> FileName {
    FileName::new("metric-2026-02-10.dat").expect("a name")
}

fn read<S: Storage>(storage: &S) -> Vec<u8> {
    storage.read(&name()).expect("readable").expect("a file, whatever happens")
}

fn version<S: Storage>(storage: &S) -> Version {
    opened(storage).expect("a metric file").version()
}

fn opened<S: Storage>(storage: &S) -> Result<MetricFile<S::File>> {
    MetricFile::open(storage.open(&name())?, name().as_str(), &Codecs::portable())
}

/// Writes all columns as a file of version 2, and returns its bytes.
fn written<S: Storage>(storage: &S) -> Result<Vec<u8>> {
    let columns = value_columns();
    let all_times = time_columns();
    let series = columns.iter().zip(all_times.iter().cycle()).zip(1..);
    let series: Vec<SeriesInput<'_>> = series
        .filter_map(|(((value_type, raws), times), id)| {
            let metric = MetricId::new(id)?;
            Some(SeriesInput { metric, value_type: *value_type, times, raws })
        })
        .collect();
    let (name, codecs) = (name(), Codecs::portable());
    let codec = CodecId::S2;
    write_v2(&Target { storage, name: &name, partition_kind: 1, codec, codecs: &codecs }, &series)?;
    Ok(read(storage))
}

/// Puts the file into another version, with too little memory for all of it.
fn converted<S: Storage>(storage: &S, version: Version) -> Result<()> {
    let file = opened(storage)?;
    let (name, codecs) = (name(), Codecs::portable());
    let codec = CodecId::S2;
    let target = Target { storage, name: &name, partition_kind: 1, codec, codecs: &codecs };
    let options = BuildOptions::default().memory_budget(100 << 10).spool_memory(4 << 10);
    convert(&file, &target, version, &options).map(|_| ())
}

#[expect(clippy::cast_possible_truncation, reason = "what a collector stores is the nearest float")]
fn decimal(number: u32, power: f64) -> u32 {
    ((f64::from(number) / power) as f32).to_bits()
}

fn value_columns() -> Vec<(ValueType, Vec<u32>)> {
    let numbers = || 0..POINTS;
    let random = |seed| numbers().zip(noise(seed));
    let walk: Vec<u32> = random(1)
        .scan(100_000, |level: &mut u32, (_, n)| {
            *level = (*level + n % 9).wrapping_sub(4);
            Some(*level)
        })
        .collect();
    let odd = |at: u32, n: u32| {
        ODD.iter().copied().cycle().nth(usize::try_from(n % 97 + at % 3).unwrap_or(0))
    };
    let integers: [Vec<u32>; 6] = [
        numbers().map(|_| 7).collect(),
        numbers().map(|n| n * 4096).collect(),
        numbers().map(|n| n.wrapping_mul(n)).collect(),
        random(2).map(|(_, n)| (n << 1) | (n % 2)).collect(),
        random(3).map(|(_, n)| if n % 300 == 0 { n } else { n % 3 }).collect(),
        walk.clone(),
    ];
    let floats: [Vec<u32>; 5] = [
        walk.iter().map(|&n| decimal(n, 100.0)).collect(),
        walk.iter().map(|&n| decimal(n, 3.0)).collect(),
        random(4).map(|(_, n)| decimal(n % 100_000, 1000.0)).collect(),
        random(5)
            .filter_map(|(at, n)| if n % 50 == 0 { odd(at, n) } else { Some(decimal(at, 10.0)) })
            .collect(),
        random(6).filter_map(|(at, n)| odd(at, n)).collect(),
    ];
    let integers = integers.into_iter().map(|raws| (ValueType::I32, raws));
    integers.chain(floats.into_iter().map(|raws| (ValueType::F32, raws))).collect()
}

fn time_columns() -> Vec<Vec<i64>> {
    let start = 1_767_225_600_000_000_000_i64;
    let ticks = || (0..i64::from(POINTS)).map(move |tick| start + tick * 10_000_000_000);
    let late =
        |unit: i64| ticks().zip(noise(7)).map(move |(time, n)| time + i64::from(n % 2000) * unit);
    let events = noise(8).scan(i64::MIN, |time: &mut i64, n| {
        *time = time.saturating_add(i64::from(n) << (n % 24));
        Some(*time)
    });
    let gaps = (0..i64::from(POINTS)).map(|tick| start + (tick + tick / 700 * 90) * 1_000_000_000);
    let most = usize::try_from(POINTS).unwrap_or(0);
    [
        ticks().collect(),
        late(1).collect(),
        late(1_000_000).collect(),
        gaps.collect(),
        events.take(most).collect(),
    ]
    .into()
}
