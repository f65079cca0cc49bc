//! `query`: newest values, ranges, aggregates.

mod aggregate;

use super::args::{self, DatabaseArg, Format, MetricArgs, Offset, RangeArgs};
use super::chart::{self, Line};
use super::output::{Columns, Number, Out, StreamedTable, terminal_width, value_text};
use super::time::{Moment, Window, short};
use super::{Failure, Outcome, damage, open_to_read, select};
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use nanotdb::aggregate::Aggregate;
use nanotdb::query::{MetricInfo, RangeQuery};
use nanotdb::text::line::format_line;
use nanotdb::{Database, Lenient, Sample, TimeRange, Timestamp, Value};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

/// Points of one line in a chart; of more, every n-th is drawn.
const CHART_POINTS: usize = 20_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without times, the newest value of each metric. With --from or --to, every sample between them.
With --aggregate and --window, one row for each window that has samples.")]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    #[command(flatten)]
    metrics: MetricArgs,
    #[command(flatten)]
    range: RangeArgs,
    /// Only every N-th sample of each metric
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "aggregates")]
    stride: NonZeroUsize,
    /// What to compute, like min,avg,max: also sum, count, median, p50, p95, p99, `trimmed_avg`
    #[arg(
        long = "aggregate",
        short,
        value_name = "LIST",
        value_delimiter = ',',
        requires = "window"
    )]
    aggregates: Vec<Aggregate>,
    /// Length of a window, like 5m, 1h, 1d
    #[arg(long, short, value_name = "DURATION", value_parser = args::window, requires = "aggregates")]
    window: Option<Window>,
    /// How long after multiples of their length since 1970 windows begin, like 30m; weeks begin on
    /// Thursdays, and with 4d on Mondays
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = args::offset,
        requires = "window",
        allow_hyphen_values = true,
        default_value = "0"
    )]
    offset: Offset,
    /// How rows are written
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// The same as --format json
    #[arg(long)]
    json: bool,
    /// Draw a chart instead of a table
    #[arg(long, conflicts_with_all = ["format", "json"])]
    chart: bool,
}

/// What is asked of the database, in the order of what the options leave out.
#[derive(Debug, Clone, Copy)]
enum Question {
    Newest,
    Range(RangeQuery),
    Windows(TimeRange, Window),
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    database: String,
    metric_regex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_ns: Option<i64>,
    output_format: &'static str,
    rows: Vec<Row>,
    row_count: usize,
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    duration_ms: u128,
}

#[derive(Debug, Serialize)]
struct Row {
    metric: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    window: Option<aggregate::WindowFields>,
    timestamp_ns: i64,
    timestamp_utc: String,
    value_type: &'static str,
    value: Number,
}

impl Row {
    fn of(metric: &MetricInfo, sample: Sample) -> Self {
        Self {
            metric: metric.name.clone(),
            window: None,
            timestamp_ns: sample.time.0,
            timestamp_utc: sample.time.to_string(),
            value_type: sample.value.value_type().name(),
            value: sample.value.into(),
        }
    }
}

/// One run of the command.
struct Query<'a> {
    database: &'a Database,
    reading: &'a Lenient<'a>,
    metrics: Vec<MetricInfo>,
    question: Question,
    options: &'a Options,
    out: &'a mut Out,
    started: Instant,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_read(root)?;
    let database = select::database(&store, options.database.database.as_deref())?;
    let metrics = select::metrics(&database, &options.metrics)?;
    let question = question(options, store.now())?;
    let reading = &database.lenient();
    let mut query =
        Query { database: &database, reading, metrics, question, options, out, started };
    match options.format {
        _ if options.json => query.json(root),
        Format::Json => query.json(root),
        Format::Table if options.chart => query.chart(),
        Format::Table => query.table(),
        Format::Csv => query.csv(),
        Format::Lp => query.lines(),
    }?;
    damage::tell(&reading.damage())
}

fn question(options: &Options, now: Timestamp) -> Result<Question, Failure> {
    if let Some(window) = options.window {
        // The start of the first window: without --from, everything there is.
        let range = options.range.resolve(now, Timestamp::MIN, now)?;
        return Ok(Question::Windows(range, window));
    }
    // A chart of newest values would be a dot.
    if options.range.is_open() && options.stride.get() == 1 && !options.chart {
        return Ok(Question::Newest);
    }
    let range = options.range.resolve(now, Timestamp::MIN, now)?;
    Ok(Question::Range(RangeQuery { range, stride: options.stride }))
}

