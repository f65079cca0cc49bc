//! A store in plain values: what hosts hand on to pages and programs.
//!
//! Every host shows the same: the browser's as objects of JavaScript, the server's as JSON. So what
//! is shown is computed here once, and a host only serialises it. Counts are [`Count`]s, times are
//! nanoseconds since the Unix epoch; field names are those that JavaScript sees.

mod column;
mod inspect;
mod reports;
mod settings;

pub use column::ColumnInfo;
pub use inspect::{
    DatabaseInfo, DatabaseStats, FileInfo, FrameInfo, LogInfo, LogRecord, LogReset, OpenPage,
    PartitionInfo, StoredFile,
};
pub use reports::{
    AddReport, BuildReport, ConvertReport, DeleteReport, DeletedMetric, FileCheck, LinesReport,
    RecompactReport, RefusedPartition, RejectedLine, RejectedRow, Rejections, Retired, TickReport,
    convert_options,
};
pub use settings::{Setting, of_database, of_engine};

use crate::error::Error;
use crate::error::Rejection;
use crate::query::MetricInfo;
use crate::storage::{StorageError, StorageErrorKind};
use crate::types::ValueType;
use alloc::format;
use alloc::string::String;
use serde::{Serialize, Serializer};

/// A number of things. Serialised as a floating-point number, which is how JavaScript counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl Count {
    /// Adds, up to the largest count.
    pub fn add(&mut self, more: impl Into<Self>) {
        self.0 = self.0.saturating_add(more.into().0);
    }
}

impl From<u64> for Count {
    fn from(count: u64) -> Self {
        Self(count)
    }
}

impl From<u16> for Count {
    fn from(count: u16) -> Self {
        Self(count.into())
    }
}

impl From<u32> for Count {
    fn from(count: u32) -> Self {
        Self(count.into())
    }
}

impl From<usize> for Count {
    fn from(count: usize) -> Self {
        Self(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "JavaScript counts in doubles")]
        serializer.serialize_f64(self.0 as f64)
    }
}

/// A metric of a database.
#[derive(Debug, Clone, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// The type of its values, as [`type_name`] says.
    #[serde(rename = "type")]
    pub value_type: &'static str,
}

impl From<MetricInfo> for Metric {
    fn from(metric: MetricInfo) -> Self {
        Self { name: metric.name, value_type: type_name(metric.value_type) }
    }
}

/// A file of the data directory.
#[derive(Debug, Clone, Serialize)]
pub struct FileEntry {
    /// Its path, with `/` between directory and name.
    pub path: String,
    /// Its length.
    pub bytes: Count,
}

/// What pages and programs call a type of values.
pub const fn type_name(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::F32 => "f32",
        ValueType::I32 => "i32",
    }
}

/// The type that pages and programs call so.
///
/// # Errors
///
/// `Invalid` when there is none.
pub fn value_type_named(name: &str) -> Result<ValueType, Error> {
    match name {
        "f32" => Ok(ValueType::F32),
        "i32" => Ok(ValueType::I32),
        _ => {
            Err(Rejection::Invalid(format!("value type {name:?}: expected \"f32\" or \"i32\""))
                .into())
        }
    }
}

/// What programs branch on when something failed. The package's `ErrorCode` lists them.
pub const fn code(error: &Error) -> &'static str {
    match error {
        Error::Storage(error) => storage_code(error),
        Error::Corrupt(_) => "corrupt",
        Error::Rejected(rejection) => rejection_code(rejection),
        Error::Unsupported { .. } => "unsupported",
        Error::Settings { .. } => "settings",
        Error::Closed => "closed",
        Error::Poisoned { .. } => "poisoned",
    }
}

const fn storage_code(error: &StorageError) -> &'static str {
    match error.kind {
        StorageErrorKind::NotFound => "not-found",
        StorageErrorKind::AlreadyExists => "exists",
        StorageErrorKind::NoSpace => "no-space",
        StorageErrorKind::Locked => "locked",
        StorageErrorKind::ReadOnly => "read-only",
        StorageErrorKind::InvalidName => "invalid-name",
        StorageErrorKind::Denied => "denied",
        StorageErrorKind::TooManyFiles => "too-many-files",
        StorageErrorKind::Io => "io",
    }
}

const fn rejection_code(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Stale { .. } => "stale",
        Rejection::TooFarAhead { .. }
        | Rejection::ClockBehind { .. }
        | Rejection::ClockJumped { .. } => "clock",
        Rejection::TypeMismatch { .. } => "type-mismatch",
        Rejection::NameLost { .. } => "name-lost",
        Rejection::TooManyMetrics => "too-many-metrics",
        Rejection::InvalidName { .. } => "invalid-name",
        Rejection::UnknownDatabase(_) => "unknown-database",
        Rejection::UnknownMetric(_) => "unknown-metric",
        Rejection::InvalidRange { .. } => "invalid-range",
        Rejection::InvalidPartition { .. } => "invalid-partition",
        Rejection::PartitionOpen(_) => "partition-open",
        Rejection::Line(_) => "invalid-line",
        Rejection::ReadOnly => "read-only",
        Rejection::Invalid(_) => "invalid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn counts_are_numbers_that_do_not_overflow() {
        let mut count = Count::from(u32::MAX);
        count.add(1_u64);
        assert_eq!(serde_json::to_string(&count).unwrap(), "4294967296.0");
        count.add(u64::MAX);
        assert_eq!(count, Count(u64::MAX));
    }

    #[test]
    fn errors_have_the_codes_of_the_package() {
        let unknown = Error::from(Rejection::UnknownMetric("m".to_string()));
        assert_eq!(code(&unknown), "unknown-metric");
        let full = StorageError::new(StorageErrorKind::NoSpace, "full");
        assert_eq!(code(&full.into()), "no-space");
        assert_eq!(code(&Error::Closed), "closed");
    }
}
