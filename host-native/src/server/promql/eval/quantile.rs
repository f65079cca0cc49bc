//! Quantiles of values that are known one by one.

use super::super::numbers::{from_count, to_count};
use super::order::ascending;

/// The `q` quantile, between two values where it falls between them; NaN counts as the lowest.
/// Infinite when `q` is outside 0 to 1; none of no values.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    if q.is_nan() {
        return Some(f64::NAN);
    }
    if q < 0.0 {
        return Some(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return Some(f64::INFINITY);
    }
    values.sort_by(|a, b| ascending(*a, *b));
    let rank = q * from_count(values.len() - 1);
    let below = values.get(to_count(rank))?;
    let above = values.get(to_count(rank) + 1).unwrap_or(below);
    let weight = rank.fract();
    Some(below * (1.0 - weight) + above * weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_between_values() {
        let of = |q| quantile(q, vec![4.0, 1.0, 2.0, 3.0]);
        assert_eq!(of(0.0), Some(1.0));
        assert_eq!(of(0.5), Some(2.5));
        assert_eq!(of(1.0), Some(4.0));
        assert_eq!(of(1.5), Some(f64::INFINITY));
        assert_eq!(of(-1.0), Some(f64::NEG_INFINITY));
        assert!(of(f64::NAN).unwrap().is_nan());
        assert_eq!(quantile(0.5, vec![]), None);
        assert!(quantile(0.0, vec![1.0, f64::NAN]).unwrap().is_nan());
    }
}
