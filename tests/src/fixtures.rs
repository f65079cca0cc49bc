//! Data roots written by the reference engine, and what it answers about them.
//!
//! They are in `tests/fixtures`, described by its `README.md`. Opening a root changes it, so tests
//! work on a [copy](Fixture::copy).

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};
use tempfile::TempDir;

/// One directory of `tests/fixtures`.
#[derive(Debug)]
pub struct Fixture {
    dir: PathBuf,
    /// What the reference says about a copy of the root.
    pub expected: Expected,
}

impl Fixture {
    /// Loads the fixture whose name is `name` or starts with it and a hyphen: `"01"` will do.
    pub fn load(name: &str) -> Self {
        let found = names().into_iter().find(|full| {
            full == name || full.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
        });
        let full = found.unwrap_or_else(|| panic!("no fixture {name}"));
        let dir = directory().join(full);
        let expected = read(&dir.join("expected.json"));
        let expected = serde_json::from_slice(&expected)
            .unwrap_or_else(|e| panic!("{}: {e}", dir.join("expected.json").display()));
        Self { dir, expected }
    }

    /// All fixtures, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        names().into_iter().map(|name| Self::load(&name))
    }

    /// Its full name.
    pub fn name(&self) -> &str {
        &self.expected.name
    }

    /// The root as the reference left it: for reading only.
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// The bytes of a file beside the root, such as `full.wal` or `corrupted/empty.dat`.
    pub fn file(&self, path: &str) -> Vec<u8> {
        read(&self.dir.join(path))
    }

    /// The reference's export of all databases, one after another in name order.
    pub fn expected_export(&self) -> Option<String> {
        let path = self.dir.join("expected.lp");
        path.exists().then(|| String::from_utf8(read(&path)).expect("exports are UTF-8"))
    }

    /// A copy of the root that lives as long as the returned handle.
    pub fn copy(&self) -> TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory");
        self.copy_to(dir.path());
        dir
    }

    /// Copies what is in the root into `dir`, which must exist.
    pub fn copy_to(&self, dir: &Path) {
        copy_tree(&self.root(), dir).unwrap_or_else(|e| panic!("copy of {}: {e}", self.name()));
    }
}

/// The rows of `tests/fixtures/tables/<name>.json`: accepted and refused inputs.
pub fn table(name: &str) -> Vec<Value> {
    #[derive(Deserialize)]
    struct Table {
        rows: Vec<Value>,
    }
    let path = directory().join("tables").join(name).with_extension("json");
    let table: Result<Table, _> = serde_json::from_slice(&read(&path));
    table.unwrap_or_else(|e| panic!("{}: {e}", path.display())).rows
}

