//! Spans of time as people write them: `90s`, `1h30m`, `-1.5ms`.
//!
//! A text is an optional sign and one or more `number unit` pairs without spaces; a number has
//! digits and optionally a fraction. `0` alone needs no unit.
//!
//! | unit | is |
//! |---|---|
//! | `ns` | 1 nanosecond |
//! | `us`, `µs`, `μs` | 1,000 ns |
//! | `ms` | 1,000 µs |
//! | `s` | 1,000 ms |
//! | `m` | 60 s |
//! | `h` | 60 m |
//! | `d` | 24 h, only in [`parse_extended`] |
//! | `w` | 7 d, only in [`parse_extended`] |
//!
//! What lies below a nanosecond is dropped.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// A span of time in nanoseconds; negative spans are allowed.
///
/// ```
/// use nanotdb_core::text::duration::Duration;
///
/// let span: Duration = "1h30m".parse()?;
/// assert_eq!(span.as_nanos(), 5_400_000_000_000);
/// assert_eq!(span.to_string(), "1h30m0s");
/// # Ok::<(), nanotdb_core::text::duration::DurationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(pub i64);

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DurationError {
    /// No text, or none after the sign.
    Empty,
    /// A digit was expected here.
    MissingNumber(String),
    /// A number has no unit.
    MissingUnit {
        /// Whether `d` and `w` are known too.
        extended: bool,
    },
    /// A number has a unit that does not exist.
    UnknownUnit {
        /// The unit, shortened when long.
        unit: String,
        /// Whether `d` and `w` are known too.
        extended: bool,
    },
    /// More than 2^63 nanoseconds, about 292 years.
    OutOfRange,
}

impl Duration {
    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    /// Reads the form settings files use: no `d`, no `w`.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        parse(text, false)
    }
}

/// Reads a duration that may also use days (`d`, always 24 hours) and weeks (`w`).
///
/// ```
/// use nanotdb_core::text::duration::parse_extended;
///
/// assert_eq!(parse_extended("1w2d")?.to_string(), "216h0m0s");
/// # Ok::<(), nanotdb_core::text::duration::DurationError>(())
/// ```
///
/// # Errors
///
/// [`DurationError`] says what was expected where.
pub fn parse_extended(text: &str) -> Result<Duration, DurationError> {
    parse(text, true)
}

fn parse(text: &str, extended: bool) -> Result<Duration, DurationError> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration(0));
    }
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (nanos, after) = item(rest, extended)?;
        total = total.checked_add(nanos).ok_or(DurationError::OutOfRange)?;
        rest = after;
    }
    let nanos =
        if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() };
    nanos.map(Duration).ok_or(DurationError::OutOfRange)
}

/// One `number unit` at the front of `text`: its nanoseconds, and what follows.
fn item(text: &str, extended: bool) -> Result<(u64, &str), DurationError> {
    let (whole, rest) = split(text, |c| c.is_ascii_digit());
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split(rest, |c| c.is_ascii_digit()),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::MissingNumber(shorten(text)));
    }
    let (unit, rest) = split(rest, |c| c != '.' && !c.is_ascii_digit());
    let unit = unit_nanos(unit, extended)?;
    let whole = decimal(whole).and_then(|n| n.checked_mul(unit));
    let nanos = whole.and_then(|n| n.checked_add(fraction_nanos(fraction, unit)));
    Ok((nanos.ok_or(DurationError::OutOfRange)?, rest))
}

fn unit_nanos(unit: &str, extended: bool) -> Result<u64, DurationError> {
    Ok(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter look alike, and keyboards produce either.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" if extended => DAY,
        "w" if extended => WEEK,
        "" => return Err(DurationError::MissingUnit { extended }),
        _ => return Err(DurationError::UnknownUnit { unit: shorten(unit), extended }),
    })
}

