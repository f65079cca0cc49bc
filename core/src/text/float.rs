//! Single-precision numbers as text.
//!
//! Read: decimal and hexadecimal literals as in C (`25.13`, `.5`, `5.`, `1e-7`, `0x1.8p1`), with
//! single underscores between digits or behind `0x`; `nan`; `inf` and `infinity` with or without a
//! sign; letters in either case. Rounded once, straight to single precision. A number too large
//! for that is refused, one too small is zero.
//!
//! Written: the shortest decimal that reads back to the same bits, of two that are equally near the
//! even one, never with an exponent, without `.0`; `NaN`, `+Inf`, `-Inf`. Numbers in double
//! precision, which aggregates are, are written by the same rules.

use super::integer::{digit, write_fixed};
use super::shortest::write_shortest;
use alloc::vec::Vec;

/// Reads a number, or nothing when `text` is not one.
///
/// ```
/// use nanotdb_core::text::float::parse_f32;
/// assert_eq!(parse_f32(b"25.13"), Some(25.13));
/// assert_eq!(parse_f32(b"0x1p-2"), Some(0.25));
/// assert_eq!(parse_f32(b"-INF"), Some(f32::NEG_INFINITY));
/// assert_eq!(parse_f32(b"1e39"), None);
/// ```
pub fn parse_f32(text: &[u8]) -> Option<f32> {
    let (negative, unsigned) = match text {
        [b'-', unsigned @ ..] => (true, unsigned),
        [b'+', unsigned @ ..] | unsigned => (false, unsigned),
    };
    if let Some(magnitude) = parse_short_decimal(unsigned) {
        return Some(if negative { -magnitude } else { magnitude });
    }
    if text.eq_ignore_ascii_case(b"nan") {
        return Some(f32::NAN);
    }
    let magnitude = if unsigned.contains(&b'_') {
        parse_literal(&without_underscores(unsigned)?)
    } else {
        parse_literal(unsigned)
    }?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Reads a decimal number in double precision, `nan`, or `inf` and `infinity` with or without a
/// sign, letters in either case. One that is too large is none: only those letters are infinite.
///
/// ```
/// use nanotdb_core::text::float::parse_f64;
/// assert_eq!(parse_f64("-1.5e3"), Some(-1500.0));
/// assert_eq!(parse_f64("+Inf"), Some(f64::INFINITY));
/// assert_eq!(parse_f64("1e400"), None);
/// ```
pub fn parse_f64(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    (!number.is_infinite() || !text.contains(|c: char| c.is_ascii_digit())).then_some(number)
}

/// Appends `number` in the written form.
///
/// ```
/// let mut out = Vec::new();
/// nanotdb_core::text::float::format_f32(&mut out, 0.1);
/// assert_eq!(out, b"0.1");
/// ```
pub fn format_f32(out: &mut Vec<u8>, number: f32) {
    if number.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if number.is_infinite() {
        return out.extend_from_slice(if number > 0.0 { b"+Inf" } else { b"-Inf" });
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    let magnitude = number.abs();
    if let Some((digits, decimals)) = short_decimal(magnitude) {
        return write_fixed(out, digits, decimals);
    }
    write_shortest(out, magnitude);
}

/// Appends `number` in the written form.
///
/// ```
/// let mut out = Vec::new();
/// nanotdb_core::text::float::format_f64(&mut out, -2.5e-7);
/// assert_eq!(out, b"-0.00000025");
/// ```
pub fn format_f64(out: &mut Vec<u8>, number: f64) {
    if number.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if number.is_infinite() {
        return out.extend_from_slice(if number > 0.0 { b"+Inf" } else { b"-Inf" });
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    write_shortest(out, number.abs());
}

/// Powers of ten that are exact in double precision.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Longest text [`parse_short_decimal`] takes: its digits fit a `u64`.
const SHORT_LEN: usize = 18;

/// Reads `digits[.digits]` when one division gives the right result, which it nearly always does.
fn parse_short_decimal(text: &[u8]) -> Option<f32> {
    const EXACT_IN_F64: u64 = 1 << 53;
    if text.len() > SHORT_LEN {
        return None;
    }
    let (mut digits, mut count, mut decimals) = (0_u64, 0_usize, None);
    for &byte in text {
        if let Some(digit) = digit(byte) {
            digits = digits * 10 + u64::from(digit);
            count += 1;
        } else if byte == b'.' && decimals.is_none() {
            decimals = Some(count);
        } else {
            return None;
        }
    }
    if count == 0 || digits > EXACT_IN_F64 {
        return None;
    }
    let scale = *POWERS_OF_TEN.get(decimals.map_or(0, |before| count - before))?;
    #[expect(clippy::cast_precision_loss, reason = "not above 2^53")]
    let quotient = digits as f64 / scale;
    round_once(quotient)
}

/// `value` in single precision, unless it was itself rounded to a point halfway between two such
/// numbers: there only the unrounded value tells which one is nearer. `value` is 0 or normal in
/// single precision.
fn round_once(value: f64) -> Option<f32> {
    const DROPPED_BITS: u64 = (1 << 29) - 1;
    const HALFWAY: u64 = 1 << 28;
    if value.to_bits() & DROPPED_BITS == HALFWAY {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounds, which is wanted")]
    Some(value as f32)
}

/// Reads an unsigned literal of any length, but for `nan`.
fn parse_literal(text: &[u8]) -> Option<f32> {
    if let [b'0', b'x' | b'X', hexadecimal @ ..] = text {
        return parse_hexadecimal(hexadecimal);
    }
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Some(f32::INFINITY);
    }
    // The standard library also takes signs and names, which have had their turn.
    if !text.first().is_some_and(|&first| first == b'.' || first.is_ascii_digit()) {
        return None;
    }
    let number: f32 = core::str::from_utf8(text).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// The text without its underscores, when each stands between digits or behind `0x`.
fn without_underscores(text: &[u8]) -> Option<Vec<u8>> {
    let hexadecimal = matches!(text, [b'0', b'x' | b'X', ..]);
    let is_digit = |byte: u8| {
        if hexadecimal { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() }
    };
    // An `x` anywhere but in the prefix fails later, with or without an underscore behind it.
    let may_precede = |byte: u8| is_digit(byte) || hexadecimal && matches!(byte, b'x' | b'X');

    let mut kept = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    let mut previous = b' ';
    while let Some(byte) = bytes.next() {
        if byte != b'_' {
            kept.push(byte);
        } else if !may_precede(previous) || !bytes.peek().is_some_and(|&next| is_digit(next)) {
            return None;
        }
        previous = byte;
    }
    Some(kept)
}

/// Reads `digits[.digits]p[sign]digits` in base 16 with a decimal exponent of two.
fn parse_hexadecimal(text: &[u8]) -> Option<f32> {
    let exponent_at = text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'p'))?;
    let (digits, exponent) = text.split_at_checked(exponent_at)?;
    let mut exponent = parse_exponent(exponent.get(1..)?)?;

    let (mut mantissa, mut any_digit, mut after_point) = (0_u64, false, false);
    for &byte in digits {
        if byte == b'.' && !after_point {
            after_point = true;
            continue;
        }
        let digit = char::from(byte).to_digit(16)?;
        any_digit = true;
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
            exponent = exponent.saturating_sub(if after_point { 4 } else { 0 });
        } else {
            // Too far right to be kept, but it still decides between halfway and above.
            mantissa |= u64::from(digit != 0);
            exponent = exponent.saturating_add(if after_point { 0 } else { 4 });
        }
    }
    if any_digit { scale_by_power_of_two(mantissa, exponent) } else { None }
}

/// Decimal digits with an optional sign; saturates, since any large exponent means the same.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut magnitude = 0_i64;
    for &byte in digits {
        magnitude = magnitude.saturating_mul(10).saturating_add(digit(byte)?.into());
    }
    Some(if negative { -magnitude } else { magnitude })
}

