//! Conversions that lose what they may lose, each in one place.

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
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else {
        number.to_string()
    }
}

/// As [`plain`], with an exponent where that would be many digits.
pub(super) fn short(number: f64) -> String {
    let size = number.abs();
    if equal(size, 0.0) || !size.is_finite() || (1e-6..1e21).contains(&size) {
        return plain(number);
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, power)) => {
            let (sign, power) = power.strip_prefix('-').map_or(('+', power), |p| ('-', p));
            format!("{digits}e{sign}{power:0>2}")
        }
        None => text,
    }
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
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!(plain(1e21), "1000000000000000000000");
    }

    #[test]
    fn seconds_of_whole_milliseconds_are_exact() {
        assert_eq!(plain(seconds(1_700_000_000_123_000_000)), "1700000000.123");
        assert_eq!(plain(seconds(1_500)), "0.0000015");
    }
}
