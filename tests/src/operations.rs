//! Seeded things that a program does with a database.
//!
//! A plan knows nothing of the database it will run on, so a crash at any of its steps meets the
//! same plan, and a plan can go on where another one was cut off.

use crate::random::Random;
use nanotdb_core::Value;
use nanotdb_core::compress::CodecId;
use nanotdb_core::metric_file::Version;
use nanotdb_core::settings::RawAction;

/// 2026-01-01T00:00:00Z
pub const START: i64 = 1_767_225_600_000_000_000;
/// A second.
pub const SECOND: i64 = 1_000_000_000;
/// An hour.
pub const HOUR: i64 = 3600 * SECOND;
/// A day, and so a partition.
pub const DAY: i64 = 24 * HOUR;

/// A sample on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its metric.
    pub metric: String,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// Its value.
    pub value: Value,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// A sample by itself.
    Add(Point),
    /// Samples together.
    Batch(Vec<Point>),
    /// Every open page is written.
    Flush,
    /// What is due is done.
    Tick,
    /// A metric file is built.
    Build {
        /// Of the day with this number, counted from [`START`].
        day: i64,
        /// What becomes of the raw pages.
        action: RawAction,
        /// How its payloads are compressed.
        codec: CodecId,
        /// Its version.
        version: Version,
    },
    /// A metric file is written anew in another layout.
    Convert {
        /// Of the day with this number, counted from [`START`].
        day: i64,
        /// How its payloads are compressed.
        codec: CodecId,
        /// Its version.
        version: Version,
    },
    /// The pages of a partition are written anew.
    Recompact {
        /// The day with this number, counted from [`START`].
        day: i64,
    },
    /// The database is closed and opened.
    Reopen,
    /// The process goes away without a word, and the database is opened.
    Abandon,
}

/// An operation and the time it happens at.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What the clock shows.
    pub now: i64,
    /// What is done.
    pub operation: Operation,
}

/// Makes plans; see [`steps`](Self::steps).
#[derive(Debug, Clone)]
pub struct Planner {
    random: Random,
    now: i64,
    /// Newest planned time of each metric.
    newest: Vec<i64>,
    last: Vec<Option<Point>>,
    counter: i32,
    /// The newest day that a metric file was planned for.
    built: i64,
}

impl Planner {
    /// A planner whose clock starts at [`START`].
    pub fn new(seed: u64) -> Self {
        let (now, metrics) = (START + 5 * HOUR, 5);
        Self {
            random: Random::new(seed),
            now,
            newest: vec![i64::MIN; metrics],
            last: vec![None; metrics],
            counter: 0,
            built: i64::MIN,
        }
    }

    /// The next so many steps. Later calls go on where earlier ones ended.
    pub fn steps(&mut self, count: usize) -> Vec<Step> {
        (0..count).map(|_| self.step()).collect()
    }

    /// What the clock shows.
    pub const fn now(&self) -> i64 {
        self.now
    }

    fn step(&mut self) -> Step {
        self.now += match self.random.below(40) {
            0 => 8 * HOUR,
            1 => 61 * SECOND,
            2..=9 => 0,
            _ => i64::try_from(self.random.below(3_000_000_000)).unwrap_or(0),
        };
        if self.random.one_in(25) {
            self.newest.push(i64::MIN);
            self.last.push(None);
        }
        let operation = match self.random.below(64) {
            0..=35 => Operation::Add(self.point()),
            36..=45 => {
                let count = 1 + self.random.index(30);
                Operation::Batch((0..count).map(|_| self.point()).collect())
            }
            46..=48 => Operation::Flush,
            49..=51 => Operation::Tick,
            52..=55 => Operation::Build {
                day: self.day_to_build(),
                action: *self.random.pick(&[RawAction::Keep, RawAction::Delete, RawAction::Rename]),
                codec: *self.random.pick(&[CodecId::ZstdFastest, CodecId::S2]),
                version: *self.random.pick(&[Version::V2, Version::V3, Version::V1]),
            },
            56..=57 => Operation::Reopen,
            58..=59 => Operation::Abandon,
            60..=61 => Operation::Convert {
                day: day_of(self.now) - i64::from(!self.random.one_in(3)),
                codec: *self.random.pick(&[CodecId::ZstdFastest, CodecId::S2]),
                version: *self.random.pick(&Version::ALL),
            },
            _ => Operation::Recompact { day: day_of(self.now) - i64::from(self.random.one_in(3)) },
        };
        Step { now: self.now, operation }
    }

    fn day_to_build(&mut self) -> i64 {
        let day = day_of(self.now) - i64::from(!self.random.one_in(3));
        self.built = self.built.max(day);
        day
    }

    /// A sample that is usually on time. Metrics differ: some lag a day behind, some live ahead.
    fn point(&mut self) -> Point {
        let metric = self.random.index(self.newest.len());
        // The same time and value is no reason to keep a sample only once. After a build it would
        // be: a page that holds nothing but samples of the metric file counts as built from.
        let built = self.built.max(day_of(self.now) - 1); // sealed, perhaps
        let again = self.last[metric].clone().filter(|last| day_of(last.time) > built);
        if let Some(again) = again.filter(|_| self.random.one_in(12)) {
            return again;
        }
        let lag = match metric % 5 {
            3 => -26 * HOUR,
            4 => 3 * HOUR,
            _ => 0,
        };
        let fuzz = i64::try_from(self.random.below(40)).unwrap_or(0) * SECOND;
        let newest = self.newest[metric];
        let time = match self.random.below(10) {
            0 if newest > i64::MIN => newest,
            1 => self.now + lag - fuzz, // perhaps too late
            _ => newest.max(self.now + lag - fuzz),
        };
        self.newest[metric] = newest.max(time);
        self.counter += 1;
        let value = if metric.is_multiple_of(2) {
            Value::I32(self.counter)
        } else {
            Value::F32(f32::from_bits(self.counter.unsigned_abs()))
        };
        let point = Point { metric: format!("m{metric}"), time, value };
        self.last[metric] = Some(point.clone());
        point
    }
}

const fn day_of(time: i64) -> i64 {
    (time - START).div_euclid(DAY)
}