impl Query<'_> {
    /// Visits samples, metric by metric.
    fn samples(
        &mut self,
        mut visit: impl FnMut(&mut Out, &MetricInfo, Sample) -> io::Result<()>,
    ) -> Outcome {
        for metric in &self.metrics {
            match self.question {
                Question::Newest => {
                    if let Some(sample) = self.reading.last(&metric.name)? {
                        visit(self.out, metric, sample)?;
                    }
                }
                Question::Range(range) => {
                    let mut failed = None;
                    self.reading.visit_range(&metric.name, range, |batch| {
                        let mut samples =
                            batch.times.iter().zip(batch.raws).map(|(&time, &raw)| {
                                let value = Value::from_raw(batch.value_type, raw);
                                Sample { time: Timestamp(time), value }
                            });
                        match samples.try_for_each(|sample| visit(self.out, metric, sample)) {
                            Ok(()) => ControlFlow::Continue(()),
                            Err(error) => {
                                failed = Some(error);
                                ControlFlow::Break(())
                            }
                        }
                    })?;
                    failed.map_or(Ok(()), Err)?;
                }
                Question::Windows(..) => {}
            }
        }
        Ok(())
    }

    fn table(&mut self) -> Outcome {
        const COLUMNS: Columns<'_> = &[("metric", false), ("time (UTC)", false), ("value", true)];
        if matches!(self.question, Question::Windows(..)) {
            return self.window_table();
        }
        let mut table = StreamedTable::new(COLUMNS, vec![self.name_width(), 23, 12]);
        let mut count = 0_u64;
        self.samples(|out, metric, sample| {
            count += 1;
            let row = vec![metric.name.clone(), short(sample.time), value_text(sample.value)];
            table.row(out, row)
        })?;
        table.flush(self.out)?;
        self.finish_table(count)
    }

    /// The line under a table.
    fn finish_table(&mut self, rows: u64) -> Outcome {
        let millis = self.started.elapsed().as_millis();
        if self.metrics.is_empty() {
            let (asked, database) = (&self.options.metrics.metric, self.database.name());
            writeln!(self.out, "no metric of {database} is called like {asked:?}")?;
        }
        writeln!(self.out, "rows={rows} duration_ms={millis}")?;
        Ok(())
    }

    /// Columns that the longest name takes.
    fn name_width(&self) -> u16 {
        let widths = self.metrics.iter().map(|metric| console::measure_text_width(&metric.name));
        u16::try_from(widths.max().unwrap_or(0).max("metric".len())).unwrap_or(u16::MAX)
    }

    fn csv(&mut self) -> Outcome {
        if matches!(self.question, Question::Windows(..)) {
            return self.window_csv();
        }
        writeln!(self.out, "metric,timestamp_ns,timestamp_utc,value_type,value")?;
        self.samples(|out, metric, sample| {
            let (name, time, value) = (csv_field(&metric.name), sample.time, sample.value);
            let (value_type, text) = (value.value_type(), value_text(value));
            writeln!(out, "{name},{},{time},{value_type},{text}", time.0)
        })
    }

    fn lines(&mut self) -> Outcome {
        if matches!(self.question, Question::Windows(..)) {
            return Err(Failure::usage("--format lp writes samples, aggregates are none"));
        }
        let database = self.database.name();
        let mut line = Vec::new();
        self.samples(|out, metric, sample| {
            line.clear();
            format_line(&mut line, database, &metric.name, sample.value, sample.time);
            line.push(b'\n');
            out.write_all(&line)
        })
    }

    fn json(&mut self, root: &Path) -> Outcome {
        let mut rows = Vec::new();
        let range = match self.question {
            Question::Newest => None,
            Question::Range(query) => Some(query.range),
            Question::Windows(range, window) => {
                rows = self.window_rows(range, window)?;
                Some(range)
            }
        };
        self.samples(|_, metric, sample| {
            rows.push(Row::of(metric, sample));
            Ok(())
        })?;
        let asked = |end: Option<Moment>, value: i64| end.map(|_| value);
        let report = Report {
            root_dir: root.display().to_string(),
            database: self.database.name().to_string(),
            metric_regex: self.options.metrics.metric.clone(),
            start_ns: range.and_then(|range| asked(self.options.range.from, range.from.0)),
            end_ns: range.and_then(|range| asked(self.options.range.to, range.to.0)),
            output_format: Format::Json.name(),
            row_count: rows.len(),
            rows,
            warnings: self.reading.damage().iter().map(ToString::to_string).collect(),
            duration_ms: self.started.elapsed().as_millis(),
        };
        Ok(self.out.json(&report)?)
    }

    fn chart(&mut self) -> Outcome {
        if let Question::Windows(range, window) = self.question {
            return self.window_chart(range, window);
        }
        let mut lines: Vec<Line> = Vec::new();
        self.samples(|_, metric, sample| {
            if lines.last().is_none_or(|line| line.name != metric.name) {
                lines.push(Line { name: metric.name.clone(), points: Vec::new() });
            }
            if let Some(line) = lines.last_mut() {
                line.points.push((sample.time, sample.value.as_f64()));
            }
            Ok(())
        })?;
        for line in &mut lines {
            let step = line.points.len().div_ceil(CHART_POINTS).max(1);
            line.points = line.points.iter().copied().step_by(step).collect();
        }
        Ok(chart::draw(self.out, &lines, terminal_width().min(120))?)
    }
}

/// A field of a CSV row, quoted where it must be.
fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}
