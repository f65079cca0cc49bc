//! W84: the metrics of one host, 84 of them, a sample of each every ten seconds.
//!
//! | metrics | kind | type | how it moves |
//! |---|---|---|---|
//! | 0..=20 | `counter` | int32 | up, each by another step |
//! | 21..=48 | `gauge` | float32 | a walk of two decimals, resting half of the time |
//! | 49..=62 | `noise` | float32 | no order at all |
//! | 63..=69 | `mem` | int32 | a walk of large steps |
//! | 70..=76 | `consti` | int32 | never |
//! | 77..=81 | `constf` | float32 | never |
//! | 82..=83 | `state` | int32 | between 0 and 1, seldom |
//!
//! The numbers measured for the reference engine are for exactly this stream, so it must never
//! change: the check values below pin it.

use crate::random::Random;
use nanotdb_core::Value;
use std::io;

/// Metrics in the workload.
pub const METRICS: usize = 84;
/// Ticks of ten seconds in a day.
pub const TICKS_PER_DAY: usize = 8640;
/// Samples in a day.
pub const SAMPLES_PER_DAY: usize = METRICS * TICKS_PER_DAY;
/// 2026-01-01T00:00:00Z
pub const START: i64 = 1_767_225_600_000_000_000;
/// Ten seconds.
pub const STEP: i64 = 10_000_000_000;
/// The database that [`line()`] names.
pub const DATABASE: &str = "bench";
/// The seed of the measured stream.
pub const SEED: u64 = 1;

/// What the times look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Every tick exactly on time.
    Regular,
    /// Every tick late by up to 2 ms, all metrics together.
    Jitter,
    /// Every metric 1 ms after the one before, so that no two share a time.
    Stagger,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Regular, Self::Jitter, Self::Stagger];
}

/// One sample of the workload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Which metric, from 0; its name is [`name`].
    pub metric: usize,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// The value.
    pub value: Value,
}

/// The samples in order, without end: `take(SAMPLES_PER_DAY)` is a day.
///
/// ```
/// use nanotdb_tests::workload::{METRICS, Shape, Workload};
///
/// let hour: Vec<_> = Workload::new(Shape::Regular).take(360 * METRICS).collect();
/// assert_eq!(hour[21].value, 20.5.into());
/// ```
#[derive(Debug, Clone)]
pub struct Workload {
    shape: Shape,
    start: i64,
    step: i64,
    jitter: Random,
    metrics: Vec<Metric>,
    tick: i64,
    tick_time: i64,
    next: usize,
}

#[derive(Debug, Clone)]
struct Metric {
    number: i64,
    kind: Kind,
    random: Random,
    state: i64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Noise,
    Mem,
    ConstI,
    ConstF,
    State,
}

impl Workload {
    /// The measured stream.
    pub fn new(shape: Shape) -> Self {
        Self::with(shape, SEED, START, STEP)
    }

    /// A stream like the measured one with another seed, start or step.
    pub fn with(shape: Shape, seed: u64, start: i64, step: i64) -> Self {
        let metric = |number: usize| Metric::new(number, seed);
        Self {
            shape,
            start,
            step,
            jitter: Random::new(seed + 1_000_000),
            metrics: (0..METRICS).map(metric).collect(),
            tick: 0,
            tick_time: start,
            next: 0,
        }
    }

    fn begin_tick(&mut self) {
        let late = match self.shape {
            Shape::Jitter => i64::from(self.jitter.next_u32()) % 2_000_000,
            Shape::Regular | Shape::Stagger => 0,
        };
        self.tick_time = self.start + self.tick * self.step + late;
    }
}

impl Iterator for Workload {
    type Item = Point;

    fn next(&mut self) -> Option<Point> {
        if self.next == 0 {
            self.begin_tick();
        }
        let metric = &mut self.metrics[self.next];
        let stagger = if self.shape == Shape::Stagger { metric.number * 1_000_000 } else { 0 };
        let time = self.tick_time + stagger;
        let point = Point { metric: self.next, time, value: metric.step() };
        self.next = (self.next + 1) % METRICS;
        self.tick += i64::from(self.next == 0);
        Some(point)
    }
}

impl Metric {
    fn new(metric: usize, seed: u64) -> Self {
        let number = i64::try_from(metric).expect("there are 84");
        let kind = Kind::of(metric);
        let state = match kind {
            Kind::Counter | Kind::ConstI => 1000 * number,
            Kind::Gauge => 1000 + 50 * number,
            Kind::Mem => 1_000_000 + 10_000 * number,
            Kind::ConstF => 1234 * number,
            Kind::Noise | Kind::State => 0,
        };
        Self { number, kind, random: Random::new(seed + metric as u64), state }
    }

