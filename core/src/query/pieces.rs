//! A metric's samples piece by piece: what is known of stretches of them, and where that does not
//! suffice, the samples.
//!
//! Metric files of version 3 say of each *span*, a stretch of the clock, how many points a frame
//! has there and what they come to. A span stands for its points when whoever asks needs no more
//! of it, and nothing else may hold samples of the metric at its instants: no other frame, no raw
//! page, no partition that overlaps. Everything else is decoded, by the same means as any query.

use super::damage::OnDamage;
use super::gather::{Points, Selection};
use super::metric::{entries, len_of};
use super::source::{Source, may_be_growing};
use super::{Batch, together};
use crate::aggregate::Tally;
use crate::column::BLOCK_LEN;
use crate::engine::{FileOf, Host, PartitionView, Readable, Shared};
use crate::error::Result;
use crate::metric_file::{FrameInfo, MetricFile, Span, Statistics, Version};
use crate::page::PageView;
use crate::sorted::sort_by;
use crate::types::{TimeRange, Timestamp, ValueType};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::{ControlFlow, Range};

/// Some of a metric's samples; pieces come in order of time.
pub(super) enum Piece<'a, F> {
    /// The samples themselves.
    Points(Batch<'a>),
    /// What is known of them.
    Span(Condensed<'a, F>),
}

/// Samples that were not decoded.
pub(super) struct Condensed<'a, F> {
    pub(super) value_type: ValueType,
    pub(super) span: &'a Span,
    /// The instants they may have.
    pub(super) reach: TimeRange,
    /// Where they are.
    pub(super) file: &'a Arc<MetricFile<F>>,
    pub(super) entry: &'a FrameInfo,
}

impl<F> Condensed<'_, F> {
    /// What the points come to.
    pub(super) fn tally(&self) -> Tally {
        let Span { numbers, min, max, sum, .. } = *self.span;
        Tally { samples: self.span.points.len(), numbers, min, max, sum }
    }
}

/// A frame of which is known what it holds.
struct Known<F> {
    file: Arc<MetricFile<F>>,
    entry: FrameInfo,
    statistics: Arc<Statistics>,
}

/// What holds the samples of a metric in partitions that are taken together.
struct Holders<F> {
    /// By their first instant.
    known: Vec<Known<F>>,
    /// The instants that something else may have samples of, or two of the frames: disjoint, in
    /// order of time.
    contested: Vec<TimeRange>,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// To hand on spans of a frame, by the numbers of both.
    Spans(usize, Range<usize>),
    /// To decode a stretch of time.
    Decode(TimeRange),
}

