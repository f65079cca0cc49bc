//! Functions of a value that is an instant, in seconds since the Unix epoch, in UTC.

use super::super::numbers::{from_whole, to_whole};
use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

/// The function of a name.
pub(super) fn function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "minute" => |value| of(value, |date| date.minute().into()),
        "hour" => |value| of(value, |date| date.hour().into()),
        "day_of_month" => |value| of(value, |date| date.day().into()),
        "day_of_week" => |value| of(value, |date| date.weekday().to_sunday_zero_offset().into()),
        "day_of_year" => |value| of(value, |date| date.day_of_year().into()),
        "days_in_month" => |value| of(value, |date| date.days_in_month().into()),
        "month" => |value| of(value, |date| date.month().into()),
        "year" => |value| of(value, |date| date.year().into()),
        _ => return None,
    })
}

/// A part of a date; NaN when the value is none, or is outside the years -9999 to 9999.
fn of(value: f64, part: fn(DateTime) -> i64) -> f64 {
    if value.is_nan() {
        return f64::NAN;
    }
    Timestamp::from_second(to_whole(value))
        .map_or(f64::NAN, |time| from_whole(part(TimeZone::UTC.to_datetime(time))))
}

#[cfg(test)]
mod tests {
    use super::super::super::numbers::equal;
    use super::*;

    #[test]
    fn dates_have_their_parts() {
        // Thursday, 2024-02-29 13:37:05.
        let leap_day = 1_709_213_825.9;
        for (name, expected) in [
            ("minute", 37.0),
            ("hour", 13.0),
            ("day_of_month", 29.0),
            ("day_of_week", 4.0),
            ("day_of_year", 60.0),
            ("days_in_month", 29.0),
            ("month", 2.0),
            ("year", 2024.0),
        ] {
            let found = function(name).unwrap()(leap_day);
            assert!(equal(found, expected), "{name}: {found}");
        }
        assert!(function("year").unwrap()(1e300).is_nan());
        assert!(function("year").unwrap()(f64::NAN).is_nan());
    }
}
