//! Conversions that lose what they may lose, each in one place.

use nanotdb_core::text::float::format_f64;

pub(super) const NANOS_PER_MILLI: i64 = 1_000_000;

/// A count as a number; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^53")]
pub(super) fn from_count(count: usize) -> f64 {
    count as f64
}

/// A signed whole number; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "nobody can write more digits than a number has")]
pub(super) fn from_whole(whole: i64) -> f64 {
    whole as f64
}

/// An instant or a span in seconds. Whole milliseconds come out as Prometheus has them.
pub(super) fn seconds(nanos: i64) -> f64 {
    if nanos % NANOS_PER_MILLI == 0 {
        return from_whole(nanos / NANOS_PER_MILLI) / 1e3;
    }
    from_whole(nanos) / 1e9
}

/// A number without its fraction, the nearest that fits; 0 for NaN.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as this says")]
pub(super) fn to_whole(number: f64) -> i64 {
    number as i64
}

/// A number without its fraction as a count, the nearest that fits; 0 for NaN.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as this says"
)]
pub(super) fn to_count(number: f64) -> usize {
    number as usize
}

/// Whether two numbers are the same, as `==` in a query means it.
#[expect(clippy::float_cmp, reason = "a query asks for exactly this")]
pub(super) fn equal(a: f64, b: f64) -> bool {
    a == b
}

/// As a query and its answer write a number: the fewest digits that say it, never an exponent.
pub(super) fn plain(number: f64) -> String {
    let mut text = Vec::new();
    format_f64(&mut text, number);
    String::from_utf8(text).unwrap_or_default()
}

/// As [`plain`], with an exponent where that would be many digits.
pub(super) fn short(number: f64) -> String {
    let size = number.abs();
    if equal(size, 0.0) || !size.is_finite() || (1e-6..1e21).contains(&size) {
        return plain(number);
    }
    with_exponent(&plain(number))
}

/// A finite number other than 0 with one digit before the point and at least two in its exponent.
fn with_exponent(plain: &str) -> String {
    let (minus, text) = plain.strip_prefix('-').map_or(("", plain), |text| ("-", text));
    let point = text.find('.').unwrap_or(text.len());
    let first = text.find(|c| matches!(c, '1'..='9')).unwrap_or(0);
    let (sign, power) = if first < point { ('+', point - first - 1) } else { ('-', first - point) };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_matches('0');
    let (whole, fraction) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{minus}{whole}{dot}{fraction}e{sign}{power:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-2.5e-7, "-2.5e-07"),
            (1e-6, "0.000001"),
            (1.5e300, "1.5e+300"),
            (-1.2345e-300, "-1.2345e-300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!(plain(2.0_f64.powi(50) + 0.25), "1125899906842624.2");
        assert_eq!(plain(1e21), "1000000000000000000000");
    }

    #[test]
    fn seconds_of_whole_milliseconds_are_exact() {
        assert_eq!(plain(seconds(1_700_000_000_123_000_000)), "1700000000.123");
        assert_eq!(plain(seconds(1_500)), "0.0000015");
    }
}