/// SHA-256 as lower-case hexadecimal text, as `expected.json` has it.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    use fmt::Write;
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn names() -> Vec<String> {
    let entries = fs::read_dir(directory()).expect("tests/fixtures exists");
    let paths = entries.map(|entry| entry.expect("a readable directory").path());
    let fixtures = paths.filter(|path| path.join("expected.json").exists());
    let name = |path: PathBuf| path.file_name().and_then(|n| n.to_str()).map(str::to_owned);
    let mut names: Vec<String> = fixtures.filter_map(name).collect();
    names.sort();
    names
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy_tree(&entry.path(), &target)?;
        } else {
            // Not `fs::copy`: a checkout may be read-only, and the copy must not be.
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// `expected.json`.
#[derive(Debug, Deserialize)]
pub struct Expected {
    /// The fixture's full name.
    pub name: String,
    /// What it is about. "PEER BUG" marks behaviour that we do not follow.
    pub note: String,
    /// Effective engine settings.
    pub engine: Value,
    /// Every file of the root by its path.
    pub files: BTreeMap<String, FileDigest>,
    /// By database name.
    pub databases: BTreeMap<String, Database>,
    /// The same copy, closed by the reference and opened again.
    pub after_peer_close_and_reopen: Reopened,
    /// What only this fixture has.
    #[serde(default)]
    pub extra: Value,
}

/// A file's size and content.
#[derive(Debug, Deserialize)]
pub struct FileDigest {
    /// Bytes.
    pub size: u64,
    /// See [`sha256`].
    pub sha256: String,
}

/// What the reference says about one database. A database that it cannot open has an
/// [`open_error`](Self::open_error) and no answers.
#[derive(Debug, Deserialize)]
pub struct Database {
    /// Effective settings.
    pub manifest: Option<Manifest>,
    /// Name, id and `int32` or `float32` of every metric.
    #[serde(default, deserialize_with = "null_is_none")]
    pub metrics_name_id_type: Vec<(String, u16, String)>,
    /// The newest sample by metric name: only what the reference remembers.
    #[serde(default, deserialize_with = "null_is_none")]
    pub query_last: BTreeMap<String, Option<Last>>,
    /// Pages in memory after the log was replayed.
    #[serde(default, deserialize_with = "null_is_none")]
    pub open_pages_after_open: Vec<OpenPage>,
    /// Scans of logs by file name.
    pub wal: BTreeMap<String, WalScan>,
    /// Scans of `data-` and `raw-` files by file name.
    pub data_files: BTreeMap<String, DataFileScan>,
    /// Summaries of `metric-` files by file name.
    pub metric_files: BTreeMap<String, MetricFileSummary>,
    /// Lines of this database's export.
    pub export_lines: Option<usize>,
    /// [`sha256`] of this database's export.
    pub export_sha256: Option<String>,
    /// Why the export failed.
    pub export_error: Option<String>,
    /// Why the database could not be opened.
    pub open_error: Option<String>,
    /// Range queries of one metric.
    #[serde(default, deserialize_with = "null_is_none")]
    pub query_range: Vec<RangeQuery>,
    /// Range queries of all metrics at once.
    #[serde(default, deserialize_with = "null_is_none")]
    pub query_range_many: Vec<RangeManyQuery>,
    /// Aggregations of one metric.
    #[serde(default, deserialize_with = "null_is_none")]
    pub query_aggregate_range: Vec<AggregateQuery>,
}

/// The reference writes an empty list as `null`.
fn null_is_none<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Effective settings of a database.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "named as in the settings file")]
pub struct Manifest {
    pub grace: String,
    pub retention_days: i64,
    pub retention_action: String,
    pub max_active_days: i64,
    pub partition: String,
    pub wal_enabled: bool,
    pub wal_skip_before: String,
    pub page_max_records: i64,
    pub page_max_bytes: i64,
    pub page_max_age: String,
    pub rollups: Value,
}

/// Time, raw value and the value as text.
#[derive(Debug, Deserialize)]
pub struct Last(pub i64, pub Bits, pub String);

/// A page in memory.
#[derive(Debug, Deserialize)]
pub struct OpenPage {
    /// Its partition.
    pub part: String,
    /// Samples.
    pub records: usize,
    /// The first time.
    pub start: i64,
    /// The last time.
    pub end: i64,
}

/// What the reference reads in a log.
#[derive(Debug, Deserialize)]
pub struct WalScan {
    /// Its length.
    pub file_bytes: usize,
    /// Bytes of the records.
    pub decoded_bytes: usize,
    /// Records read.
    pub records: usize,
    /// The earliest time, 0 without records.
    pub min_ts: i64,
    /// The latest time, 0 without records.
    pub max_ts: i64,
    /// Whether bytes follow the last record.
    pub has_tail: bool,
    /// How many.
    pub tail_bytes: usize,
    /// Where they begin, 0 without a tail.
    pub stop_offset: usize,
    /// Why reading stopped there.
    pub stop_reason: String,
    /// The records, when there are not many.
    #[serde(rename = "list_offset_bytes_metricid_ts_rawhex")]
    pub list: Option<Vec<ScannedRecord>>,
}

/// Offset, length, metric id, time, and all bytes as hexadecimal text.
#[derive(Debug, Deserialize)]
pub struct ScannedRecord(pub usize, pub usize, pub u16, pub i64, pub String);

/// What the reference reads in a data file.
#[derive(Debug, Deserialize)]
pub struct DataFileScan {
    /// Its length.
    pub file_bytes: usize,
    /// Samples in all frames.
    pub records: usize,
    /// The earliest first time of a frame.
    pub min_start: i64,
    /// The latest last time of a frame.
    pub max_end: i64,
    /// The frames.
    #[serde(rename = "list_offset_start_end_n_clen_ulen_framebytes")]
    pub list: Vec<ScannedFrame>,
}

/// Offset, first and last time, samples, compressed and decoded payload length, frame length.
#[derive(Debug, Deserialize)]
pub struct ScannedFrame(pub usize, pub i64, pub i64, pub usize, pub usize, pub usize, pub usize);

