//! The samples of a database in the order in which the reference exports them.

use super::partition::{NANOS_PER_DAY, date};
use super::{DataFile, Db, Frame, Problem, Record, Wal, WalRecord, value_type};
use std::collections::BTreeMap;
use std::fmt;

/// One exported sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The metric's name.
    pub metric: String,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// The value.
    pub value: Number,
}

/// A value by its type. Floats are bits, so that every NaN equals itself and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Number {
    /// int32
    Int(i32),
    /// The bits of a float32.
    Float(u32),
}

impl Number {
    /// The value with these four bytes on disk.
    pub const fn from_raw(value_type: u8, raw: u32) -> Self {
        match value_type {
            value_type::FLOAT32 => Self::Float(raw),
            _ => Self::Int(raw.cast_signed()),
        }
    }

    /// The four bytes on disk, as a number.
    pub const fn raw(self) -> u32 {
        match self {
            Self::Int(number) => number.cast_unsigned(),
            Self::Float(bits) => bits,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(bits) => match f32::from_bits(bits) {
                f32::INFINITY => f.write_str("+Inf"),
                f32::NEG_INFINITY => f.write_str("-Inf"),
                number => write!(f, "{number}"),
            },
        }
    }
}

impl Db {
    /// What a reader that replays the log without taking anything twice exports: the data files
    /// in name order, then what only the log holds, partition by partition.
    ///
    /// A log record is taken as already in its partition's data file when a frame holds the same
    /// metric, time and value, each frame sample standing for one record. When the log says how
    /// long the data file was when it began, only frames after that point count.
    pub fn export(&self) -> Result<Vec<Sample>, Problem> {
        self.export_with(&self.remainder())
    }

    /// What the reference exports: it replays every record of the log, so that samples which
    /// had been flushed before a crash appear twice.
    pub fn export_with_duplicates(&self) -> Result<Vec<Sample>, Problem> {
        self.export_with(&self.wal.records.iter().collect::<Vec<_>>())
    }

    /// The log's records that no data file holds yet, see [`Db::export`].
    pub fn remainder(&self) -> Vec<&WalRecord> {
        let mut flushed: BTreeMap<&str, BTreeMap<Record, usize>> = BTreeMap::new();
        for (partition, file) in &self.data {
            let begin = self.data_len_at_log_start(partition).unwrap_or(0);
            let after = |frame: &&Frame| frame.offset as u64 >= begin;
            let counts = flushed.entry(partition).or_default();
            for record in file.frames.iter().filter(after).flat_map(|frame| &frame.records) {
                *counts.entry(*record).or_default() += 1;
            }
        }
        let is_new = |logged: &&WalRecord| {
            let WalRecord { id, time, raw, .. } = **logged;
            let counts = flushed.get_mut(self.manifest.partition.key(time).as_str());
            !counts.is_some_and(|counts| take_one(counts, &Record { id, time, raw }))
        };
        self.logged().filter(is_new).collect()
    }

    /// How long the partition's data file was when one of the logs began to use the partition,
    /// if they say so.
    pub fn data_len_at_log_start(&self, partition: &str) -> Option<u64> {
        let of_partition =
            |record: &&WalRecord| self.manifest.partition.key(record.time) == partition;
        let began =
            |log: &Wal| log.records.iter().filter(of_partition).find_map(|record| record.data_len);
        began(&self.wal).into_iter().chain(began(&self.late)).min()
    }

    /// The records of both logs, those of the first one first.
    fn logged(&self) -> impl Iterator<Item = &WalRecord> {
        self.wal.records.iter().chain(&self.late.records)
    }

