//! Which value comes first.

use super::lines::Line;
use core::cmp::Ordering;

/// By value, NaN before everything.
pub(super) fn ascending(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// By value, the largest first and NaN last.
pub(super) fn descending(a: f64, b: f64) -> Ordering {
    ascending(b, a)
}

/// By value, the smallest first and NaN last.
pub(super) fn ascending_nan_last(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Sorts lines by their first value.
pub(super) fn sort(lines: &mut [Line], order: fn(f64, f64) -> Ordering) {
    let value = |line: &Line| line.at(0).unwrap_or(f64::NAN);
    lines.sort_by(|a, b| order(value(a), value(b)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_where_it_is_said_to_be() {
        let sorted = |order: fn(f64, f64) -> Ordering| {
            let mut values = vec![2.0, f64::NAN, 1.0, f64::INFINITY];
            values.sort_by(|a, b| order(*a, *b));
            format!("{values:?}")
        };
        assert_eq!(sorted(ascending), "[NaN, 1.0, 2.0, inf]");
        assert_eq!(sorted(descending), "[inf, 2.0, 1.0, NaN]");
        assert_eq!(sorted(ascending_nan_last), "[1.0, 2.0, inf, NaN]");
    }
}