/// What the reference says about a metric file.
#[derive(Debug, Deserialize)]
pub struct MetricFileSummary {
    /// 1 or 2.
    pub version: u16,
    /// Codec of the first frame.
    pub codec_id: u16,
    /// Time frames; none in version 1.
    pub time_frames: usize,
    /// Metric frames.
    pub metric_frames: usize,
    /// `equal` or `no raw file`.
    pub compare_with_raw: Option<String>,
    /// How it differs from the raw file.
    pub compare_with_raw_error: Option<String>,
    /// The metric frames.
    #[serde(rename = "list_id_type_min_max_n_ulen_clen")]
    pub list: Vec<ScannedMetricFrame>,
}

/// Metric id, type, first and last time, samples, decoded and compressed length.
#[derive(Debug, Deserialize)]
pub struct ScannedMetricFrame(
    pub u16,
    pub String,
    pub i64,
    pub i64,
    pub usize,
    pub usize,
    pub usize,
);

/// One range query of one metric.
#[derive(Debug, Deserialize)]
pub struct RangeQuery {
    /// The metric's name.
    pub metric: String,
    /// The first instant.
    pub from: i64,
    /// The last instant.
    pub to: i64,
    /// Every how many-th sample.
    pub stride: usize,
    /// Samples returned.
    pub count: usize,
    /// [`sha256`] of `"<time> <raw hex>\n"` for each.
    pub sha256: String,
    /// All samples, when there are not many.
    pub samples: Option<Vec<(i64, Bits)>>,
    /// The first two, when there are many.
    pub first: Option<Vec<(i64, Bits)>>,
    /// The last two, when there are many.
    pub last: Option<Vec<(i64, Bits)>>,
    /// Why it failed.
    pub error: Option<String>,
}

/// One range query of all metrics of a database and a name that does not exist.
#[derive(Debug, Deserialize)]
pub struct RangeManyQuery {
    /// The first instant.
    pub from: i64,
    /// The last instant.
    pub to: i64,
    /// Samples returned.
    pub count: usize,
    /// [`sha256`] of `"<metric> <time> <raw hex>\n"` for each, in the reference's order.
    pub sha256: String,
    /// All samples, when there are not many.
    pub samples: Option<Vec<(String, i64, Bits)>>,
    /// The first two, when there are many.
    pub first: Option<Vec<(String, i64, Bits)>>,
    /// The last two, when there are many.
    pub last: Option<Vec<(String, i64, Bits)>>,
    /// Why it failed.
    pub error: Option<String>,
}

/// One aggregation of one metric.
#[derive(Debug, Deserialize)]
pub struct AggregateQuery {
    /// The metric's name.
    pub metric: String,
    /// The first instant.
    pub from: i64,
    /// The last instant.
    pub to: i64,
    /// Length of a bucket.
    pub window_ns: i64,
    /// Names in the order asked for.
    pub aggregates: Vec<String>,
    /// The buckets; the reference reports none without samples.
    #[serde(rename = "buckets_start_end_bits", default, deserialize_with = "null_is_none")]
    pub buckets: Vec<Bucket>,
    /// Why it failed.
    pub error: Option<String>,
}

/// The aggregates of one window.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Value>")]
pub struct Bucket {
    /// Where it starts.
    pub start: i64,
    /// Where it ends.
    pub end: i64,
    /// The bits of a float32 for each aggregate, in the order asked for.
    pub bits: Vec<u32>,
}

impl TryFrom<Vec<Value>> for Bucket {
    type Error = String;

    fn try_from(fields: Vec<Value>) -> Result<Self, String> {
        let malformed = || format!("not a bucket: {fields:?}");
        let [start, end, bits @ ..] = fields.as_slice() else { return Err(malformed()) };
        let bits: Option<Vec<u32>> = bits.iter().map(|b| parse_bits(b.as_str()?)).collect();
        Ok(Self {
            start: start.as_i64().ok_or_else(malformed)?,
            end: end.as_i64().ok_or_else(malformed)?,
            bits: bits.ok_or_else(malformed)?,
        })
    }
}

/// Four value bytes as a number; eight hexadecimal digits in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Bits(pub u32);

impl TryFrom<String> for Bits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_bits(&text).map(Self).ok_or_else(|| format!("not 32 bits: {text:?}"))
    }
}

fn parse_bits(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok().filter(|_| text.len() == 8)
}