/// `mantissa * 2^exponent` rounded to nearest, ties to even; nothing when that is infinite.
fn scale_by_power_of_two(mantissa: u64, exponent: i64) -> Option<f32> {
    const MIN_EXPONENT: i64 = -126;
    if mantissa == 0 {
        return Some(0.0);
    }
    let leading_zeros = mantissa.leading_zeros();
    let mantissa = mantissa << leading_zeros;
    // From here on the value is 1.xxx * 2^exponent.
    let exponent = exponent.saturating_add(63 - i64::from(leading_zeros));
    if exponent > 127 {
        return None;
    }
    let missing_bits = MIN_EXPONENT.saturating_sub(exponent).clamp(0, 64);
    let dropped_bits = 40 + u32::try_from(missing_bits).ok()?;
    if dropped_bits > 64 {
        return Some(0.0);
    }
    let halfway = 1_u64 << (dropped_bits - 1);
    let kept = mantissa.checked_shr(dropped_bits).unwrap_or(0);
    let dropped = mantissa & (halfway | (halfway - 1));
    let round_up = dropped > halfway || dropped == halfway && kept & 1 == 1;
    // The leading one of a normal number adds one to the exponent field; so does a carry.
    let exponent_field = u32::try_from(exponent.max(MIN_EXPONENT) - MIN_EXPONENT).ok()?;
    let bits = (exponent_field << 23) + u32::try_from(kept).ok()? + u32::from(round_up);
    Some(f32::from_bits(bits)).filter(|number| number.is_finite())
}