impl<H: Host> Readable<H> {
    /// Visits a metric's samples in a range. Spans are handed on of which `fits` says that nothing
    /// inside their instants matters.
    pub(super) fn visit_pieces(
        &self,
        metric: &str,
        range: TimeRange,
        on: OnDamage<'_>,
        fits: &dyn Fn(&Span, TimeRange) -> bool,
        visit: &mut dyn FnMut(Piece<'_, FileOf<H>>) -> ControlFlow<()>,
    ) -> Result<()> {
        let Some(metric) = self.find(metric) else { return Ok(()) };
        let selection = Selection::new(vec![metric]);
        let mut points = vec![Points::default()];
        for views in together(&self.view(range)) {
            let holders = match self.holders(views, range, metric) {
                // Decoding notes it.
                Err(error) if on.tolerates(&error) => None,
                holders => holders?,
            };
            let Some(holders) = holders else {
                let decoded =
                    self.visit_slices(views, range, &selection, &mut points, on, visit)?;
                if decoded.is_break() {
                    return Ok(());
                }
                continue;
            };
            let mut spans = 0;
            let mut went = ControlFlow::Continue(());
            for step in holders.steps(range, fits) {
                went = match step {
                    Step::Spans(frame, run) => {
                        spans += run.len();
                        holders.hand_on(frame, run, visit)
                    }
                    Step::Decode(range) => {
                        self.visit_slices(views, range, &selection, &mut points, on, visit)?
                    }
                };
                if went.is_break() {
                    break;
                }
            }
            if spans > 0 {
                self.cache.write(|cache| cache.note_spans(spans));
            }
            if went.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Visits the samples of one metric in partitions that are taken together, in slices.
    fn visit_slices(
        &self,
        views: &[PartitionView],
        range: TimeRange,
        selection: &Selection,
        points: &mut [Points],
        on: OnDamage<'_>,
        visit: &mut dyn FnMut(Piece<'_, FileOf<H>>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        for slice in self.slices(views, range, selection, on)? {
            points.iter_mut().for_each(Points::clear);
            self.gather_all(views, slice, selection, points, on)?;
            for (&(_, value_type), points) in selection.metrics().iter().zip(&*points) {
                let batch = Batch { value_type, times: &points.times, raws: &points.raws };
                if !batch.times.is_empty() && visit(Piece::Points(batch)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Where the samples of a metric in a range are; nothing when none of it is known without
    /// decoding.
    fn holders(
        &self,
        views: &[PartitionView],
        range: TimeRange,
        metric: (u16, ValueType),
    ) -> Result<Option<Holders<FileOf<H>>>> {
        let mut sources = Vec::new();
        for view in views {
            let opened = self.sources(view)?.into_iter();
            sources.extend(opened.map(|source| (view, source)));
        }
        let says = |source: &Source<FileOf<H>>| match source {
            Source::Metric(_, opened) => opened.version() >= Version::V3,
            Source::Pages(..) | Source::Open(_) => false,
        };
        if !sources.iter().any(|(_, source)| says(source)) {
            return Ok(None);
        }
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for (view, source) in &sources {
            match source {
                Source::Metric(stored, file) => {
                    let entries = entries(file, metric)?.iter();
                    for entry in entries.filter(|entry| entry.range.overlaps(range)) {
                        match self.statistics_of(stored, file, entry)? {
                            Some(statistics) => {
                                let file = Arc::clone(file);
                                known.push(Known { file, entry: *entry, statistics });
                            }
                            None => others.push(entry.range),
                        }
                    }
                }
                Source::Pages(file, _, index) => {
                    // Decoding would find the same, but of the decoded stretches only.
                    if !may_be_growing(self, view.partition) {
                        index.tail_in(&file.name, range).map_or(Ok(()), Err)?;
                    }
                    index.damage_in(&file.name, range).map_or(Ok(()), Err)?;
                    let frames = 0..index.frames.len();
                    others.extend(frames.map(|at| index.reach(at)));
                }
                Source::Open(page) => others.extend(bounds(page, metric.0)),
            }
        }
        others.retain(|other| other.overlaps(range));
        Ok(Some(Holders::new(known, others)))
    }
}

/// From the first to the last instant that an open page has of a metric.
fn bounds(page: &PageView, id: u16) -> Option<TimeRange> {
    let mut bounds: Option<(i64, i64)> = None;
    page.for_each_of(id, |time, _| {
        let (from, to) = bounds.unwrap_or((time, time));
        bounds = Some((from.min(time), to.max(time)));
    });
    bounds.map(|(from, to)| TimeRange { from: Timestamp(from), to: Timestamp(to) })
}

impl<F> Holders<F> {
    fn new(mut known: Vec<Known<F>>, mut others: Vec<TimeRange>) -> Self {
        let start = |known: &Known<F>| known.entry.range.from;
        if !known.is_sorted_by_key(start) {
            sort_by(&mut known, |a, b| start(a) < start(b));
        }
        let mut so_far: Option<Timestamp> = None;
        for range in known.iter().map(|known| known.entry.range) {
            if let Some(end) = so_far.filter(|&end| range.from <= end) {
                others.push(TimeRange { from: range.from, to: end.min(range.to) });
            }
            so_far = so_far.max(Some(range.to));
        }
        Self { known, contested: united(others) }
    }

    fn is_contested(&self, range: TimeRange) -> bool {
        let behind = self.contested.partition_point(|contested| contested.to < range.from);
        self.contested.get(behind).is_some_and(|contested| contested.overlaps(range))
    }

    /// What together is every sample in a range, in order of time.
    fn steps(&self, range: TimeRange, fits: &dyn Fn(&Span, TimeRange) -> bool) -> Vec<Step> {
        let cut = |part: TimeRange| TimeRange {
            from: part.from.max(range.from),
            to: part.to.min(range.to),
        };
        let mut steps: Vec<(Timestamp, Step)> = Vec::new();
        let decode = |part: TimeRange| (cut(part).from, Step::Decode(cut(part)));
        for (number, frame) in self.known.iter().enumerate() {
            let reach = |span: &Span| frame.statistics.range(span, frame.entry.range);
            let spans = &frame.statistics.spans;
            let from = spans.partition_point(|span| reach(span).to < range.from);
            let to = spans.partition_point(|span| reach(span).from <= range.to);
            let is_usable = |at: usize| {
                spans.get(at).is_some_and(|span| {
                    let reach = reach(span);
                    let is_inside = range.from <= reach.from && reach.to <= range.to;
                    is_inside && fits(span, reach) && !self.is_contested(reach)
                })
            };
            // Where the frame has a hole, something else may have samples.
            let is_hole_free = |at: usize| {
                let ends = spans.get(at.wrapping_sub(1)).zip(spans.get(at));
                ends.is_some_and(|(before, next)| {
                    let hole = TimeRange { from: reach(before).to, to: reach(next).from };
                    !self.is_contested(hole)
                })
            };
            let mut at = from;
            while at < to {
                let (start, usable) = (at, is_usable(at));
                at += 1;
                while at < to && is_usable(at) == usable && (!usable || is_hole_free(at)) {
                    at += 1;
                }
                let run = start..at;
                let ends = spans.get(start).zip(spans.get(at - 1));
                let Some((first, last)) = ends else { break };
                let all = TimeRange { from: reach(first).from, to: reach(last).to };
                let points = first.points.start..last.points.end;
                if usable && saves(points, len_of(&frame.entry), start > from, at < to) {
                    steps.push((all.from, Step::Spans(number, run)));
                } else {
                    steps.push(decode(all));
                }
            }
        }
        steps.extend(self.contested.iter().filter(|part| part.overlaps(range)).map(|p| decode(*p)));
        if !steps.is_sorted_by_key(|step| step.0) {
            sort_by(&mut steps, |a, b| a.0 < b.0);
        }
        let mut joined: Vec<Step> = Vec::with_capacity(steps.len());
        for (_, step) in steps {
            match (joined.last_mut(), step) {
                // Nothing between them is left out: all that is anywhere is in some step.
                (Some(Step::Decode(before)), Step::Decode(next)) => {
                    before.to = before.to.max(next.to);
                }
                (_, step) => joined.push(step),
            }
        }
        joined
    }

    fn hand_on(
        &self,
        frame: usize,
        run: Range<usize>,
        visit: &mut dyn FnMut(Piece<'_, F>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(Known { file, entry, statistics }) = self.known.get(frame) else {
            return ControlFlow::Continue(());
        };
        for span in statistics.spans.get(run).unwrap_or_default() {
            let reach = statistics.range(span, entry.range);
            let value_type = entry.value_type;
            visit(Piece::Span(Condensed { value_type, span, reach, file, entry }))?;
        }
        ControlFlow::Continue(())
    }
}

/// Whether not decoding points saves a block. Where what is before them, or behind them, is
/// decoded, the block that they share with it is, too.
fn saves(points: Range<usize>, all: usize, is_before: bool, is_behind: bool) -> bool {
    let first = if is_before { points.start.div_ceil(BLOCK_LEN) } else { points.start / BLOCK_LEN };
    let is_cut = is_behind && points.end < all;
    let end = if is_cut { points.end / BLOCK_LEN } else { points.end.div_ceil(BLOCK_LEN) };
    first < end
}

/// The same instants as disjoint ranges in order of time.
fn united(mut ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    sort_by(&mut ranges, |a, b| a.from < b.from);
    let mut united: Vec<TimeRange> = Vec::new();
    for range in ranges {
        match united.last_mut() {
            Some(last) if range.from <= last.to => last.to = last.to.max(range.to),
            _ => united.push(range),
        }
    }
    united
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
mod tests;
