//! Sums of statistics: as whole multiples of a power of two where that is possible, which for sums of
//! ordinary values takes half the bytes.

use super::error::PartError;
use super::fields::{Fields, to_zigzag};
use crate::codec::Writer;
use alloc::vec::Vec;

/// The bits of each sum.
const BITS: u8 = 0;
/// Multiples of a power of two, each as what it is more than the one before.
const MULTIPLES: u8 = 1;

/// The least exponent: that of the least `f32`.
const LEAST: i32 = -149;
/// The greatest: that of the greatest power of two.
const GREATEST: i32 = 1023;

/// Appends these sums, given as the bits of an `f64`.
pub(crate) fn encode(sums: impl Iterator<Item = u64> + Clone, w: &mut Writer<'_>) {
    let Some((exponent, multiples)) = multiples(sums.clone()) else {
        w.u8(BITS);
        sums.for_each(|bits| {
            w.u64(bits);
        });
        return;
    };
    w.u8(MULTIPLES).uvarint(u64::from(exponent.abs_diff(LEAST)));
    let mut before = 0_i64;
    for multiple in multiples {
        w.uvarint(to_zigzag(multiple.wrapping_sub(before)));
        before = multiple;
    }
}

/// Takes so many sums.
pub(crate) fn decode(count: usize, fields: &mut Fields<'_>) -> Result<Vec<u64>, PartError> {
    match fields.u8()? {
        BITS => (0..count).map(|_| fields.u64()).collect(),
        MULTIPLES => {
            let (what, expected) = ("exponent of sums", "at most 1172");
            let found = fields.uvarint()?;
            let exponent = i32::try_from(found).ok().and_then(|found| found.checked_add(LEAST));
            let unit = exponent.filter(|exponent| *exponent <= GREATEST).map(power_of_two);
            let unit = unit.ok_or(PartError::Invalid { what, found, expected })?;
            let mut multiple = 0_i64;
            let mut next = || {
                multiple = multiple.wrapping_add(fields.zigzag()?);
                Ok((to_f64(multiple) * unit).to_bits())
            };
            (0..count).map(|_| next()).collect()
        }
        id => Err(PartError::Unknown { what: "encoding of sums", id }),
    }
}

/// The greatest exponent of which all sums are multiples, and which; nothing where a sum is no
/// number or its multiple too great.
fn multiples(sums: impl Iterator<Item = u64> + Clone) -> Option<(i32, Vec<i64>)> {
    let parts = sums.clone().map(Parts::of).collect::<Option<Vec<Parts>>>()?;
    let odd = parts.iter().filter(|part| part.odd != 0);
    let exponent = odd.map(|part| part.exponent).min().unwrap_or(0);
    let multiples =
        parts.iter().map(|part| part.multiple(exponent)).collect::<Option<Vec<i64>>>()?;
    let restored = multiples.iter().map(|&multiple| to_f64(multiple) * power_of_two(exponent));
    restored.map(f64::to_bits).eq(sums).then_some((exponent, multiples))
}

/// A finite number as an odd one times a power of two.
#[derive(Debug, Clone, Copy)]
struct Parts {
    is_negative: bool,
    odd: u64,
    exponent: i32,
}

impl Parts {
    fn of(bits: u64) -> Option<Self> {
        let number = f64::from_bits(bits);
        let stored = i32::try_from(bits >> 52 & 0x7ff).ok()?;
        let fraction = bits & ((1 << 52) - 1);
        // No sum of f32 values is so small that its exponent is 0, but for zero itself.
        let mantissa = if stored == 0 { fraction } else { fraction | 1 << 52 };
        let shift = mantissa.trailing_zeros();
        let odd = mantissa.checked_shr(shift).unwrap_or(0);
        let exponent = stored.max(1) - 1075 + i32::try_from(shift).ok()?;
        let fits = number.is_finite() && (odd == 0 || exponent >= LEAST);
        fits.then_some(Self { is_negative: number.is_sign_negative(), odd, exponent })
    }

