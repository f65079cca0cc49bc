//! Partitions: the stretches of time that files are cut into, and their keys in file names.
//!
//! | partitioning | key | example |
//! |---|---|---|
//! | day | `YYYY-MM-DD` | `2026-05-22` |
//! | month | `YYYY-MM` | `2026-05` |
//! | year | `YYYY` | `2026` |
//! | forever | `forever` | `forever` |
//!
//! All in UTC. Times before 1970 floor, so one nanosecond before the epoch is in `1969-12-31`.

use crate::settings::Partitioning;
use crate::text::civil::{self, Date};
use crate::types::{TimeRange, Timestamp};
use core::fmt;
use core::str::FromStr;

/// Nanoseconds in a day; Unix time has no leap seconds.
pub(crate) const NANOS_PER_DAY: i64 = 86_400_000_000_000;

/// One stretch of time with files of its own. Ordered by start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// Days from 1970-01-01 to the first day; the earliest possible for [`Partitioning::Forever`].
    first_day: i64,
    partitioning: Partitioning,
}

/// A text that is no partition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidKey;

impl Partition {
    /// What keys of this partitioning look like.
    pub const fn form(partitioning: Partitioning) -> &'static str {
        match partitioning {
            Partitioning::Day => "YYYY-MM-DD",
            Partitioning::Month => "YYYY-MM",
            Partitioning::Year => "YYYY",
            Partitioning::Forever => "forever",
        }
    }

    /// The partition that `time` falls in.
    pub fn containing(partitioning: Partitioning, time: Timestamp) -> Self {
        let day = time.0.div_euclid(NANOS_PER_DAY);
        let Date { year, month, .. } = civil::civil_from_days(day);
        let first_day = match partitioning {
            Partitioning::Day => day,
            Partitioning::Month => civil::days_from_civil(year, month, 1),
            Partitioning::Year => civil::days_from_civil(year, 1, 1),
            Partitioning::Forever => i64::MIN,
        };
        Self { first_day, partitioning }
    }

    /// How the time line is cut.
    pub const fn partitioning(self) -> Partitioning {
        self.partitioning
    }

    /// The instants of the partition.
    pub fn range(self) -> TimeRange {
        if self.partitioning == Partitioning::Forever {
            return TimeRange::ALL;
        }
        let from = self.first_day.saturating_mul(NANOS_PER_DAY);
        let to = self.end_day().saturating_mul(NANOS_PER_DAY).saturating_sub(1);
        // At the end of the representable time the saturated product is itself an instant.
        let to = if self.end_day() > i64::MAX / NANOS_PER_DAY { i64::MAX } else { to };
        TimeRange { from: Timestamp(from), to: Timestamp(to) }
    }

    /// The day behind the last.
    fn end_day(self) -> i64 {
        let Date { year, month, .. } = civil::civil_from_days(self.first_day);
        match self.partitioning {
            Partitioning::Day => self.first_day + 1,
            Partitioning::Month if month == 12 => civil::days_from_civil(year + 1, 1, 1),
            Partitioning::Month => civil::days_from_civil(year, month + 1, 1),
            Partitioning::Year => civil::days_from_civil(year + 1, 1, 1),
            Partitioning::Forever => i64::MAX,
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.partitioning == Partitioning::Forever {
            return f.pad("forever");
        }
        let Date { year, month, day } = civil::civil_from_days(self.first_day);
        match self.partitioning {
            Partitioning::Day => write!(f, "{year:04}-{month:02}-{day:02}"),
            Partitioning::Month => write!(f, "{year:04}-{month:02}"),
            Partitioning::Year | Partitioning::Forever => write!(f, "{year:04}"),
        }
    }
}

impl FromStr for Partition {
    type Err = InvalidKey;

    fn from_str(key: &str) -> Result<Self, InvalidKey> {
        if key == "forever" {
            return Ok(Self { first_day: i64::MIN, partitioning: Partitioning::Forever });
        }
        let mut fields = key.split('-');
        let year = fields.next().and_then(|text| digits::<u16>(text, 4)).ok_or(InvalidKey)?;
        let month =
            fields.next().map(|text| digits::<u8>(text, 2).ok_or(InvalidKey)).transpose()?;
        let day = fields.next().map(|text| digits::<u8>(text, 2).ok_or(InvalidKey)).transpose()?;
        if fields.next().is_some() {
            return Err(InvalidKey);
        }
        let partitioning = match (month, day) {
            (Some(_), Some(_)) => Partitioning::Day,
            (Some(_), None) => Partitioning::Month,
            (None, _) => Partitioning::Year,
        };
        let (year, month, day) = (i64::from(year), month.unwrap_or(1), day.unwrap_or(1));
        if day == 0 || day > civil::days_in_month(year, month) {
            return Err(InvalidKey);
        }
        Ok(Self { first_day: civil::days_from_civil(year, month, day), partitioning })
    }
}

/// A number of exactly `count` decimal digits.
fn digits<N: FromStr>(text: &str, count: usize) -> Option<N> {
    let all_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    const MODES: [Partitioning; 4] =
        [Partitioning::Day, Partitioning::Month, Partitioning::Year, Partitioning::Forever];

    #[test]
    fn keys_of_known_instants() {
        let key = |mode, ns| Partition::containing(mode, Timestamp(ns)).to_string();
        assert_eq!(key(Partitioning::Day, -1), "1969-12-31");
        assert_eq!(key(Partitioning::Day, 0), "1970-01-01");
        assert_eq!(key(Partitioning::Month, 1_779_408_000_000_000_000), "2026-05");
        assert_eq!(key(Partitioning::Year, i64::MIN), "1677");
        assert_eq!(key(Partitioning::Day, i64::MAX), "2262-04-11");
        assert_eq!(key(Partitioning::Forever, 5), "forever");
    }

    #[test]
    fn texts_that_are_no_keys() {
        for text in
            ["", "2026-13", "2026-02-30", "26-01-01", "2026-1-1", "2026-01-01-01", "Forever"]
        {
            assert_eq!(text.parse::<Partition>(), Err(InvalidKey), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_is_in_its_partition(ns: i64, mode in 0_usize..4) {
            let partition = Partition::containing(MODES[mode], Timestamp(ns));
            prop_assert!(partition.range().contains(Timestamp(ns)));
            prop_assert_eq!(partition.to_string().parse::<Partition>(), Ok(partition));
        }

        #[test]
        fn partitions_do_not_overlap(ns: i64, mode in 0_usize..3) {
            let range = Partition::containing(MODES[mode], Timestamp(ns)).range();
            if range.to < Timestamp::MAX {
                let next = Partition::containing(MODES[mode], Timestamp(range.to.0 + 1));
                prop_assert_eq!(next.range().from.0, range.to.0 + 1);
            }
        }
    }
}