/// The shortest decimal of `magnitude` as digits and how many of them follow the point, when it
/// has at most seven digits and neither end of it is far from the point.
fn short_decimal(magnitude: f32) -> Option<(u32, u8)> {
    /// Below this, single precision has every integer.
    const EXACT_INTEGERS: f32 = 16_777_216.0;
    if magnitude < EXACT_INTEGERS {
        let integer = truncate(f64::from(magnitude));
        if to_f32(integer).to_bits() == magnitude.to_bits() {
            return Some((integer, 0));
        }
    }
    if !(0.001..1e6).contains(&magnitude) {
        return None;
    }
    // Decimals that leave six digits, the most that single precision always keeps: if any
    // decimal of six or fewer reads back, it is this one, with or without zeros at its end.
    let mut decimals = 0;
    for lower in [1e5, 1e4, 1e3, 1e2, 1e1, 1e0, 1e-1, 1e-2] {
        decimals += u8::from(magnitude < lower);
    }
    if let Some(digits) = digits_if_exact(magnitude, decimals) {
        return Some(without_trailing_zeros(digits, decimals));
    }
    // None did, so seven are the shortest if they read back.
    digits_if_exact(magnitude, decimals + 1).map(|digits| (digits, decimals + 1))
}

/// `magnitude * 10^decimals` rounded to an integer below 2^24, if that reads back.
fn digits_if_exact(magnitude: f32, decimals: u8) -> Option<u32> {
    let scale = *POWERS_OF_TEN.get(usize::from(decimals))?;
    // Exact: 24 bits times at most 21, as 10^9 is 5^9 * 2^9.
    let scaled = f64::from(magnitude) * scale;
    let digits = truncate(scaled + 0.5);
    // Exact operands, so the quotient is rounded once, as reading would.
    let read = to_f32(digits) / single(scale);
    (read.to_bits() == magnitude.to_bits()).then_some(digits)
}

fn without_trailing_zeros(mut digits: u32, mut decimals: u8) -> (u32, u8) {
    while decimals > 0 && digits.is_multiple_of(10) {
        digits /= 10;
        decimals -= 1;
    }
    (digits, decimals)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "callers pass 0 to 2^24, and want the fraction gone"
)]
fn truncate(value: f64) -> u32 {
    value as u32
}

#[expect(clippy::cast_precision_loss, reason = "callers pass at most 2^24")]
fn to_f32(integer: u32) -> f32 {
    integer as f32
}