    fn multiple(self, exponent: i32) -> Option<i64> {
        if self.odd == 0 {
            return Some(0);
        }
        let shift = u32::try_from(self.exponent - exponent).ok()?;
        if shift >= self.odd.leading_zeros() {
            return None; // one bit is the sign
        }
        let multiple = i64::try_from(self.odd << shift).ok()?;
        Some(if self.is_negative { -multiple } else { multiple })
    }
}

/// Two to the power of a normal exponent.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(u64::from(exponent.saturating_add(1023).unsigned_abs()) << 52)
}

#[expect(clippy::cast_precision_loss, reason = "what the encoder writes has 53 bits at most")]
const fn to_f64(multiple: i64) -> f64 {
    multiple as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(sums: &[f64]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(sums.iter().map(|sum| sum.to_bits()), &mut Writer::new(&mut out));
        out
    }

    fn assert_restored(sums: &[f64]) {
        let bytes = encoded(sums);
        let mut fields = Fields::new(&bytes);
        let bits: Vec<u64> = sums.iter().map(|sum| sum.to_bits()).collect();
        assert_eq!(decode(sums.len(), &mut fields), Ok(bits));
        assert_eq!(fields.end(), Ok(()));
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encoded(&[1.5, 1.0, -2.0]), [1, 0x94, 1, 6, 1, 11]);
        assert_eq!(encoded(&[0.0]), [1, 0x95, 1, 0]);
        assert_eq!(encoded(&[-0.0]), [0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
        assert_eq!(encoded(&[f64::NAN]), [0, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
    }

    #[test]
    fn what_no_encoder_writes_is_an_error() {
        let decoded = |bytes: &[u8]| decode(1, &mut Fields::new(bytes));
        assert_eq!(decoded(&[2]), Err(PartError::Unknown { what: "encoding of sums", id: 2 }));
        assert!(decoded(&[1, 0x95, 9, 0]).is_err(), "exponent 1024");
        assert!(decoded(&[1, 0x94, 9, 0]).is_ok(), "exponent 1023");
        for bytes in [&[][..], &[0, 1], &[1], &[1, 5], &[1, 5, 0x80]] {
            assert_eq!(decoded(bytes), Err(PartError::Truncated));
        }
    }

    #[test]
    fn extremes_are_restored() {
        for sums in [
            &[f64::MAX, f64::MIN][..],
            &[f64::INFINITY, 1.0],
            &[f64::from(f32::MAX) * 65_536.0, f64::from(f32::MIN_POSITIVE)],
            &[f64::from(f32::from_bits(1)), -f64::from(f32::from_bits(3))],
            &[f64::MIN_POSITIVE, f64::from_bits(1)],
            &[0.0, 1e300, 0.0],
            &[f64::from_bits(0x7fe0_0000_0000_0000)],
            &[f64::from_bits(0xffe1_0000_0000_0000), -0.5],
            &[9_223_372_036_854_774_784.0, -9_223_372_036_854_774_784.0],
            &[9_223_372_036_854_775_808.0, 1.0],
        ] {
            assert_restored(sums);
        }
    }

    #[test]
    fn sums_of_ordinary_values_take_half_the_bytes() {
        let sums: Vec<f64> = (0..100_u16)
            .map(|i| (0..360_u16).map(|j| f64::from(21.0_f32 + 0.1 * f32::from(i * j % 7))).sum())
            .collect();
        assert!(encoded(&sums).len() < 500, "{}", encoded(&sums).len());
        assert_restored(&sums);
    }

    proptest! {
        #[test]
        fn round_trips(bits in prop::collection::vec(any::<u64>(), 0..9)) {
            let sums: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            assert_restored(&sums);
        }

        #[test]
        fn sums_of_values_round_trip(values in prop::collection::vec(any::<f32>(), 0..30)) {
            let sums: Vec<f64> = values.iter().scan(0.0, |sum, value| {
                *sum += f64::from(*value);
                Some(*sum)
            }).collect();
            assert_restored(&sums);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, count in 0_usize..9) {
            let _ = decode(count, &mut Fields::new(&bytes));
        }
    }
}
