//! The shortest decimal that reads back to the same bits, as the reference's language writes it.
//!
//! Of several decimals of that length the nearest counts, and of two that are equally near the one
//! whose last digit is even: `2097152.25` in single precision is `2097152.2`. The standard library
//! writes `2097152.3`; all else is the same, so that its text is taken, and its last digit mended.

use alloc::vec::Vec;
use core::fmt::{self, Display, LowerExp, Write};
use core::str::FromStr;

/// Appends a finite number that is not negative: never with an exponent, without `.0`.
pub(super) fn write_shortest<N>(out: &mut Vec<u8>, magnitude: N)
where
    N: Copy + Display + LowerExp + FromStr + PartialEq,
{
    let start = out.len();
    append(out, format_args!("{magnitude}"));
    let Some((last, digits)) = last_digit(out, start) else { return };
    // A tie was rounded up to this digit, so the one before it is the even one.
    let Some(digit @ (b'1' | b'3' | b'5' | b'7' | b'9')) = out.get(last).copied() else { return };
    let end = out.len();
    append(out, format_args!("{magnitude:.*e}", digits - 1));
    let is_tie = last_of_mantissa(out, end).is_some_and(|nearest| nearest != digit)
        && core::str::from_utf8(out.get(end..).unwrap_or_default())
            .is_ok_and(|text| text.parse::<N>().is_ok_and(|read| read == magnitude));
    out.truncate(end);
    if let (true, Some(digit)) = (is_tie, out.get_mut(last)) {
        *digit -= 1;
    }
}

/// Where the last digit is that is not only a place's zero, and how many there are up to it from
/// the first one.
fn last_digit(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let of_number = text.get(start..)?;
    let is_significant = |byte: &u8| (b'1'..=b'9').contains(byte);
    let first = of_number.iter().position(is_significant)?;
    let last = of_number.iter().rposition(is_significant)?;
    let digits = of_number.get(first..=last)?.iter().filter(|byte| byte.is_ascii_digit()).count();
    Some((start + last, digits))
}

/// The last digit before the exponent, of the text from `start` on.
fn last_of_mantissa(text: &[u8], start: usize) -> Option<u8> {
    let mantissa = text.get(start..)?.split(|byte| *byte == b'e').next()?;
    mantissa.last().copied()
}

/// Appends; a vector takes everything.
fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let _ = Sink(out).write_fmt(text);
}

/// Lets formatted text be appended to bytes.
struct Sink<'a>(&'a mut Vec<u8>);

impl Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::string::String;
    use proptest::prelude::*;

    fn text_of<N: Copy + Display + LowerExp + FromStr + PartialEq>(number: N) -> String {
        let mut out = b"before ".to_vec();
        write_shortest(&mut out, number);
        String::from_utf8(out.split_off(7)).unwrap()
    }

    #[test]
    #[expect(clippy::excessive_precision, reason = "a tie shows only with all digits")]
    fn ties_go_to_the_even_digit() {
        for (number, text) in [
            (2_097_152.25_f32, "2097152.2"),
            (2_097_152.75, "2097152.8"),
            (2_097_153.25, "2097153.2"),
            (2.050_781_25, "2.0507812"),
            (3.628_906_25, "3.6289062"),
            (16.539_062_5, "16.539062"),
            (4_194_304.5, "4194304.5"),
            (0.1, "0.1"),
            (0.0, "0"),
        ] {
            assert_eq!(text_of(number), text);
        }
        for (number, text) in [
            (1_125_899_906_842_624.25_f64, "1125899906842624.2"),
            (1_125_899_906_842_624.75, "1125899906842624.8"),
            (0.3, "0.3"),
            (1e23, "100000000000000000000000"),
        ] {
            assert_eq!(text_of(number), text);
        }
    }

    #[test]
    fn powers_of_two_read_back_although_the_even_digit_may_be_too_far_below() {
        for exponent in 0..255_u32 {
            for mantissa in 0..3 {
                let number = f32::from_bits(exponent << 23 | mantissa);
                assert_eq!(text_of(number).parse(), Ok(number));
            }
        }
        for exponent in 0..2047_u64 {
            for mantissa in 0..3 {
                let number = f64::from_bits(exponent << 52 | mantissa);
                assert_eq!(text_of(number).parse(), Ok(number));
            }
        }
    }

    proptest! {
        /// `serde_json`'s numbers are those of another library, which rounds ties as Go does.
        #[test]
        fn json_has_the_same_digits(bits: u32, wide: u64) {
            let number = f32::from_bits(bits & 0x7fff_ffff);
            prop_assume!(number.is_finite());
            prop_assert_eq!(digits(&text_of(number)), digits(&serde_json::to_string(&number).unwrap()));
            let number = f64::from_bits(wide & (u64::MAX >> 1));
            prop_assume!(number.is_finite());
            prop_assert_eq!(digits(&text_of(number)), digits(&serde_json::to_string(&number).unwrap()));
        }

        #[test]
        fn numbers_with_few_bits_behind_the_point_are_often_ties(whole in 0_u32..1 << 20, bits in 0_u8..64) {
            #[expect(clippy::cast_precision_loss, reason = "rounding is what is looked at")]
            let number = whole as f32 + f32::from(bits) / 64.0;
            prop_assert_eq!(digits(&text_of(number)), digits(&serde_json::to_string(&number).unwrap()));
        }
    }

    /// The digits that count.
    fn digits(text: &str) -> String {
        let mantissa = text.split('e').next().unwrap().replace('.', "");
        mantissa.trim_matches('0').to_owned()
    }
}
