//! Cutting a stream of samples into windows, whatever is computed from them.

use super::{Bucket, Grid, Tally};
use crate::types::{TimeRange, Timestamp, ValueType};
use alloc::vec::Vec;

/// Folds the samples of one window after the other.
pub(crate) trait Fold {
    /// Takes a sample of the current window in.
    fn push(&mut self, value_type: ValueType, raw: u32);
    /// Ends the window: replaces `values` by its results, and starts over.
    fn finish(&mut self, values: &mut Vec<f64>);

    /// Whether the results follow from tallies of the samples, so that nobody has to look at the
    /// samples themselves. What must not change while a fold is in use.
    fn takes_tallies(&self) -> bool {
        false
    }

    /// Takes samples of the current window in that were not looked at. Only called when
    /// [`takes_tallies`](Self::takes_tallies) says so.
    fn push_tally(&mut self, tally: &Tally) {
        let _ = tally;
    }
}

/// The windows of a grid that have samples.
#[derive(Debug)]
pub(crate) struct Cut<F> {
    range: TimeRange,
    grid: Grid,
    current: Option<i64>,
    fold: F,
    bucket: Bucket,
}

impl<F: Fold> Cut<F> {
    /// The windows over `range`.
    pub(crate) fn new(range: TimeRange, grid: Grid, fold: F) -> Self {
        let bucket = Bucket { start: range.from, end: range.to, values: Vec::new() };
        Self { range, grid, current: None, fold, bucket }
    }

    /// Whether [`add_tally`](Self::add_tally) may be used.
    pub(crate) fn takes_tallies(&self) -> bool {
        self.fold.takes_tallies()
    }

    /// Adds samples of one window, `time` among them or beside them, that were not looked at: as
    /// [`add`](Self::add) otherwise.
    pub(crate) fn add_tally<E>(
        &mut self,
        time: Timestamp,
        tally: &Tally,
        emit: &mut dyn FnMut(&Bucket) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(self.grid.number(time), emit)?;
        self.fold.push_tally(tally);
        Ok(())
    }

    /// Makes a window the current one.
    fn enter<E>(
        &mut self,
        window: i64,
        emit: &mut dyn FnMut(&Bucket) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.current != Some(window) {
            self.finish(emit)?;
            self.current = Some(window);
        }
        Ok(())
    }

    /// Adds samples, all within the range and none before an earlier one.
    pub(crate) fn add<E>(
        &mut self,
        value_type: ValueType,
        times: &[i64],
        raws: &[u32],
        emit: &mut dyn FnMut(&Bucket) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = times.iter().zip(raws).peekable();
        while let Some(&(&time, _)) = rest.peek() {
            let window = self.grid.number(Timestamp(time));
            self.enter(window, emit)?;
            let last_in_window = self.grid.last(window);
            while let Some((_, &raw)) = rest.next_if(|(time, _)| **time <= last_in_window) {
                self.fold.push(value_type, raw);
            }
        }
        Ok(())
    }

    /// Emits the last window, if it has samples.
    pub(crate) fn finish<E>(
        &mut self,
        emit: &mut dyn FnMut(&Bucket) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(window) = self.current.take() else { return Ok(()) };
        self.bucket.start = Timestamp(self.grid.start(window)).max(self.range.from);
        self.bucket.end = Timestamp(self.grid.end(window)).min(self.range.to);
        self.fold.finish(&mut self.bucket.values);
        emit(&self.bucket)
    }
}
