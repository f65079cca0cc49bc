//! `inspect wal`.

use super::catalog;
use super::{Options, Place, PlaceFields, Span, count};
use crate::cli::output::{BAD, Columns, Number, Out, value_text};
use crate::cli::time::{generated_at, short};
use crate::cli::{Failure, Outcome};
use nanotdb::wal::{Item, Record, Records};
use nanotdb::{TimeRange, Timestamp, Value, ValueType};
use nanotdb_core::storage::Storage;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    place: PlaceFields,
    files: Vec<WalFile>,
    file_count: usize,
    total_bytes: u64,
    total_records: u64,
    has_tail: bool,
    has_errors: bool,
    generated_at: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct WalFile {
    path: String,
    #[serde(skip)]
    name: String,
    pub(super) bytes: u64,
    pub(super) records: u64,
    decoded_bytes: u64,
    #[serde(flatten)]
    span: Span,
    pub(super) has_tail: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tail_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<String>,
    /// Damaged stretches between records, which the reference cannot see behind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damage: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_detail: Option<Vec<Detail>>,
}

#[derive(Debug, Serialize)]
struct Detail {
    index: u64,
    offset: u64,
    record_bytes: u64,
    metric_id: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_name: Option<String>,
    timestamp_ns: i64,
    timestamp_utc: String,
    value_type: &'static str,
    value: Number,
    #[serde(skip)]
    shown: String,
}

/// Names and types of metrics, as far as catalog and log tell.
#[derive(Debug, Default)]
struct Known(BTreeMap<u16, (String, Option<ValueType>)>);

impl Known {
    fn of(place: &Place) -> Result<Self, Failure> {
        let records = catalog::read(place)?.and_then(Result::ok).unwrap_or_default();
        let entry =
            |r: nanotdb_core::catalog::file::Record| (r.id.get(), (r.name, Some(r.value_type)));
        Ok(Self(records.into_iter().map(entry).collect()))
    }

    fn learn(&mut self, record: &Record<'_>) {
        if let Some(introduced) = record.introduces {
            let name = String::from_utf8_lossy(introduced.name).into_owned();
            self.0.entry(record.id).or_insert((name, introduced.value_type));
        }
    }
}

pub(super) fn read(place: &Place, verbose: bool) -> Result<Vec<WalFile>, Failure> {
    let mut known = Known::of(place)?;
    let is_log = |name: &str| Path::new(name).extension().is_some_and(|end| end == "wal");
    let names = place.list(is_log)?;
    let read = |name: &nanotdb_core::storage::FileName| {
        let bytes = place.files.read(name)?.unwrap_or_default();
        let name = name.as_str();
        Ok(WalFile::new(place.path(name), name, &bytes, &mut known, verbose))
    };
    names.iter().map(read).collect()
}

pub(super) fn run(place: &Place, options: &Options, out: &mut Out) -> Outcome {
    let files = read(place, options.verbose)?;
    if !options.json {
        place.heading(out, "Log")?;
        return Ok(show(out, &files)?);
    }
    Ok(out.json(&Report {
        place: place.fields(),
        file_count: files.len(),
        total_bytes: files.iter().map(|file| file.bytes).sum(),
        total_records: files.iter().map(|file| file.records).sum(),
        has_tail: files.iter().any(|file| file.has_tail),
        has_errors: files.iter().any(|file| !file.damage.is_empty()),
        files,
        generated_at: generated_at(),
    })?)
}

