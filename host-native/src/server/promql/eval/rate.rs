//! How much a series grew in a window.

use super::super::numbers::{from_count, seconds};
use super::windows::Window;

/// What kind of growth is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delta {
    /// Whether a smaller value means that counting began again at 0.
    is_counter: bool,
    /// Whether it is the growth of one second.
    per_second: bool,
}

impl Delta {
    pub(super) const GAUGE: Self = Self { is_counter: false, per_second: false };
    pub(super) const INCREASE: Self = Self { is_counter: true, per_second: false };
    pub(super) const RATE: Self = Self { is_counter: true, per_second: true };
}

/// Growth from begin to end of the window. The samples rarely reach that far, so theirs is
/// stretched: to the ends when those are about as near as samples are to each other, else by half
/// of that distance; and never to before a counter was 0.
pub(super) fn extrapolated(window: Window<'_>, delta: Delta) -> Option<f64> {
    let [first_time, .., last_time] = *window.times else { return None };
    let [first, .., last] = *window.values else { return None };
    let mut growth = last - first;
    if delta.is_counter {
        for (before, after) in window.values.iter().zip(window.values.iter().skip(1)) {
            growth += if after < before { *before } else { 0.0 };
        }
    }
    let covered = seconds(last_time.saturating_sub(first_time));
    let distance = covered / from_count(window.values.len() - 1);
    let mut before = seconds(first_time.saturating_sub(window.from));
    let after = seconds(window.to.saturating_sub(last_time));
    if delta.is_counter && growth > 0.0 && first >= 0.0 {
        before = before.min(covered * (first / growth));
    }
    let reach = |gap: f64| if gap < distance * 1.1 { gap } else { distance / 2.0 };
    // Multiplied once: counting changes of a rate, rounding would show.
    let mut stretch = (covered + reach(before) + reach(after)) / covered;
    if delta.per_second {
        stretch /= seconds(window.to.saturating_sub(window.from));
    }
    Some(growth * stretch)
}

/// Growth between the last two samples.
pub(super) fn of_last_two(window: Window<'_>, delta: Delta) -> Option<f64> {
    let [.., before_time, last_time] = *window.times else { return None };
    let [.., before, last] = *window.values else { return None };
    let growth = if delta.is_counter && last < before { last } else { last - before };
    let span = seconds(last_time.saturating_sub(before_time));
    Some(if delta.per_second { growth / span } else { growth })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NANOS_PER_SECOND: i64 = 1_000_000_000;

    /// Samples every 10 s from 0 on, in a window from `from` to `to` seconds.
    fn of(values: &[f64], from: i64, to: i64, delta: Delta) -> Option<f64> {
        let times: Vec<i64> =
            (0..).map(|at| at * 10 * NANOS_PER_SECOND).take(values.len()).collect();
        let (from, to) = (from * NANOS_PER_SECOND, to * NANOS_PER_SECOND);
        extrapolated(Window { times: &times, values, from, to, now: to }, delta)
    }

    #[test]
    fn growth_is_stretched_to_near_ends() {
        let values = [10.0, 20.0, 30.0];
        assert_eq!(of(&values, -5, 25, Delta::GAUGE), Some(30.0));
        assert_eq!(of(&values, -50, 50, Delta::GAUGE), Some(30.0));
        assert_eq!(of(&values, -5, 25, Delta::RATE), Some(1.0));
        assert_eq!(of(&[1.0], -5, 25, Delta::RATE), None);
    }

    #[test]
    fn counters_begin_again_and_are_never_below_nothing() {
        assert_eq!(of(&[5.0, 8.0, 2.0], 0, 20, Delta::INCREASE), Some(5.0));
        assert_eq!(of(&[5.0, 8.0, 2.0], 0, 20, Delta::GAUGE), Some(-3.0));
        // 1 at first, growing by 1 in 10 s: it was 0 10 s before, half a window away.
        assert_eq!(of(&[0.0, 10.0, 20.0], -10, 20, Delta::INCREASE), Some(20.0));
    }
}
