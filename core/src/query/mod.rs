//! Questions a database answers: newest value, ranges, aggregates, everything.
//!
//! A query takes a view of the open pages and files at one moment and works on it without a
//! lock, so it neither waits for ingest nor holds it up.

mod around;
#[cfg(test)]
mod around_tests;
mod cache;
mod chart;
mod damage;
mod gather;
mod grouped;
mod metric;
mod newest;
mod pieces;
mod relation;
mod scan;
mod slices;
mod source;
#[cfg(test)]
mod testing;

pub(crate) use cache::Cache;
pub use chart::{Chart, ChartMethod, ChartQuery, UnknownMethod, slice_ns};
pub use damage::Damaged;
pub(crate) use damage::{Notes, OnDamage};
pub(crate) use scan::Visit;
pub(crate) use source::Source;

use crate::aggregate::{
    Aggregate, Arithmetic, Bucket, BuiltIn, Custom, CustomAggregate, Cut, Fold, Grid,
};
use crate::engine::{FileOf, Host, PartitionView, Readable, Shared};
use crate::error::{Error, Rejection, Result};
use crate::sorted::sort_by;
use crate::types::{MetricId, Sample, TimeRange, Timestamp, Value, ValueType};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use gather::{Points, Selection};
use pieces::Piece;

/// One metric of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricInfo {
    /// Its name.
    pub name: String,
    /// Its number in files.
    pub id: MetricId,
    /// The type of its values.
    pub value_type: ValueType,
    /// Whether its name is lost, and this one stands in for it.
    pub recovered: bool,
}

impl MetricInfo {
    fn of(entry: &crate::catalog::Entry) -> Self {
        Self {
            name: entry.name.to_string(),
            id: entry.id,
            value_type: entry.value_type,
            recovered: entry.recovered.is_some(),
        }
    }
}

/// Which samples of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeQuery {
    /// The instants asked for.
    pub range: TimeRange,
    /// Every how manieth sample, starting with the first in the range.
    pub stride: NonZeroUsize,
}

impl RangeQuery {
    /// All samples of a range.
    pub const fn all(range: TimeRange) -> Self {
        Self { range, stride: NonZeroUsize::MIN }
    }
}

/// Samples of one metric as columns of equal length, sorted by time; samples of equal time are
/// in the order they arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The type of the values.
    pub value_type: ValueType,
    /// Times in nanoseconds since the Unix epoch.
    pub times: Vec<i64>,
    /// Raw values; see [`Value::from_raw`].
    pub raws: Vec<u32>,
}

impl Series {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The samples one by one.
    pub fn iter(&self) -> impl Iterator<Item = Sample> {
        self.times.iter().zip(&self.raws).map(|(&time, &raw)| Sample {
            time: Timestamp(time),
            value: Value::from_raw(self.value_type, raw),
        })
    }
}

/// Samples handed to a visitor; see [`Series`].
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The type of the values.
    pub value_type: ValueType,
    /// Times in nanoseconds since the Unix epoch.
    pub times: &'a [i64],
    /// Raw values; see [`Value::from_raw`].
    pub raws: &'a [u32],
}

/// What an aggregate query asks.
#[derive(Debug, Clone, Copy)]
pub struct AggregateQuery<'a> {
    /// The instants asked for.
    pub range: TimeRange,
    /// Length of a window in nanoseconds, more than 0.
    pub window_ns: i64,
    /// Nanoseconds after multiples of that length since 1970 at which windows begin; any number, of
    /// which whole windows make no difference. Weeks begin on Thursdays without, and with four days
    /// on Mondays.
    pub offset_ns: i64,
    /// What to compute; at least one.
    pub aggregates: &'a [Aggregate],
    /// How to compute it.
    pub arithmetic: Arithmetic,
}

impl<H: Host> Readable<H> {
    /// All metrics, by name.
    pub(crate) fn metrics(&self) -> Vec<MetricInfo> {
        let mut metrics: Vec<MetricInfo> = self.state.read(|state| {
            let listed = state.catalog.iter().filter(|entry| entry.is_listed());
            listed.map(MetricInfo::of).collect()
        });
        sort_by(&mut metrics, |a, b| a.name < b.name);
        metrics
    }

    /// One metric.
    pub(crate) fn metric_info(&self, name: &str) -> Option<MetricInfo> {
        self.state.read(|state| {
            let slot = state.catalog.find(name)?;
            state.catalog.get(slot).filter(|entry| entry.is_listed()).map(MetricInfo::of)
        })
    }

