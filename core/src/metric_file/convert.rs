//! Metric files from metric files: another version, another codec, the same samples.

use super::build::{BuildOptions, build_v1, build_v2};
use super::header::Version;
use super::reader::MetricFile;
use super::scan::{SampleScan, Visit, invalid};
use super::v3::build_v3;
use super::writer::{BuildReport, Target};
use crate::error::Result;
use crate::storage::{Storage, StorageFile};
use crate::types::{MetricId, ValueType};
use alloc::format;
use alloc::vec::Vec;

/// Writes what `file` holds as a file of this version; it replaces `target.name`.
///
/// Each metric keeps its samples bit for bit, in order of time, those of equal times in the order in
/// which they were stored.
///
/// # Errors
///
/// As [`build_v2`]; what reading `file` fails with; `Rejected` when a metric has values of both types.
pub fn convert<F: StorageFile, S: Storage>(
    mut file: &MetricFile<F>,
    target: &Target<'_, S>,
    version: Version,
    options: &BuildOptions,
) -> Result<BuildReport> {
    let types = types(file)?;
    let type_of = |id: u16| {
        let index = types.binary_search_by_key(&id, |(metric, _)| metric.get()).ok()?;
        types.get(index).map(|(_, value_type)| *value_type)
    };
    match version {
        Version::V1 => build_v1(target, &mut file, &type_of, options),
        Version::V2 => build_v2(target, &mut file, &type_of, options),
        Version::V3 => build_v3(target, &mut file, &type_of, options),
    }
}

/// The metrics by id, and their types.
fn types<F: StorageFile>(file: &MetricFile<F>) -> Result<Vec<(MetricId, ValueType)>> {
    let of_metrics = file.entries().chunk_by(|a, b| a.metric == b.metric);
    let types = of_metrics.filter_map(|entries| {
        let first = entries.first()?;
        if let Some(other) = entries.iter().find(|entry| entry.value_type != first.value_type) {
            return Some(Err(invalid(format!(
                "metric {}: found {} and {} in one file",
                first.metric, first.value_type, other.value_type
            ))));
        }
        Some(Ok((first.metric, first.value_type)))
    });
    types.collect()
}

/// A metric file's samples, frame by frame as they are stored.
impl<F: StorageFile> SampleScan for &MetricFile<F> {
    fn scan(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        let mut ids = Vec::new();
        for frame in self.stored_frames() {
            let frame = frame?;
            ids.clear();
            ids.resize(frame.times.len(), frame.info.metric.get());
            visit(&ids, &frame.times, &frame.raws)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
