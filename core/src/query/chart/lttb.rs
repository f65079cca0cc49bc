//! Largest triangle three buckets over ranges of any length.

use super::triangles::{Place, largest_triangles};
use super::{Chart, ChartQuery, is_in_one, number, slice_ns, slice_of};
use crate::column::BLOCK_LEN;
use crate::engine::{Host, Readable};
use crate::error::{Error, Result};
use crate::metric_file::{FrameInfo, MetricFile, Span};
use crate::query::pieces::{Condensed, Piece};
use crate::query::{Batch, OnDamage, RangeQuery};
use crate::storage::StorageFile;
use crate::types::{Timestamp, ValueType};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::ops::{ControlFlow, Range};

/// Up to so many samples for each pixel, all are looked at.
const ALL_UP_TO: usize = 4;
/// Slices for each pixel otherwise.
const SLICES: usize = 2;

/// A sample. The number of the piece that it came in, and its place there, order samples of equal
/// time.
#[derive(Debug, Clone, Copy)]
struct Point {
    at: (usize, usize),
    time: i64,
    raw: u32,
    number: f64,
}

/// Which sample of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    First,
    Least,
    Greatest,
    Last,
}

/// A sample that is wanted.
enum Wanted<F> {
    Known(Point),
    /// One that has to be looked up, and the number it is, for extremes.
    Within(Stretch<F>, Which, f64),
}

/// Where the samples of a span are.
struct Stretch<F> {
    piece: usize,
    file: Arc<MetricFile<F>>,
    entry: FrameInfo,
    points: Range<usize>,
}

/// A slice, its smallest and its largest number so far.
struct Slice<F> {
    number: i64,
    least: (f64, Wanted<F>),
    greatest: (f64, Wanted<F>),
}

/// What is kept of all samples that came by.
struct Thinned<F> {
    value_type: ValueType,
    slice_ns: i64,
    /// Samples seen, but those that are not finite.
    count: usize,
    /// All of them, while they are few and none were in spans.
    all: Vec<Point>,
    most: usize,
    pieces: usize,
    first: Option<Wanted<F>>,
    last: Option<Wanted<F>>,
    /// The current slice.
    current: Option<Slice<F>>,
    /// Those of the slices before.
    extremes: Vec<Wanted<F>>,
}

impl<H: Host> Readable<H> {
    pub(super) fn lttb(
        &self,
        metric: &str,
        value_type: ValueType,
        query: &ChartQuery,
        on: OnDamage<'_>,
    ) -> Result<Chart> {
        let wanted = query.points.get();
        let slices = query.points.saturating_mul(NonZeroUsize::new(SLICES).unwrap_or(query.points));
        let slice_ns = slice_ns(query.range, slices);
        let most = wanted.saturating_mul(ALL_UP_TO);
        let mut thinned = Thinned::new(value_type, slice_ns, most);
        let fits = |span: &Span, reach| {
            // Of others the finite samples alone count.
            span.numbers > 0
                && span.min.is_finite()
                && span.max.is_finite()
                && is_in_one(slice_ns, reach)
        };
        self.visit_pieces(metric, query.range, on, &fits, &mut |piece| {
            thinned.take(piece);
            ControlFlow::Continue(())
        })?;
        let mut points = if thinned.count > most {
            match thinned.resolve() {
                Err(error) if on.tolerates(&error) => self.finite(metric, query, on)?,
                points => points?,
            }
        } else if thinned.all.len() == thinned.count {
            thinned.all
        } else {
            self.finite(metric, query, on)?
        };
        let start = points.first().map_or(0, |first| first.time);
        let places: Vec<Place> = points.iter().map(|point| point.place(start)).collect();
        let mut kept = largest_triangles(&places, wanted).into_iter().peekable();
        let mut at = 0;
        points.retain(|_| {
            at += 1;
            kept.next_if_eq(&(at - 1)).is_some()
        });
        let mut chart = Chart::empty(value_type);
        chart.series.times.extend(points.iter().map(|point| point.time));
        chart.series.raws.extend(points.iter().map(|point| point.raw));
        Ok(chart)
    }

    /// All finite samples.
    fn finite(&self, metric: &str, query: &ChartQuery, on: OnDamage<'_>) -> Result<Vec<Point>> {
        let (mut points, mut batches) = (Vec::new(), 0);
        self.visit_range(metric, RangeQuery::all(query.range), on, &mut |batch| {
            points.extend(finite(batch, batches));
            batches += 1;
            ControlFlow::Continue(())
        })?;
        Ok(points)
    }
}

