//! Results as plain objects of JavaScript: counts are numbers, times `BigInt`s.

use super::Answer;
use crate::error::with_code;
use serde::Serialize;
use wasm_bindgen::JsValue;

/// The object of a result. An `Option` that is empty becomes `undefined`.
pub(super) fn object(view: &impl Serialize) -> Answer<JsValue> {
    let serializer =
        serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(true);
    view.serialize(&serializer).map_err(|error| with_code("internal", &error.to_string()))
}

#[derive(Debug, Serialize)]
pub(super) struct Metric {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) value_type: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Rejected {
    pub(super) row: f64,
    pub(super) reason: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct AddReport {
    pub(super) accepted: f64,
    pub(super) rejected: f64,
    pub(super) rejections: Vec<Rejected>,
}

#[derive(Debug, Serialize)]
pub(super) struct RejectedLine {
    pub(super) line: f64,
    pub(super) reason: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinesReport {
    pub(super) total_lines: f64,
    pub(super) imported_lines: f64,
    pub(super) skipped_lines: f64,
    pub(super) rejected_lines: f64,
    pub(super) rejections: Vec<RejectedLine>,
    pub(super) databases: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct FileEntry {
    pub(super) path: String,
    pub(super) bytes: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct RootReport {
    pub(super) databases: Vec<String>,
    pub(super) files: f64,
    pub(super) bytes: f64,
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BuildReport {
    pub(super) partition: String,
    pub(super) metric_file: String,
    pub(super) source_bytes: f64,
    pub(super) metric_bytes: f64,
    pub(super) metrics: f64,
    pub(super) points: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecompactReport {
    pub(super) partition: String,
    pub(super) file: String,
    pub(super) old_bytes: f64,
    pub(super) new_bytes: f64,
    pub(super) old_frames: f64,
    pub(super) new_frames: f64,
    pub(super) records: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct FileCheck {
    pub(super) file: String,
    pub(super) bytes: f64,
    pub(super) frames: f64,
    pub(super) samples: f64,
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Retired {
    pub(super) partition: String,
    pub(super) files: Vec<String>,
    pub(super) bytes: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) archive: Option<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TickReport {
    pub(super) built: f64,
    pub(super) retired: f64,
    pub(super) rolled_up: f64,
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct StoredFile {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) bytes: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct PartitionInfo {
    pub(super) partition: String,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) files: Vec<StoredFile>,
    pub(super) open: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct FrameInfo {
    pub(super) offset: f64,
    pub(super) bytes: f64,
    pub(super) samples: f64,
    pub(super) codec: &'static str,
    pub(super) from: i64,
    pub(super) to: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metric: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) value_type: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct FileInfo {
    pub(super) name: String,
    pub(super) bytes: f64,
    pub(super) format: String,
    pub(super) frames: Vec<FrameInfo>,
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenPage {
    pub(super) partition: String,
    pub(super) samples: f64,
    pub(super) metrics: f64,
    pub(super) bytes: f64,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) max_samples: f64,
    pub(super) max_bytes: f64,
    pub(super) max_age_ns: i64,
    pub(super) age_ns: i64,
    pub(super) logged: bool,
    pub(super) full: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) help: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct LogReset {
    pub(super) at: i64,
    pub(super) bytes: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DatabaseStats {
    pub(super) samples: f64,
    pub(super) pages_written: f64,
    pub(super) page_bytes: f64,
    pub(super) log_bytes: f64,
    pub(super) log_records: f64,
    pub(super) log_resets: Vec<LogReset>,
    pub(super) replayed_records: f64,
    pub(super) cache_bytes: f64,
    pub(super) cache_entries: f64,
    pub(super) cache_hits: f64,
    pub(super) cache_misses: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DatabaseInfo {
    pub(super) name: String,
    pub(super) metrics: f64,
    pub(super) partitions: f64,
    pub(super) bytes: f64,
    pub(super) settings: Vec<Setting>,
    pub(super) open_pages: Vec<OpenPage>,
    pub(super) problems: Vec<String>,
    pub(super) stats: DatabaseStats,
}

#[derive(Debug, Serialize)]
pub(super) struct LogRecord {
    pub(super) offset: f64,
    pub(super) metric: String,
    pub(super) time: i64,
    pub(super) value: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct LogInfo {
    pub(super) bytes: f64,
    pub(super) records: f64,
    pub(super) newest: Vec<LogRecord>,
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoreStats {
    pub(super) version: String,
    pub(super) storage: &'static str,
    pub(super) databases: Vec<String>,
    pub(super) file_bytes: f64,
    pub(super) stored_bytes: f64,
    pub(super) memory_bytes: f64,
    pub(super) warnings: Vec<String>,
}
