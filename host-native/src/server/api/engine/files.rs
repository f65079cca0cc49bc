//! `GET /api/engine/files`: the files of a database, and the pages of one of them.

use super::record::{Order, Preview};
use super::summary::{Kind, sizes};
use crate::report::{Span, StartEnd, scan_error};
use crate::server::answer::{Failure, Number, success};
use crate::server::api::Found;
use crate::server::app::App;
use crate::server::request::Params;
use crate::storage::FsStorage;
use crate::{Database, codecs};
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::compress::CodecId;
use nanotdb_core::engine::{FileKind, FrameEntry, FrameIndex, Host, WalInspect};
use nanotdb_core::metric_file::MetricFile;
use nanotdb_core::partition::Partition;
use nanotdb_core::storage::{FileName, Storage};
use nanotdb_core::{Error, TimeRange, Timestamp};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

#[derive(Serialize)]
struct Files {
    database: String,
    data: Vec<Data>,
    metric: Vec<Metric>,
    wal: Vec<Log>,
    record_preview: Preview,
}

#[derive(Serialize)]
struct Data {
    path: String,
    part: String,
    active: bool,
    bytes: u64,
    frames: usize,
    records: u64,
    #[serde(flatten)]
    span: Span,
    pages: Option<Vec<Page>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_error: Option<String>,
}

#[derive(Serialize)]
struct Page {
    index: usize,
    offset: u64,
    frame_bytes: u64,
    compressed_len: u32,
    uncompressed_len: usize,
    records: u16,
    #[serde(flatten)]
    times: StartEnd,
    duration_ns: i64,
    avg_disk_bytes_per_point: Number,
}

#[derive(Serialize)]
struct Metric {
    path: String,
    part: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u16>,
    frames: usize,
    distinct_metrics: usize,
    points: u64,
    avg_payload_bytes: u64,
    #[serde(flatten)]
    span: Span,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_error: Option<String>,
}

#[derive(Serialize)]
struct Log {
    path: String,
    bytes: u64,
    records: usize,
    decoded_bytes: u64,
    #[serde(flatten)]
    span: Span,
    has_tail: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_error: Option<String>,
}

/// Where the files of a request are.
struct Place<'a> {
    directory: &'a Path,
    files: FsStorage,
    /// Partitions with samples in memory.
    active: Vec<String>,
}

pub(super) async fn files(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = app.engine.database(params.required("db")?)?;
        let result = read(app, &database, params.get("data_file"))?;
        Ok(success(Found { result, result_type: "engine_files" }))
    })
    .await
}

fn read(app: &App, database: &Database, selected: Option<&str>) -> Result<Files, Failure> {
    let name = database.name();
    let files = app.engine.host().database(name, false).map_err(Error::from)?;
    let directory = app.engine.host().root_directory().path().join(name);
    let open = database.inspect().open_pages;
    let active = open.into_iter().map(|page| page.partition).collect();
    let place = Place { directory: &directory, files, active };
    let log = database.inspect_wal()?;
    let (mut data, mut metric, mut wal) = (Vec::new(), Vec::new(), Vec::new());
    for (name, bytes) in sizes(app, name)? {
        match Kind::of(name.as_str()) {
            Some(Kind::Part(FileKind::Metric)) => metric.push(Metric::read(&place, &name, bytes)),
            Some(Kind::Part(_)) => {
                let path = place.path(&name);
                let detailed = selected.map_or(data.is_empty(), |selected| selected == path);
                data.push(Data::read(&place, &name, bytes, detailed));
            }
            Some(Kind::Log) => {
                let late = name.as_str().strip_suffix(".late.wal") == Some(database.name());
                wal.push(Log::of(place.path(&name), &log, late));
            }
            None => {}
        }
    }
    if let Some(selected) = selected.filter(|_| !data.iter().any(|file| file.pages.is_some())) {
        return Err(Failure::not_found(format_args!("data_file={selected}: no such file")));
    }
    let record_preview = Preview::of(log, Order::Time);
    Ok(Files { database: name.to_owned(), data, metric, wal, record_preview })
}

