//! Aggregates that a program brings along.

use super::windows::Fold;
use super::{Aggregate, Arithmetic, Points};
use crate::types::{Value, ValueType};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// An aggregate of a program's own, for
/// [`Database::aggregate_with`](crate::engine::Database::aggregate_with). [`Aggregate`] is one,
/// too, so both can be asked together.
///
/// ```
/// use nanotdb_core::aggregate::{Accumulator, Aggregate, CustomAggregate};
///
/// /// The longest step between neighbours.
/// struct MaxStep;
///
/// #[derive(Default)]
/// struct Steps {
///     before: Option<f64>,
///     longest: f64,
/// }
///
/// impl CustomAggregate for MaxStep {
///     fn name(&self) -> &str {
///         "max_step"
///     }
///
///     fn accumulator(&self) -> Box<dyn Accumulator> {
///         Box::new(Steps::default())
///     }
/// }
///
/// impl Accumulator for Steps {
///     fn add(&mut self, value: f64) {
///         if let Some(before) = self.before.replace(value) {
///             self.longest = self.longest.max((value - before).abs());
///         }
///     }
///
///     fn finish(&mut self) -> f64 {
///         self.longest
///     }
/// }
///
/// let mut steps = MaxStep.accumulator();
/// [1.0, 1.5, -2.0].map(|value| steps.add(value));
/// assert_eq!(steps.finish(), 3.5);
/// let both: [&dyn CustomAggregate; 2] = [&MaxStep, &Aggregate::Max];
/// assert_eq!(both.map(CustomAggregate::name), ["max_step", "max"]);
/// ```
pub trait CustomAggregate {
    /// What results are called.
    fn name(&self) -> &str;

    /// What computes the result of one window; there is one for each.
    fn accumulator(&self) -> Box<dyn Accumulator>;
}

/// Computes one value from the samples of one window.
pub trait Accumulator {
    /// Takes in the window's next sample, in order of time. NaN is handed on as it is.
    fn add(&mut self, value: f64);

    /// The result; at least one sample was added. Called once, and nothing is added after it.
    fn finish(&mut self) -> f64;
}

impl CustomAggregate for Aggregate {
    fn name(&self) -> &str {
        Self::name(*self)
    }

    fn accumulator(&self) -> Box<dyn Accumulator> {
        Box::new(BuiltIn {
            aggregate: *self,
            points: Points::new(Arithmetic::Exact, self.is_running()),
        })
    }
}

/// An aggregate of ours among a program's own.
struct BuiltIn {
    aggregate: Aggregate,
    points: Points,
}

impl Accumulator for BuiltIn {
    fn add(&mut self, value: f64) {
        self.points.push_value(value);
    }

    fn finish(&mut self) -> f64 {
        let mut values = Vec::with_capacity(1);
        self.points.compute(&[self.aggregate], &mut values);
        values.first().copied().unwrap_or(f64::NAN)
    }
}

/// Folds windows with accumulators, which are made anew for each.
pub(crate) struct Custom<'a> {
    aggregates: &'a [&'a dyn CustomAggregate],
    current: Vec<Box<dyn Accumulator>>,
}

impl<'a> Custom<'a> {
    pub(crate) fn new(aggregates: &'a [&'a dyn CustomAggregate]) -> Self {
        Self { aggregates, current: Vec::with_capacity(aggregates.len()) }
    }
}

impl fmt::Debug for Custom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.aggregates.iter().map(|aggregate| aggregate.name())).finish()
    }
}

impl Fold for Custom<'_> {
    fn push(&mut self, value_type: ValueType, raw: u32) {
        if self.current.is_empty() {
            self.current.extend(self.aggregates.iter().map(|aggregate| aggregate.accumulator()));
        }
        let value = Value::from_raw(value_type, raw).as_f64();
        self.current.iter_mut().for_each(|accumulator| accumulator.add(value));
    }

    fn finish(&mut self, values: &mut Vec<f64>) {
        values.clear();
        values.extend(self.current.drain(..).map(|mut accumulator| accumulator.finish()));
    }
}
