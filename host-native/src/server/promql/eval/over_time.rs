//! Functions of the values in a window, whatever their times.

use super::super::numbers::{equal, from_count, seconds};
use super::quantile::quantile;
use super::rate::{Delta, extrapolated, of_last_two};
use super::regression::{double_exponential, regression};
use super::windows::Window;

/// A function of a window and of the numbers that it is called with.
pub(super) type OverTime = fn(Window<'_>, &[f64]) -> Option<f64>;

/// The function of a name.
pub(super) fn function(name: &str) -> Option<OverTime> {
    Some(match name {
        "avg_over_time" => |window, _| Some(mean(window.values)),
        "changes" => |window, _| Some(count_pairs(window.values, differ)),
        "count_over_time" => |window, _| Some(from_count(window.values.len())),
        "delta" => |window, _| extrapolated(window, Delta::GAUGE),
        "deriv" => |window, _| regression(window, window.times.first().copied()?).map(|l| l.slope),
        "double_exponential_smoothing" | "holt_winters" => {
            |window, args| double_exponential(window.values, *args.first()?, *args.get(1)?)
        }
        "idelta" => |window, _| of_last_two(window, Delta::GAUGE),
        "increase" => |window, _| extrapolated(window, Delta::INCREASE),
        "irate" => |window, _| of_last_two(window, Delta::RATE),
        "first_over_time" => |window, _| window.values.first().copied(),
        "last_over_time" => |window, _| window.values.last().copied(),
        "max_over_time" => |window, _| extreme(window.values, |a, b| a > b),
        "min_over_time" => |window, _| extreme(window.values, |a, b| a < b),
        "predict_linear" => |window, args| {
            let line = regression(window, window.now)?;
            Some(line.intercept + line.slope * args.first()?)
        },
        "present_over_time" => |_, _| Some(1.0),
        "quantile_over_time" => |window, args| quantile(*args.first()?, window.values.to_vec()),
        "rate" => |window, _| extrapolated(window, Delta::RATE),
        "resets" => |window, _| Some(count_pairs(window.values, |before, after| after < before)),
        "stddev_over_time" => |window, _| Some(variance(window.values).sqrt()),
        "stdvar_over_time" => |window, _| Some(variance(window.values)),
        "sum_over_time" => |window, _| Some(sum(window.values.iter().copied())),
        "ts_of_last_over_time" => |window, _| window.times.last().map(|&time| seconds(time)),
        _ => return None,
    })
}

/// Whether what a function returns is still the metric, so that it keeps its name.
pub(super) fn keeps_name(name: &str) -> bool {
    matches!(name, "last_over_time" | "first_over_time")
}

/// A sum that remembers what rounding loses, and adds it at the end.
#[derive(Debug, Clone, Copy, Default)]
struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, value: f64) {
        let next = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - next) + value
        } else {
            (value - next) + self.sum
        };
        self.sum = next;
    }

    fn total(self) -> f64 {
        // Beyond what is finite, the loss is no number.
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// The sum, with what rounding loses added at the end.
pub(super) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = Compensated::default();
    values.into_iter().for_each(|value| sum.add(value));
    sum.total()
}

/// The mean. Infinite values make it infinite, of both signs they make it NaN.
pub(super) fn mean(values: &[f64]) -> f64 {
    let total = sum(values.iter().copied());
    if total.is_finite() || values.iter().any(|value| !value.is_finite()) {
        return total / from_count(values.len());
    }
    // Only the sum is too large.
    let mut mean = 0.0;
    for (before, value) in values.iter().enumerate() {
        let count = from_count(before + 1);
        mean += value / count - mean / count;
    }
    mean
}

/// The mean square distance from the mean, found in one pass, in which neither the mean nor the
/// squares lose what rounding takes from them.
pub(super) fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (Compensated::default(), Compensated::default());
    for (before, value) in values.iter().enumerate() {
        let distance = value - mean.total();
        mean.add(distance / from_count(before + 1));
        squares.add(distance * (value - mean.total()));
    }
    squares.total() / from_count(values.len())
}

/// The value that is before all others; NaN only when there is nothing else.
fn extreme(values: &[f64], is_before: fn(f64, f64) -> bool) -> Option<f64> {
    let first = values.first().copied()?;
    Some(values.iter().fold(first, |best, &value| {
        if best.is_nan() || is_before(value, best) { value } else { best }
    }))
}

fn count_pairs(values: &[f64], counts: fn(f64, f64) -> bool) -> f64 {
    let pairs = values.iter().zip(values.iter().skip(1));
    from_count(pairs.filter(|(before, after)| counts(**before, **after)).count())
}

fn differ(before: f64, after: f64) -> bool {
    !(equal(before, after) || before.is_nan() && after.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_small_numbers_beside_large_ones() {
        assert!(equal(sum([1e100, 1.0, -1e100]), 1.0));
        assert!(equal(sum([1.0, f64::INFINITY]), f64::INFINITY));
        assert!(sum([f64::NEG_INFINITY, f64::INFINITY]).is_nan());
    }

    #[test]
    fn means_are_finite_where_the_sum_is_not() {
        assert!(equal(mean(&[f64::MAX, f64::MAX]), f64::MAX));
        assert!(equal(mean(&[1.0, f64::INFINITY]), f64::INFINITY));
        assert!(mean(&[1.0, f64::NAN]).is_nan());
    }

    #[test]
    fn deviations_are_those_of_the_distances_however_large_the_values_are() {
        let two_thirds = 2.0 / 3.0;
        for base in [0.0, 1e9, -1e12, 1e15] {
            let values = [0.0, 1.0, 2.0].map(|step| base + step);
            assert!((variance(&values) - two_thirds).abs() < 1e-15, "{base}");
        }
        // A million small steps beside a large mean, with the deviation of every single one.
        let many: Vec<f64> = (0..999_999).map(|at| 1e9 + f64::from(at % 3)).collect();
        assert!((variance(&many) - two_thirds).abs() < 1e-11, "{}", variance(&many));
        for constant in [1.599_050_563_727_786_8, 0.1, 1e300, f64::MIN_POSITIVE] {
            assert!(equal(variance(&[constant; 7]), 0.0), "{constant}");
        }
        assert!(variance(&[1.0, f64::INFINITY]).is_nan() && variance(&[f64::NAN; 2]).is_nan());
    }

    #[test]
    fn nan_is_an_extreme_only_alone() {
        let nan = f64::NAN;
        assert_eq!(extreme(&[nan, 1.0, nan, 3.0], |a, b| a > b), Some(3.0));
        assert!(extreme(&[nan, nan], |a, b| a > b).unwrap().is_nan());
        assert!(equal(count_pairs(&[nan, nan, 1.0, 1.0, 2.0], differ), 2.0));
        assert!(equal(variance(&[1.0, 2.0, 3.0, 4.0]), 1.25));
    }
}