    /// Every metric's samples from all files and the log, sorted by time. Samples of one time
    /// are in the order metric file, `raw-` file, `data-` file, log.
    ///
    /// Unlike an export this includes partitions that only have a `raw-` or `metric-` file.
    pub fn streams(&self) -> Result<BTreeMap<String, Vec<(i64, Number)>>, Problem> {
        let mut streams: BTreeMap<u16, Vec<(i64, u32)>> = BTreeMap::new();
        for (partition, metric) in &self.metric {
            let mut raw: BTreeMap<Record, usize> = BTreeMap::new();
            for record in self.raw_records(partition) {
                *raw.entry(record).or_default() += 1;
            }
            for frame in &metric.metric_frames {
                let samples = frame.times.iter().copied().zip(frame.raws.iter().copied());
                let only_here = samples.filter(|&(time, raw_value)| {
                    !take_one(&mut raw, &Record { id: frame.id, time, raw: raw_value })
                });
                streams.entry(frame.id).or_default().extend(only_here);
            }
        }
        let files = self.raw.values().chain(self.data.values());
        for record in files.flat_map(DataFile::records) {
            streams.entry(record.id).or_default().push((record.time, record.raw));
        }
        for record in self.remainder() {
            streams.entry(record.id).or_default().push((record.time, record.raw));
        }
        let named = |(id, mut samples): (u16, Vec<(i64, u32)>)| {
            samples.sort_by_key(|&(time, _)| time);
            let (name, value_type) = self.resolve(id)?;
            let value = |(time, raw)| (time, Number::from_raw(value_type, raw));
            Ok((name.to_owned(), samples.into_iter().map(value).collect()))
        };
        streams.into_iter().map(named).collect()
    }

    /// What the `raw-` and the `data-` file of a partition hold, in this order.
    pub(super) fn raw_records(&self, partition: &str) -> impl Iterator<Item = Record> + '_ {
        let files = [self.raw.get(partition), self.data.get(partition)];
        files.into_iter().flatten().flat_map(DataFile::records)
    }

    /// Name and type of a metric, from the catalog or from the log.
    pub fn resolve(&self, id: u16) -> Result<(&str, u8), Problem> {
        if let Some(metric) = self.catalog.by_id(id) {
            return Ok((&metric.name, metric.value_type));
        }
        let mut introduced = self.logged().filter(|record| record.id == id);
        let found = introduced.find_map(|record| record.introduces.as_ref());
        let (name, value_type) = found.ok_or_else(|| {
            Problem::damage("catalog.json", 0, format!("no metric has the id {id}"))
        })?;
        Ok((name, *value_type))
    }

    fn export_with(&self, logged: &[&WalRecord]) -> Result<Vec<Sample>, Problem> {
        let mut records: Vec<Record> = self.data.values().flat_map(DataFile::records).collect();
        let mut pages: BTreeMap<String, Vec<Record>> = BTreeMap::new();
        for &&WalRecord { id, time, raw, .. } in logged {
            let page = pages.entry(self.manifest.partition.key(time)).or_default();
            page.push(Record { id, time, raw });
        }
        records.extend(pages.into_values().flatten());
        records.into_iter().map(|record| self.sample(record)).collect()
    }

    fn sample(&self, Record { id, time, raw }: Record) -> Result<Sample, Problem> {
        let (name, value_type) = self.resolve(id)?;
        Ok(Sample { metric: name.to_owned(), time, value: Number::from_raw(value_type, raw) })
    }
}

/// Takes one of the counted records away, if there is one.
fn take_one(counts: &mut BTreeMap<Record, usize>, record: &Record) -> bool {
    match counts.get_mut(record) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    }
}

/// The samples as the reference writes them to an export file: integers lose their suffix.
pub fn text(database: &str, samples: &[Sample]) -> String {
    let line = |Sample { metric, time, value }: &Sample| {
        format!("{database}/{metric} {value} {}\n", format_time(*time))
    };
    samples.iter().map(line).collect()
}

/// A time as the reference prints it: before 1970 the fraction is negative.
pub fn format_time(time: i64) -> String {
    let (year, month, day) = date(time.div_euclid(NANOS_PER_DAY));
    let second = time.rem_euclid(NANOS_PER_DAY) / 1_000_000_000;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = time % 1_000_000_000;
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{fraction:09}")
}
