//! `inspect metric`.

use super::{Options, Place, PlaceFields, Span, StartEnd, count};
use crate::cli::output::{BAD, Columns, Out};
use crate::cli::time::generated_at;
use crate::cli::{Failure, Outcome};
use nanotdb::engine::FileKind;
use nanotdb::metric_file::{FrameInfo, MetricFile};
use nanotdb_core::storage::{FileName, Storage, StorageFile};
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
    #[serde(flatten)]
    span: Span,
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
    #[serde(flatten)]
    times: StartEnd,
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
        self.span = Span::of(Some(summary.range));
        if verbose {
            self.frames_detail = Some(opened.entries().iter().map(Frame::new).collect());
            let damaged = opened.frames().find_map(Result::err);
            self.scan_error = damaged.map(|error| error.to_string());
        }
    }
}

impl Frame {
    fn new(info: &FrameInfo) -> Self {
        Self {
            index: info.index,
            metric_id: info.metric.get(),
            value_type: info.value_type.byte(),
            point_count: info.point_count,
            payload_len: info.payload_len,
            uncompressed_len: info.decoded_len,
            times: StartEnd::new(info.range),
        }
    }
}

const COLUMNS: Columns<'_> = &[
    ("file", false),
    ("version", false),
    ("bytes", true),
    ("frames", true),
    ("metrics", true),
    ("points", true),
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
    ("start (UTC)", false),
    ("duration", false),
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
            out.table(FRAME_COLUMNS, frames.iter().map(frame_row), 0)?;
        }
    }
    Ok(())
}

fn row(file: &File) -> Vec<String> {
    let numbers = [file.bytes, file.frames, file.distinct_metrics, file.points];
    let mut row = vec![file.name.clone(), format!("v{}", file.version)];
    row.extend(numbers.map(|number| number.to_string()));
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
    ];
    row.extend(super::part_cells(&frame.times));
    row
}