    /// Id and type of a metric.
    fn find(&self, metric: &str) -> Option<(u16, ValueType)> {
        self.state.read(|state| {
            let entry = state.catalog.get(state.catalog.find(metric)?)?;
            Some((entry.id.get(), entry.value_type))
        })
    }

    /// Visits the samples of a metric, in slices of bounded size.
    pub(crate) fn visit_range(
        &self,
        metric: &str,
        query: RangeQuery,
        on: OnDamage<'_>,
        visit: &mut dyn FnMut(Batch<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        self.visit_many(&[metric], query, on, &mut |_, batch| visit(batch))
    }

    /// Visits the samples of several metrics slice by slice; in each, metric by metric.
    pub(crate) fn visit_many(
        &self,
        metrics: &[&str],
        query: RangeQuery,
        on: OnDamage<'_>,
        visit: &mut dyn FnMut(usize, Batch<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        let found = self.find_each(metrics);
        let known: Vec<(usize, (u16, ValueType))> =
            found.iter().enumerate().filter_map(|(at, metric)| Some((at, (*metric)?))).collect();
        let selection = Selection::new(known.iter().map(|(_, metric)| *metric).collect());
        if known.is_empty() {
            return Ok(());
        }
        let mut points = vec![Points::default(); known.len()];
        let mut strides: Vec<Stride> = known.iter().map(|_| Stride::new(query.stride)).collect();
        for views in together(&self.view(query.range)) {
            for slice in self.slices(views, query.range, &selection, on)? {
                points.iter_mut().for_each(Points::clear);
                self.gather_all(views, slice, &selection, &mut points, on)?;
                let columns = known.iter().zip(&mut points).zip(&mut strides);
                for ((&(at, (_, value_type)), points), stride) in columns {
                    stride.thin(points);
                    let batch = Batch { value_type, times: &points.times, raws: &points.raws };
                    if !batch.times.is_empty() && visit(at, batch).is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Ids and types of metrics; unknown names and repetitions have none.
    fn find_each(&self, metrics: &[&str]) -> Vec<Option<(u16, ValueType)>> {
        let mut found: Vec<Option<(u16, ValueType)>> = Vec::new();
        for metric in metrics {
            let metric = self.find(metric).filter(|metric| !found.contains(&Some(*metric)));
            found.push(metric);
        }
        found
    }

    /// The samples of several metrics, in the order of the names; unknown names and repetitions
    /// have none.
    pub(crate) fn range_many(
        &self,
        metrics: &[&str],
        query: RangeQuery,
        on: OnDamage<'_>,
    ) -> Result<Vec<Series>> {
        let found = self.find_each(metrics);
        let selection = Selection::new(found.iter().copied().flatten().collect());
        let mut points = vec![Points::default(); selection.len()];
        if selection.len() > 0 {
            for views in together(&self.view(query.range)) {
                self.gather_all(views, query.range, &selection, &mut points, on)?;
            }
        }
        let mut points = points.into_iter();
        let series = found.into_iter().map(|metric| {
            let mut own = metric.and_then(|_| points.next()).unwrap_or_default();
            Stride::new(query.stride).thin(&mut own);
            let value_type = metric.map_or(ValueType::F32, |(_, value_type)| value_type);
            Series { value_type, times: own.times, raws: own.raws }
        });
        Ok(series.collect())
    }

    /// Visits the windows of a metric that have samples, in order.
    pub(crate) fn aggregate(
        &self,
        metric: &str,
        query: &AggregateQuery<'_>,
        on: OnDamage<'_>,
        emit: &mut dyn FnMut(&Bucket) -> ControlFlow<()>,
    ) -> Result<()> {
        if query.aggregates.is_empty() {
            return Err(invalid("at least one aggregate must be asked for"));
        }
        let fold = BuiltIn::new(query.aggregates, query.arithmetic);
        let grid = Grid::new(query.window_ns, query.offset_ns)?;
        self.fold(metric, query.range, grid, fold, on, emit)
    }

    /// Visits the windows of a metric that have samples, with values of somebody's own making.
    pub(crate) fn aggregate_with(
        &self,
        metric: &str,
        range: TimeRange,
        grid: Grid,
        aggregates: &[&dyn CustomAggregate],
        on: OnDamage<'_>,
        emit: &mut dyn FnMut(&Bucket) -> ControlFlow<()>,
    ) -> Result<()> {
        if aggregates.is_empty() {
            return Err(invalid("at least one aggregate must be asked for"));
        }
        self.fold(metric, range, grid, Custom::new(aggregates), on, emit)
    }

    /// Visits the windows of a metric that have samples, folded in a way of one's own.
    pub(crate) fn fold<F: Fold>(
        &self,
        metric: &str,
        range: TimeRange,
        grid: Grid,
        fold: F,
        on: OnDamage<'_>,
        emit: &mut dyn FnMut(&Bucket) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut windows = Cut::new(range, grid, fold);
        // Nothing is known of samples that would do for folds that look at each.
        let takes_tallies = windows.takes_tallies();
        let fits = |_: &_, reach: TimeRange| grid.is_one(reach.from, reach.to);
        // `Err` means that the caller wants no more.
        let mut emit = |bucket: &Bucket| match emit(bucket) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(()),
        };
        let mut stopped = false;
        let mut take = |piece: Piece<'_, FileOf<H>>| {
            let taken = match piece {
                Piece::Points(Batch { value_type, times, raws }) => {
                    windows.add(value_type, times, raws, &mut emit)
                }
                Piece::Span(condensed) => {
                    windows.add_tally(condensed.reach.from, &condensed.tally(), &mut emit)
                }
            };
            stopped = taken.is_err();
            if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        if takes_tallies {
            self.visit_pieces(metric, range, on, &fits, &mut take)?;
        } else {
            let query = RangeQuery::all(range);
            self.visit_range(metric, query, on, &mut |batch| take(Piece::Points(batch)))?;
        }
        if !stopped {
            let _: core::result::Result<(), ()> = windows.finish(&mut emit);
        }
        Ok(())
    }

    /// Appends what each partition holds of each metric, in order of time.
    fn gather_all(
        &self,
        views: &[PartitionView],
        range: TimeRange,
        selection: &Selection,
        points: &mut [Points],
        on: OnDamage<'_>,
    ) -> Result<()> {
        let starts: Vec<usize> = points.iter().map(|points| points.times.len()).collect();
        for view in views {
            self.gather(view, range, selection, points, on)?;
        }
        if views.len() > 1 {
            for (points, start) in points.iter_mut().zip(starts) {
                points.sort_from(start);
            }
        }
        Ok(())
    }
}

/// Partitions whose time overlaps, taken together: only a database whose partitioning was
/// changed has more than one in a group.
fn together(views: &[PartitionView]) -> impl Iterator<Item = &[PartitionView]> {
    let mut rest = views;
    core::iter::from_fn(move || {
        let mut end = rest.first()?.partition.range().to;
        let mut count = 0;
        for view in rest {
            if count > 0 && view.partition.range().from > end {
                break;
            }
            end = end.max(view.partition.range().to);
            count += 1;
        }
        let (group, others) = rest.split_at_checked(count)?;
        rest = others;
        Some(group)
    })
}

/// Lets through every n-th sample of a stream.
#[derive(Debug)]
struct Stride {
    stride: usize,
    /// Samples to drop before the next that is kept.
    skip: usize,
}

impl Stride {
    const fn new(stride: NonZeroUsize) -> Self {
        Self { stride: stride.get(), skip: 0 }
    }

    fn thin(&mut self, points: &mut Points) {
        if self.stride == 1 {
            return;
        }
        let count = points.times.len();
        let kept = (self.skip..count).step_by(self.stride);
        let last = kept.clone().next_back();
        for (to, from) in kept.clone().enumerate() {
            points.times.swap(to, from);
            points.raws.swap(to, from);
        }
        points.times.truncate(kept.len());
        points.raws.truncate(kept.len());
        self.skip = match last {
            Some(last) => self.stride - (count - last),
            None => self.skip - count,
        };
    }
}

/// A range of a caller, refused when it ends before it starts.
pub(crate) fn checked_range(from: Timestamp, to: Timestamp) -> Result<TimeRange> {
    TimeRange::new(from, to).ok_or(Error::Rejected(Rejection::InvalidRange { from, to }))
}

pub(crate) fn invalid(detail: &str) -> Error {
    Error::Rejected(Rejection::Invalid(detail.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_stride_runs_across_batches(
            cuts in proptest::collection::vec(0_usize..7, 0..12),
            stride in 1_usize..9,
        ) {
            let mut thin = Stride::new(NonZeroUsize::new(stride).unwrap());
            let (mut next, mut found) = (0, vec![]);
            for count in cuts {
                let times: Vec<i64> = (next..).take(count).collect();
                next += i64::try_from(count).unwrap();
                let mut points = Points { raws: vec![0; times.len()], times };
                thin.thin(&mut points);
                prop_assert_eq!(points.times.len(), points.raws.len());
                found.extend(points.times);
            }
            let expected: Vec<i64> = (0..next).step_by(stride).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