/// The finite samples of a piece.
fn finite(batch: Batch<'_>, piece: usize) -> impl Iterator<Item = Point> {
    let columns = batch.times.iter().zip(batch.raws).enumerate();
    let points = columns.map(move |(at, (&time, &raw))| Point {
        at: (piece, at),
        time,
        raw,
        number: number(batch.value_type, raw),
    });
    points.filter(|point| point.number.is_finite())
}

impl Point {
    #[expect(clippy::cast_precision_loss, reason = "no pixel shows what is lost")]
    fn place(&self, start: i64) -> Place {
        // 128 bits: a range may be longer than 64 can say.
        Place { x: (i128::from(self.time) - i128::from(start)) as f64, y: self.number }
    }
}

impl<F: StorageFile> Thinned<F> {
    const fn new(value_type: ValueType, slice_ns: i64, most: usize) -> Self {
        Self {
            value_type,
            slice_ns,
            count: 0,
            all: Vec::new(),
            most,
            pieces: 0,
            first: None,
            last: None,
            current: None,
            extremes: Vec::new(),
        }
    }

    fn take(&mut self, piece: Piece<'_, F>) {
        match piece {
            Piece::Points(batch) => finite(batch, self.pieces).for_each(|point| self.add(point)),
            Piece::Span(condensed) => self.add_span(&condensed),
        }
        self.pieces += 1;
    }

    fn add(&mut self, point: Point) {
        if self.count <= self.most {
            self.all.push(point);
        }
        self.count += 1;
        if self.first.is_none() {
            self.first = Some(Wanted::Known(point));
        }
        self.last = Some(Wanted::Known(point));
        let slice = slice_of(self.slice_ns, Timestamp(point.time));
        let number = point.number;
        self.keep(slice, (number, &|| Wanted::Known(point)), (number, &|| Wanted::Known(point)));
    }

    fn add_span(&mut self, condensed: &Condensed<'_, F>) {
        let span = condensed.span;
        self.count = self.count.saturating_add(span.numbers);
        let piece = self.pieces;
        let within = |which, number| {
            let (file, entry) = (Arc::clone(condensed.file), *condensed.entry);
            let stretch = Stretch { piece, file, entry, points: span.points.clone() };
            Wanted::Within(stretch, which, number)
        };
        if self.first.is_none() {
            self.first = Some(within(Which::First, 0.0));
        }
        self.last = Some(within(Which::Last, 0.0));
        let slice = slice_of(self.slice_ns, condensed.reach.from);
        self.keep(
            slice,
            (span.min, &|| within(Which::Least, span.min)),
            (span.max, &|| within(Which::Greatest, span.max)),
        );
    }

    /// Takes in the extremes of later samples of a slice.
    fn keep(
        &mut self,
        slice: i64,
        low: (f64, &dyn Fn() -> Wanted<F>),
        high: (f64, &dyn Fn() -> Wanted<F>),
    ) {
        match &mut self.current {
            Some(current) if current.number == slice => {
                if low.0 < current.least.0 {
                    current.least = (low.0, low.1());
                }
                if high.0 > current.greatest.0 {
                    current.greatest = (high.0, high.1());
                }
            }
            _ => {
                self.finish();
                let (least, greatest) = ((low.0, low.1()), (high.0, high.1()));
                self.current = Some(Slice { number: slice, least, greatest });
            }
        }
    }

    fn finish(&mut self) {
        if let Some(Slice { least, greatest, .. }) = self.current.take() {
            self.extremes.extend([least.1, greatest.1]);
        }
    }

    /// The samples that are kept, in order, each once.
    fn resolve(mut self) -> Result<Vec<Point>> {
        self.finish();
        let wanted = self.first.into_iter().chain(self.extremes).chain(self.last);
        let mut wanted: Vec<Wanted<F>> = wanted.collect();
        // Then those of one frame follow each other, so each frame is decoded once.
        crate::sorted::sort_by(&mut wanted, |a, b| a.piece() < b.piece());
        let mut decoded: Vec<Decoded<F>> = Vec::new();
        let mut points = Vec::new();
        for (at, one) in wanted.iter().enumerate() {
            points.push(match one {
                Wanted::Known(point) => *point,
                Wanted::Within(stretch, which, number) => {
                    if !decoded.first().is_some_and(|decoded| decoded.is_of(stretch)) {
                        let rest = wanted.get(at..).unwrap_or_default().iter();
                        decoded = stretch.decode_with(rest.filter_map(Wanted::stretch))?;
                    }
                    stretch.find(self.value_type, *which, *number, &decoded)?
                }
            });
        }
        crate::sorted::sort_by(&mut points, |a, b| a.at < b.at);
        points.dedup_by_key(|point| point.at);
        Ok(points)
    }
}

