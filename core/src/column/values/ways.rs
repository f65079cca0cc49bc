//! Ways of counting: from values to numbers and back, to the bit.

use super::super::bits::{low, precise};
use super::super::{ColumnError, gcd, numbers};
use crate::codec::{Reader, Writer};
use crate::types::ValueType;
use alloc::vec::Vec;
use core::fmt;

/// How numbers stand for values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Integer,
    Decimal { digits: u8 },
    Float,
}

/// Values as numbers.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) way: Way,
    /// One for each value. At exceptions, the number before.
    pub(super) numbers: Vec<u32>,
    /// Positions of values that their numbers do not restore, ascending.
    pub(super) exceptions: Vec<usize>,
}

/// Powers of ten that are exact in 32 bits of float, and their products with integers that are.
const POWERS: [f64; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/// The sign of an `i32`; flipping it puts negative integers before positive ones.
const SIGN: u32 = 1 << 31;

/// Bits that an exception takes.
const EXCEPTION_BITS: f32 = 56.0;

/// Values of which the ways are judged.
const STRETCHES: usize = 8;
const STRETCH: usize = 34;

/// The values as numbers, in the way that looks smallest.
pub(super) fn count(value_type: ValueType, raws: &[u32]) -> Counted {
    if value_type == ValueType::I32 {
        let numbers = raws.iter().map(|raw| raw ^ SIGN).collect();
        return Counted { way: Way::Integer, numbers, exceptions: Vec::new() };
    }
    match decimal(raws) {
        Some(digits) => as_decimals(raws, digits),
        None => Counted {
            way: Way::Float,
            numbers: raws.iter().map(|&raw| ordered(raw)).collect(),
            exceptions: Vec::new(),
        },
    }
}

/// The number of digits with which the values are decimals, if that is worth it.
fn decimal(raws: &[u32]) -> Option<u8> {
    let gap = (raws.len() / STRETCHES).max(STRETCH);
    let sample: Vec<u32> =
        raws.chunks(gap).flat_map(|chunk| chunk.iter().take(STRETCH)).copied().collect();
    let fitting = |digits: &u8| {
        let power = power(*digits);
        let restored = |raw: u32| quotient(nearest(raw, power).cast_signed(), power) == raw;
        let fit = sample.iter().filter(|raw| restored(**raw)).count();
        fit * 16 >= sample.len() * 15
    };
    let digits = (0..=10).find(fitting)?;
    let floats: Vec<u32> = sample.iter().map(|&raw| ordered(raw)).collect();
    let decimals = as_decimals(&sample, digits);
    let share = precise(decimals.exceptions.len()) / precise(sample.len().max(1));
    let cost = |numbers: &[u32]| {
        let base = numbers.iter().copied().min().unwrap_or(0);
        let mut numbers: Vec<u32> = numbers.iter().map(|number| number - base).collect();
        let divisor = gcd::of(&numbers);
        for number in &mut numbers {
            *number /= divisor;
        }
        numbers::estimate(&numbers).bits
    };
    (cost(&decimals.numbers) + share * EXCEPTION_BITS <= cost(&floats)).then_some(digits)
}

fn as_decimals(raws: &[u32], digits: u8) -> Counted {
    let power = power(digits);
    let mut numbers: Vec<u32> = raws.iter().map(|&raw| nearest(raw, power)).collect();
    let restores = |(number, raw): (&u32, &u32)| quotient(number.cast_signed(), power) == *raw;
    let pairs = || numbers.iter().zip(raws);
    // Counted first, which is fast, since there mostly are none.
    let wrong = pairs().filter(|pair| !restores(*pair)).count();
    let mut exceptions = Vec::with_capacity(wrong);
    if wrong > 0 {
        let found = pairs().enumerate().filter(|(_, pair)| !restores(*pair));
        exceptions.extend(found.map(|(position, _)| position));
        fill(&mut numbers, &exceptions);
    }
    for number in &mut numbers {
        *number ^= SIGN;
    }
    Counted { way: Way::Decimal { digits }, numbers, exceptions }
}

/// Gives exceptions the number before them, or at the front the first that is none.
fn fill(numbers: &mut [u32], exceptions: &[usize]) {
    let front = (0..).zip(exceptions).take_while(|(at, position)| at == *position).count();
    let mut before = numbers.get(front).copied().unwrap_or(0);
    for &position in exceptions {
        let earlier = position.checked_sub(1).filter(|_| position >= front);
        before = earlier.and_then(|at| numbers.get(at)).copied().unwrap_or(before);
        if let Some(number) = numbers.get_mut(position) {
            *number = before;
        }
    }
}

fn power(digits: u8) -> f64 {
    POWERS.get(usize::from(digits)).copied().unwrap_or(1.0)
}

/// The integer that is nearest to this float times `power`; any integer, where it is too large.
fn nearest(raw: u32, power: f64) -> u32 {
    /// Adding it leaves a float no room for a fraction, and its lowest bits are the integer's.
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    low((f64::from(f32::from_bits(raw)) * power + ROUND).to_bits())
}

/// The bits of the float that is nearest to the quotient.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn quotient(integer: i32, power: f64) -> u32 {
    ((f64::from(integer) / power) as f32).to_bits()
}

