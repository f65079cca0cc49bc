//! Partition keys and the calendar behind them.

/// How long a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionKind {
    /// `YYYY-MM-DD`
    Day,
    /// `YYYY-MM`
    Month,
    /// `YYYY`
    Year,
    /// `forever`
    Forever,
}

impl PartitionKind {
    /// The kind with this name in a manifest.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_lowercase().as_str() {
            "day" => Some(Self::Day),
            "month" => Some(Self::Month),
            "year" => Some(Self::Year),
            "forever" => Some(Self::Forever),
            _ => None,
        }
    }

    /// The name in a manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
            Self::Forever => "forever",
        }
    }

    /// The byte in a metric file's header.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Day => 1,
            Self::Month => 2,
            Self::Year => 3,
            Self::Forever => 4,
        }
    }

    /// The kind that `key` has the form of.
    pub fn of_key(key: &str) -> Option<Self> {
        let form: String = key.chars().map(|c| if c.is_ascii_digit() { 'd' } else { c }).collect();
        match form.as_str() {
            "dddd-dd-dd" => Some(Self::Day),
            "dddd-dd" => Some(Self::Month),
            "dddd" => Some(Self::Year),
            "forever" => Some(Self::Forever),
            _ => None,
        }
    }

    /// The key of the partition that holds `time`.
    pub fn key(self, time: i64) -> String {
        let (year, month, day) = date(time.div_euclid(NANOS_PER_DAY));
        match self {
            Self::Day => format!("{year:04}-{month:02}-{day:02}"),
            Self::Month => format!("{year:04}-{month:02}"),
            Self::Year => format!("{year:04}"),
            Self::Forever => "forever".into(),
        }
    }
}

pub(super) const NANOS_PER_DAY: i64 = 86_400_000_000_000;

/// Year, month and day, `days` after 1970-01-01: steps through years and months one by one.
pub(super) fn date(days: i64) -> (i64, i64, i64) {
    let mut year = 1970;
    let mut rest = days;
    while rest < 0 {
        year -= 1;
        rest += days_in_year(year);
    }
    while rest >= days_in_year(year) {
        rest -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while rest >= days_in_month(year, month) {
        rest -= days_in_month(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_year(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let day = |time| PartitionKind::Day.key(time);
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(-1), "1969-12-31");
        assert_eq!(day(i64::MIN), "1677-09-21");
        assert_eq!(day(i64::MAX), "2262-04-11");
        assert_eq!(day(1_709_164_800_000_000_000), "2024-02-29");
        assert_eq!(PartitionKind::Month.key(-1), "1969-12");
        assert_eq!(PartitionKind::Year.key(1_767_225_600_000_000_000), "2026");
        assert_eq!(PartitionKind::of_key("2026-01"), Some(PartitionKind::Month));
        assert_eq!(PartitionKind::of_key("2026-1"), None);
    }
}
