//! One file: its schema, and row groups of limited size.

use super::destination::Upload;
use super::rows::Rows;
use super::{ExportError, WrittenFile};
use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::file::metadata::{KeyValue, SortingColumn};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::{ColumnPath, TypePtr};
use nanotdb_core::partition::Partition;
use std::sync::Arc;

/// Rows of a row group: enough for readers to skip and to share, and some ten megabytes here.
const GROUP_ROWS: usize = 1 << 18;

const SCHEMA: &str = "
message sample {
    required int64 time (TIMESTAMP(NANOS, true));
    required binary metric (STRING);
    required binary name (STRING);
    required group labels (MAP) {
        repeated group key_value {
            required binary key (STRING);
            required binary value (STRING);
        }
    }
    required double value;
}";

/// Places of columns among the leaves of the schema.
const TIME: i32 = 0;
const METRIC: i32 = 1;

/// A file that is being written.
pub(super) struct Table {
    writer: SerializedFileWriter<Upload>,
    rows: Rows,
    total: u64,
}

impl Table {
    pub(super) fn new(
        upload: Upload,
        database: &str,
        partition: Partition,
    ) -> Result<Self, ExportError> {
        let properties = Arc::new(properties(database, partition)?);
        let writer = SerializedFileWriter::new(upload, schema()?, properties)?;
        Ok(Self { writer, rows: Rows::default(), total: 0 })
    }

    /// Adds rows of a metric. Metrics come in the order of their names, rows in that of time.
    pub(super) fn add(
        &mut self,
        metric: &str,
        mut times: &[i64],
        mut values: impl Iterator<Item = f64>,
    ) -> Result<(), ExportError> {
        while !times.is_empty() {
            let room = GROUP_ROWS.saturating_sub(self.rows.len()).min(times.len());
            let (now, later) = times.split_at(room);
            self.rows.add(metric, now, values.by_ref().take(room));
            if self.rows.len() >= GROUP_ROWS {
                self.write_group()?;
            }
            times = later;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ExportError> {
        self.total += u64::try_from(self.rows.len()).unwrap_or(0);
        let mut group = self.writer.next_row_group()?;
        self.rows.write(&mut group)?;
        group.close()?;
        Ok(())
    }

    /// Ends the file and gives it its name.
    pub(super) fn finish(mut self) -> Result<WrittenFile, ExportError> {
        if self.rows.len() > 0 {
            self.write_group()?;
        }
        let upload = self.writer.into_inner()?;
        let (path, bytes) = upload.finish()?;
        Ok(WrittenFile { path, rows: self.total, bytes })
    }
}

fn schema() -> Result<TypePtr, ExportError> {
    Ok(Arc::new(parse_message_type(SCHEMA)?))
}

/// Times grow by nearly the same step, so differences are stored. Every other column has few
/// different values in a row group, or is written plain once a dictionary does not pay. All
/// encodings are old enough for every reader.
fn properties(database: &str, partition: Partition) -> Result<WriterProperties, ExportError> {
    let time = ColumnPath::from("time");
    let about = |key: &str, value: String| KeyValue::new(format!("nanotdb.{key}"), value);
    let ascending =
        |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
    Ok(WriterProperties::builder()
        .set_created_by(concat!("nanotdb version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_column_dictionary_enabled(time.clone(), false)
        .set_column_encoding(time, Encoding::DELTA_BINARY_PACKED)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(vec![ascending(METRIC), ascending(TIME)]))
        .set_key_value_metadata(Some(vec![
            about("database", database.to_owned()),
            about("partition", partition.to_string()),
        ]))
        .build())
}
