//! `inspect dat`.

use super::{Options, Place, PlaceFields, Span, StartEnd, count};
use crate::cli::output::{BAD, Columns, Out};
use crate::cli::time::generated_at;
use crate::cli::{Failure, Outcome};
use nanotdb::TimeRange;
use nanotdb::Timestamp;
use nanotdb::compress::CodecId;
use nanotdb::engine::{FileKind, FrameEntry, FrameIndex};
use nanotdb::report::scan_error;
use nanotdb_core::storage::{FileName, Storage, StorageFile};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    place: PlaceFields,
    files: Vec<DatFile>,
    file_count: usize,
    total_bytes: u64,
    total_frames: u64,
    total_records: u64,
    has_errors: bool,
    generated_at: String,
}

#[derive(Debug, Serialize)]
pub(super) struct DatFile {
    path: String,
    #[serde(skip)]
    name: String,
    pub(super) bytes: u64,
    pub(super) frames: u64,
    pub(super) records: u64,
    avg_frame_bytes: u64,
    min_frame_bytes: u64,
    max_frame_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<Vec<Page>>,
    #[serde(flatten)]
    pub(super) span: Span,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Page {
    index: usize,
    offset: u64,
    frame_bytes: u64,
    compressed_len: u32,
    records: u16,
    bytes_per_record: f64,
    #[serde(flatten)]
    times: StartEnd,
}

/// The headers of all raw pages.
pub(super) fn read(place: &Place, verbose: bool) -> Result<Vec<DatFile>, Failure> {
    let is_raw =
        |name: &str| matches!(FileKind::parse(name), Some((FileKind::Data | FileKind::Raw, _)));
    place.list(is_raw)?.iter().map(|name| DatFile::read(place, name, verbose)).collect()
}

pub(super) fn run(place: &Place, options: &Options, out: &mut Out) -> Outcome {
    let files = read(place, options.verbose)?;
    if !options.json {
        place.heading(out, "Data files")?;
        return Ok(show(out, &files)?);
    }
    Ok(out.json(&Report {
        place: place.fields(),
        file_count: files.len(),
        total_bytes: files.iter().map(|file| file.bytes).sum(),
        total_frames: files.iter().map(|file| file.frames).sum(),
        total_records: files.iter().map(|file| file.records).sum(),
        has_errors: files.iter().any(|file| file.scan_error.is_some()),
        files,
        generated_at: generated_at(),
    })?)
}

impl DatFile {
    fn read(place: &Place, name: &FileName, verbose: bool) -> Result<Self, Failure> {
        let file = place.files.open(name)?;
        let bytes = file.len()?;
        let mut index = FrameIndex::default();
        let partition = FileKind::parse(name.as_str()).map(|(_, partition)| partition);
        let codecs = nanotdb::codecs::native();
        if let Some(partition) = partition {
            index.walk(&file, bytes, partition, codecs.get(CodecId::S2))?;
        }
        let lens = || index.frames.iter().map(|frame| count(frame.header.frame_len()));
        let frames = count(index.frames.len());
        let pages = index.frames.iter().enumerate().map(|(number, frame)| Page::new(number, frame));
        Ok(Self {
            path: place.path(name.as_str()),
            name: name.as_str().to_string(),
            bytes,
            frames,
            records: index.record_count(),
            avg_frame_bytes: lens().sum::<u64>().checked_div(frames).unwrap_or(0),
            min_frame_bytes: lens().min().unwrap_or(0),
            max_frame_bytes: lens().max().unwrap_or(0),
            pages: verbose.then(|| pages.collect()),
            span: Span::of(index.bounds()),
            scan_error: scan_error(&index),
        })
    }
}

impl Page {
    fn new(index: usize, frame: &FrameEntry) -> Self {
        let header = &frame.header;
        let frame_bytes = u32::try_from(header.frame_len()).unwrap_or(u32::MAX);
        let range = TimeRange { from: Timestamp(header.start), to: Timestamp(header.end) };
        Self {
            index,
            offset: frame.offset,
            frame_bytes: frame_bytes.into(),
            compressed_len: header.payload_len,
            records: header.record_count,
            bytes_per_record: f64::from(frame_bytes) / f64::from(header.record_count.max(1)),
            times: StartEnd::new(range),
        }
    }
}

const COLUMNS: Columns<'_> = &[
    ("file", false),
    ("bytes", true),
    ("frames", true),
    ("records", true),
    ("avg_page", true),
    ("start (UTC)", false),
    ("duration", false),
];

const PAGE_COLUMNS: Columns<'_> = &[
    ("idx", true),
    ("offset", true),
    ("bytes", true),
    ("comp", true),
    ("recs", true),
    ("bytes/rec", true),
    ("start (UTC)", false),
    ("duration", false),
];

pub(super) fn show(out: &mut Out, files: &[DatFile]) -> io::Result<()> {
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let frames: u64 = files.iter().map(|file| file.frames).sum();
    let records: u64 = files.iter().map(|file| file.records).sum();
    writeln!(out, "files={} bytes={bytes} frames={frames} records={records}", files.len())?;
    if !files.is_empty() {
        out.table(COLUMNS, files.iter().map(row), 0)?;
    }
    for file in files {
        if let Some(error) = &file.scan_error {
            let error = out.styled(BAD, format!("{}: {error}", file.name));
            writeln!(out, "{error}")?;
        }
        if let Some(pages) = &file.pages {
            writeln!(out, "\nPages: {}", file.name)?;
            out.table(PAGE_COLUMNS, pages.iter().map(page_row), 0)?;
        }
    }
    Ok(())
}

fn row(file: &DatFile) -> Vec<String> {
    let numbers = [file.bytes, file.frames, file.records, file.avg_frame_bytes];
    let mut row = vec![file.name.clone()];
    row.extend(numbers.map(|number| number.to_string()));
    row.extend(super::span_cells(&file.span));
    row
}

fn page_row(page: &Page) -> Vec<String> {
    let mut row = vec![
        page.index.to_string(),
        page.offset.to_string(),
        page.frame_bytes.to_string(),
        page.compressed_len.to_string(),
        page.records.to_string(),
        format!("{:.2}", page.bytes_per_record),
    ];
    row.extend(super::part_cells(&page.times));
    row
}
