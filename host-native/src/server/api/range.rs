//! `GET /api/v1/query_range`: samples, or windows of them.

use super::{database_with, metric_of};
use crate::moment::Window;
use crate::server::answer::{Failure, Sink, stream, to_json, warnings_of, write_warnings};
use crate::server::app::{App, Deadline};
use crate::server::prometheus;
use crate::server::request::Params;
use crate::{Database, Lenient};
use axum::body::Body;
use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use core::ops::ControlFlow;
use nanotdb_core::aggregate::{Aggregate, Arithmetic};
use nanotdb_core::query::{AggregateQuery, RangeQuery};
use nanotdb_core::text::duration::Duration;
use nanotdb_core::text::float::format_f32;
use nanotdb_core::text::integer::format_i32;
use nanotdb_core::{TimeRange, Value};
use serde::Serialize;
use std::io::{self, Write};
use std::sync::Arc;

const NANOS: u64 = 1_000_000_000;

/// Numbers that windows may come to in one answer; more would be drawn by nobody.
const MAX_NUMBERS: usize = 4_000_000;

/// What a series is called in answers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Label {
    #[serde(rename = "__name__")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregate: Option<String>,
    db: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<String>,
}

impl Label {
    pub(super) fn of(database: &str, metric: &str) -> Self {
        Self { name: metric.to_owned(), aggregate: None, db: database.to_owned(), window: None }
    }
}

/// Windows, and what is asked of them.
#[derive(Debug)]
struct Windows {
    /// With the names as they were written.
    aggregates: Vec<(String, Aggregate)>,
    /// Length of a window, in nanoseconds.
    length_ns: i64,
    /// Nanoseconds after multiples of the length at which windows begin.
    offset_ns: i64,
}

/// What a request asks for.
struct Asked {
    database: Arc<Database>,
    metric: String,
    range: TimeRange,
    windows: Option<Windows>,
}

/// Samples of a metric, or the values of an expression in PromQL.
pub(super) async fn either(
    app: State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    if prometheus::is_reference(&method, &params) {
        return query_range(app, params).await;
    }
    prometheus::range(app, method, params, body).await
}

