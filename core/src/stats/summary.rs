//! Count, total and extremes of a number.

use core::time::Duration;

/// Count, total and extremes of a number that was observed several times.
///
/// ```
/// let mut bytes = nanotdb_core::stats::Summary::default();
/// assert_eq!(bytes.extremes(), None);
/// bytes.add(40);
/// bytes.add(2);
/// assert_eq!((bytes.count(), bytes.total(), bytes.extremes()), (2, 42, Some((2, 40))));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    count: u64,
    total: u64,
    min: u64,
    max: u64,
}

impl Summary {
    /// Takes one observation in.
    pub fn add(&mut self, value: u64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.total = self.total.saturating_add(value);
        self.count = self.count.saturating_add(1);
    }

    /// Takes a duration in, as nanoseconds.
    pub fn add_duration(&mut self, duration: Duration) {
        self.add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many observations there were.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The smallest and the largest; nothing before the first observation.
    pub const fn extremes(&self) -> Option<(u64, u64)> {
        if self.count == 0 { None } else { Some((self.min, self.max)) }
    }
}
