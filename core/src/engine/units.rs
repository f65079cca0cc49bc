//! Times in another unit than nanoseconds, by mistake.

use crate::types::Timestamp;
use alloc::format;
use alloc::string::String;

const SECOND: i64 = 1_000_000_000;

/// Units that people send instead, and how many nanoseconds they have.
const UNITS: [(&str, i64); 3] =
    [("seconds", SECOND), ("milliseconds", 1_000_000), ("microseconds", 1_000)];

/// How far back from now a time in another unit is believed to be one, and how far ahead.
const YEARS_BACK: i64 = 10 * 366 * 86_400 * SECOND;
const DAYS_AHEAD: i64 = 32 * 86_400 * SECOND;

/// The clock shows no earlier time than this, 2020, unless it is not set.
const CLOCK_SET: i64 = 1_577_836_800 * SECOND;

/// What is wrong with a time that would be in 1970, while the same number of seconds, milliseconds
/// or microseconds is a time of the last years. Such nanoseconds are a few instants of 1970, of
/// which nobody has samples.
pub(crate) fn other_unit(time: Timestamp, now: Timestamp) -> Option<String> {
    if now.0 < CLOCK_SET {
        return None;
    }
    let recent = now.0.saturating_sub(YEARS_BACK)..=now.0.saturating_add(DAYS_AHEAD);
    let (unit, nanos) = UNITS.into_iter().find(|(_, nanos)| {
        time.0.checked_mul(*nanos).is_some_and(|nanos| recent.contains(&nanos))
    })?;
    let nanoseconds = time.0.saturating_mul(nanos);
    Some(format!(
        "{} nanoseconds are in 1970, and look like {unit}: expected {nanoseconds} or a date",
        time.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_today_in_other_units_are_told() {
        let now = Timestamp(1_795_824_000 * SECOND);
        for (number, unit) in [
            (1_795_824_000, "look like seconds: expected 1795824000000000000"),
            (1_500_000_000, "seconds"),
            (1_795_824_000_123, "milliseconds"),
            (1_795_824_000_123_456, "microseconds"),
        ] {
            let reason = other_unit(Timestamp(number), now).unwrap();
            assert!(reason.contains(unit), "{reason}");
        }
        for number in [0, 1, -1, SECOND, 1_000_000 * SECOND, now.0, i64::MAX, i64::MIN] {
            assert_eq!(other_unit(Timestamp(number), now), None, "{number}");
        }
        // A clock that is not set knows no times of today.
        assert_eq!(other_unit(Timestamp(1_795_824_000), Timestamp(1_000_000)), None);
    }
}
