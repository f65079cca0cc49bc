//! What both are asked.

use crate::data::BEGIN;
use crate::http::encoded;

/// A query.
#[derive(Debug)]
pub(crate) struct Question(String);

/// Instants in seconds after [`BEGIN`]: amid the data, between milliseconds of steps, where many
/// samples lack, and just after the end.
const INSTANTS: [&str; 4] = ["3600", "5000.5", "4700", "10100"];

/// Ranges in seconds after [`BEGIN`], with their steps.
const RANGES: [(&str, &str, &str); 3] =
    [("600", "7200", "60"), ("3000", "3500.5", "7"), ("-600", "12000", "5m")];

impl Question {
    /// Paths and forms.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        let query = encoded(&self.0);
        let instants = INSTANTS
            .iter()
            .map(|at| ("query".to_owned(), format!("query={query}&time={}", at_second(at))));
        let ranges = RANGES.iter().map(|(start, end, step)| {
            let (start, end) = (at_second(start), at_second(end));
            let form = format!("query={query}&start={start}&end={end}&step={step}");
            ("query_range".to_owned(), form)
        });
        instants.chain(ranges).collect()
    }

    /// Whether the order of the result means something.
    pub(crate) fn is_ordered(&self) -> bool {
        self.0.starts_with("sort")
    }
}

fn at_second(after: &str) -> String {
    let (whole, fraction) = after.split_once('.').unwrap_or((after, "0"));
    format!("{}.{fraction}", BEGIN + whole.parse::<i64>().unwrap())
}

/// Functions of a range vector.
const OVER_TIME: [&str; 21] = [
    "absent_over_time",
    "avg_over_time",
    "changes",
    "count_over_time",
    "delta",
    "deriv",
    "idelta",
    "increase",
    "irate",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "rate",
    "resets",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
    "0.3, quantile_over_time",
    "predict_linear, 600",
    "holt_winters, 0.3, 0.6",
];

/// Functions of an instant vector.
const OF_VECTOR: [&str; 35] = [
    "abs",
    "absent",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "deg",
    "exp",
    "floor",
    "hour",
    "ln",
    "log10",
    "log2",
    "minute",
    "month",
    "rad",
    "round",
    "scalar",
    "sgn",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "timestamp",
    "year",
];

/// Aggregations.
const AGGREGATIONS: [&str; 12] = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "group",
    "stddev",
    "stdvar",
    "2, topk",
    "2, bottomk",
    "0.7, quantile",
    "\"value\", count_values",
];

/// Operators.
const OPERATORS: [&str; 13] =
    ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">="];

/// All queries.
pub(crate) fn all() -> Vec<Question> {
    let mut all: Vec<String> = include_str!("queries.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("##"))
        .map(str::to_owned)
        .collect();
    for function in OVER_TIME {
        for range in [
            "requests_total[5m]",
            "temperature[90s]",
            "odd[10m]",
            "rate(latency_bucket[2m])[10m:45s]",
        ] {
            all.push(called(function, range));
        }
    }
    for function in OF_VECTOR {
        all.push(called(function, "temperature"));
        // What date an infinite number of seconds is depends on the processor.
        all.push(called(function, "(odd / 4e6) < Inf > -Inf"));
    }
    for aggregation in AGGREGATIONS {
        let (before, name) = aggregation.rsplit_once(' ').unwrap_or(("", aggregation));
        for by in ["", " by (job, code)", " without (instance, code, method)"] {
            all.push(format!("{name}{by} ({before} requests_total)"));
        }
        all.push(format!("{name} by (kind) ({before} odd)"));
    }
    for operator in OPERATORS {
        all.push(format!("temperature {operator} humidity"));
        all.push(format!("temperature {operator} 9.5"));
        all.push(format!("-3 {operator} odd"));
    }
    all.into_iter().map(Question).collect()
}

/// `before, name, after` as a call with one more argument.
fn called(function: &str, argument: &str) -> String {
    let is_name = |part: &&str| part.starts_with(|c: char| c.is_ascii_lowercase());
    let parts: Vec<&str> = function.split(", ").collect();
    let name = parts.iter().copied().find(is_name).unwrap_or(function);
    let arguments: Vec<&str> =
        parts.iter().map(|part| if *part == name { argument } else { part }).collect();
    format!("{name}({})", arguments.join(", "))
}

/// Paths and queries of listings.
pub(crate) fn listings() -> Vec<(String, String)> {
    let range = format!("start={}&end={}", BEGIN + 3_000, BEGIN + 4_000);
    let matching = |selector: &str| format!("match[]={}&{range}", encoded(selector));
    let of = |path: &str, form: String| (path.to_owned(), form);
    vec![
        of("labels", range.clone()),
        of("labels", String::new()),
        of("labels", matching("temperature")),
        of("label/__name__/values", range.clone()),
        of("label/job/values", matching("requests_total{code=\"200\"}")),
        of("label/room/values", String::new()),
        of("label/nothing/values", String::new()),
        of("series", matching("{job=~\"a.*\"}")),
        of("series", format!("{}&match[]=odd", matching("single"))),
        of("series", String::new()),
        of("series", matching("1 + 1")),
        of("series", matching("{}")),
        of("label/db/values", String::new()),
    ]
}

/// Paths that clients try.
pub(crate) fn probes() -> [(&'static str, &'static str); 6] {
    [
        ("metadata", ""),
        ("rules", ""),
        ("alerts", ""),
        ("query_exemplars", "query=up&start=1&end=2"),
        ("status/buildinfo", ""),
        ("format_query", "query=sum(rate(x[5m]))by(a)"),
    ]
}

/// Arguments of `promtool query`.
pub(crate) fn promtool() -> Vec<Vec<&'static str>> {
    vec![
        vec!["instant", "--time=1700010000", "sum by (job) (rate(requests_total[5m]))"],
        vec!["instant", "--time=2023-11-15T01:00:00Z", "temperature"],
        vec!["range", "--start=1700010000", "--end=1700011000", "--step=1m", "temperature"],
        vec!["labels", "--start=1700006400", "--end=1700010000", "room"],
        vec!["series", "--match=single", "--start=1700006400", "--end=1700010000"],
    ]
}
