//! Columns made up to be easy or hard in one way each.

use crate::column::Column;
use crate::sets::Set;
use nanotdb_tests::random::Random;
use nanotdb_tests::workload::{START, STEP, TICKS_PER_DAY};

/// Columns of a set, each from a seed of its own.
const COLUMNS: u64 = 8;
const LEN: usize = TICKS_PER_DAY;

pub(crate) fn values() -> Vec<Set> {
    vec![
        integers("counter/slow", |_| {
            let mut count = 0;
            move |random: &mut Random, _| grow(&mut count, i32::from(random.one_in(20)))
        }),
        integers("counter/bytes", |_| {
            let mut count = 0;
            move |random: &mut Random, _| grow(&mut count, below(random, 3_000_000))
        }),
        integers("counter/restarts", |_| {
            let mut count = 0;
            move |random: &mut Random, _| {
                if random.one_in(1000) {
                    count = 0;
                }
                grow(&mut count, below(random, 50))
            }
        }),
        integers("const/i32", |random| {
            let value = random.next_u32().cast_signed();
            move |_: &mut Random, _| value
        }),
        floats("const/f32", |random| {
            let value = unit(random);
            move |_: &mut Random, _| value
        }),
        floats("sparse", |_| {
            move |random: &mut Random, _| {
                if random.one_in(200) { hundredths(below(random, 10_000)) } else { 0.0 }
            }
        }),
        integers("bursty", |_| {
            let mut left = 0;
            move |random: &mut Random, _| {
                left = if random.one_in(500) { 60 } else { (left - 1).max(0) };
                if left > 0 { below(random, 100_000) } else { 0 }
            }
        }),
        floats("white/f32", |_| |random: &mut Random, _| f32::from_bits(random.next_u32())),
        integers("white/i32", |_| |random: &mut Random, _| random.next_u32().cast_signed()),
        floats("odd-floats", |_| |random: &mut Random, _| odd(random)),
        floats("sine/2-decimals", |random| {
            let phase = unit(random);
            move |_: &mut Random, n| hundredths(rounded(5000.0 * (1.0 + wave(n, phase))))
        }),
        floats("sine/all-bits", |random| {
            let phase = unit(random);
            move |_: &mut Random, n| wave(n, phase)
        }),
        floats("quotient/3", |_| {
            let mut level = 5000;
            move |random: &mut Random, _| quotient(walk(random, &mut level, 20), 3)
        }),
        floats("quotient/60", |_| {
            let mut level = 5000;
            move |random: &mut Random, _| quotient(walk(random, &mut level, 20), 60)
        }),
        floats("temperature/sixteenths", |_| {
            let mut level = 320;
            move |random: &mut Random, _| quotient(walk(random, &mut level, 1), 16)
        }),
        floats("steps", |_| {
            let mut level = 0.0;
            move |random: &mut Random, _| {
                if random.one_in(300) {
                    level = hundredths(below(random, 10_000));
                }
                level
            }
        }),
        short(),
    ]
}

/// A hundred points a column: what does not shrink with the column shows.
fn short() -> Set {
    let column = |seed| {
        let (mut random, mut level) = (Random::new(seed), 5000);
        let value = |_| hundredths(walk(&mut random, &mut level, 3));
        Column::floats((0..100).map(value).collect())
    };
    Set::new("short/100-points", (0..64).map(column).collect())
}

pub(crate) fn times() -> Vec<Set> {
    vec![
        stream("times/micros-late", |_| {
            move |random: &mut Random, n| START + n * STEP + i64::from(below(random, 2_000)) * 1_000
        }),
        stream("times/millis-late", |_| {
            move |random: &mut Random, n| {
                START + n * STEP + i64::from(below(random, 50)) * 1_000_000
            }
        }),
        stream("times/drifting", |_| {
            let mut time = START;
            move |random: &mut Random, _| {
                later(&mut time, STEP + i64::from(below(random, 2_000_000)))
            }
        }),
        stream("times/gaps", |_| {
            let mut time = START;
            move |random: &mut Random, _| {
                later(&mut time, STEP * if random.one_in(100) { 30 } else { 1 })
            }
        }),
        stream("times/events", |_| {
            let mut time = START;
            move |random: &mut Random, _| {
                let part = f64::from(unit(random)).max(1e-7);
                later(&mut time, rounded(-part.ln() * 1e9).into())
            }
        }),
        stream("times/bursts", |_| {
            let mut time = START;
            move |random: &mut Random, _| {
                let pause = if random.one_in(50) { 3_600_000_000_000 } else { 1_000 };
                later(&mut time, pause + i64::from(below(random, 1_000)))
            }
        }),
    ]
}

/// Columns of floats, each by a rule that starts from its own random numbers.
fn floats<R: FnMut(&mut Random, i64) -> f32>(name: &str, begin: impl Fn(&mut Random) -> R) -> Set {
    Set::new(name, columns(|random| Column::floats(run(begin(random), random))))
}

fn integers<R: FnMut(&mut Random, i64) -> i32>(
    name: &str,
    begin: impl Fn(&mut Random) -> R,
) -> Set {
    Set::new(name, columns(|random| Column::integers(run(begin(random), random))))
}

fn stream<R: FnMut(&mut Random, i64) -> i64>(name: &str, begin: impl Fn(&mut Random) -> R) -> Set {
    Set::new(name, columns(|random| Column::Times(run(begin(random), random))))
}

fn columns(column: impl Fn(&mut Random) -> Column) -> Vec<Column> {
    (1..=COLUMNS).map(|seed| column(&mut Random::new(seed))).collect()
}

fn run<T>(mut rule: impl FnMut(&mut Random, i64) -> T, random: &mut Random) -> Vec<T> {
    (0..i64::try_from(LEN).expect("few")).map(|n| rule(random, n)).collect()
}

fn below(random: &mut Random, bound: u32) -> i32 {
    i32::try_from(random.below(bound.into())).expect("bounds are small")
}

/// From 0 to 1, without 1.
fn unit(random: &mut Random) -> f32 {
    (random.next_u32() >> 8) as f32 / 16_777_216.0
}

fn grow(count: &mut i32, step: i32) -> i32 {
    *count = count.checked_add(step).unwrap_or(0);
    *count
}

const fn later(time: &mut i64, step: i64) -> i64 {
    *time += step;
    *time
}

fn walk(random: &mut Random, level: &mut i32, most: u32) -> i32 {
    *level += below(random, 2 * most + 1) - most.cast_signed();
    *level = (*level).clamp(0, 10_000);
    *level
}

fn hundredths(number: i32) -> f32 {
    quotient(number, 100)
}

fn quotient(number: i32, by: i32) -> f32 {
    number as f32 / by as f32
}

#[expect(clippy::cast_possible_truncation, reason = "numbers are small, and rounding is wanted")]
fn rounded(number: impl Into<f64>) -> i32 {
    number.into().round() as i32
}

/// A sine of 500 points.
fn wave(n: i64, phase: f32) -> f32 {
    (n as f32 / 500.0 * core::f32::consts::TAU + phase).sin()
}

/// Zeros of both signs, subnormals, infinities and NaN of all payloads, among some numbers.
fn odd(random: &mut Random) -> f32 {
    match random.below(6) {
        0 => f32::from_bits(random.next_u32() & 0x807f_ffff),
        1 => f32::from_bits(random.next_u32() | 0x7f80_0000),
        2 => -0.0,
        3 => f32::INFINITY,
        4 => f32::NAN,
        _ => hundredths(below(random, 1000)),
    }
}
