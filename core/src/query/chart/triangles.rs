//! Largest triangle three buckets: which points keep a line's shape.
//!
//! S. Steinarsson, "Downsampling Time Series for Visual Representation", University of Iceland,
//! 2013. The first and the last point stay; those between are dealt to as many buckets as points
//! are still wanted, in order and as evenly as whole numbers allow. Of each bucket the point stays
//! that spans the largest triangle with the one that stayed before it and the mean of the bucket
//! behind.

use alloc::vec::Vec;
use core::ops::Range;

/// Where a point is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Positions of the points that stay, at most `wanted` or 2, whichever is more; of triangles of
/// equal size the first.
pub(super) fn largest_triangles(points: &[Place], wanted: usize) -> Vec<usize> {
    let count = points.len();
    let wanted = wanted.max(2);
    if count <= wanted {
        return (0..count).collect();
    }
    let buckets = wanted - 2;
    let mut kept = Vec::with_capacity(wanted);
    kept.push(0);
    let mut before = points.first();
    for at in 0..buckets {
        let bucket = bucket(at, buckets, count);
        let behind = points.get(self::bucket(at + 1, buckets, count)).unwrap_or_default();
        let (Some(before_it), mean) = (before, mean(behind)) else { break };
        let mut best: Option<(usize, f64)> = None;
        for (at, point) in points.iter().enumerate().take(bucket.end).skip(bucket.start) {
            let area = doubled_area(*before_it, *point, mean);
            if best.is_none_or(|(_, largest)| area > largest) {
                best = Some((at, area));
            }
        }
        let Some((at, _)) = best else { break };
        kept.push(at);
        before = points.get(at);
    }
    kept.push(count - 1);
    kept
}

/// The positions of a bucket; of the one behind the last bucket, that of the last point.
fn bucket(at: usize, buckets: usize, count: usize) -> Range<usize> {
    let (last, between) = (count - 1, count - 2);
    let start = |at: usize| {
        // 128 bits: the product of two counts may not fit into one.
        let (at, between, buckets) = (at as u128, between as u128, buckets as u128);
        usize::try_from(at * between / buckets.max(1)).map_or(last, |start| start + 1)
    };
    if at >= buckets { last..count } else { start(at)..start(at + 1) }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn mean(points: &[Place]) -> Place {
    let sum = points
        .iter()
        .fold(Place { x: 0.0, y: 0.0 }, |sum, at| Place { x: sum.x + at.x, y: sum.y + at.y });
    let count = points.len() as f64;
    Place { x: sum.x / count, y: sum.y / count }
}

fn doubled_area(a: Place, b: Place, c: Place) -> f64 {
    ((a.x - c.x) * (b.y - a.y) - (a.x - b.x) * (c.y - a.y)).abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(ys: &[i16]) -> Vec<Place> {
        let places = (0_u32..).zip(ys);
        places.map(|(x, &y)| Place { x: f64::from(x), y: f64::from(y) }).collect()
    }

    #[test]
    fn a_peak_stays() {
        let mut ys = [0; 100];
        (ys[37], ys[81]) = (50, -50);
        let kept = largest_triangles(&places(&ys), 12);
        assert_eq!(kept.len(), 12);
        assert!(kept.contains(&37) && kept.contains(&81), "{kept:?}");
    }

    #[test]
    fn the_largest_of_two_by_hand() {
        // Two buckets: of 1 and 2, then of 3 and 4. With (0, 0) and the second bucket's mean,
        // (3.5, 5), twice the areas are |3.5·2 − 1·5| = 2 and |3.5·9 − 2·5| = 21.5; with (2, 9) and
        // (5, 0), |3·(0 − 9) + 1·9|… = 18 for (3, 0) and |3·(10 − 9) + 2·9| = 21 for (4, 10).
        assert_eq!(largest_triangles(&places(&[0, 2, 9, 0, 10, 0]), 4), [0, 2, 4, 5]);
    }

    proptest! {
        #[test]
        fn one_of_each_bucket_and_both_ends(
            ys in proptest::collection::vec(any::<i16>(), 0..300),
            wanted in 0_usize..40,
        ) {
            let kept = largest_triangles(&places(&ys), wanted);
            prop_assert_eq!(kept.len(), ys.len().min(wanted.max(2)));
            prop_assert!(kept.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(kept.first().copied(), (!ys.is_empty()).then_some(0));
            prop_assert_eq!(kept.last().copied(), ys.len().checked_sub(1));
        }

        #[test]
        fn buckets_are_all_points_between_the_ends(buckets in 1_usize..50, more in 0_usize..500) {
            let count = buckets + 2 + more;
            let mut end = 1;
            for at in 0..buckets {
                let found = bucket(at, buckets, count);
                prop_assert_eq!(found.start, end);
                prop_assert!(!found.is_empty());
                end = found.end;
            }
            prop_assert_eq!(end, count - 1);
            prop_assert_eq!(bucket(buckets, buckets, count), count - 1..count);
        }
    }
}
