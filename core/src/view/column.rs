//! How columns of a metric file of version 3 are encoded.

use super::Count;
use crate::column::Description;
use crate::error::Result;
use crate::metric_file::{Encoding, FrameInfo, MetricFile};
use crate::storage::StorageFile;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Serialize;

/// How a column of values or of times is encoded, and the bytes that it takes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnInfo {
    /// All that was made of the numbers in one line, as in `decimal 2, differences, ÷ 5: pack`.
    pub text: String,
    /// What the points were taken for, as in `decimal 2`.
    pub numbers: String,
    /// By what the numbers, or their differences, were divided.
    pub divisor: Count,
    /// How often differences of neighbours were taken: 0, 1 or 2.
    pub delta: Count,
    /// What the numbers were stored as, as in `pack`.
    pub body: &'static str,
    /// Points of it.
    pub samples: Count,
    /// Bytes before the blocks: how they are encoded, and where each one is.
    pub front_bytes: Count,
    /// Bytes of the blocks.
    pub body_bytes: Count,
    /// Bytes of the statistics.
    pub statistics_bytes: Count,
    /// Spans of time of which the statistics are; none of times, and of short columns.
    pub spans: Count,
    /// Length of such a span; none where all points are in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_ns: Option<i64>,
}

impl ColumnInfo {
    /// The values of an entry; nothing in versions 1 and 2.
    ///
    /// # Errors
    ///
    /// As [`MetricFile::encoding`] and [`MetricFile::statistics`].
    pub fn of_values<F: StorageFile>(
        file: &MetricFile<F>,
        entry: &FrameInfo,
    ) -> Result<Option<Self>> {
        let Some(encoding) = file.encoding(entry)? else { return Ok(None) };
        let mut info = Self::new(encoding);
        if let Some(statistics) = file.statistics(entry)? {
            info.spans = statistics.spans.len().into();
            info.span_ns = Some(statistics.span_ns).filter(|span| *span != i64::MAX);
        }
        Ok(Some(info))
    }

    /// The shared times, those with the key 1, 2, 3…; none in versions 1 and 2.
    ///
    /// # Errors
    ///
    /// As [`MetricFile::times_encodings`].
    pub fn of_times<F: StorageFile>(file: &MetricFile<F>) -> Result<Vec<Self>> {
        Ok(file.times_encodings()?.into_iter().map(Self::new).collect())
    }

    /// All bytes of the column.
    pub fn bytes(&self) -> Count {
        let mut bytes = self.front_bytes;
        bytes.add(self.body_bytes);
        bytes.add(self.statistics_bytes);
        bytes
    }

    fn new(encoding: Encoding) -> Self {
        let text = text(&encoding.column);
        let Description { numbers, divisor, delta, body } = encoding.column;
        Self {
            text,
            numbers,
            divisor: divisor.into(),
            delta: u64::from(delta).into(),
            body,
            samples: encoding.points.into(),
            front_bytes: encoding.front_len.into(),
            body_bytes: encoding.body_len.into(),
            statistics_bytes: encoding.statistics_len.into(),
            spans: 0_u64.into(),
            span_ns: None,
        }
    }
}

fn text(column: &Description) -> String {
    let differences = match column.delta {
        0 => String::new(),
        1 => String::from(", differences"),
        order => format!(", differences of order {order}"),
    };
    let divisor = match column.divisor {
        0 | 1 => String::new(),
        divisor => format!(", ÷ {divisor}"),
    };
    format!("{}{differences}{divisor}: {}", column.numbers, column.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_done() {
        let column = |numbers: &str, divisor, delta, body| {
            text(&Description { numbers: String::from(numbers), divisor, delta, body })
        };
        assert_eq!(column("bytes", 1, 0, "raw"), "bytes: raw");
        assert_eq!(column("decimal 2", 5, 1, "pack"), "decimal 2, differences, ÷ 5: pack");
        assert_eq!(column("integers", 1, 2, "bins"), "integers, differences of order 2: bins");
    }
}
