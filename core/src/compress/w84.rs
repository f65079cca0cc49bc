//! The calibration workload: 84 metrics of one host, one sample each every ten seconds.
//!
//! Tests compare sizes with those of the reference engine over the same day, and the speed
//! example decodes its pages. The generator is exact: the checks below pin its output.

use alloc::vec::Vec;

pub(crate) const METRICS: usize = 84;
pub(crate) const TICKS: usize = 8640;
/// Where the reference cuts pages at its default limits.
pub(crate) const PAGE_SAMPLES: usize = 9072;

const START: i64 = 1_767_225_600_000_000_000;
const STEP: i64 = 10_000_000_000;

/// How the timestamps of one tick relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All equal, ten seconds apart.
    Regular,
    /// All equal, up to 2 ms late.
    Jitter,
    /// Each metric a millisecond behind the one before.
    Stagger,
}

/// One sample in stream order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) metric: u16,
    pub(crate) time: i64,
    pub(crate) value: u32,
}

/// One day of samples.
pub(crate) fn day(shape: Shape) -> Vec<Row> {
    let mut metrics: Vec<Metric> = (0..84).map(Metric::new).collect();
    let mut late = Random::new(1_000_001);
    let mut rows = Vec::with_capacity(METRICS * TICKS);
    let mut tick_time = START;
    for _ in 0..TICKS {
        let tick_late = if shape == Shape::Jitter { (late.next() >> 32) % 2_000_000 } else { 0 };
        let mut time = tick_time + i64::try_from(tick_late).unwrap();
        for metric in &mut metrics {
            rows.push(Row { metric: metric.number, time, value: metric.next() });
            if shape == Shape::Stagger {
                time += 1_000_000;
            }
        }
        tick_time += STEP;
    }
    rows
}

/// The payloads of the day's pages: a column each of ids, times and values.
pub(crate) fn pages(rows: &[Row]) -> Vec<Vec<u8>> {
    rows.chunks(PAGE_SAMPLES)
        .map(|page| {
            let mut payload = Vec::with_capacity(page.len() * 14);
            payload.extend(page.iter().flat_map(|row| row.metric.to_le_bytes()));
            payload.extend(page.iter().flat_map(|row| row.time.to_le_bytes()));
            payload.extend(page.iter().flat_map(|row| row.value.to_le_bytes()));
            payload
        })
        .collect()
}

/// The times of one metric as a metric file stores them.
pub(crate) fn times(rows: &[Row], metric: usize) -> Vec<u8> {
    rows.iter().skip(metric).step_by(METRICS).flat_map(|row| row.time.to_le_bytes()).collect()
}

/// The values of one metric as a metric file stores them.
pub(crate) fn values(rows: &[Row], metric: usize) -> Vec<u8> {
    rows.iter().skip(metric).step_by(METRICS).flat_map(|row| row.value.to_le_bytes()).collect()
}

struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        Self(if z == 0 { 0x9e37_79b9_7f4a_7c15 } else { z })
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

struct Metric {
    number: u16,
    level: i64,
    random: Random,
}

impl Metric {
    fn new(number: u16) -> Self {
        let m = i64::from(number);
        let level = match number {
            0..21 | 70..77 => 1000 * m,
            21..49 => 1000 + 50 * m,
            63..70 => 1_000_000 + 10_000 * m,
            77..82 => 1234 * m,
            _ => 0,
        };
        Self { number, level, random: Random::new(1 + u64::from(number)) }
    }

    /// The next value's bits.
    fn next(&mut self) -> u32 {
        let drawn = self.random.next();
        let a = i64::try_from(drawn >> 32).unwrap();
        match self.number {
            0..21 => {
                self.level += a % (1 + (37 * i64::from(self.number)) % 1000);
                if self.level > 2_000_000_000 {
                    self.level = 0;
                }
                self.integer()
            }
            21..49 => {
                if drawn.is_multiple_of(2) {
                    self.level = (self.level + a % 7 - 3).clamp(0, 10_000);
                }
                self.hundredths()
            }
            49..63 => {
                self.level = a % 1_000_000;
                self.hundredths()
            }
            63..70 => {
                self.level = (self.level + a % 2049 - 1024).clamp(100_000, 4_000_000);
                self.integer()
            }
            70..77 => self.integer(),
            77..82 => self.hundredths(),
            _ => {
                if a % 360 == 0 {
                    self.level = 1 - self.level;
                }
                self.integer()
            }
        }
    }

    fn integer(&self) -> u32 {
        i32::try_from(self.level).unwrap().cast_unsigned()
    }

    #[expect(clippy::cast_precision_loss, reason = "levels are below 2^24")]
    fn hundredths(&self) -> u32 {
        (i32::try_from(self.level).unwrap() as f32 / 100.0).to_bits()
    }
}
