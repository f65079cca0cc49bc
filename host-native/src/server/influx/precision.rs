//! The unit of a request's times.

use crate::Timestamp;
use core::str::FromStr;

/// The unit of times that are written as whole numbers since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision(i64);

impl Default for Precision {
    fn default() -> Self {
        Self(1)
    }
}

impl Precision {
    /// The instant `count` units after the epoch; nothing outside the years 1677 to 2262.
    pub fn at(self, count: i64) -> Option<Timestamp> {
        count.checked_mul(self.0).map(Timestamp)
    }
}

impl FromStr for Precision {
    type Err = String;

    /// Reads what clients of either version write.
    fn from_str(text: &str) -> Result<Self, String> {
        const SECOND: i64 = 1_000_000_000;
        match text {
            "" | "n" | "ns" => Ok(Self(1)),
            "u" | "us" | "µ" | "µs" => Ok(Self(1_000)),
            "ms" => Ok(Self(1_000_000)),
            "s" => Ok(Self(SECOND)),
            "m" => Ok(Self(60 * SECOND)),
            "h" => Ok(Self(3600 * SECOND)),
            _ => Err(format!("precision {text:?}: expected n, ns, u, us, ms, s, m or h")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_both_versions() {
        let at = |unit: &str| unit.parse::<Precision>().unwrap().at(2).unwrap().0;
        let units = ["ns", "n", "", "us", "u", "ms", "s", "m", "h"].map(at);
        let second = 1_000_000_000;
        let expected = [2, 2, 2, 2_000, 2_000, 2_000_000, 2 * second, 120 * second, 7200 * second];
        assert_eq!(units, expected);
        assert!("d".parse::<Precision>().unwrap_err().contains("\"d\""));
        assert_eq!("h".parse::<Precision>().unwrap().at(i64::MAX), None);
    }
}
