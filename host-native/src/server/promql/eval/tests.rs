//! What a comparison with Prometheus cannot show: bounds, and how often samples are read.

use super::super::nesting::MAX_DEPTH;
use super::super::source::matches;
use super::super::{
    Answer, Budget, LabelSet, Limits, QueryError, RawSeries, Source, Steps, instant, range,
};
use crate::{TimeRange, Timestamp};
use core::cell::Cell;
use core::time::Duration;
use promql_parser::label::Matcher;

const SECOND: i64 = 1_000_000_000;

/// Series in memory, that count how often they are asked for.
#[derive(Default)]
struct Memory {
    series: Vec<RawSeries>,
    selects: Cell<usize>,
}

impl Memory {
    /// So many series named `x`, each with a sample every 10 s.
    fn new(series: usize, samples: i64) -> Self {
        let of = |number: usize| RawSeries {
            labels: LabelSet::new([("__name__", "x".to_owned()), ("n", number.to_string())]),
            times: (0..samples).map(|at| at * 10 * SECOND).collect(),
            values: vec![1.0; usize::try_from(samples).unwrap()],
        };
        Self { series: (0..series).map(of).collect(), selects: Cell::new(0) }
    }
}

impl Source for Memory {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        budget: &Budget<'_>,
    ) -> Result<Vec<RawSeries>, QueryError> {
        self.selects.set(self.selects.get() + 1);
        let mut found = Vec::new();
        for series in self.series.iter().filter(|series| matches(&series.labels, matchers)) {
            let inside = |time: i64| range.contains(Timestamp(time));
            let kept = series.times.iter().zip(&series.values).filter(|(time, _)| inside(**time));
            let (times, values): (Vec<i64>, Vec<f64>) = kept.unzip();
            budget.charge(times.len())?;
            found.push(RawSeries { labels: series.labels.clone(), times, values });
        }
        Ok(found)
    }
}

fn day(step: i64) -> Steps {
    let (start, end) = (Timestamp(0), Timestamp(86_400 * SECOND));
    Steps { start, end, interval_ns: step * SECOND }
}

#[test]
fn a_selector_reads_once_for_all_steps() {
    let memory = Memory::new(3, 8_640);
    for query in ["x", "rate(x[5m])", "max_over_time(rate(x[5m])[1h:1m])"] {
        memory.selects.set(0);
        let answer = range(query, day(60), &memory, &Budget::default()).unwrap();
        assert!(matches!(answer, Answer::Matrix(series) if series.len() == 3), "{query}");
        assert_eq!(memory.selects.get(), 1, "{query}");
    }
}

#[test]
fn samples_points_and_series_are_bounded() {
    let memory = Memory::new(10, 1_000);
    let few = Limits { samples: 20_000, series: 9, ..Limits::default() };
    let error = |query: &str, steps: Steps| {
        range(query, steps, &memory, &Budget::new(few, &|| false)).unwrap_err()
    };
    assert!(error("x", day(60)).to_string().contains("10 series, at most 9"));
    assert!(error("x{n=\"1\"} + on () group_left vector(1)[1d:1ms]", day(60)).kind() == "bad_data");
    assert!(error("1", day(1)).to_string().contains("maximum resolution of 11000 points"));
    let many = "max_over_time(vector(1)[1d:1ms])";
    assert!(error(many, day(60)).to_string().contains("too many samples"), "{many}");
    let wide = Limits { series: 10, ..few };
    let budget = Budget::new(wide, &|| false);
    let error = range("x", day(10), &memory, &budget).unwrap_err();
    assert_eq!(error.kind(), "execution");
    assert!(error.to_string().contains("at most 20000 are allowed"), "{error}");
}

#[test]
fn a_query_ends_when_it_is_told_to() {
    let memory = Memory::new(10, 1_000);
    let late = Limits { timeout: Duration::ZERO, ..Limits::default() };
    let answer = range("rate(x[5m])", day(60), &memory, &Budget::new(late, &|| false));
    assert_eq!(answer, Err(QueryError::Timeout));
    // Cancelled amid the evaluation, after so many questions whether it is.
    let asked = Cell::new(0);
    let is_cancelled = || {
        asked.set(asked.get() + 1);
        asked.get() > 5
    };
    let budget = Budget::new(Limits::default(), &is_cancelled);
    assert_eq!(range("rate(x[5m])", day(60), &memory, &budget), Err(QueryError::Cancelled));
}

#[test]
fn the_deepest_query_needs_half_of_a_threads_stack() {
    let depth = MAX_DEPTH - 1;
    let queries = [
        format!("{}1{}", "(".repeat(depth), ")".repeat(depth)),
        format!("{}x", "-".repeat(depth)),
        format!("x{}", " + x".repeat(depth)),
        format!("x{}", " or x".repeat(depth)),
        format!("{}x{}", "sum(".repeat(depth), ")".repeat(depth)),
        format!("{}x{}", "abs(".repeat(depth), ")".repeat(depth)),
        format!("{}x{}", "label_replace(".repeat(100), ",\"a\",\"b\",\"c\",\"d\")".repeat(100)),
        format!("{}x{}", "max_over_time(".repeat(80), "[1m:1m])".repeat(80)),
    ];
    // Threads that work for requests have 2 MiB.
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        let memory = Memory::new(1, 10);
        for query in queries {
            let answer = instant(&query, Timestamp(50 * SECOND), &memory, &Budget::default());
            assert!(answer.is_ok(), "{query}: {answer:?}");
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn what_is_too_deep_is_refused_unparsed() {
    for query in ["(".repeat(10_000) + "1" + &")".repeat(10_000), "-".repeat(100_000) + "1"] {
        let answer = instant(&query, Timestamp(0), &Memory::default(), &Budget::default());
        let error = answer.unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{error}");
    }
}
