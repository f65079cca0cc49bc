//! Days of the proleptic Gregorian calendar, counted from 1970-01-01.
//!
//! Every function is total. Results are exact for years of up to fifteen digits, which is far more
//! than a nanosecond count in an `i64` can reach (1677 to 2262) or a file name can spell.

/// A date. Fields are public because a date is only checked where it is read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Astronomical year: 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

const DAYS_PER_ERA: i64 = 146_097;
const YEARS_PER_ERA: i64 = 400;

/// Days from 0000-03-01 to 1970-01-01. Counting years from March puts the leap day last.
const EPOCH_DAY: i64 = 719_468;

/// The date that lies `days` after 1970-01-01.
///
/// ```
/// use nanotdb_core::text::civil::{Date, civil_from_days};
/// assert_eq!(civil_from_days(20_454), Date { year: 2026, month: 1, day: 1 });
/// assert_eq!(civil_from_days(-1), Date { year: 1969, month: 12, day: 31 });
/// ```
pub const fn civil_from_days(days: i64) -> Date {
    let days = days.saturating_add(EPOCH_DAY);
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    // An era's last day, and every fourth year's but not every hundredth's, is a leap day.
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, months of 31, 30, 31, 30, 31 days repeat: 153 days for five.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let january_or_february = if month <= 2 { 1 } else { 0 };
    Date {
        year: era * YEARS_PER_ERA + year_of_era + january_or_february,
        month: low_byte(month),
        day: low_byte(day),
    }
}

/// Days from 1970-01-01 to the date, negative before it.
///
/// A `month` or `day` that no calendar has gives the day that counting on would reach; check with
/// [`days_in_month`] first.
///
/// ```
/// use nanotdb_core::text::civil::days_from_civil;
/// assert_eq!(days_from_civil(2026, 1, 1), 20_454);
/// assert_eq!(days_from_civil(1969, 12, 31), -1);
/// ```
pub const fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let (month, day) = (month as i64, day as i64);
    let year = if month <= 2 { year.saturating_sub(1) } else { year };
    let era = year.div_euclid(YEARS_PER_ERA);
    let year_of_era = year.rem_euclid(YEARS_PER_ERA);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.saturating_mul(DAYS_PER_ERA).saturating_add(day_of_era - EPOCH_DAY)
}

/// Length of the month, or 0 when `month` is not 1 to 12.
pub const fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Whether the year has a 29 February.
pub const fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// `value` is a month or a day.
const fn low_byte(value: i64) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NANOS_PER_DAY: i64 = 86_400_000_000_000;

    #[test]
    fn known_days() {
        for (days, year, month, day) in [
            (0, 1970, 1, 1),
            (-1, 1969, 12, 31),
            (11_016, 2000, 2, 29),
            (11_017, 2000, 3, 1),
            (-25_567, 1900, 1, 1),
            (-25_508, 1900, 3, 1),
            (-25_509, 1900, 2, 28),
            (-719_468, 0, 3, 1),
            (-719_528, 0, 1, 1),
            (2_932_896, 9999, 12, 31),
            (i64::MIN.div_euclid(NANOS_PER_DAY), 1677, 9, 21),
            (i64::MAX.div_euclid(NANOS_PER_DAY), 2262, 4, 11),
        ] {
            assert_eq!(civil_from_days(days), Date { year, month, day }, "{days}");
            assert_eq!(days_from_civil(year, month, day), days, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn consecutive_days_are_consecutive_dates() {
        let mut expected = Date { year: -1, month: 1, day: 1 };
        let first = days_from_civil(expected.year, 1, 1);
        for days in first..first + 900_000 {
            assert_eq!(civil_from_days(days), expected);
            assert_eq!(days_from_civil(expected.year, expected.month, expected.day), days);
            expected.day += 1;
            if expected.day > days_in_month(expected.year, expected.month) {
                expected = Date { month: expected.month + 1, day: 1, ..expected };
            }
            if expected.month > 12 {
                expected = Date { year: expected.year + 1, month: 1, day: 1 };
            }
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        for days in [i64::MIN, i64::MAX] {
            civil_from_days(days);
        }
        for year in [i64::MIN, i64::MAX] {
            for month in [0, 1, 2, 12, 255] {
                days_from_civil(year, month, 255);
            }
        }
    }

    proptest! {
        #[test]
        fn round_trips(days in -300_000_000_000_000_000_i64..300_000_000_000_000_000) {
            let Date { year, month, day } = civil_from_days(days);
            prop_assert_eq!(days_from_civil(year, month, day), days);
            prop_assert!((1..=days_in_month(year, month)).contains(&day));
        }
    }
}
