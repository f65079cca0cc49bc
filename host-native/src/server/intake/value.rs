//! Numbers of other systems as values of metrics.

use crate::remote_write::{is_stale_marker, stored_marker};
use crate::{Value, ValueType};

/// The number as a metric of this type holds it.
///
/// # Errors
///
/// Why it cannot.
pub(super) fn to_value(number: f64, value_type: ValueType) -> Result<Value, String> {
    match value_type {
        ValueType::F32 if is_stale_marker(number) => Ok(stored_marker()),
        ValueType::F32 => to_f32(number).map(Value::F32),
        ValueType::I32 => to_i32(number).map(Value::I32),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is meant, and what it ruins refused")]
fn to_f32(number: f64) -> Result<f32, String> {
    let rounded = number as f32;
    if rounded.is_infinite() && number.is_finite() {
        return Err(format!("{number:e} is beyond the range of float32"));
    }
    Ok(rounded)
}

#[expect(clippy::cast_possible_truncation, reason = "a cast that changes the number is refused")]
fn to_i32(number: f64) -> Result<i32, String> {
    let whole = number as i32;
    if f64::from(whole).to_bits() == (number + 0.0).to_bits() {
        return Ok(whole);
    }
    Err(format!("the metric holds int32, {number} is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_never_become_infinite() {
        let f32 = |number| to_value(number, ValueType::F32);
        assert_eq!(f32(0.1), Ok(Value::F32(0.1)));
        assert_eq!(f32(f64::INFINITY), Ok(Value::F32(f32::INFINITY)));
        assert_eq!(f32(3.4e38), Ok(Value::F32(3.4e38)));
        assert_eq!(f32(-1e39).unwrap_err(), "-1e39 is beyond the range of float32");
        assert!(matches!(f32(f64::NAN), Ok(Value::F32(number)) if number.is_nan()));
    }

    #[test]
    fn integers_are_exact() {
        let i32 = |number| to_value(number, ValueType::I32);
        assert_eq!(i32(-0.0), Ok(Value::I32(0)));
        assert_eq!(i32(-2_147_483_648.0), Ok(Value::I32(i32::MIN)));
        for number in [0.5, 2_147_483_648.0, f64::NAN, f64::INFINITY] {
            assert!(i32(number).unwrap_err().contains("int32"), "{number}");
        }
    }
}
