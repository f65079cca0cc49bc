//! Cutting a long query into stretches of time that fit into memory.

use super::damage::OnDamage;
use super::gather::Selection;
use super::source::Source;
use crate::engine::{Host, PartitionView, Readable, Shared};
use crate::error::Result;
use crate::metric_file::FrameInfo;
use crate::sorted::{sort_by, sort_times};
use crate::types::{MetricId, TimeRange, Timestamp};
use alloc::vec;
use alloc::vec::Vec;

/// Samples that a stretch may hold before the next one begins: about 3 MB of times and values.
const SAMPLES: u64 = 1 << 18;

/// How many times fewer samples than records a query of few among many metrics may be expected to
/// find in raw pages: where metrics are uneven, the expectation is wrong by at most that.
const SPARSEST: u64 = 16;

/// Frames that may reach over a cut. They are decoded for both sides, so more would cost time;
/// neighbouring raw pages often share an instant, and the open page may reach anywhere.
const CROSSING: usize = 3;

/// A frame: the instants it may hold samples of, and how many.
type Span = (TimeRange, u64);

impl<H: Host> Readable<H> {
    /// Stretches that together are `range`, in order, each with a bounded number of samples of
    /// the selected metrics where frames are small enough to allow it.
    pub(super) fn slices(
        &self,
        views: &[PartitionView],
        range: TimeRange,
        selection: &Selection,
        on: OnDamage<'_>,
    ) -> Result<Vec<TimeRange>> {
        let mut spans = Vec::new();
        let metrics = self.state.read(|state| state.catalog.len()) / selection.len().max(1);
        let share = u64::try_from(metrics).unwrap_or(u64::MAX).clamp(1, SPARSEST);
        for view in views {
            let sources = match self.sources(view) {
                // Whoever reads them notes the rest.
                Err(error) if on.tolerates(&error) => self.sources_around(view, on)?,
                sources => sources?,
            };
            for source in sources {
                match source {
                    Source::Pages(_, _, index) => {
                        let frames = index.frames.iter().enumerate();
                        spans.extend(frames.map(|(at, frame)| {
                            (index.reach(at), u64::from(frame.header.record_count) / share)
                        }));
                    }
                    Source::Metric(_, file) => {
                        for id in selection.ids().filter_map(MetricId::new) {
                            let entries = match file.entries_of(id) {
                                Err(error) if on.tolerates(&error) => &[],
                                entries => entries?,
                            };
                            let spans_of = |e: &FrameInfo| (e.range, u64::from(e.point_count));
                            spans.extend(entries.iter().map(spans_of));
                        }
                    }
                    Source::Open(page) => {
                        let samples: usize = page.chunks.iter().map(|chunk| chunk.ids.len()).sum();
                        let samples = u64::try_from(samples).unwrap_or(u64::MAX);
                        spans.push((view.partition.range(), samples / share));
                    }
                }
            }
        }
        spans.retain(|span| span.0.overlaps(range));
        Ok(cut(spans, range))
    }
}

/// Cuts `range` before frames that begin where enough samples have been passed and few frames
/// are still open.
fn cut(mut spans: Vec<Span>, range: TimeRange) -> Vec<TimeRange> {
    if spans.iter().map(|span| span.1).sum::<u64>() <= SAMPLES {
        return vec![range];
    }
    sort_by(&mut spans, |a, b| a.0.from < b.0.from);
    let mut ends: Vec<i64> = spans.iter().map(|span| span.0.to.0).collect();
    sort_times(&mut ends);
    let mut slices = Vec::new();
    let (mut from, mut passed, mut ended) = (range.from, 0, 0);
    for (begun, (span, samples)) in spans.iter().enumerate() {
        ended += ends.iter().skip(ended).take_while(|end| **end < span.from.0).count();
        if passed >= SAMPLES && begun - ended <= CROSSING && span.from > from {
            slices.extend(TimeRange::new(from, Timestamp(span.from.0 - 1)));
            (from, passed) = (span.from, 0);
        }
        passed += samples;
    }
    slices.extend(TimeRange::new(from, range.to));
    slices
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(Timestamp(from), Timestamp(to)).unwrap()
    }

    proptest! {
        #[test]
        fn slices_are_the_range(
            frames in proptest::collection::vec((-50_i64..50, 0_i64..9, 0..SAMPLES), 0..40),
            from in -60_i64..0,
            len in 0_i64..120,
        ) {
            let whole = range(from, from + len);
            let spans = frames.iter().map(|&(at, long, count)| (range(at, at + long), count));
            let spans = spans.filter(|span| span.0.overlaps(whole)).collect();
            let slices = cut(spans, whole);
            prop_assert_eq!(slices[0].from, whole.from);
            prop_assert_eq!(slices[slices.len() - 1].to, whole.to);
            for pair in slices.windows(2) {
                prop_assert_eq!(pair[0].to.0 + 1, pair[1].from.0);
            }
        }
    }

    #[test]
    fn pages_one_after_the_other_are_cut() {
        let spans = (0..100).map(|at| (range(at * 10, at * 10 + 10), SAMPLES / 4)).collect();
        let slices = cut(spans, range(0, 2000));
        assert_eq!(slices.len(), 25);
        assert_eq!(slices[1], range(40, 79));
    }

    #[test]
    fn frames_of_many_metrics_are_not_cut() {
        let spans = (0..100).map(|at| (range(at, 5000 + at), SAMPLES / 4)).collect();
        assert_eq!(cut(spans, range(0, 9000)), [range(0, 9000)]);
    }
}
