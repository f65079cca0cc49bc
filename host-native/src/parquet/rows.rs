//! The rows of one row group, as columns.

use super::ExportError;
use crate::labels::Labels;
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::file::writer::{SerializedColumnWriter, SerializedRowGroupWriter};
use std::io::Write;

/// Rows of text that are handed on at once: each takes some memory of its own.
const TEXT_ROWS: usize = 4096;

/// Samples of several metrics, one after the other.
#[derive(Debug, Default)]
pub(super) struct Rows {
    times: Vec<i64>,
    values: Vec<f64>,
    /// How many rows each metric has.
    runs: Vec<(Series, usize)>,
}

/// What a metric's name says, ready to be written again and again.
#[derive(Debug)]
struct Series {
    metric: ByteArray,
    name: ByteArray,
    labels: Vec<(ByteArray, ByteArray)>,
}

impl Series {
    fn new(metric: &str) -> Self {
        let labels = Labels::of_metric(metric);
        Self {
            metric: metric.into(),
            name: labels.name().into(),
            labels: labels.pairs().map(|(key, value)| (key.into(), value.into())).collect(),
        }
    }

    fn is(&self, metric: &str) -> bool {
        self.metric.data() == metric.as_bytes()
    }
}

/// Picks the text of a column out of a series.
type Pick<'p> = &'p dyn Fn(&Series) -> ByteArray;

/// Picks one half of a label.
type PickLabel<'p> = &'p dyn Fn(&(ByteArray, ByteArray)) -> ByteArray;

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// Adds rows of a metric. The columns are of equal length.
    pub(super) fn add(&mut self, metric: &str, times: &[i64], values: impl Iterator<Item = f64>) {
        self.times.extend_from_slice(times);
        self.values.extend(values);
        match self.runs.last_mut() {
            Some((series, count)) if series.is(metric) => *count += times.len(),
            _ => self.runs.push((Series::new(metric), times.len())),
        }
    }

    /// Writes the columns, in the order of the schema, and forgets the rows.
    pub(super) fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ExportError> {
        next(group, |column| {
            column.typed::<Int64Type>().write_batch(&self.times, None, None).map(drop)
        })?;
        next(group, |column| self.text(column, &|series| series.metric.clone()))?;
        next(group, |column| self.text(column, &|series| series.name.clone()))?;
        next(group, |column| self.labels(column, &|(key, _)| key.clone()))?;
        next(group, |column| self.labels(column, &|(_, value)| value.clone()))?;
        next(group, |column| {
            column.typed::<DoubleType>().write_batch(&self.values, None, None).map(drop)
        })?;
        self.times.clear();
        self.values.clear();
        self.runs.clear();
        Ok(())
    }

    fn text(
        &self,
        column: &mut SerializedColumnWriter<'_>,
        pick: Pick<'_>,
    ) -> ::parquet::errors::Result<()> {
        for (series, count) in &self.runs {
            let text = vec![pick(series); (*count).min(TEXT_ROWS)];
            for rows in pieces(*count) {
                let text = text.get(..rows).unwrap_or(&text);
                column.typed::<ByteArrayType>().write_batch(text, None, None)?;
            }
        }
        Ok(())
    }

    /// Half of a map's entries. A row without labels is an entry that is not defined; all but the
    /// first of a row are repetitions.
    fn labels(
        &self,
        column: &mut SerializedColumnWriter<'_>,
        pick: PickLabel<'_>,
    ) -> ::parquet::errors::Result<()> {
        for (series, count) in &self.runs {
            let of_row: Vec<ByteArray> = series.labels.iter().map(pick).collect();
            let entries = of_row.len().max(1);
            let defined = i16::from(!of_row.is_empty());
            for rows in pieces(*count) {
                let definitions = vec![defined; rows * entries];
                let repetitions: Vec<i16> =
                    (0..rows * entries).map(|entry| i16::from(entry % entries != 0)).collect();
                let text: Vec<ByteArray> =
                    of_row.iter().cycle().take(rows * of_row.len()).cloned().collect();
                column.typed::<ByteArrayType>().write_batch(
                    &text,
                    Some(&definitions),
                    Some(&repetitions),
                )?;
            }
        }
        Ok(())
    }
}

/// The lengths of pieces that make so many rows.
fn pieces(rows: usize) -> impl Iterator<Item = usize> {
    (0..rows).step_by(TEXT_ROWS).map(move |start| (rows - start).min(TEXT_ROWS))
}

/// Writes the next column of a row group.
fn next<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    write: impl FnOnce(&mut SerializedColumnWriter<'_>) -> ::parquet::errors::Result<()>,
) -> Result<(), ExportError> {
    let missing = || {
        let what = "the schema has fewer columns than a row".to_owned();
        ::parquet::errors::ParquetError::General(what)
    };
    let mut column = group.next_column()?.ok_or_else(missing)?;
    write(&mut column)?;
    Ok(column.close()?)
}