    fn step(&mut self) -> Value {
        let drawn = self.random.next();
        let a = i64::try_from(drawn >> 32).expect("32 bits");
        let b_is_even = drawn & 1 == 0;
        match self.kind {
            Kind::Counter => {
                self.state += a % (1 + 37 * self.number % 1000);
                if self.state > 2_000_000_000 {
                    self.state = 0;
                }
                integer(self.state)
            }
            Kind::Gauge => {
                if b_is_even {
                    self.state += a % 7 - 3;
                }
                self.state = self.state.clamp(0, 10_000);
                hundredths(self.state)
            }
            Kind::Noise => hundredths(a % 1_000_000),
            Kind::Mem => {
                self.state = (self.state + a % 2049 - 1024).clamp(100_000, 4_000_000);
                integer(self.state)
            }
            Kind::ConstI => integer(self.state),
            Kind::ConstF => hundredths(self.state),
            Kind::State => {
                if a % 360 == 0 {
                    self.state = 1 - self.state;
                }
                integer(self.state)
            }
        }
    }
}

impl Kind {
    fn of(metric: usize) -> Self {
        match metric {
            0..=20 => Self::Counter,
            21..=48 => Self::Gauge,
            49..=62 => Self::Noise,
            63..=69 => Self::Mem,
            70..=76 => Self::ConstI,
            77..=81 => Self::ConstF,
            82..=83 => Self::State,
            _ => panic!("there is no metric {metric}"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Noise => "noise",
            Self::Mem => "mem",
            Self::ConstI => "consti",
            Self::ConstF => "constf",
            Self::State => "state",
        }
    }
}

fn integer(number: i64) -> Value {
    Value::I32(i32::try_from(number).expect("kept in range"))
}

#[expect(clippy::cast_precision_loss, reason = "all numbers are below 2^24")]
fn hundredths(number: i64) -> Value {
    Value::F32(number as f32 / 100.0)
}

/// The name of a metric.
pub fn name(metric: usize) -> String {
    format!("host01.{}.m{metric:02}", Kind::of(metric).name())
}

/// All names, by metric.
pub fn names() -> Vec<String> {
    (0..METRICS).map(name).collect()
}

/// A sample in line protocol, without line end.
pub fn line(names: &[String], point: &Point) -> String {
    let name = &names[point.metric];
    let time = point.time;
    match point.value {
        Value::I32(value) => format!("{DATABASE}/{name} {value}i {time}"),
        Value::F32(value) => format!("{DATABASE}/{name} {value} {time}"),
    }
}

/// Writes samples in line protocol, one a line.
pub fn write_lines(
    points: impl IntoIterator<Item = Point>,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let names = names();
    points.into_iter().try_for_each(|point| writeln!(out, "{}", line(&names, &point)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a over metric, time and value bits of each sample: after tick 0, tick 99, the day.
    fn digests(shape: Shape) -> [u64; 3] {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut digests = [0; 3];
        for (i, point) in Workload::new(shape).take(SAMPLES_PER_DAY).enumerate() {
            let metric = u16::try_from(point.metric).unwrap().to_le_bytes();
            let time = point.time.to_le_bytes();
            let value = point.value.to_raw().to_le_bytes();
            for byte in metric.into_iter().chain(time).chain(value) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            for (digest, ticks) in digests.iter_mut().zip([1, 100, TICKS_PER_DAY]) {
                if i + 1 == ticks * METRICS {
                    *digest = hash;
                }
            }
        }
        digests
    }

    #[test]
    fn check_values() {
        let expected = [
            [0xfd8c_060a_b539_6a8a, 0x006d_27f2_9352_123a, 0x0edf_4f09_5a14_b434],
            [0xcfba_7053_4f3f_8e06, 0xb233_5ffa_0344_670e, 0x52c2_0b63_de82_cba0],
            [0x6ff8_fc08_a7d3_8119, 0xe413_2fa2_98f3_8d78, 0xb43b_ce44_da22_5c6d],
        ];
        for (shape, expected) in Shape::ALL.into_iter().zip(expected) {
            assert_eq!(digests(shape), expected, "{shape:?}");
        }
    }

    #[test]
    fn first_samples() {
        let tick: Vec<Point> = Workload::new(Shape::Regular).take(METRICS).collect();
        let value = |metric: usize| tick[metric].value;
        assert_eq!(value(0), 0.into());
        assert_eq!(value(1), 1028.into());
        assert_eq!(value(20), 20258.into());
        assert_eq!(value(21).to_raw(), 0x41a4_0000);
        assert_eq!(value(48).to_raw(), 0x4207_eb85);
        assert_eq!(value(49).to_raw(), 0x44d8_d852);
        assert_eq!(value(63), 1_629_456.into());
        assert_eq!(value(77).to_raw(), 0x446d_8b85);
        assert_eq!(value(82), 0.into());
    }

    #[test]
    fn text() {
        let mut out = Vec::new();
        write_lines(Workload::new(Shape::Stagger).skip(20).take(2), &mut out).unwrap();
        let expected = "bench/host01.counter.m20 20258i 1767225600020000000\n\
                        bench/host01.gauge.m21 20.5 1767225600021000000\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn days_follow_each_other() {
        let point = Workload::new(Shape::Regular).nth(SAMPLES_PER_DAY).unwrap();
        assert_eq!((point.metric, point.time), (0, START + 86_400_000_000_000));
    }
}