/// The samples of a range, or with `aggregate` and `window`, or `step`, windows of it.
async fn query_range(State(app): State<Arc<App>>, params: Params) -> Result<Response, Failure> {
    let deadline = app.deadline();
    stream(&app, "application/json", move |app, out| {
        let asked = Asked::read(app, &params)?;
        out.write_all(br#"{"status":"success","data":{"result":["#).map_err(gone)?;
        let reading = asked.database.lenient();
        match &asked.windows {
            None => asked.write_samples(out, &reading, deadline)?,
            Some(windows) => asked.write_windows(out, &reading, windows, deadline)?,
        }
        // What is missing is known at the end.
        out.write_all(b"],\"resultType\":\"matrix\"}").map_err(gone)?;
        write_warnings(out, &warnings_of(&reading.damage())).map_err(gone)?;
        out.write_all(b"}\n").map_err(gone)
    })
    .await
}

/// Nobody reads any more.
fn gone(error: io::Error) -> Failure {
    Failure::execution(error)
}

impl Asked {
    fn read(app: &App, params: &Params) -> Result<Self, Failure> {
        let (name, metric) = metric_of(params)?;
        let range = params.range(app.engine.now())?;
        let windows = windows(params)?;
        let database = database_with(app, name, metric)?;
        Ok(Self { database, metric: metric.to_owned(), range, windows })
    }

    fn write_samples(
        &self,
        out: &mut Sink,
        reading: &Lenient<'_>,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let label = Label::of(self.database.name(), &self.metric);
        let mut text = Vec::new();
        let mut is_first = true;
        let mut failed = Ok(());
        reading.visit_range(&self.metric, RangeQuery::all(self.range), |batch| {
            if is_first {
                failed = begin_series(out, &label);
            }
            for (&time, &raw) in batch.times.iter().zip(batch.raws) {
                if !core::mem::take(&mut is_first) {
                    text.push(b',');
                }
                write_point(&mut text, time, Value::from_raw(batch.value_type, raw));
            }
            if failed.is_ok() {
                failed = deadline.check().and_then(|()| out.write_all(&text).map_err(gone));
            }
            text.clear();
            if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        failed?;
        if is_first { Ok(()) } else { out.write_all(b"]}").map_err(gone) }
    }

    fn write_windows(
        &self,
        out: &mut Sink,
        reading: &Lenient<'_>,
        windows: &Windows,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let (ends, columns) = self.windows(reading, windows, deadline)?;
        if ends.is_empty() {
            return Ok(());
        }
        for (at, ((name, _), values)) in windows.aggregates.iter().zip(&columns).enumerate() {
            let label = Label {
                aggregate: Some(name.clone()),
                window: Some(Duration(windows.length_ns).to_string()),
                ..Label::of(self.database.name(), &self.metric)
            };
            if at > 0 {
                out.write_all(b",").map_err(gone)?;
            }
            begin_series(out, &label)?;
            let mut text = Vec::new();
            for (at, (&end, &value)) in ends.iter().zip(values).enumerate() {
                if at > 0 {
                    text.push(b',');
                }
                write_point(&mut text, end, Value::F32(value));
                if text.len() >= 1 << 15 {
                    out.write_all(&text).map_err(gone)?;
                    text.clear();
                }
            }
            text.extend_from_slice(b"]}");
            out.write_all(&text).map_err(gone)?;
        }
        Ok(())
    }

    /// The ends of the windows, and a column for each aggregate.
    fn windows(
        &self,
        reading: &Lenient<'_>,
        windows: &Windows,
        deadline: Deadline,
    ) -> Result<(Vec<i64>, Vec<Vec<f32>>), Failure> {
        let asked: Vec<Aggregate> = windows.aggregates.iter().map(|(_, own)| *own).collect();
        let query = AggregateQuery {
            range: self.range,
            window_ns: windows.length_ns,
            offset_ns: windows.offset_ns,
            aggregates: &asked,
            arithmetic: Arithmetic::Exact,
        };
        let mut ends = Vec::new();
        let mut columns = vec![Vec::new(); asked.len()];
        let mut failed = Ok(());
        reading.aggregate(&self.metric, &query, |bucket| {
            ends.push(bucket.end.0);
            for (column, &value) in columns.iter_mut().zip(&bucket.values) {
                column.push(to_f32(value));
            }
            if ends.len().saturating_mul(asked.len()) > MAX_NUMBERS {
                failed = Err(Failure::bad(format_args!(
                    "more than {MAX_NUMBERS} values: take longer windows or a shorter range"
                )));
            } else if ends.len() % 1024 == 0 {
                failed = deadline.check();
            }
            if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        failed.map(|()| (ends, columns))
    }
}

/// Answers have the reference's precision.
#[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest, as stored values")]
const fn to_f32(value: f64) -> f32 {
    value as f32
}

/// The windows a request asks for, if any: `aggregate` and `window`, or means of `step`, which begin
/// `offset` after multiples of their length.
fn windows(params: &Params) -> Result<Option<Windows>, Failure> {
    let step = params.get("step").map(|text| length("step", text)).transpose()?;
    let offset_ns = params.get("offset").map_or(Ok(0), offset)?;
    match (params.get("aggregate"), params.get("window")) {
        (None, None) => Ok(step.filter(|&step| step > 0).map(|length_ns| {
            let mean = Aggregate::default();
            Windows { aggregates: vec![(mean.name().to_owned(), mean)], length_ns, offset_ns }
        })),
        (Some(names), Some(window)) => {
            let window: Window = window
                .parse()
                .map_err(|error| Failure::bad(format_args!("window={window}: {error}")))?;
            Ok(Some(Windows { aggregates: aggregates(names)?, length_ns: window.0, offset_ns }))
        }
        _ => Err(Failure::bad("aggregate and window are required together")),
    }
}

/// The aggregates of a list, each once, under the names as written.
fn aggregates(names: &str) -> Result<Vec<(String, Aggregate)>, Failure> {
    let mut found: Vec<(String, Aggregate)> = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if found.iter().any(|(known, _)| known == name) {
            continue;
        }
        let aggregate = name
            .parse::<Aggregate>()
            .map_err(|error| Failure::bad(format_args!("aggregate={name}: {error}")))?;
        found.push((name.to_owned(), aggregate));
    }
    if found.is_empty() {
        return Err(Failure::bad("aggregate names none"));
    }
    Ok(found)
}

/// A duration, or seconds; not negative.
fn length(name: &str, text: &str) -> Result<i64, Failure> {
    let nanos = span(name, text)?;
    if nanos < 0 {
        return Err(Failure::bad(format_args!("{name}={text}: must not be negative")));
    }
    Ok(nanos)
}

/// A duration, or seconds, of either sign.
fn offset(text: &str) -> Result<i64, Failure> {
    span("offset", text)
}

fn span(name: &str, text: &str) -> Result<i64, Failure> {
    let refused =
        |detail: &dyn core::fmt::Display| Failure::bad(format_args!("{name}={text}: {detail}"));
    Ok(match text.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "checked, and saturating")]
        Ok(seconds) if seconds.is_finite() => (seconds * 1e9).round() as i64,
        Ok(_) => return Err(refused(&"expected a finite number of seconds")),
        Err(_) => {
            let parsed = nanotdb_core::text::duration::parse_extended(text);
            parsed.map_err(|error| refused(&error))?.as_nanos()
        }
    })
}

fn begin_series(out: &mut Sink, label: &Label) -> Result<(), Failure> {
    let begun = out
        .write_all(br#"{"metric":"#)
        .and_then(|()| to_json(&mut *out, label))
        .and_then(|()| out.write_all(br#","values":["#));
    begun.map_err(gone)
}

/// `[seconds,"value"]`, the seconds with all their decimals: programs that read them as floating
/// point get what the reference sends, others the nanosecond.
pub(super) fn write_point(out: &mut Vec<u8>, time: i64, value: Value) {
    out.push(b'[');
    if time < 0 {
        out.push(b'-');
    }
    let nanos = time.unsigned_abs();
    let fraction = nanos % NANOS;
    // Writing to a vector cannot fail.
    let _ = write!(out, "{}", nanos / NANOS);
    if fraction > 0 {
        let _ = write!(out, ".{fraction:09}");
        let zeros = out.iter().rev().take_while(|&&byte| byte == b'0').count();
        out.truncate(out.len() - zeros);
    }
    out.extend_from_slice(b",\"");
    match value {
        Value::I32(number) => format_i32(out, number),
        Value::F32(number) => format_f32(out, number),
    }
    out.extend_from_slice(b"\"]");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(time: i64, value: Value) -> String {
        let mut out = Vec::new();
        write_point(&mut out, time, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn points_have_seconds_and_text() {
        assert_eq!(point(1_767_225_600_000_000_000, Value::F32(21.5)), "[1767225600,\"21.5\"]");
        assert_eq!(point(1_767_225_600_120_000_000, Value::I32(-3)), "[1767225600.12,\"-3\"]");
        assert_eq!(point(-1, Value::F32(f32::NAN)), "[-0.000000001,\"NaN\"]");
        assert_eq!(point(0, Value::F32(f32::NEG_INFINITY)), "[0,\"-Inf\"]");
    }

    #[test]
    fn windows_are_asked_for_in_two_ways() {
        let ask = |text: &str| windows(&Params::parse(text).unwrap());
        assert!(ask("").unwrap().is_none() && ask("step=0").unwrap().is_none());
        assert_eq!(ask("step=60").unwrap().unwrap().length_ns, 60_000_000_000);
        let asked = ask("aggregate=max,+avg,max&window=1w&step=5&offset=4d").unwrap().unwrap();
        let day = 86_400_000_000_000;
        assert_eq!(
            (asked.aggregates.len(), asked.length_ns, asked.offset_ns),
            (2, 7 * day, 4 * day)
        );
        let asked = ask("step=60&offset=-1.5").unwrap().unwrap();
        assert_eq!((asked.length_ns, asked.offset_ns), (60_000_000_000, -1_500_000_000));
        for wrong in ["aggregate=max", "window=1m", "step=-1", "step=x", "step=inf", "offset=x"] {
            assert!(ask(wrong).is_err(), "{wrong}");
        }
        let refused = ask("aggregate=mean&window=1m").unwrap_err();
        assert!(refused.message().contains("aggregate=mean"), "{refused}");
    }
}
