//! Parquet as a careful writer would have it: floats by their bytes, integers and times by their
//! differences, then zstd.

use super::Contender;
use crate::column::{Column, Decoded};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{DataType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Parquet;

/// A file of one column, and what the column takes of it.
#[derive(Debug, Default)]
pub(super) struct File {
    bytes: Bytes,
    column: usize,
}

impl Contender for Parquet {
    type Encoded = File;

    fn name(&self) -> String {
        String::from("parquet")
    }

    fn encode(&self, column: &Column, out: &mut File) {
        *out = match column {
            Column::Floats { values, .. } => {
                write::<FloatType>("float", Encoding::BYTE_STREAM_SPLIT, values)
            }
            Column::Integers { values, .. } => {
                write::<Int32Type>("int32", Encoding::DELTA_BINARY_PACKED, values)
            }
            Column::Times(times) => {
                write::<Int64Type>("int64", Encoding::DELTA_BINARY_PACKED, times)
            }
        };
    }

    fn bytes(&self, encoded: &File) -> usize {
        encoded.column
    }

    fn decode(&self, column: &Column, encoded: &File, out: &mut Decoded) {
        match column {
            Column::Floats { .. } => read::<FloatType>(encoded, column.len(), &mut out.floats),
            Column::Integers { .. } => read::<Int32Type>(encoded, column.len(), &mut out.integers),
            Column::Times(_) => read::<Int64Type>(encoded, column.len(), &mut out.times),
        }
    }
}

fn write<T: DataType>(physical: &str, encoding: Encoding, values: &[T::T]) -> File {
    let schema = parse_message_type(&format!("message m {{ required {physical} v; }}"));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).expect("a level")))
        .set_dictionary_enabled(false)
        .set_encoding(encoding)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_data_page_row_count_limit(usize::MAX)
        .build();
    let schema = Arc::new(schema.expect("a schema"));
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("room");
    let mut group = writer.next_row_group().expect("room");
    let mut column = group.next_column().expect("room").expect("there is one");
    column.typed::<T>().write_batch(values, None, None).expect("room");
    column.close().expect("room");
    let column = group.close().expect("room").column(0).compressed_size();
    let bytes = writer.into_inner().expect("room").into();
    File { bytes, column: usize::try_from(column).expect("a length") }
}

fn read<T: DataType>(file: &File, len: usize, out: &mut Vec<T::T>) {
    let reader = SerializedFileReader::new(file.bytes.clone()).expect("its own");
    let group = reader.get_row_group(0).expect("its own");
    let column = group.get_column_reader(0).expect("its own");
    let mut column = get_typed_column_reader::<T>(column);
    let (read, _, _) = column.read_records(len, None, None, out).expect("its own");
    assert_eq!(read, len);
}
