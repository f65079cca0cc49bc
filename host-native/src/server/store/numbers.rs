//! Samples and windows, in columns.

use super::frame::Writer;
use super::{integer, invalid, name, range};
use crate::server::answer::{Failure, header_of};
use crate::server::app::{App, Deadline};
use crate::server::request::Params;
use crate::{Database, Lenient};
use axum::extract::State;
use axum::response::Response;
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use nanotdb_core::ValueType;
use nanotdb_core::aggregate::{Aggregate, Arithmetic};
use nanotdb_core::query::{AggregateQuery, RangeQuery};
use nanotdb_core::text::duration;
use nanotdb_core::view::{Count, type_name};
use serde::Serialize;
use std::sync::Arc;

/// Samples of one answer, all metrics together: some 24 MB.
const MAX_SAMPLES: usize = 2 << 20;

/// Numbers that windows may come to in one answer, all metrics together.
const MAX_NUMBERS: usize = 4 << 20;

/// What a header says of a metric's columns.
#[derive(Serialize)]
struct Shape<'a> {
    metric: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    value_type: Option<&'static str>,
    rows: Count,
}

/// The samples of metrics: for each the times, then the values.
pub(super) async fn query(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    let deadline = app.deadline();
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        let metrics: Vec<&str> = params.all("metric").collect();
        let query = RangeQuery { range: range(&params)?, stride: stride(&params)? };
        let reading = database.lenient();
        let found = samples(&database, &reading, &metrics, query, deadline)?;
        let shapes: Vec<Shape<'_>> = metrics.iter().zip(&found).map(Samples::shape).collect();
        let mut frame = Writer::new(&shapes)?;
        for Samples { times, raws, .. } in &found {
            frame.column(times.iter().map(|time| time.to_le_bytes()));
            frame.column(raws.iter().map(|raw| raw.to_le_bytes()));
        }
        Ok(header_of(frame.response(), &reading.damage()))
    })
    .await
}

/// The samples of one metric.
struct Samples {
    value_type: ValueType,
    times: Vec<i64>,
    raws: Vec<u32>,
}

impl Samples {
    fn shape<'a>((metric, samples): (&&'a str, &Self)) -> Shape<'a> {
        let value_type = Some(type_name(samples.value_type));
        Shape { metric, value_type, rows: samples.times.len().into() }
    }
}

fn samples(
    database: &Database,
    reading: &Lenient<'_>,
    metrics: &[&str],
    query: RangeQuery,
    deadline: Deadline,
) -> Result<Vec<Samples>, Failure> {
    // A metric without samples in the range still has its type.
    let value_type =
        |name: &str| database.metric_info(name).map_or(ValueType::F32, |metric| metric.value_type);
    let empty =
        |name: &&str| Samples { value_type: value_type(name), times: Vec::new(), raws: Vec::new() };
    let mut found: Vec<Samples> = metrics.iter().map(empty).collect();
    let (mut count, mut failed) = (0_usize, Ok(()));
    reading.visit_many(metrics, query, |metric, batch| {
        count = count.saturating_add(batch.times.len());
        failed = if count > MAX_SAMPLES {
            Err(invalid(format_args!("more than {MAX_SAMPLES} samples: ask for a shorter range")))
        } else {
            deadline.check()
        };
        if failed.is_err() {
            return ControlFlow::Break(());
        }
        if let Some(samples) = found.get_mut(metric) {
            samples.value_type = batch.value_type;
            samples.times.extend_from_slice(batch.times);
            samples.raws.extend_from_slice(batch.raws);
        }
        ControlFlow::Continue(())
    })?;
    failed.map(|()| found)
}

fn stride(params: &Params) -> Result<NonZeroUsize, Failure> {
    let stride = integer(params, "stride")?.unwrap_or(1);
    let whole = usize::try_from(stride).ok().and_then(NonZeroUsize::new);
    whole.ok_or_else(|| invalid(format_args!("stride={stride}: expected at least 1")))
}

/// The windows of metrics: for each their starts, then a column for each aggregate.
pub(super) async fn aggregate(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    let deadline = app.deadline();
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        let metrics: Vec<&str> = params.all("metric").collect();
        let aggregates: Vec<Aggregate> =
            params.all("aggregate").map(str::parse).collect::<Result<_, _>>().map_err(invalid)?;
        let query = AggregateQuery {
            range: range(&params)?,
            window_ns: window(&params)?,
            offset_ns: offset(&params)?,
            aggregates: &aggregates,
            arithmetic: Arithmetic::Exact,
        };
        let mut left = MAX_NUMBERS;
        let reading = database.lenient();
        let windows = |metric: &&str| windows(&reading, metric, &query, deadline, &mut left);
        let found: Vec<Windows> = metrics.iter().map(windows).collect::<Result<_, _>>()?;
        let shapes: Vec<Shape<'_>> = metrics.iter().zip(&found).map(Windows::shape).collect();
        let mut frame = Writer::new(&shapes)?;
        for Windows { starts, columns } in &found {
            frame.column(starts.iter().map(|start| start.to_le_bytes()));
            for column in columns {
                frame.column(column.iter().map(|value| value.to_le_bytes()));
            }
        }
        Ok(header_of(frame.response(), &reading.damage()))
    })
    .await
}

/// The windows of one metric.
struct Windows {
    starts: Vec<i64>,
    columns: Vec<Vec<f64>>,
}

impl Windows {
    fn shape<'a>((metric, windows): (&&'a str, &Self)) -> Shape<'a> {
        Shape { metric, value_type: None, rows: windows.starts.len().into() }
    }
}

fn windows(
    reading: &Lenient<'_>,
    metric: &str,
    query: &AggregateQuery<'_>,
    deadline: Deadline,
    left: &mut usize,
) -> Result<Windows, Failure> {
    let width = query.aggregates.len().saturating_add(1);
    let mut found = Windows { starts: Vec::new(), columns: vec![Vec::new(); width - 1] };
    let mut failed = Ok(());
    reading.aggregate(metric, query, |bucket| {
        if *left < width {
            let most = MAX_NUMBERS;
            failed = Err(invalid(format_args!("more than {most} values: ask for longer windows")));
        } else if found.starts.len().is_multiple_of(1024) {
            failed = deadline.check();
        }
        if failed.is_err() {
            return ControlFlow::Break(());
        }
        *left -= width;
        found.starts.push(bucket.start.0);
        for (column, &value) in found.columns.iter_mut().zip(&bucket.values) {
            column.push(value);
        }
        ControlFlow::Continue(())
    })?;
    failed.map(|()| found)
}

fn window(params: &Params) -> Result<i64, Failure> {
    span(params, "window")?.ok_or_else(|| invalid("window is required"))
}

fn offset(params: &Params) -> Result<i64, Failure> {
    Ok(span(params, "offset")?.unwrap_or(0))
}

/// A length of time: nanoseconds, or digits with a unit.
fn span(params: &Params, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = params.get(name) else { return Ok(None) };
    if let Ok(nanos) = text.parse() {
        return Ok(Some(nanos));
    }
    let parsed = duration::parse_extended(text);
    parsed
        .map(|span| Some(span.as_nanos()))
        .map_err(|error| invalid(format_args!("{name}={text}: {error}")))
}
