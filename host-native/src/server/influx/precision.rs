//! The unit of a request's times.

use crate::Timestamp;
use crate::moment::unit_by_size;
use core::str::FromStr;

/// The unit of times that are written as whole numbers since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// Nanoseconds in one unit.
    Unit(i64),
    /// Nanoseconds, as the protocol says, unless the number is plainly in another unit: from 10^9
    /// on, the size tells seconds, milliseconds, microseconds and nanoseconds apart, as in the times
    /// of queries. Clients that name no unit send any of them.
    #[default]
    BySize,
}

impl Precision {
    /// The instant `count` units after the epoch; nothing outside the years 1677 to 2262.
    pub fn at(self, count: i64) -> Option<Timestamp> {
        let unit = match self {
            Self::Unit(nanos) => nanos,
            Self::BySize if count.unsigned_abs() < 1_000_000_000 => 1,
            Self::BySize => unit_by_size(count),
        };
        count.checked_mul(unit).map(Timestamp)
    }
}

impl FromStr for Precision {
    type Err = String;

    /// Reads what clients of either version write.
    fn from_str(text: &str) -> Result<Self, String> {
        const SECOND: i64 = 1_000_000_000;
        match text {
            "" | "auto" => Ok(Self::BySize),
            "n" | "ns" => Ok(Self::Unit(1)),
            "u" | "us" | "µ" | "µs" => Ok(Self::Unit(1_000)),
            "ms" => Ok(Self::Unit(1_000_000)),
            "s" => Ok(Self::Unit(SECOND)),
            "m" => Ok(Self::Unit(60 * SECOND)),
            "h" => Ok(Self::Unit(3600 * SECOND)),
            _ => Err(format!("precision {text:?}: expected n, ns, u, us, ms, s, m or h")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_unit_the_size_tells() {
        let nanos = 1_795_824_000_123_456_789;
        for count in ["", "auto"].map(|text| text.parse::<Precision>().unwrap()) {
            assert_eq!(count, Precision::default());
        }
        for (count, unit) in [
            (nanos, 1),
            (nanos / 1_000, 1_000),
            (nanos / 1_000_000, 1_000_000),
            (1_795_824_000, 1_000_000_000),
        ] {
            assert_eq!(Precision::BySize.at(count), Some(Timestamp(count * unit)), "{count}");
            assert_eq!(Precision::BySize.at(-count), Some(Timestamp(-count * unit)), "-{count}");
        }
        assert_eq!(Precision::BySize.at(999_999_999), Some(Timestamp(999_999_999)));
        let ns = "ns".parse::<Precision>().unwrap();
        assert_eq!(ns.at(1_795_824_000), Some(Timestamp(1_795_824_000)), "what is said counts");
    }

    #[test]
    fn units_of_both_versions() {
        let at = |unit: &str| unit.parse::<Precision>().unwrap().at(2).unwrap().0;
        let units = ["ns", "n", "us", "u", "ms", "s", "m", "h"].map(at);
        let second = 1_000_000_000;
        let expected = [2, 2, 2_000, 2_000, 2_000_000, 2 * second, 120 * second, 7200 * second];
        assert_eq!(units, expected);
        assert!("d".parse::<Precision>().unwrap_err().contains("\"d\""));
        assert_eq!("h".parse::<Precision>().unwrap().at(i64::MAX), None);
    }
}
