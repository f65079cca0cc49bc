//! Instants as text, always UTC.
//!
//! Written: `YYYY-MM-DD HH:MM:SS.nnnnnnnnn`, 29 bytes.
//!
//! Read, with white space around it ignored:
//!
//! | form | meaning |
//! |---|---|
//! | `1767225600000000000`, `-5`, `+5`, `2026` | nanoseconds since the Unix epoch |
//! | `2026-05-14` | midnight |
//! | `2026-05-14 12`, `2026-05-14 1` | the hour, of one or two digits |
//! | `2026-05-14 12:34`, `2026-05-14 12:34:56` | minutes and seconds of two digits |
//! | any of the last three lines, then `.` and digits | plus a fraction of a second; digits after the ninth are dropped |
//!
//! Several spaces may stand for the one. There is no `T` and no zone.
//!
//! What the reference accepts and this does not (D-13), because it stores another instant than the
//! text says: instants an `i64` of nanoseconds cannot hold, a sign in the fraction, `56,5` and
//! `56.1.5` (it drops the first fraction), and anything but digits behind a ninth digit (it drops
//! a zone there). It also writes negative times in a way that does not read back; here they are
//! rounded down to the second and the fraction counts up, as in every other time.

use super::civil::{civil_from_days, days_from_civil, days_in_month};
use super::integer::{digit, parse_i64};
use crate::types::Timestamp;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Why a text is not an instant: one variant for each check, in the order the checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampError {
    /// Nothing, or only white space.
    Empty,
    /// Not digits with a sign, nor any of the date forms.
    Form,
    /// The form of a date, and no such month or day.
    NoSuchDate,
    /// The form of a time of day, and no such hour, minute or second.
    NoSuchTime,
    /// Something else than digits after the decimal point.
    Fraction,
    /// Before [`Timestamp::MIN`] or after [`Timestamp::MAX`].
    OutOfRange,
}

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "timestamp is empty",
            Self::Form => "expected nanoseconds or YYYY-MM-DD [HH[:MM[:SS]]][.nnnnnnnnn] in UTC",
            Self::NoSuchDate => "no such month or day",
            Self::NoSuchTime => "no such time of day: expected 00:00:00 to 23:59:59",
            Self::Fraction => "expected only digits after the decimal point",
            Self::OutOfRange => {
                "expected an instant from 1677-09-21 00:12:43.145224192 \
                 to 2262-04-11 23:47:16.854775807"
            }
        })
    }
}

impl core::error::Error for TimestampError {}

impl Timestamp {
    /// Length of the written form.
    pub const TEXT_LEN: usize = 29;

