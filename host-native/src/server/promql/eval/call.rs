//! Calls of functions.

use super::super::error::{QueryError, execution};
use super::super::label_set::LabelSet;
use super::super::numbers::{plain, seconds};
use super::lines::{Line, distinct, merged};
use super::order::{ascending_nan_last, descending, sort};
use super::selector::Part;
use super::steps::Steps;
use super::{Evaluator, Value, calendar, math, over_time};
use promql_parser::parser::{Call, Expr};

/// Functions that are not in the tables of the other modules.
const OTHERS: [&str; 22] = [
    "absent",
    "absent_over_time",
    "clamp",
    "clamp_max",
    "clamp_min",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_quantile",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
    "label_join",
    "label_replace",
    "pi",
    "round",
    "scalar",
    "sort",
    "sort_desc",
    "time",
    "timestamp",
    "vector",
];

/// Whether there is a function of this name.
pub(crate) fn is_function(name: &str) -> bool {
    OTHERS.contains(&name)
        || over_time::function(name).is_some()
        || math::function(name).is_some()
        || calendar::function(name).is_some()
}

impl Evaluator<'_> {
    pub(super) fn call(&self, call: &Call, steps: Steps) -> Result<Value, QueryError> {
        let name = call.func.name;
        let args: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
        let lines = match (name, args.as_slice()) {
            ("time", _) => return self.scalar(steps, |step| seconds(steps.time(step))),
            ("pi", _) => return self.scalar(steps, |_| core::f64::consts::PI),
            ("scalar", [arg]) => return self.single(arg, steps),
            ("vector", [arg]) => self.numbers(arg, steps).map(unlabelled),
            ("absent", [arg]) => self.absent(arg, steps),
            ("absent_over_time", [arg]) => self.absent_over_time(arg, steps),
            ("timestamp", [arg]) => self.timestamp(arg, steps),
            ("sort", [arg]) => self.sorted(arg, steps, ascending_nan_last),
            ("sort_desc", [arg]) => self.sorted(arg, steps, descending),
            ("histogram_quantile", [q, buckets]) => self.histogram_quantile(q, buckets, steps),
            ("label_replace", [vector, to, replacement, from, pattern]) => {
                self.label_replace(vector, [to, replacement, from, pattern], steps)
            }
            ("label_join", [vector, to, separator, ..]) => {
                let from = call.args.args.get(3..).unwrap_or_default();
                self.label_join(vector, [to, separator], from, steps)
            }
            _ if name.starts_with("histogram_") => self.native_histogram(&args, steps),
            _ => self.call_of_table(name, &args, steps),
        };
        lines.map(Value::Vector)
    }

    /// Calls a function of the tables.
    fn call_of_table(
        &self,
        name: &str,
        args: &[&Expr],
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        if let Some(function) = over_time::function(name) {
            return self.over_time(name, function, args, steps);
        }
        if let Some(function) = calendar::function(name) {
            let lines = match args {
                [] => unlabelled(steps.times().map(seconds).collect()),
                [arg, ..] => self.vector(arg, steps)?,
            };
            return unnamed(lines, |_, value| Some(function(value)));
        }
        let [vector, numbers @ ..] = args else {
            return Err(execution(format!("{name}() needs an argument")));
        };
        let lines = self.vector(vector, steps)?;
        if let Some(function) = math::function(name) {
            return unnamed(lines, |_, value| Some(function(value)));
        }
        let numbers = self.all_numbers(numbers, steps)?;
        let number = |at: usize, step: usize| numbers.get(at)?.get(step).copied();
        unnamed(lines, |step, value| match name {
            "round" => Some(math::round(value, number(0, step).unwrap_or(1.0))),
            "clamp_min" => Some(math::max(number(0, step)?, value)),
            "clamp_max" => Some(math::min(number(0, step)?, value)),
            _ => clamped(value, number(0, step)?, number(1, step)?),
        })
    }

    fn over_time(
        &self,
        name: &str,
        function: over_time::OverTime,
        args: &[&Expr],
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        let is_range = |expr: &&&Expr| is_range(expr);
        let range =
            args.iter().find(is_range).ok_or_else(|| execution("expected a range vector"))?;
        let others: Vec<&Expr> = args.iter().filter(|expr| !is_range(expr)).copied().collect();
        let numbers = self.all_numbers(&others, steps)?;
        if matches!(name, "holt_winters" | "double_exponential_smoothing") {
            check_factors(&numbers)?;
        }
        let mut at_step = Vec::with_capacity(numbers.len());
        let mut lines = self.matrix(range, steps)?.lines(self, |step, window| {
            at_step.clear();
            at_step.extend(numbers.iter().filter_map(|numbers| numbers.get(step).copied()));
            function(window, &at_step)
        })?;
        if !over_time::keeps_name(name) {
            for line in &mut lines {
                line.labels = line.labels.without_name();
            }
        }
        distinct(lines)
    }

    fn all_numbers(&self, args: &[&Expr], steps: Steps) -> Result<Vec<Vec<f64>>, QueryError> {
        args.iter().map(|arg| self.numbers(arg, steps)).collect()
    }

    /// The value of a vector that has one series; NaN where it has none or several.
    fn single(&self, arg: &Expr, steps: Steps) -> Result<Value, QueryError> {
        let lines = self.vector(arg, steps)?;
        self.scalar(steps, |step| {
            let mut values = lines.iter().filter_map(|line| line.at(step));
            values.next().filter(|_| values.next().is_none()).unwrap_or(f64::NAN)
        })
    }

    /// When each value was measured: of a selector that of the sample, else that of the step.
    fn timestamp(&self, arg: &Expr, steps: Steps) -> Result<Vec<Line>, QueryError> {
        let mut inner = arg;
        while let Expr::Paren(paren) = inner {
            inner = &paren.expr;
        }
        if let Expr::VectorSelector(selector) = inner {
            return unnamed(self.newest(selector, steps, Part::Time)?, |_, time| Some(time));
        }
        unnamed(self.vector(arg, steps)?, |step, _| Some(seconds(steps.time(step))))
    }

    fn sorted(
        &self,
        arg: &Expr,
        steps: Steps,
        order: fn(f64, f64) -> core::cmp::Ordering,
    ) -> Result<Vec<Line>, QueryError> {
        let mut lines = self.vector(arg, steps)?;
        sort(&mut lines, order);
        Ok(lines)
    }

    /// What a function of native histograms makes of numbers: nothing, as in Prometheus.
    fn native_histogram(&self, args: &[&Expr], steps: Steps) -> Result<Vec<Line>, QueryError> {
        for arg in args {
            self.eval(arg, steps)?;
        }
        Ok(Vec::new())
    }
}

