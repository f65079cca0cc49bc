//! Quantiles of values that are known only as counts in buckets.

use super::super::error::QueryError;
use super::super::label_set::{LabelSet, NAME};
use super::super::numbers::equal;
use super::Evaluator;
use super::lines::Line;
use super::order::ascending;
use super::steps::Steps;
use promql_parser::parser::Expr;
use std::collections::HashMap;

/// The label that says up to which value a bucket counts.
const BOUND: &str = "le";

/// A bucket: how many values are not above its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// The lines of one histogram, each with its bound.
type Histogram = Vec<(f64, usize)>;

impl Evaluator<'_> {
    /// The quantile of each histogram.
    pub(super) fn histogram_quantile(
        &self,
        q: &Expr,
        buckets: &Expr,
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        let q = self.numbers(q, steps)?;
        let lines = self.vector(buckets, steps)?;
        let mut quantiles = Vec::new();
        let mut buckets = Vec::new();
        for (labels, members) in histograms(&lines) {
            self.budget.charge(steps.count)?;
            let mut line = Line::empty(labels, steps.count);
            for ((step, place), &q) in line.values.iter_mut().enumerate().zip(&q) {
                buckets.clear();
                buckets.extend(members.iter().filter_map(|&(bound, at)| {
                    Some(Bucket { bound, count: lines.get(at)?.at(step)? })
                }));
                if !buckets.is_empty() {
                    *place = Some(of_buckets(q, &mut buckets));
                }
            }
            quantiles.push(line);
        }
        Ok(quantiles)
    }
}

fn histograms(lines: &[Line]) -> Vec<(LabelSet, Histogram)> {
    let mut histograms: Vec<(LabelSet, Histogram)> = Vec::new();
    let mut places: HashMap<LabelSet, usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        // What has no bound is no bucket.
        let Ok(bound) = line.labels.get(BOUND).parse::<f64>() else { continue };
        let labels = line.labels.filtered(|key| key != NAME && key != BOUND);
        let next = histograms.len();
        let place = *places.entry(labels.clone()).or_insert(next);
        if place == next {
            histograms.push((labels, Vec::new()));
        }
        if let Some((_, members)) = histograms.get_mut(place) {
            members.push((bound, at));
        }
    }
    histograms
}

/// The `q` quantile, as if values were spread evenly in their bucket; NaN when there are none, or
/// no bucket is without bound.
fn of_buckets(q: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| ascending(a.bound, b.bound));
    coalesce(buckets);
    let &[ref bounded @ .., all] = buckets.as_slice() else { return f64::NAN };
    let (Some(&highest), true) = (bounded.last(), equal(all.bound, f64::INFINITY)) else {
        return f64::NAN;
    };
    if equal(all.count, 0.0) || all.count.is_nan() {
        return f64::NAN;
    }
    let rank = q * all.count;
    let at = bounded.partition_point(|bucket| bucket.count < rank);
    let Some(&bucket) = bounded.get(at) else { return highest.bound };
    let below = at.checked_sub(1).and_then(|at| bounded.get(at).copied());
    // The lowest bucket begins at 0, unless it ends below.
    if below.is_none() && bucket.bound <= 0.0 {
        return bucket.bound;
    }
    let below = below.unwrap_or(Bucket { bound: 0.0, count: 0.0 });
    let share = (rank - below.count) / (bucket.count - below.count);
    below.bound + (bucket.bound - below.bound) * share
}

/// Adds buckets of the same bound, and lets no count be less than one before: buckets are not
/// always read at the same instant.
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, first| {
        let is_same = equal(next.bound, first.bound);
        if is_same {
            first.count += next.count;
        }
        is_same
    });
    let mut most = f64::NEG_INFINITY;
    for bucket in buckets {
        most = most.max(bucket.count);
        bucket.count = most;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(q: f64, buckets: &[(f64, f64)]) -> f64 {
        let buckets = buckets.iter().map(|&(bound, count)| Bucket { bound, count });
        of_buckets(q, &mut buckets.collect())
    }

    #[test]
    fn quantiles_are_within_their_bucket() {
        let buckets = [(f64::INFINITY, 12.0), (1.0, 4.0), (2.0, 8.0), (4.0, 10.0)];
        assert!(equal(of(0.5, &buckets), 1.5));
        assert!(equal(of(0.25, &buckets), 0.75));
        assert!(equal(of(0.99, &buckets), 4.0));
        assert!(equal(of(2.0, &buckets), f64::INFINITY));
        assert!(equal(of(-1.0, &buckets), f64::NEG_INFINITY));
    }

    #[test]
    fn what_is_no_histogram_has_none() {
        assert!(of(0.5, &[(1.0, 4.0)]).is_nan());
        assert!(of(0.5, &[(1.0, 4.0), (2.0, 5.0)]).is_nan());
        assert!(of(0.5, &[(f64::INFINITY, 5.0)]).is_nan());
        assert!(of(0.5, &[(1.0, 0.0), (f64::INFINITY, 0.0)]).is_nan());
        assert!(of(f64::NAN, &[(1.0, 1.0), (f64::INFINITY, 1.0)]).is_nan());
    }

    #[test]
    fn counts_never_fall_and_equal_bounds_add_up() {
        let buckets = [(1.0, 2.0), (1.0, 2.0), (2.0, 3.0), (f64::INFINITY, 8.0)];
        assert!(equal(of(0.5, &buckets), 1.0));
        assert!(equal(of(0.25, &[(-1.0, 4.0), (f64::INFINITY, 8.0)]), -1.0));
    }
}
