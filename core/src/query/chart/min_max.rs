//! First, smallest, largest and last sample of each slice.

use super::{Chart, ChartQuery, is_in_one, middle, number, slice_ns, slice_of};
use crate::engine::{FileOf, Host, Readable};
use crate::error::Result;
use crate::query::pieces::{Condensed, Piece};
use crate::query::{OnDamage, Series};
use crate::types::{Timestamp, ValueType};
use core::ops::ControlFlow;

/// A sample, and the number it is.
#[derive(Debug, Clone, Copy)]
struct Point {
    time: i64,
    /// The how manieth it is, or its span: that orders samples of equal time.
    place: usize,
    raw: u32,
    number: f64,
}

impl Point {
    #[expect(clippy::float_cmp, reason = "numbers of samples: equal or not")]
    fn is_as_large_as(self, other: Self) -> bool {
        self.number == other.number
    }
}

/// What is kept of a slice.
#[derive(Debug, Clone, Copy)]
struct Slice {
    first: Point,
    /// Smallest and largest number.
    extremes: Option<(Point, Point)>,
    last: Point,
    /// Whether first and last are one sample.
    is_single: bool,
}

struct Slices {
    slice_ns: i64,
    current: Option<(i64, Slice)>,
    /// Samples and spans that came by.
    seen: usize,
    chart: Chart,
}

impl<H: Host> Readable<H> {
    pub(super) fn min_max(
        &self,
        metric: &str,
        value_type: ValueType,
        query: &ChartQuery,
        on: OnDamage<'_>,
    ) -> Result<Chart> {
        let slice_ns = slice_ns(query.range, query.points);
        let mut slices =
            Slices { slice_ns, current: None, seen: 0, chart: Chart::empty(value_type) };
        let mut take = |piece: Piece<'_, FileOf<H>>| {
            match piece {
                Piece::Points(batch) => slices.add(batch.times, batch.raws),
                Piece::Span(condensed) => slices.add_span(&condensed),
            }
            ControlFlow::Continue(())
        };
        let fits = |_: &_, reach| is_in_one(slice_ns, reach);
        self.visit_pieces(metric, query.range, on, &fits, &mut take)?;
        slices.finish();
        Ok(slices.chart)
    }
}

impl Slices {
    fn add(&mut self, times: &[i64], raws: &[u32]) {
        let value_type = self.chart.series.value_type;
        let mut rest = times.iter().zip(raws).peekable();
        while let Some(&(&time, _)) = rest.peek() {
            let number_of_slice = slice_of(self.slice_ns, Timestamp(time));
            let last = number_of_slice
                .checked_add(1)
                .and_then(|next| next.checked_mul(self.slice_ns))
                .map_or(i64::MAX, |start| start - 1);
            while let Some((&time, &raw)) = rest.next_if(|(time, _)| **time <= last) {
                self.seen += 1;
                let point = Point { time, place: self.seen, raw, number: number(value_type, raw) };
                let extremes = (!point.number.is_nan()).then_some((point, point));
                let slice = Slice { first: point, extremes, last: point, is_single: true };
                self.take(number_of_slice, slice);
            }
        }
    }

    fn add_span<F>(&mut self, condensed: &Condensed<'_, F>) {
        let value_type = self.chart.series.value_type;
        let (span, reach) = (condensed.span, condensed.reach);
        self.seen += 1;
        let place = self.seen;
        let point = |time, raw| Point { time, place, raw, number: number(value_type, raw) };
        let extreme = |number| Point { number, ..point(middle(reach), condensed.raw_of(number)) };
        let slice = Slice {
            first: point(reach.from.0, span.first),
            extremes: (span.numbers > 0).then(|| (extreme(span.min), extreme(span.max))),
            last: point(reach.to.0, span.last),
            is_single: span.points.len() == 1,
        };
        self.chart.slack_ns = self.chart.slack_ns.max(reach.to.0.saturating_sub(reach.from.0));
        self.take(slice_of(self.slice_ns, reach.from), slice);
    }

    /// Takes in what is known of later samples of a slice.
    fn take(&mut self, number: i64, found: Slice) {
        match &mut self.current {
            Some((current, slice)) if *current == number => slice.join(found),
            _ => {
                self.finish();
                self.current = Some((number, found));
            }
        }
    }

    fn finish(&mut self) {
        if let Some((_, slice)) = self.current.take() {
            slice.put(&mut self.chart.series);
        }
    }
}

impl Slice {
    fn join(&mut self, later: Self) {
        self.last = later.last;
        self.is_single = false;
        self.extremes = match (self.extremes, later.extremes) {
            (Some((least, greatest)), Some((low, high))) => Some((
                if low.number < least.number { low } else { least },
                if high.number > greatest.number { high } else { greatest },
            )),
            (known, later) => known.or(later),
        };
    }

    fn put(&self, series: &mut Series) {
        let mut put = |point: Point| {
            series.times.push(point.time);
            series.raws.push(point.raw);
        };
        put(self.first);
        if self.is_single {
            return;
        }
        if let Some((least, greatest)) = self.extremes {
            let is_new = |point: Point| {
                !self.first.is_as_large_as(point) && !self.last.is_as_large_as(point)
            };
            let low = Some(least).filter(|least| is_new(*least));
            let is_other = |high: &Point| is_new(*high) && high.number > least.number;
            let high = Some(greatest).filter(is_other);
            let is_falling = (greatest.time, greatest.place) < (least.time, least.place);
            let (before, after) = if is_falling { (high, low) } else { (low, high) };
            before.into_iter().chain(after).for_each(&mut put);
        }
        put(self.last);
    }
}