fn is_range(expr: &Expr) -> bool {
    expr.value_type() == promql_parser::parser::value::ValueType::Matrix
}

/// One line without labels.
fn unlabelled(numbers: Vec<f64>) -> Vec<Line> {
    let values = numbers.into_iter().map(Some).collect();
    vec![Line { labels: LabelSet::default(), values }]
}

/// Changes values; what comes out is no longer the metric, so it has no name.
fn unnamed(
    lines: Vec<Line>,
    change: impl Fn(usize, f64) -> Option<f64>,
) -> Result<Vec<Line>, QueryError> {
    let changed = lines.into_iter().map(|line| {
        let labels = line.labels.without_name();
        Line { labels, ..line.map(&change) }
    });
    merged(changed.collect())
}

/// A value within limits; none when the limits are the wrong way round.
fn clamped(value: f64, least: f64, most: f64) -> Option<f64> {
    (most >= least || least.is_nan() || most.is_nan())
        .then(|| math::max(least, math::min(most, value)))
}

fn check_factors(factors: &[Vec<f64>]) -> Result<(), QueryError> {
    for (what, factors) in ["smoothing", "trend"].iter().zip(factors) {
        for &factor in factors {
            if factor <= 0.0 || factor >= 1.0 {
                let got = plain(factor);
                return Err(execution(format!(
                    "invalid {what} factor. Expected: 0 < factor < 1, got: {got}"
                )));
            }
        }
    }
    Ok(())
}