impl WalFile {
    fn new(path: String, name: &str, bytes: &[u8], known: &mut Known, verbose: bool) -> Self {
        let mut file =
            Self { path, name: name.to_string(), bytes: count(bytes.len()), ..Self::default() };
        let mut range: Option<TimeRange> = None;
        let mut details = Vec::new();
        let mut records = Records::new(bytes);
        for (offset, item) in records.by_ref() {
            match item {
                Item::Record(record, len) => {
                    known.learn(&record);
                    let time = Timestamp(record.time);
                    range = Some(range.map_or(TimeRange { from: time, to: time }, |range| {
                        TimeRange { from: range.from.min(time), to: range.to.max(time) }
                    }));
                    if verbose {
                        details.push(Detail::new(file.records, (offset, len), &record, known));
                    }
                    file.records += 1;
                    file.decoded_bytes += count(len);
                }
                Item::Damage(len, error) => {
                    file.damage.push(format!("byte {offset}: {len} bytes skipped: {error}"));
                }
            }
        }
        // Zeros behind the last record are room that a writer has reserved, not a torn record.
        let torn = |at: usize| bytes.get(at..).is_some_and(|rest| rest.iter().any(|&b| b != 0));
        if let Some(tail) = records.tail().filter(|tail| torn(tail.offset)) {
            file.has_tail = true;
            file.tail_bytes = Some(count(tail.len));
            file.stop_offset = Some(count(tail.offset));
            file.stop_reason = Some(tail.reason.to_string());
        }
        file.span = Span::of(range);
        file.records_detail = verbose.then_some(details);
        file
    }
}

impl Detail {
    fn new(index: u64, (offset, len): (usize, usize), record: &Record<'_>, known: &Known) -> Self {
        let metric = known.0.get(&record.id);
        let value_type = metric.and_then(|(_, value_type)| *value_type);
        // Four bytes of nobody's are shown as an integer.
        let value = Value::from_raw(value_type.unwrap_or(ValueType::I32), record.raw);
        Self {
            index,
            offset: count(offset),
            record_bytes: count(len),
            metric_id: record.id,
            metric_name: metric.map(|(name, _)| name.clone()),
            timestamp_ns: record.time,
            timestamp_utc: Timestamp(record.time).to_string(),
            value_type: value_type.map_or("unknown", ValueType::name),
            value: value.into(),
            shown: value_text(value),
        }
    }
}

const COLUMNS: Columns<'_> = &[
    ("file", false),
    ("bytes", true),
    ("records", true),
    ("decoded", true),
    ("start (UTC)", false),
    ("duration", false),
    ("tail", false),
];

const RECORD_COLUMNS: Columns<'_> = &[
    ("idx", true),
    ("offset", true),
    ("bytes", true),
    ("id", true),
    ("metric", false),
    ("time (UTC)", false),
    ("type", false),
    ("value", true),
];

pub(super) fn show(out: &mut Out, files: &[WalFile]) -> io::Result<()> {
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let records: u64 = files.iter().map(|file| file.records).sum();
    writeln!(out, "files={} bytes={bytes} records={records}", files.len())?;
    if !files.is_empty() {
        out.table(COLUMNS, files.iter().map(row), 0)?;
    }
    for file in files {
        let tail = file.stop_reason.iter().map(|reason| {
            let (len, at) = (file.tail_bytes.unwrap_or(0), file.stop_offset.unwrap_or(0));
            format!("byte {at}: torn tail of {len} bytes: {reason}")
        });
        for problem in file.damage.iter().cloned().chain(tail) {
            let problem = out.styled(BAD, format!("{}: {problem}", file.name));
            writeln!(out, "{problem}")?;
        }
        if let Some(details) = file.records_detail.as_ref().filter(|details| !details.is_empty()) {
            writeln!(out, "\nRecords: {}", file.name)?;
            out.table(RECORD_COLUMNS, details.iter().map(record_row), 0)?;
        }
    }
    Ok(())
}

fn row(file: &WalFile) -> Vec<String> {
    let mut row = vec![file.name.clone()];
    row.extend([file.bytes, file.records, file.decoded_bytes].map(|number| number.to_string()));
    row.extend(super::span_cells(&file.span));
    row.push(if file.has_tail { "torn" } else { "none" }.to_string());
    row
}

fn record_row(record: &Detail) -> Vec<String> {
    vec![
        record.index.to_string(),
        record.offset.to_string(),
        record.record_bytes.to_string(),
        record.metric_id.to_string(),
        record.metric_name.clone().unwrap_or_else(|| "?".to_string()),
        short(Timestamp(record.timestamp_ns)),
        record.value_type.to_string(),
        record.shown.clone(),
    ]
}
