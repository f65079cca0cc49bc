//! Lines through the samples of a window.

use super::super::numbers::{equal, from_count, seconds};
use super::over_time::sum;
use super::windows::Window;

/// A straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Straight {
    /// Growth in a second.
    pub(super) slope: f64,
    /// Value at the instant that was asked for.
    pub(super) intercept: f64,
}

/// The line with the least squares of distances; none of fewer than two samples.
pub(super) fn regression(window: Window<'_>, at: i64) -> Option<Straight> {
    let [first, _, ..] = *window.values else { return None };
    if window.values.iter().all(|&value| equal(value, first)) {
        let flat = Straight { slope: 0.0, intercept: first };
        let none = Straight { slope: f64::NAN, intercept: f64::NAN };
        return Some(if first.is_infinite() { none } else { flat });
    }
    let xs = || window.times.iter().map(|&time| seconds(time.saturating_sub(at)));
    let points = || xs().zip(window.values);
    let count = from_count(window.values.len());
    let (mean_x, mean_y) = (sum(xs()) / count, sum(window.values.iter().copied()) / count);
    // Distances from the mean, so that no large squares are taken from each other.
    let mixed = sum(points().map(|(x, y)| (x - mean_x) * (y - mean_y)));
    let squares = sum(xs().map(|x| (x - mean_x) * (x - mean_x)));
    let slope = mixed / squares;
    Some(Straight { slope, intercept: mean_y - slope * mean_x })
}

/// Double exponential smoothing: the newest value by what its level and its trend were, each
/// weighted by how new it is. None of fewer than two samples.
pub(super) fn double_exponential(values: &[f64], smoothing: f64, trending: f64) -> Option<f64> {
    let [first, second, ..] = *values else { return None };
    let (mut level, mut trend) = (first, second - first);
    for (at, value) in values.iter().enumerate().skip(1) {
        // The first trend is that of the first two values.
        let (before, grown) = (level, level + trend);
        level = smoothing * value + (1.0 - smoothing) * grown;
        if at + 1 < values.len() {
            trend = trending * (level - before) + (1.0 - trending) * trend;
        }
    }
    Some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NANOS_PER_SECOND: i64 = 1_000_000_000;

    fn window<'a>(times: &'a [i64], values: &'a [f64]) -> Window<'a> {
        Window { times, values, from: 0, to: 0, now: 0 }
    }

    #[test]
    fn lines_go_through_points_on_them() {
        let times = [0, NANOS_PER_SECOND, 3 * NANOS_PER_SECOND];
        let line = regression(window(&times, &[1.0, 3.0, 7.0]), NANOS_PER_SECOND).unwrap();
        assert_eq!(line, Straight { slope: 2.0, intercept: 3.0 });
        let flat = regression(window(&times, &[2.0; 3]), 0).unwrap();
        assert_eq!(flat, Straight { slope: 0.0, intercept: 2.0 });
        assert_eq!(regression(window(&[0], &[1.0]), 0), None);
    }

    #[test]
    fn smoothing_follows_a_line() {
        assert_eq!(double_exponential(&[1.0, 2.0, 3.0, 4.0], 0.5, 0.5), Some(4.0));
        assert_eq!(double_exponential(&[1.0], 0.5, 0.5), None);
    }
}