/// What the reference says after closing and opening the copy again.
#[derive(Debug, Deserialize)]
pub struct Reopened {
    /// By database name.
    pub databases: BTreeMap<String, ReopenedDatabase>,
    /// Lines of the export of all databases.
    pub export_lines: usize,
    /// [`sha256`] of the export of all databases.
    pub export_sha256: String,
    /// Whether the export is the same as before.
    pub same_export: bool,
    /// Whether it at least has the same lines.
    pub same_lines_as_multiset: bool,
}

/// One database after it was closed and opened again.
#[derive(Debug, Deserialize)]
pub struct ReopenedDatabase {
    /// Lines of its export.
    pub export_lines: Option<usize>,
    /// Why the export failed.
    pub export_error: Option<String>,
    /// Why it could not be opened.
    pub open_error: Option<String>,
    /// The newest sample by metric name.
    pub query_last: Option<BTreeMap<String, Option<Last>>>,
}

/// `extra.torn_wal` of the fixtures 12 and 12b.
#[derive(Debug, Deserialize)]
pub struct TornWal {
    /// Length of `full.wal`.
    pub bytes: usize,
    /// Where its last record begins.
    pub last_record_offset: usize,
    /// For each length from 0 to `bytes`: how many records a log cut there yields.
    pub records_readable_by_length: Vec<usize>,
    /// For some lengths: records, lines and [`sha256`] of the export, lines after a reopen.
    #[serde(rename = "opened_len_records_exportlines_exportsha256_linesafterreopen")]
    pub opened: Vec<(usize, usize, usize, String, usize)>,
}

/// One entry of `extra.flipped_wal_…` of the fixtures 12 and 12b: offset and mask of the flipped
/// bits, then records, tail bytes and stop reason of the scan.
#[derive(Debug, Deserialize)]
pub struct FlippedWal(pub usize, pub u8, pub usize, pub usize, pub String);

/// One entry of `extra.torn_dat` of fixture 13 or `extra.corrupted_dat` of fixture 14.
#[derive(Debug, Deserialize)]
pub struct DamagedData {
    /// Where `full.dat` is cut (13 only).
    pub length: Option<usize>,
    /// The damaged file (14 only).
    pub file: Option<String>,
    /// What the reference says: `query_day`, `export`, `headers`, `recompact`, `recover`.
    pub peer: Value,
}

impl Expected {
    /// `extra.torn_wal`.
    pub fn torn_wal(&self) -> TornWal {
        self.extra("torn_wal")
    }

    /// `extra.flipped_wal_offset_mask_records_tailbytes_reason`.
    pub fn flipped_wal(&self) -> Vec<FlippedWal> {
        self.extra("flipped_wal_offset_mask_records_tailbytes_reason")
    }

    /// `extra.torn_dat`.
    pub fn torn_data(&self) -> Vec<DamagedData> {
        self.extra("torn_dat")
    }

    /// `extra.corrupted_dat`.
    pub fn corrupted_data(&self) -> Vec<DamagedData> {
        self.extra("corrupted_dat")
    }

    /// The entry `key` of `extra`.
    pub fn extra<T: for<'a> Deserialize<'a>>(&self, key: &str) -> T {
        T::deserialize(&self.extra[key]).unwrap_or_else(|e| panic!("{} {key}: {e}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_load_and_hold_the_files_they_list() {
        let mut count = 0;
        for fixture in Fixture::all() {
            for (path, FileDigest { size, sha256: digest }) in &fixture.expected.files {
                let bytes = read(&fixture.root().join(path));
                assert_eq!(bytes.len() as u64, *size, "{} {path}", fixture.name());
                assert_eq!(sha256(bytes), *digest, "{} {path}", fixture.name());
            }
            count += 1;
        }
        assert_eq!(count, 46);
    }

    #[test]
    fn a_copy_is_complete_and_writable() {
        let copy = Fixture::load("25").copy();
        let wal = copy.path().join("internal/internal.wal");
        assert_ne!(read(&wal).len(), 0);
        fs::write(wal, b"").unwrap();
    }

    #[test]
    fn tables_load() {
        assert_eq!(table("lines").len(), 170);
        for entry in fs::read_dir(directory().join("tables")).unwrap() {
            let name = entry.unwrap().path().file_stem().unwrap().to_owned();
            assert!(!table(name.to_str().unwrap()).is_empty(), "{name:?}");
        }
    }
}
