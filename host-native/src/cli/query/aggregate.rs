//! Aggregates over windows, in every format.

use super::{Query, Question, Row, csv_field};
use crate::cli::chart::{self, Line};
use crate::cli::output::{Number, Out, StreamedTable, exact_text, number_text, terminal_width};
use crate::cli::time::{Window, short};
use crate::cli::{Failure, Outcome};
use core::ops::ControlFlow;
use nanotdb::TimeRange;
use nanotdb::aggregate::{Aggregate, Arithmetic, Bucket};
use nanotdb::query::{AggregateQuery, MetricInfo};
use nanotdb::text::duration::Duration;
use serde::Serialize;
use std::io::{self, Write};

/// What a row of an aggregate says besides.
#[derive(Debug, Serialize)]
pub(super) struct WindowFields {
    aggregate: &'static str,
    window: String,
    start_ns: i64,
    start_utc: String,
    end_ns: i64,
    end_utc: String,
}

impl Query<'_> {
    /// What is computed, each once.
    fn aggregates(&self) -> Vec<Aggregate> {
        let mut found = Vec::new();
        for &aggregate in &self.options.aggregates {
            if !found.contains(&aggregate) {
                found.push(aggregate);
            }
        }
        found
    }

    /// Visits windows, metric by metric.
    fn windows(
        &mut self,
        range: TimeRange,
        window: Window,
        mut visit: impl FnMut(&mut Out, &MetricInfo, &Bucket) -> io::Result<()>,
    ) -> Outcome {
        let aggregates = self.aggregates();
        let query = AggregateQuery {
            range,
            window_ns: window.0,
            offset_ns: self.options.offset.0,
            aggregates: &aggregates,
            arithmetic: Arithmetic::Exact,
        };
        for metric in &self.metrics {
            let mut failed = None;
            self.reading.aggregate(&metric.name, &query, |bucket| {
                match visit(self.out, metric, bucket) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })?;
            failed.map_or(Ok(()), |error| Err(Failure::from(error)))?;
        }
        Ok(())
    }

    fn asked(&self) -> Option<(TimeRange, Window)> {
        match self.question {
            Question::Windows(range, window) => Some((range, window)),
            _ => None,
        }
    }

    pub(super) fn window_table(&mut self) -> Outcome {
        let Some((range, window)) = self.asked() else { return Ok(()) };
        let aggregates = self.aggregates();
        let mut columns = vec![("metric", false), ("window from (UTC)", false)];
        columns.extend(aggregates.iter().map(|aggregate| (aggregate.name(), true)));
        let mut widths = vec![self.name_width(), 23];
        widths.resize(columns.len(), 12);
        let mut table = StreamedTable::new(&columns, widths);
        let mut count = 0;
        self.windows(range, window, |out, metric, bucket| {
            count += 1;
            let mut row = vec![metric.name.clone(), short(bucket.start)];
            row.extend(bucket.values.iter().map(|value| number_text(*value)));
            table.row(out, row)
        })?;
        table.flush(self.out)?;
        self.finish_table(count)
    }

    pub(super) fn window_csv(&mut self) -> Outcome {
        let Some((range, window)) = self.asked() else { return Ok(()) };
        let names: Vec<&str> = self.aggregates().iter().map(|aggregate| aggregate.name()).collect();
        writeln!(self.out, "metric,start_ns,start_utc,end_ns,end_utc,{}", names.join(","))?;
        self.windows(range, window, |out, metric, bucket| {
            let (start, end) = (bucket.start, bucket.end);
            write!(out, "{},{},{start},{},{end}", csv_field(&metric.name), start.0, end.0)?;
            bucket.values.iter().try_for_each(|value| write!(out, ",{}", exact_text(*value)))?;
            writeln!(out)
        })
    }

    /// One row for each aggregate of each window, by metric, aggregate and time, as the
    /// reference has them.
    pub(super) fn window_rows(
        &mut self,
        range: TimeRange,
        window: Window,
    ) -> Result<Vec<Row>, Failure> {
        let names = self.aggregates();
        let mut rows = Vec::new();
        self.windows(range, window, |_, metric, bucket| {
            for (aggregate, &value) in names.iter().zip(&bucket.values) {
                rows.push(Row {
                    metric: metric.name.clone(),
                    window: Some(WindowFields::new(*aggregate, window, bucket)),
                    timestamp_ns: bucket.end.0,
                    timestamp_utc: bucket.end.to_string(),
                    value_type: "float64",
                    value: Number::F64(value),
                });
            }
            Ok(())
        })?;
        let name = |row: &Row| row.window.as_ref().map(|window| window.aggregate);
        rows.sort_by(|a, b| a.metric.cmp(&b.metric).then_with(|| name(a).cmp(&name(b))));
        Ok(rows)
    }

    pub(super) fn window_chart(&mut self, range: TimeRange, window: Window) -> Outcome {
        let names: Vec<&str> = self.aggregates().iter().map(|aggregate| aggregate.name()).collect();
        let mut charts: Vec<(String, Vec<Line>)> = Vec::new();
        self.windows(range, window, |_, metric, bucket| {
            if charts.last().is_none_or(|(name, _)| *name != metric.name) {
                let line = |name: &&str| Line { name: (*name).to_string(), points: Vec::new() };
                charts.push((metric.name.clone(), names.iter().map(line).collect()));
            }
            let lines = charts.last_mut().map(|(_, lines)| lines.iter_mut());
            for (line, &value) in lines.into_iter().flatten().zip(&bucket.values) {
                line.points.push((bucket.start, value));
            }
            Ok(())
        })?;
        for (name, lines) in &charts {
            let title = format!("{name}, windows of {}", Duration(window.0));
            self.out.heading(&title)?;
            chart::draw(self.out, lines, terminal_width().min(120))?;
        }
        if charts.is_empty() {
            writeln!(self.out, "nothing to draw")?;
        }
        Ok(())
    }
}

impl WindowFields {
    fn new(aggregate: Aggregate, window: Window, bucket: &Bucket) -> Self {
        Self {
            aggregate: aggregate.name(),
            window: Duration(window.0).to_string(),
            start_ns: bucket.start.0,
            start_utc: bucket.start.to_string(),
            end_ns: bucket.end.0,
            end_utc: bucket.end.to_string(),
        }
    }
}