/// The longest prefix of characters that `belong`, and the rest.
fn split(text: &str, belong: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belong(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The number these digits write; none is 0, too many is nothing.
fn decimal(digits: &str) -> Option<u64> {
    if digits.is_empty() { Some(0) } else { digits.parse().ok() }
}

/// `0.digits` of a unit, rounded down.
fn fraction_nanos(digits: &str, unit: u64) -> u64 {
    let mut numerator = 0_u128;
    let mut denominator = 1_u128;
    // 10^18 times the longest unit fits, and a 19th digit is worth less than 0.001 ns.
    for digit in digits.bytes().take(18) {
        numerator = numerator * 10 + u128::from(digit - b'0');
        denominator *= 10;
    }
    // Less than `unit`, so the default is never used.
    u64::try_from(numerator * u128::from(unit) / denominator).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    text.chars().take(16).collect()
}

impl fmt::Display for Duration {
    /// Hours, minutes and seconds from the largest that is not zero; below a second one unit.
    ///
    /// `24h0m0s`, `1m0s`, `1.5s`, `250ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let nanos = self.0.unsigned_abs();
        match nanos {
            0 => return f.write_str("0s"),
            1..MICROSECOND => return write!(f, "{nanos}ns"),
            MICROSECOND..MILLISECOND => return fractional(f, nanos, MICROSECOND, "\u{b5}s"),
            MILLISECOND..SECOND => return fractional(f, nanos, MILLISECOND, "ms"),
            _ => {}
        }
        if nanos >= HOUR {
            write!(f, "{}h", nanos / HOUR)?;
        }
        if nanos >= MINUTE {
            write!(f, "{}m", nanos % HOUR / MINUTE)?;
        }
        fractional(f, nanos % MINUTE, SECOND, "s")
    }
}

/// `nanos` in `unit`, with as many decimals as it needs.
fn fractional(f: &mut fmt::Formatter<'_>, nanos: u64, unit: u64, name: &str) -> fmt::Result {
    write!(f, "{}", nanos / unit)?;
    let mut rest = nanos % unit;
    if rest != 0 {
        f.write_str(".")?;
    }
    let mut place = unit;
    while rest != 0 {
        place /= 10;
        write!(f, "{}", rest / place)?;
        rest %= place;
    }
    f.write_str(name)
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = |extended| {
            if extended { "ns, us, ms, s, m, h, d or w" } else { "ns, us, ms, s, m or h" }
        };
        match self {
            Self::Empty => f.write_str("expected a duration such as 90s or 1h30m, found nothing"),
            Self::MissingNumber(at) => {
                write!(f, "expected a duration such as 90s or 1h30m, found {at:?}")
            }
            Self::MissingUnit { extended } => {
                write!(f, "a number has no unit: expected {}", units(*extended))
            }
            Self::UnknownUnit { unit, extended } => {
                write!(f, "unknown unit {unit:?}: expected {}", units(*extended))
            }
            Self::OutOfRange => f.write_str("longer than 292 years"),
        }
    }
}

impl core::error::Error for DurationError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn display_drops_leading_zero_units_only() {
        let shown = |nanos| Duration(nanos).to_string();
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(60_000_000_000), "1m0s");
        assert_eq!(shown(86_400_000_000_000), "24h0m0s");
        assert_eq!(shown(1_500_000_000), "1.5s");
        assert_eq!(shown(3_600_000_000_001), "1h0m0.000000001s");
        assert_eq!(shown(1_001), "1.001\u{b5}s");
        assert_eq!(shown(-999_999_999), "-999.999999ms");
        assert_eq!(shown(i64::MIN), "-2562047h47m16.854775808s");
    }

    #[test]
    fn d24_days_and_weeks_are_for_the_command_line() {
        assert_eq!(parse_extended("1d"), Ok(Duration(86_400_000_000_000)));
        assert_eq!(parse_extended("-1w2d3h"), Ok(Duration(-788_400_000_000_000)));
        assert_eq!(parse_extended("0.5d"), Ok(Duration(43_200_000_000_000)));
        assert_eq!(parse_extended("90s"), "90s".parse());
        let unknown = |unit: &str, extended| {
            Err(DurationError::UnknownUnit { unit: unit.to_string(), extended })
        };
        assert_eq!("1d".parse::<Duration>(), unknown("d", false));
        assert_eq!(parse_extended("1y"), unknown("y", true));
    }

    #[test]
    fn errors_say_what_was_expected() {
        let error = |text: &str| text.parse::<Duration>().unwrap_err().to_string();
        assert_eq!(error("5"), "a number has no unit: expected ns, us, ms, s, m or h");
        assert_eq!(error("1h 30m"), "unknown unit \"h \": expected ns, us, ms, s, m or h");
        assert_eq!(error("-"), "expected a duration such as 90s or 1h30m, found nothing");
        assert_eq!(error("9999999h"), "longer than 292 years");
    }

    #[test]
    fn long_numbers_are_out_of_range_not_wrapped() {
        let long = "9".repeat(400);
        assert_eq!(format!("{long}ns").parse::<Duration>(), Err(DurationError::OutOfRange));
        assert_eq!(parse_extended("15251w"), Err(DurationError::OutOfRange));
        assert_eq!(format!("0.{long}ns").parse(), Ok(Duration(0)));
        assert_eq!(format!("0.{long}h").parse(), Ok(Duration(3_599_999_999_999)));
        assert_eq!("0.9999999999999999999w".parse::<Duration>().ok(), None);
        assert_eq!(parse_extended("0.9999999999999999999w"), Ok(Duration(604_799_999_999_999)));
    }

    proptest! {
        #[test]
        fn round_trips(nanos: i64) {
            let span = Duration(nanos);
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "[-+]?([0-9.]{0,22}[a-zµμ ]{0,3}){0,4}|.*") {
            let plain = text.parse::<Duration>();
            let extended = parse_extended(&text);
            if plain.is_ok() {
                prop_assert_eq!(plain, extended);
            }
        }
    }
}
