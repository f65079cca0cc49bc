//! Decimal integers as text.

use alloc::vec::Vec;

/// Reads an optional sign and decimal digits; nothing when it is something else or too large.
///
/// The same texts as `i64::from_str`, straight from bytes.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    // Eighteen digits cannot overflow; instants of our days have nineteen.
    let (head, tail) = digits.split_at_checked(18).unwrap_or((digits, &[]));
    if head.is_empty() {
        return None;
    }
    let mut magnitude = 0_u64;
    for &byte in head {
        magnitude = magnitude * 10 + u64::from(digit(byte)?);
    }
    for &byte in tail {
        magnitude = magnitude.checked_mul(10)?.checked_add(digit(byte)?.into())?;
    }
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { magnitude.try_into().ok() }
}

/// Appends `number` in decimal.
///
/// ```
/// let mut out = Vec::new();
/// nanotdb_core::text::integer::format_i32(&mut out, i32::MIN);
/// assert_eq!(out, b"-2147483648");
/// ```
pub fn format_i32(out: &mut Vec<u8>, number: i32) {
    if number < 0 {
        out.push(b'-');
    }
    write_fixed(out, number.unsigned_abs(), 0);
}

/// Appends `number / 10^decimals`, with exactly `decimals` digits after the point.
pub(super) fn write_fixed(out: &mut Vec<u8>, number: u32, decimals: u8) {
    // Ten digits are the most a `u32` has; the rest is for the point and zeros in front.
    let mut buffer = [b'0'; 20];
    let mut slots = buffer.iter_mut().rev();
    let mut rest = number;
    for slot in slots.by_ref().take(decimals.into()) {
        *slot = last_digit(rest);
        rest /= 10;
    }
    if decimals > 0
        && let Some(slot) = slots.next()
    {
        *slot = b'.';
    }
    for slot in slots.by_ref() {
        *slot = last_digit(rest);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let unused = slots.len();
    out.extend_from_slice(buffer.get(unused..).unwrap_or_default());
}

/// The value of an ASCII digit.
pub(super) fn digit(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(digit)
}

fn last_digit(number: u32) -> u8 {
    let [low, ..] = (number % 10).to_le_bytes();
    b'0' + low
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    fn fixed(number: u32, decimals: u8) -> String {
        let mut out = Vec::new();
        write_fixed(&mut out, number, decimals);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fixed_point() {
        assert_eq!(fixed(0, 0), "0");
        assert_eq!(fixed(2513, 2), "25.13");
        assert_eq!(fixed(5, 3), "0.005");
        assert_eq!(fixed(u32::MAX, 0), "4294967295");
        assert_eq!(fixed(u32::MAX, 10), "0.4294967295");
    }

    proptest! {
        #[test]
        fn reads_what_the_standard_library_reads(text in "[+-]?[0-9]{0,22}[x_ ]{0,1}") {
            prop_assert_eq!(parse_i64(text.as_bytes()), text.parse().ok());
        }

        #[test]
        fn writes_what_the_standard_library_writes(number: i32) {
            let mut out = Vec::new();
            format_i32(&mut out, number);
            prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
