//! The value that ends a series: on the wire, and as it is stored.

use crate::Value;

/// Bits of the value that ends a series.
pub const STALE_MARKER: u64 = 0x7ff0_0000_0000_0002;

/// Bits of the `f32` that stands for it in files: a NaN that no arithmetic makes. Whoever does not
/// know it sees NaN, which aggregates pass over.
pub const STORED_MARKER: u32 = 0x7fc0_0002;

/// Whether a number ends a series.
pub const fn is_stale_marker(number: f64) -> bool {
    number.to_bits() == STALE_MARKER
}

/// The value that stands in files for the number that ends a series.
pub const fn stored_marker() -> Value {
    Value::F32(f32::from_bits(STORED_MARKER))
}

/// The number that ends a series, where a stored value stands for it.
pub const fn marker_of(value: Value) -> Option<f64> {
    match value {
        Value::F32(number) if number.to_bits() == STORED_MARKER => {
            Some(f64::from_bits(STALE_MARKER))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_comes_back_and_no_other_nan_is_taken_for_it() {
        let number = marker_of(stored_marker()).unwrap();
        assert!(is_stale_marker(number) && number.is_nan());
        for other in [f32::NAN, -f32::NAN, 0.0, f32::from_bits(0x7fc0_0001)] {
            assert_eq!(marker_of(Value::F32(other)).map(f64::to_bits), None);
        }
        assert!(!is_stale_marker(f64::NAN));
    }
}