    /// Reads any of the forms of [`crate::text::timestamp`].
    ///
    /// ```
    /// use nanotdb_core::Timestamp;
    /// assert_eq!(Timestamp::parse("2026-01-01")?, Timestamp(1_767_225_600_000_000_000));
    /// assert_eq!(Timestamp::parse("1969-12-31 23:59:59.999999999")?, Timestamp(-1));
    /// # Ok::<(), nanotdb_core::text::timestamp::TimestampError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first check that fails; see [`TimestampError`].
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let text = text.trim();
        match text.split_once(' ') {
            Some((date, time)) => Self::parse_parts(date, Some(time.trim_start_matches(' '))),
            None => Self::parse_parts(text, None),
        }
    }

    /// As [`Timestamp::parse`], of a text that is already cut at its white space.
    pub(crate) fn parse_parts(date: &str, time: Option<&str>) -> Result<Self, TimestampError> {
        let Some(time) = time else {
            if let Some(nanos) = parse_i64(date.as_bytes()) {
                return Ok(Self(nanos));
            }
            let (date, fraction) = date.split_once('.').unwrap_or((date, ""));
            return compose(parse_date(date)?, 0, parse_fraction(fraction)?);
        };
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        compose(parse_date(date)?, parse_time(time)?, parse_fraction(fraction)?)
    }

    /// The written form, which is ASCII.
    ///
    /// ```
    /// use nanotdb_core::Timestamp;
    /// assert_eq!(&Timestamp(-1).to_text(), b"1969-12-31 23:59:59.999999999");
    /// ```
    pub fn to_text(self) -> [u8; Self::TEXT_LEN] {
        let seconds = self.0.div_euclid(NANOS_PER_SECOND);
        let nanos = self.0.rem_euclid(NANOS_PER_SECOND);
        let date = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let time = seconds.rem_euclid(SECONDS_PER_DAY);

        let ([y1, y2], [y3, y4]) = (two_digits(date.year / 100), two_digits(date.year % 100));
        let ([m1, m2], [d1, d2]) = (two_digits(date.month.into()), two_digits(date.day.into()));
        let ([h1, h2], [i1, i2]) = (two_digits(time / 3600), two_digits(time / 60 % 60));
        let ([s1, s2], [_, n1]) = (two_digits(time % 60), two_digits(nanos / 100_000_000));
        let ([n2, n3], [n4, n5]) =
            (two_digits(nanos / 1_000_000 % 100), two_digits(nanos / 10_000 % 100));
        let ([n6, n7], [n8, n9]) = (two_digits(nanos / 100 % 100), two_digits(nanos % 100));
        [
            y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b' ', h1, h2, b':', i1, i2, b':', s1, s2,
            b'.', n1, n2, n3, n4, n5, n6, n7, n8, n9,
        ]
    }

    /// Appends the written form to `out`.
    pub fn write_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_text());
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_text();
        f.pad(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        Self::parse(text)
    }
}

/// Both digits of a number below 100.
fn two_digits(number: i64) -> [u8; 2] {
    const DIGITS: [[u8; 2]; 100] = {
        let mut digits = [*b"00"; 100];
        let mut rest: &mut [[u8; 2]] = &mut digits;
        let (mut tens, mut ones) = (b'0', b'0');
        while let [first, others @ ..] = rest {
            *first = [tens, ones];
            rest = others;
            (tens, ones) = if ones == b'9' { (tens + 1, b'0') } else { (tens, ones + 1) };
        }
        digits
    };
    usize::try_from(number).ok().and_then(|n| DIGITS.get(n)).copied().unwrap_or(*b"??")
}

/// Days from the epoch to `YYYY-MM-DD`.
fn parse_date(text: &str) -> Result<i64, TimestampError> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
        return Err(if text.is_empty() { TimestampError::Empty } else { TimestampError::Form });
    };
    let year = i64::from(number(y1, y2)?) * 100 + i64::from(number(y3, y4)?);
    let (month, day) = (number(m1, m2)?, number(d1, d2)?);
    if !(1..=days_in_month(year, month)).contains(&day) {
        return Err(TimestampError::NoSuchDate);
    }
    Ok(days_from_civil(year, month, day))
}

/// Seconds from midnight to `HH`, `HH:MM` or `HH:MM:SS`, where the hour may have one digit.
fn parse_time(text: &str) -> Result<i64, TimestampError> {
    let (hour, rest) = match text.as_bytes() {
        [h] => (number(b'0', *h)?, &[][..]),
        [h, rest @ ..] if rest.starts_with(b":") => (number(b'0', *h)?, rest),
        [h, i, rest @ ..] => (number(*h, *i)?, rest),
        [] => return Err(TimestampError::Form),
    };
    let (minute, second) = match *rest {
        [] => (0, 0),
        [b':', j, k] => (number(j, k)?, 0),
        [b':', j, k, b':', s, t] => (number(j, k)?, number(s, t)?),
        _ => return Err(TimestampError::Form),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return Err(TimestampError::NoSuchTime);
    }
    Ok(i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
}

/// Nanoseconds of a fraction's digits, of which there may be none.
fn parse_fraction(text: &str) -> Result<i64, TimestampError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TimestampError::Fraction);
    }
    let digits = text.bytes().chain(core::iter::repeat(b'0')).take(9);
    Ok(digits.fold(0, |nanos, byte| nanos * 10 + i64::from(byte - b'0')))
}

