//! Times as people write them.
//!
//! A number since 1970 is told by its size: seconds below 10^11 (the year 5138), milliseconds
//! below 10^14, microseconds below 10^17, else nanoseconds. The reference knows seconds and,
//! above 10^12, nanoseconds; the rules agree on every second that fits a timestamp and on every
//! nanosecond after March 1973.

use core::str::FromStr;
use nanotdb_core::Timestamp;
use nanotdb_core::text::duration::{Duration, parse_extended};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

const OUT_OF_RANGE: &str = "outside the years 1677 to 2262";

const EXPECTED: &str = "expected 5m, 1d, now, 2026-05-14, \"2026-05-14 12:30:05\", \
                        2026-05-14T12:30:05Z or a number since 1970";

/// An instant, or a distance from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instant.
    At(Timestamp),
    /// Nanoseconds to add to now.
    FromNow(i64),
}

impl Moment {
    /// The instant, given what now is.
    pub const fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::FromNow(nanos) => Timestamp(now.0.saturating_add(nanos)),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "now" {
            return Ok(Self::FromNow(0));
        }
        if let Some(number) = since_epoch(text) {
            return number.map(Self::At);
        }
        // `-5m` and `5m` are both five minutes ago; `+5m` is to come.
        if let Ok(Duration(nanos)) = parse_extended(text.strip_prefix('-').unwrap_or(text)) {
            let to_come = text.starts_with('+');
            return Ok(Self::FromNow(if to_come { nanos } else { nanos.saturating_neg() }));
        }
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            let nanos = i64::try_from(time.as_nanosecond());
            return nanos.map(|nanos| Self::At(Timestamp(nanos))).map_err(|_| OUT_OF_RANGE.into());
        }
        Timestamp::parse(text).map(Self::At).map_err(|error| {
            if looks_like_a_date(text) { error.to_string() } else { EXPECTED.to_string() }
        })
    }
}

fn looks_like_a_date(text: &str) -> bool {
    text.len() >= 8 && text.as_bytes().get(4) == Some(&b'-')
}

/// A whole or decimal number as an instant; nothing when the text is no number.
fn since_epoch(text: &str) -> Option<Result<Timestamp, String>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let unit = unit_of_digits(whole.trim_start_matches('0').len());
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let part = fraction.parse::<i64>().unwrap_or(0) / (NANOS_PER_SECOND / unit);
    let nanos = whole.parse::<i64>().ok().and_then(|whole| whole.checked_mul(unit));
    let nanos = nanos.and_then(|nanos| nanos.checked_add(part));
    let time = nanos.map(|nanos| Timestamp(if text.starts_with('-') { -nanos } else { nanos }));
    Some(time.ok_or_else(|| OUT_OF_RANGE.to_string()))
}

/// Nanoseconds in the unit of a number since 1970 with so many digits before the point.
const fn unit_of_digits(digits: usize) -> i64 {
    match digits {
        ..=11 => NANOS_PER_SECOND,
        12..=14 => 1_000_000,
        15..=17 => 1_000,
        18.. => 1,
    }
}

/// Nanoseconds in the unit of a whole number since 1970, which its size tells.
#[cfg(feature = "server")]
pub fn unit_by_size(count: i64) -> i64 {
    let digits = count.unsigned_abs().checked_ilog10().map_or(1, |power| power + 1);
    unit_of_digits(usize::try_from(digits).unwrap_or(usize::MAX))
}

/// The length of a window in nanoseconds, more than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(pub i64);

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_extended(text.trim()) {
            Ok(Duration(nanos)) if nanos > 0 => Ok(Self(nanos)),
            Ok(_) => Err("must be longer than 0".to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAY: i64 = 1_778_761_805_000_000_000;

    fn at(text: &str) -> Option<i64> {
        match text.parse() {
            Ok(Moment::At(time)) => Some(time.0),
            _ => None,
        }
    }

    #[test]
    fn instants_in_every_form() {
        for text in [
            "1778761805",
            "1778761805.0",
            "1778761805000",
            "1778761805000000",
            "1778761805000000000",
            "2026-05-14T12:30:05Z",
            "2026-05-14T14:30:05+02:00",
            "2026-05-14 12:30:05",
            " 2026-05-14 12:30:05.000 ",
        ] {
            assert_eq!(at(text), Some(MAY), "{text}");
        }
        assert_eq!(at("1778761805.25"), Some(MAY + 250_000_000));
        assert_eq!(at("1778761805000.5"), Some(MAY + 500_000));
        assert_eq!(at("2026-05-14"), Some(MAY - (12 * 3600 + 30 * 60 + 5) * NANOS_PER_SECOND));
        assert_eq!(at("0"), Some(0));
        assert_eq!(at("-1"), Some(-NANOS_PER_SECOND));
    }

    #[test]
    fn distances_from_now() {
        const MINUTE: i64 = 60 * NANOS_PER_SECOND;
        let cases = [("now", 0), ("5m", -5), ("-5m", -5), ("+5m", 5), ("1w2d", -9 * 24 * 60)];
        for (text, minutes) in cases {
            assert_eq!(text.parse(), Ok(Moment::FromNow(minutes * MINUTE)), "{text}");
        }
        assert_eq!(Moment::FromNow(i64::MIN).at(Timestamp(-5)), Timestamp::MIN);
    }

    #[test]
    fn what_is_refused_says_what_is_expected() {
        let refused = |text: &str| text.parse::<Moment>().unwrap_err();
        assert!(refused("yesterday").starts_with("expected 5m, 1d"));
        assert_eq!(refused("2026-02-30"), "no such month or day");
        assert_eq!(refused("9999999999"), "outside the years 1677 to 2262");
        assert_eq!(refused("99999999999999999999"), "outside the years 1677 to 2262");
        assert_eq!("0s".parse::<Window>(), Err("must be longer than 0".to_string()));
        assert_eq!("1d".parse(), Ok(Window(86_400 * NANOS_PER_SECOND)));
    }
}
