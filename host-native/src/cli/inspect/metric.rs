//! `inspect metric`.

use super::{Options, Place, PlaceFields, Span, StartEnd, count};
use crate::cli::output::{BAD, Columns, Out};
use crate::cli::time::generated_at;
use crate::cli::{Failure, Outcome};
use nanotdb::engine::FileKind;
use nanotdb::metric_file::{FrameInfo, MetricFile};
use nanotdb_core::storage::{FileName, Storage, StorageFile};
use nanotdb_core::view::ColumnInfo;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    place: PlaceFields,
    files: Vec<File>,
    file_count: usize,
    total_bytes: u64,
    total_frames: u64,
    total_metrics: u64,
    total_points: u64,
    has_errors: bool,
    generated_at: String,
}

#[derive(Debug, Default, Serialize)]
struct File {
    path: String,
    #[serde(skip)]
    name: String,
    bytes: u64,
    version: u16,
    time_frames: u64,
    frames: u64,
    distinct_metrics: u64,
    points: u64,
    avg_payload_bytes: u64,
    bytes_per_point: f64,
    #[serde(flatten)]
    span: Span,
    /// How the shared times are encoded; of version 3 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    times_detail: Option<Vec<Column>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames_detail: Option<Vec<Frame>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Frame {
    index: usize,
    metric_id: u16,
    value_type: u8,
    point_count: u32,
    payload_len: u32,
    uncompressed_len: u32,
    /// Bytes of the frame's payload; of version 3 with what describes it and its statistics.
    bytes_per_point: f64,
    #[serde(flatten)]
    times: StartEnd,
    /// How the values are encoded; of version 3 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Column>,
}

/// As [`ColumnInfo`], named and counted as the reference does.
#[derive(Debug, Serialize)]
struct Column {
    text: String,
    numbers: String,
    divisor: u64,
    delta: u64,
    body: &'static str,
    point_count: u64,
    bytes: u64,
    front_bytes: u64,
    body_bytes: u64,
    statistics_bytes: u64,
    spans: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_ns: Option<i64>,
}

impl From<ColumnInfo> for Column {
    fn from(column: ColumnInfo) -> Self {
        Self {
            bytes: column.bytes().0,
            text: column.text,
            numbers: column.numbers,
            divisor: column.divisor.0,
            delta: column.delta.0,
            body: column.body,
            point_count: column.samples.0,
            front_bytes: column.front_bytes.0,
            body_bytes: column.body_bytes.0,
            statistics_bytes: column.statistics_bytes.0,
            spans: column.spans.0,
            span_ns: column.span_ns,
        }
    }
}

pub(super) fn run(place: &Place, options: &Options, out: &mut Out) -> Outcome {
    let is_metric = |name: &str| matches!(FileKind::parse(name), Some((FileKind::Metric, _)));
    let names = place.list(is_metric)?;
    let files: Vec<File> = names
        .iter()
        .map(|name| File::read(place, name, options.verbose))
        .collect::<Result<_, _>>()?;
    if !options.json {
        place.heading(out, "Metric files")?;
        return Ok(show(out, &files)?);
    }
    Ok(out.json(&Report {
        place: place.fields(),
        file_count: files.len(),
        total_bytes: files.iter().map(|file| file.bytes).sum(),
        total_frames: files.iter().map(|file| file.frames).sum(),
        total_metrics: files.iter().map(|file| file.distinct_metrics).sum(),
        total_points: files.iter().map(|file| file.points).sum(),
        has_errors: files.iter().any(|file| file.scan_error.is_some()),
        files,
        generated_at: generated_at(),
    })?)
}

impl File {
    fn read(place: &Place, name: &FileName, verbose: bool) -> Result<Self, Failure> {
        let opened = place.files.open(name)?;
        let mut file = Self {
            path: place.path(name.as_str()),
            name: name.as_str().to_string(),
            bytes: opened.len()?,
            ..Self::default()
        };
        match MetricFile::open(opened, name.as_str(), &nanotdb::codecs::native()) {
            Ok(opened) => file.describe(&opened, verbose),
            Err(error) => file.scan_error = Some(error.to_string()),
        }
        Ok(file)
    }

    fn describe<F: StorageFile>(&mut self, opened: &MetricFile<F>, verbose: bool) {
        let summary = opened.summary();
        let payload: u64 = opened.entries().iter().map(|e| u64::from(e.payload_len)).sum();
        self.version = summary.version.number();
        self.time_frames = count(summary.time_frames);
        self.frames = count(summary.frames);
        self.distinct_metrics = count(summary.metrics);
        self.points = summary.points;
        self.avg_payload_bytes = payload.checked_div(self.frames).unwrap_or(0);
        self.bytes_per_point = per_point(self.bytes, self.points);
        self.span = Span::of(Some(summary.range));
        if verbose {
            let frames = opened.entries().iter();
            self.frames_detail = Some(frames.map(|info| Frame::new(opened, info)).collect());
            // Where this cannot be read, the walk below says so.
            let times = ColumnInfo::of_times(opened).ok().filter(|times| !times.is_empty());
            self.times_detail = times.map(|times| times.into_iter().map(Column::from).collect());
            let damaged = opened.frames().find_map(Result::err);
            self.scan_error = damaged.map(|error| error.to_string());
        }
    }
}