impl Place<'_> {
    fn path(&self, name: &FileName) -> String {
        self.directory.join(name.as_str()).display().to_string()
    }
}

fn partition(name: &FileName) -> Option<Partition> {
    FileKind::parse(name.as_str()).map(|(_, partition)| partition)
}

impl Data {
    fn read(place: &Place<'_>, name: &FileName, bytes: u64, detailed: bool) -> Self {
        let mut index = FrameIndex::default();
        let part = partition(name);
        let walked = part.map_or(Ok(()), |partition| {
            let file = place.files.open(name)?;
            index.walk(&file, bytes, partition, codecs::native().get(CodecId::S2))
        });
        let part = part.map(|partition| partition.to_string()).unwrap_or_default();
        let pages = || index.frames.iter().enumerate().map(Page::of).collect();
        Self {
            path: place.path(name),
            active: place.active.contains(&part),
            part,
            bytes,
            frames: index.frames.len(),
            records: index.record_count(),
            span: Span::of(index.bounds()),
            pages: detailed.then(pages),
            scan_error: walked.err().map(|error| error.to_string()).or_else(|| scan_error(&index)),
        }
    }
}

impl Page {
    fn of((index, frame): (usize, &FrameEntry)) -> Self {
        let header = &frame.header;
        let frame_bytes = u32::try_from(header.frame_len()).unwrap_or(u32::MAX);
        let range = TimeRange { from: Timestamp(header.start), to: Timestamp(header.end) };
        let per_point = f64::from(frame_bytes) / f64::from(header.record_count.max(1));
        Self {
            index,
            offset: frame.offset,
            frame_bytes: frame_bytes.into(),
            compressed_len: header.payload_len,
            uncompressed_len: header.decoded_len(),
            records: header.record_count,
            times: StartEnd::new(range),
            duration_ns: header.end.saturating_sub(header.start),
            avg_disk_bytes_per_point: Number(per_point),
        }
    }
}

impl Metric {
    fn read(place: &Place<'_>, name: &FileName, bytes: u64) -> Self {
        let mut metric = Self {
            path: place.path(name),
            part: partition(name).map(|partition| partition.to_string()).unwrap_or_default(),
            bytes,
            version: None,
            frames: 0,
            distinct_metrics: 0,
            points: 0,
            avg_payload_bytes: 0,
            span: Span::default(),
            scan_error: None,
        };
        let opened = place.files.open(name).map_err(Error::from);
        match opened.and_then(|file| MetricFile::open(file, name.as_str(), &codecs::native())) {
            Ok(file) => {
                let summary = file.summary();
                let payload: u64 = file.entries().iter().map(|e| u64::from(e.payload_len)).sum();
                metric.version = Some(summary.version.number());
                metric.frames = summary.frames;
                metric.distinct_metrics = summary.metrics;
                metric.points = summary.points;
                let frames = u64::try_from(summary.frames).unwrap_or(u64::MAX);
                metric.avg_payload_bytes = payload.checked_div(frames).unwrap_or(0);
                metric.span = Span::of(Some(summary.range));
            }
            Err(error) => metric.scan_error = Some(error.to_string()),
        }
        metric
    }
}

impl Log {
    fn of(path: String, log: &WalInspect, late: bool) -> Self {
        let records = || log.records.iter().filter(|record| record.late == late);
        let times = || records().map(|record| record.time);
        let range =
            times().min().zip(times().max()).and_then(|(from, to)| TimeRange::new(from, to));
        Self {
            path,
            bytes: if late { log.late_bytes } else { log.bytes - log.late_bytes },
            records: records().count(),
            decoded_bytes: records().map(|record| record.len).sum(),
            span: Span::of(range),
            // What a torn end held was cut when the database was opened.
            has_tail: false,
            scan_error: log.problems.first().cloned(),
        }
    }
}
