//! Samples as a server wants them, 5,000 to a body.

use crate::peer::Form;
use nanotdb::remote_write::{Label, NAME_LABEL, Sample, TimeSeries, WriteRequest};
use nanotdb_tests::workload::{METRICS, Point, Shape, Workload, name, write_lines};
use std::collections::BTreeMap;
use std::io::Write;

/// Samples of a body.
pub(crate) const BATCH: usize = 5000;

/// What a metric is called where dots are not allowed.
pub(crate) fn plain_name(metric: usize) -> String {
    name(metric).replace('.', "_")
}

/// So many ticks of all metrics, a tick every `step` nanoseconds from `start` on.
pub(crate) fn bodies(
    form: Form,
    start: i64,
    step: i64,
    ticks: usize,
) -> impl Iterator<Item = Result<Vec<u8>, String>> {
    let points = Workload::with(Shape::Regular, 1, start, step);
    let mut points = points.take(ticks * METRICS).peekable();
    std::iter::from_fn(move || {
        points.peek()?;
        let batch: Vec<Point> = points.by_ref().take(BATCH).collect();
        Some(body(form, &batch))
    })
}

fn body(form: Form, points: &[Point]) -> Result<Vec<u8>, String> {
    let mut text = Vec::with_capacity(points.len() * 48);
    match form {
        Form::Lines => write_lines(points.iter().copied(), &mut text),
        Form::Influx => points.iter().try_for_each(|point| {
            let value = point.value.as_f64();
            writeln!(text, "{} value={value} {}", plain_name(point.metric), point.time)
        }),
        Form::RemoteWrite => return remote_write(points),
    }
    .map_err(|error| error.to_string())?;
    Ok(text)
}

fn remote_write(points: &[Point]) -> Result<Vec<u8>, String> {
    let mut by_metric: BTreeMap<usize, Vec<Sample>> = BTreeMap::new();
    for point in points {
        let sample = Sample { value: point.value.as_f64(), timestamp: point.time / 1_000_000 };
        by_metric.entry(point.metric).or_default().push(sample);
    }
    let series = |(metric, samples): (usize, Vec<Sample>)| TimeSeries {
        labels: vec![Label::new(NAME_LABEL, plain_name(metric))],
        samples,
        ..TimeSeries::default()
    };
    let timeseries = by_metric.into_iter().map(series).collect();
    let request = WriteRequest { timeseries, ..WriteRequest::default() };
    request.encode_block().map_err(|error| error.to_string())
}