#[expect(clippy::cast_possible_truncation, reason = "callers pass exact powers of ten")]
fn single(power_of_ten: f64) -> f32 {
    power_of_ten as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    fn text_of(number: f32) -> String {
        let mut out = Vec::new();
        format_f32(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    fn bits_of(text: &str) -> Option<u32> {
        parse_f32(text.as_bytes()).map(f32::to_bits)
    }

    #[test]
    fn accepted() {
        for (text, bits) in [
            ("1", 0x3f80_0000),
            ("+1", 0x3f80_0000),
            ("-1.5", 0xbfc0_0000),
            (".5", 0x3f00_0000),
            ("5.", 0x40a0_0000),
            ("-0", 0x8000_0000),
            ("1e5", 0x47c3_5000),
            ("nan", 0x7fc0_0000),
            ("NaN", 0x7fc0_0000),
            ("+Infinity", 0x7f80_0000),
            ("-inf", 0xff80_0000),
            ("1e-50", 0),
            ("-1e-50", 0x8000_0000),
            // Halfway between two numbers: to even, unless a digit further out says otherwise.
            ("16777217", 0x4b80_0000),
            ("16777217.0000001", 0x4b80_0001),
            ("16777217.0000000000000000001", 0x4b80_0001),
            ("16777216.9999999", 0x4b80_0000),
            // The last number that does not round to infinity.
            ("340282356779733661637539395458142568447", 0x7f7f_ffff),
        ] {
            assert_eq!(bits_of(text), Some(bits), "{text}");
        }
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "+",
            "-",
            ".",
            "+.",
            "e5",
            ".e5",
            "1e",
            "1e+",
            "1e5.5",
            "1.5.2",
            "1,5",
            "1f",
            "0b1",
            "0o7",
            "+nan",
            "-nan",
            "nan(1)",
            "in",
            "infin",
            "infinit",
            "infinityy",
            "+-1",
            "--1",
            "1 ",
            " 1",
            "1e39",
            "-1e39",
            "1e400",
            "340282356779733661637539395458142568448",
            "\u{661}",
            "1\0",
        ] {
            assert_eq!(bits_of(text), None, "{text}");
        }
    }

    #[test]
    fn underscores_stand_between_digits() {
        for (text, value) in [
            ("1_000", 1000.0),
            ("1_23.5", 123.5),
            ("-1_0.2_5", -10.25),
            ("1e1_0", 1e10),
            ("0_1", 1.0),
            ("0x_1p4", 16.0),
            ("0xa_bp0", 171.0),
        ] {
            assert_eq!(parse_f32(text.as_bytes()), Some(value), "{text}");
        }
        for text in [
            "_", "_1", "1_", "1__0", "1_.5", "1._5", "1_e5", "1e_5", "1e+_5", "0_x1p4", "0x1_p4",
            "0x1p_4", "0x1x_1p4", "+_1", "in_f", "n_an", "1_a",
        ] {
            assert_eq!(bits_of(text), None, "{text}");
        }
    }

    #[test]
    fn hexadecimal() {
        for (text, bits) in [
            ("0x1p4", 0x4180_0000),
            ("-0X1P-2", 0xbe80_0000),
            ("0x1.8p1", 0x4040_0000),
            ("0x.8p1", 0x3f80_0000),
            ("0x1.p+1", 0x4000_0000),
            ("0x0p99999999999999999999", 0),
            ("-0x0p0", 0x8000_0000),
            ("0x1.fffffep127", 0x7f7f_ffff),
            ("0x1.fffffefffffffffffffffp127", 0x7f7f_ffff),
            ("0x1p-126", 0x0080_0000),
            ("0x1p-149", 0x0000_0001),
            ("0x0.fffffffp-126", 0x0080_0000),
            ("0x0.fffffefp-126", 0x007f_ffff),
            // Halfway to the smallest number, and a little more.
            ("0x1p-150", 0),
            ("0x1.00000000000000000000001p-150", 1),
            ("0x1p-151", 0),
            ("0x1p-99999999999999999999", 0),
            // Ties to even in the last place of 24 bits, and a late digit that breaks the tie.
            ("0x1000001p0", 0x4b80_0000),
            ("0x1000003p0", 0x4b80_0002),
            ("0x1000001.00000000000000000001p0", 0x4b80_0001),
            ("0x00000000000000000000000000001p0", 0x3f80_0000),
            ("0x10000000000000000000p-76", 0x3f80_0000),
        ] {
            assert_eq!(bits_of(text), Some(bits), "{text}");
        }
        for text in [
            "0x",
            "0x1",
            "0x10",
            "0xp1",
            "0x.p1",
            "0x1p",
            "0x1p+",
            "0x1.1.1p1",
            "0xgp1",
            "x1p1",
            "0x1p1.5",
            "0x1pa",
            "0x1p128",
            "0x1.ffffffp127",
            "0x1p99999999999999999999",
        ] {
            assert_eq!(bits_of(text), None, "{text}");
        }
    }

    #[test]
    fn written_forms() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (100.0, "100"),
            (-25.13, "-25.13"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.000_999_9, "0.0009999"),
            (9.999_999, "9.999999"),
            (999_999.9, "999999.9"),
            (1_013.253, "1013.253"),
            (123_456.79, "123456.79"),
            (16_777_216.0, "16777216"),
            (1e-7, "0.0000001"),
            (1e20, "100000000000000000000"),
            (f32::INFINITY, "+Inf"),
            (f32::NEG_INFINITY, "-Inf"),
            (f32::NAN, "NaN"),
            (-f32::NAN, "NaN"),
        ] {
            assert_eq!(text_of(number), text);
        }
    }

    /// One bit pattern in 4001; run with `NANOTDB_EXHAUSTIVE` set for each of them.
    #[test]
    fn fast_and_general_ways_write_the_same() {
        let step = if std::env::var_os("NANOTDB_EXHAUSTIVE").is_some() { 1 } else { 4001 };
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        for bits in (0..0x7f80_0000).step_by(step) {
            let number = f32::from_bits(bits);
            out.clear();
            format_f32(&mut out, number);
            expected.clear();
            write_shortest(&mut expected, number);
            assert_eq!(out, expected, "{bits:08x}");
        }
    }

    #[test]
    fn double_precision_is_written_by_the_same_rules() {
        for (number, text) in [
            (0.1, "0.1"),
            (-0.0, "-0"),
            (1e21, "1000000000000000000000"),
            (-2.0_f64.powi(50) - 0.25, "-1125899906842624.2"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut out = Vec::new();
            format_f64(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn every_number_reads_back(bits: u32) {
            let number = f32::from_bits(bits);
            prop_assume!(!number.is_nan());
            prop_assert_eq!(bits_of(&text_of(number)), Some(bits));
        }

        #[test]
        fn short_numbers_read_back(digits in 0_u32..100_000_000, decimals in 0_u8..9) {
            let mut text = Vec::new();
            write_fixed(&mut text, digits, decimals);
            let number = parse_f32(&text).unwrap();
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(text.parse(), Ok(number));
            prop_assert_eq!(text_of(number).parse(), Ok(number));
        }

        #[test]
        fn decimals_are_rounded_as_by_the_standard_library(
            text in "[+-]?([0-9]{1,25}|[0-9]{0,12}[.][0-9]{1,12}|[0-9]{1,9}e[+-]?[0-9]{1,2})",
        ) {
            let expected: f32 = text.parse().unwrap();
            let expected = expected.is_finite().then_some(expected.to_bits());
            prop_assert_eq!(bits_of(&text), expected);
        }

        #[test]
        #[expect(clippy::cast_precision_loss, reason = "both are exact")]
        fn hexadecimals_are_rounded_as_decimals_are(mantissa in 0_u64..1 << 53, shift in 0_i32..60) {
            // A power of two away from an integer is exact in double precision and in decimal.
            let exact = mantissa as f64 / (1_u64 << shift) as f64;
            let decimal: f32 = alloc::format!("{exact}").parse().unwrap();
            let hexadecimal = alloc::format!("0x{mantissa:x}p-{shift}");
            prop_assert_eq!(bits_of(&hexadecimal), Some(decimal.to_bits()));
        }

        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            let _ = parse_f32(&bytes);
        }

        #[test]
        fn nearly_right_bytes_are_safe(text in "[+-]?(0x)?[0-9a-f_.+pe-]{0,24}") {
            if let Some(number) = parse_f32(text.as_bytes()) {
                prop_assert_eq!(bits_of(&text_of(number)), Some(number.to_bits()));
            }
        }
    }
}
