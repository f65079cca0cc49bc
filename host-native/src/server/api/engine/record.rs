//! Records of a log, for a preview.

use crate::Database;
use crate::server::answer::{Failure, Number};
use nanotdb_core::ValueType;
use nanotdb_core::engine::{WalInspect, WalRecord};
use serde::Serialize;

/// Records shown of each end of a log.
const SHOWN: usize = 12;

/// The first records and, when there are more, the last.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    total: usize,
    first: Vec<Record>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    last: Vec<Record>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the reference's names")]
struct Record {
    index: usize,
    offset: u64,
    record_bytes: u64,
    segment_id: u16,
    metric_id: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_name: Option<String>,
    timestamp_ns: i64,
    timestamp: String,
    value_type: &'static str,
    value: Number,
}

/// Whether a preview is in the order of times instead of the log's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Log,
    Time,
}

impl Preview {
    pub(super) fn of(found: WalInspect, order: Order) -> Self {
        let mut records: Vec<(usize, WalRecord)> = found.records.into_iter().enumerate().collect();
        if order == Order::Time {
            // Stable, so records of one time stay in the log's order.
            records.sort_by_key(|(_, record)| record.time);
        }
        let total = records.len();
        let shown = |(index, record): &(usize, WalRecord)| Record::of(*index, record);
        let first = records.iter().take(SHOWN).map(shown).collect();
        let behind = total.saturating_sub(SHOWN).max(SHOWN);
        let last = records.iter().skip(behind).map(shown).collect();
        Self { total, first, last }
    }

    pub(super) fn of_database(database: &Database, order: Order) -> Result<Self, Failure> {
        Ok(Self::of(database.inspect_wal()?, order))
    }
}

impl Record {
    fn of(index: usize, record: &WalRecord) -> Self {
        Self {
            index,
            offset: record.offset,
            record_bytes: record.len,
            segment_id: 1,
            metric_id: record.metric_id,
            metric_name: record.metric.clone(),
            timestamp_ns: record.time.0,
            timestamp: record.time.to_string(),
            value_type: ValueType::name(record.value.value_type()),
            value: Number(record.value.as_f64()),
        }
    }
}