impl Frame {
    fn new<F: StorageFile>(file: &MetricFile<F>, info: &FrameInfo) -> Self {
        let encoding = ColumnInfo::of_values(file, info).unwrap_or_default().map(Column::from);
        let bytes = encoding.as_ref().map_or(info.payload_len.into(), |column| column.bytes);
        Self {
            index: info.index,
            metric_id: info.metric.get(),
            value_type: info.value_type.byte(),
            point_count: info.point_count,
            payload_len: info.payload_len,
            uncompressed_len: info.decoded_len,
            bytes_per_point: per_point(bytes, info.point_count.into()),
            encoding,
            times: StartEnd::new(info.range),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
fn per_point(bytes: u64, points: u64) -> f64 {
    if points == 0 { 0.0 } else { bytes as f64 / points as f64 }
}

const COLUMNS: Columns<'_> = &[
    ("file", false),
    ("version", false),
    ("bytes", true),
    ("frames", true),
    ("metrics", true),
    ("points", true),
    ("bytes/point", true),
    ("start (UTC)", false),
    ("duration", false),
];

const FRAME_COLUMNS: Columns<'_> = &[
    ("idx", true),
    ("metric", true),
    ("type", true),
    ("points", true),
    ("payload", true),
    ("decoded", true),
    ("bytes/point", true),
    ("start (UTC)", false),
    ("duration", false),
];

/// Those of version 3.
const COLUMN_COLUMNS: Columns<'_> = &[
    ("idx", true),
    ("metric", true),
    ("type", true),
    ("points", true),
    ("bytes", true),
    ("bytes/point", true),
    ("encoding", false),
    ("spans", true),
    ("start (UTC)", false),
    ("duration", false),
];

const TIMES_COLUMNS: Columns<'_> = &[
    ("times", true),
    ("points", true),
    ("bytes", true),
    ("bytes/point", true),
    ("encoding", false),
];

fn show(out: &mut Out, files: &[File]) -> io::Result<()> {
    let sum = |of: fn(&File) -> u64| files.iter().map(of).sum::<u64>();
    let (bytes, frames, points) = (sum(|f| f.bytes), sum(|f| f.frames), sum(|f| f.points));
    writeln!(out, "files={} bytes={bytes} frames={frames} points={points}", files.len())?;
    if !files.is_empty() {
        out.table(COLUMNS, files.iter().map(row), 0)?;
    }
    for file in files {
        if let Some(error) = &file.scan_error {
            let error = out.styled(BAD, format!("{}: {error}", file.name));
            writeln!(out, "{error}")?;
        }
        if let Some(frames) = &file.frames_detail {
            writeln!(out, "\nFrames: {} ({} shared time vectors)", file.name, file.time_frames)?;
            match &file.times_detail {
                None => out.table(FRAME_COLUMNS, frames.iter().map(frame_row), 0)?,
                Some(times) => {
                    out.table(COLUMN_COLUMNS, frames.iter().map(column_row), 0)?;
                    out.table(TIMES_COLUMNS, times.iter().zip(1..).map(times_row), 0)?;
                }
            }
        }
    }
    Ok(())
}

fn row(file: &File) -> Vec<String> {
    let numbers = [file.bytes, file.frames, file.distinct_metrics, file.points];
    let mut row = vec![file.name.clone(), format!("v{}", file.version)];
    row.extend(numbers.map(|number| number.to_string()));
    row.push(decimals(file.bytes_per_point));
    row.extend(super::span_cells(&file.span));
    row
}

fn frame_row(frame: &Frame) -> Vec<String> {
    let mut row = vec![
        frame.index.to_string(),
        frame.metric_id.to_string(),
        frame.value_type.to_string(),
        frame.point_count.to_string(),
        frame.payload_len.to_string(),
        frame.uncompressed_len.to_string(),
        decimals(frame.bytes_per_point),
    ];
    row.extend(super::part_cells(&frame.times));
    row
}

fn column_row(frame: &Frame) -> Vec<String> {
    let of = |what: fn(&Column) -> String| frame.encoding.as_ref().map_or_else(String::new, what);
    let mut row = vec![
        frame.index.to_string(),
        frame.metric_id.to_string(),
        frame.value_type.to_string(),
        frame.point_count.to_string(),
        of(|column| column.bytes.to_string()),
        decimals(frame.bytes_per_point),
        of(|column| column.text.clone()),
        of(|column| column.spans.to_string()),
    ];
    row.extend(super::part_cells(&frame.times));
    row
}

fn times_row((column, id): (&Column, u32)) -> Vec<String> {
    vec![
        id.to_string(),
        column.point_count.to_string(),
        column.bytes.to_string(),
        decimals(per_point(column.bytes, column.point_count)),
        column.text.clone(),
    ]
}

fn decimals(number: f64) -> String {
    format!("{number:.3}")
}