fn compose(days: i64, seconds: i64, nanos: i64) -> Result<Timestamp, TimestampError> {
    let seconds = days * SECONDS_PER_DAY + seconds;
    // The first second that an `i64` reaches starts before its range does: count back from its end.
    let (seconds, nanos) =
        if seconds < 0 { (seconds + 1, nanos - NANOS_PER_SECOND) } else { (seconds, nanos) };
    seconds
        .checked_mul(NANOS_PER_SECOND)
        .and_then(|whole| whole.checked_add(nanos))
        .map(Timestamp)
        .ok_or(TimestampError::OutOfRange)
}

/// The number that two digits spell.
fn number(tens: u8, ones: u8) -> Result<u8, TimestampError> {
    match (digit(tens), digit(ones)) {
        (Some(tens), Some(ones)) => Ok(tens * 10 + ones),
        _ => Err(TimestampError::Form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    #[test]
    fn golden_texts() {
        for (nanos, text) in [
            (0, "1970-01-01 00:00:00.000000000"),
            (-1, "1969-12-31 23:59:59.999999999"),
            (-1_000_000_001, "1969-12-31 23:59:58.999999999"),
            (1_767_225_600_123_456_789, "2026-01-01 00:00:00.123456789"),
            (i64::MAX, "2262-04-11 23:47:16.854775807"),
            (i64::MIN, "1677-09-21 00:12:43.145224192"),
        ] {
            assert_eq!(Timestamp(nanos).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(nanos)));
            let mut written = Vec::new();
            Timestamp(nanos).write_to(&mut written);
            assert_eq!(written, text.as_bytes());
        }
    }

    #[test]
    fn display_honours_width() {
        assert_eq!(alloc::format!("{:>31}", Timestamp(0)), "  1970-01-01 00:00:00.000000000");
    }

    #[test]
    fn each_check_has_its_error() {
        for (text, error) in [
            ("", TimestampError::Empty),
            (" \t", TimestampError::Empty),
            ("2026-05-14T12", TimestampError::Form),
            ("2026-05-14 12:34:56Z", TimestampError::Form),
            ("2026-05-14 12:34:56 UTC", TimestampError::Form),
            ("2026-05-14 .5", TimestampError::Form),
            ("2026-05-14\t12:34", TimestampError::Form),
            ("1000 extra", TimestampError::Form),
            ("+-5", TimestampError::Form),
            ("2025-02-29", TimestampError::NoSuchDate),
            ("2025-13-01", TimestampError::NoSuchDate),
            ("2025-02-00 99", TimestampError::NoSuchDate),
            ("2025-02-01 24", TimestampError::NoSuchTime),
            ("2025-02-01 23:59:60", TimestampError::NoSuchTime),
            ("2025-02-01 23:59:59.1x", TimestampError::Fraction),
            ("2025-02-01 23:59:59.-1", TimestampError::Fraction),
            ("2025-02-01 23:59:59.123456789+02:00", TimestampError::Fraction),
            ("2262-04-11 23:47:16.854775808", TimestampError::OutOfRange),
            ("1677-09-21 00:12:43.145224191", TimestampError::OutOfRange),
            ("0000-01-01", TimestampError::OutOfRange),
            ("9999-12-31", TimestampError::OutOfRange),
        ] {
            assert_eq!(Timestamp::parse(text), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips(nanos: i64) {
            let text = Timestamp(nanos).to_string();
            prop_assert_eq!(text.len(), Timestamp::TEXT_LEN);
            prop_assert_eq!(text.parse(), Ok(Timestamp(nanos)));
        }

        #[test]
        fn any_text_is_safe(text: String) {
            let _ = Timestamp::parse(&text);
        }

        #[test]
        fn nearly_right_text_is_safe(text in "[0-9]{4}-[0-2][0-9]-[0-3][0-9] {0,2}[0-9:.,+-]{0,12}") {
            if let Ok(time) = Timestamp::parse(&text) {
                prop_assert_eq!(time.to_string().parse(), Ok(time));
            }
        }
    }
}