/// Turns the bits of a float into an integer that orders alike.
pub(crate) const fn ordered(bits: u32) -> u32 {
    bits ^ ((bits.cast_signed() >> 31).cast_unsigned() | SIGN)
}

/// The bits that [`ordered`] was given.
pub(crate) const fn unordered(number: u32) -> u32 {
    number ^ ((!number.cast_signed() >> 31).cast_unsigned() | SIGN)
}

impl Way {
    pub(super) fn write(self, writer: &mut Writer<'_>) {
        match self {
            Self::Integer => writer.u8(0),
            Self::Decimal { digits } => writer.u8(1).u8(digits),
            Self::Float => writer.u8(2),
        };
    }

    pub(super) fn read(
        reader: &mut Reader<'_>,
        value_type: ValueType,
    ) -> Result<Self, ColumnError> {
        let id = reader.u8().ok_or(ColumnError::Truncated)?;
        let way = match id {
            0 => Self::Integer,
            1 => {
                let digits = reader.u8().ok_or(ColumnError::Truncated)?;
                if usize::from(digits) >= POWERS.len() {
                    let (what, expected) = ("decimal digits", "at most 10");
                    return Err(ColumnError::Invalid { what, found: digits.into(), expected });
                }
                Self::Decimal { digits }
            }
            2 => Self::Float,
            id => return Err(ColumnError::Unknown { what: "way of counting", id }),
        };
        if (way == Self::Integer) != (value_type == ValueType::I32) {
            let (what, expected) = ("way of counting", "one of the metric's type");
            return Err(ColumnError::Invalid { what, found: id.into(), expected });
        }
        Ok(way)
    }

    /// Turns a block's numbers, less the base and divided, into values.
    pub(super) fn restore(self, base: u32, divisor: u32, block: &mut [u32]) {
        if divisor > 1 {
            for number in block.iter_mut() {
                *number = number.wrapping_mul(divisor);
            }
        }
        match self {
            Self::Integer => {
                let base = base ^ SIGN;
                for number in block.iter_mut() {
                    *number = number.wrapping_add(base);
                }
            }
            Self::Decimal { digits } => decimals(base ^ SIGN, power(digits), block),
            Self::Float => {
                for number in block.iter_mut() {
                    *number = unordered(number.wrapping_add(base));
                }
            }
        }
    }
}

fn decimals(base: u32, power: f64, block: &mut [u32]) {
    /// Integers up to here are exact in 32 bits of float.
    const EXACT: i32 = 1 << 24;
    for number in block.iter_mut() {
        *number = number.wrapping_add(base);
    }
    let exact = block.iter().all(|number| (-EXACT..=EXACT).contains(&number.cast_signed()));
    if exact {
        // Dividing exact floats of 32 bits rounds to the same: 53 bits are enough to round twice.
        #[expect(clippy::cast_possible_truncation, reason = "powers of ten up to 10^10 are exact")]
        let power = power as f32;
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^24")]
        for number in block.iter_mut() {
            *number = (number.cast_signed() as f32 / power).to_bits();
        }
    } else {
        for number in block.iter_mut() {
            *number = quotient(number.cast_signed(), power);
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer => write!(f, "integer"),
            Self::Decimal { digits } => write!(f, "decimal {digits}"),
            Self::Float => write!(f, "float"),
        }
    }
}