impl<F> Wanted<F> {
    const fn piece(&self) -> usize {
        match self {
            Self::Known(point) => point.at.0,
            Self::Within(stretch, ..) => stretch.piece,
        }
    }

    const fn stretch(&self) -> Option<&Stretch<F>> {
        match self {
            Self::Known(_) => None,
            Self::Within(stretch, ..) => Some(stretch),
        }
    }
}

/// Neighbouring blocks of a frame, decoded.
struct Decoded<F> {
    file: Arc<MetricFile<F>>,
    frame: usize,
    points: Range<usize>,
    times: Vec<i64>,
    raws: Vec<u32>,
}

impl<F> Decoded<F> {
    /// Whether these are blocks of the frame that a stretch is in.
    fn is_of(&self, stretch: &Stretch<F>) -> bool {
        Arc::ptr_eq(&self.file, &stretch.file) && self.frame == stretch.entry.index
    }

    /// A stretch, if it is here.
    fn get(&self, points: &Range<usize>) -> Option<(&[i64], &[u32])> {
        let start = points.start.checked_sub(self.points.start)?;
        let part = start..start.checked_add(points.len())?;
        Some((self.times.get(part.clone())?, self.raws.get(part)?))
    }
}

impl<F: StorageFile> Stretch<F> {
    /// Looks a sample up.
    #[expect(clippy::float_cmp, reason = "the number itself is looked for")]
    fn find(
        &self,
        value_type: ValueType,
        which: Which,
        number: f64,
        decoded: &[Decoded<F>],
    ) -> Result<Point> {
        let behind = decoded.partition_point(|run| run.points.end < self.points.end);
        let columns = decoded.get(behind).and_then(|run| run.get(&self.points));
        let (times, raws) = columns.unwrap_or_default();
        let mut points = finite(Batch { value_type, times, raws }, self.piece);
        let found = match which {
            Which::First => points.next(),
            Which::Last => points.last(),
            Which::Least | Which::Greatest => points.find(|point| point.number == number),
        };
        found.ok_or_else(|| {
            let detail = format!(
                "metric {}: found no {number} among points {} to {}, expected it by the statistics",
                self.entry.metric, self.points.start, self.points.end
            );
            Error::corrupt(self.file.name(), self.entry.offset, detail)
        })
    }

    /// Decodes the blocks that the first of these stretches are in, as far as they are of this
    /// one's frame. Where they are close to each other, those between are decoded, too: that costs
    /// less than beginning anew.
    fn decode_with<'s>(&self, stretches: impl Iterator<Item = &'s Self>) -> Result<Vec<Decoded<F>>>
    where
        F: 's,
    {
        let is_same = |other: &&Self| {
            Arc::ptr_eq(&self.file, &other.file) && self.entry.index == other.entry.index
        };
        let all = usize::try_from(self.entry.point_count).unwrap_or(usize::MAX);
        let mut runs: Vec<Range<usize>> = Vec::new();
        for stretch in stretches.take_while(is_same) {
            // In order of time, and so of positions.
            let start = stretch.points.start / BLOCK_LEN * BLOCK_LEN;
            let end = stretch.points.end.div_ceil(BLOCK_LEN).saturating_mul(BLOCK_LEN).min(all);
            match runs.last_mut() {
                Some(last) if start <= last.end.saturating_add(BLOCK_LEN) => {
                    last.end = last.end.max(end);
                }
                _ => runs.push(start..end),
            }
        }
        let decode = |points: Range<usize>| {
            let (times, raws) = self.file.read_points(&self.entry, points.clone())?;
            let (file, frame) = (Arc::clone(&self.file), self.entry.index);
            Ok(Decoded { file, frame, points, times, raws })
        };
        runs.into_iter().map(decode).collect()
    }
}
