//! Samples in columns, and single numbers, as programs have them.

use super::Engine;
use super::host::Host;
use super::row::{AddOptions, BatchReport, Row, RowTime, Target};
use crate::error::{Error, Rejection, Result};
use crate::types::{Timestamp, Value, ValueType};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Values of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Floating-point numbers.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i32>),
}

impl Values {
    /// How many there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Ints(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    const fn value_type(&self) -> ValueType {
        match self {
            Self::Floats(_) => ValueType::F32,
            Self::Ints(_) => ValueType::I32,
        }
    }

    /// The value of a row that there is.
    fn get(&self, at: usize) -> Value {
        match self {
            Self::Floats(values) => Value::F32(values.get(at).copied().unwrap_or(f32::NAN)),
            Self::Ints(values) => Value::I32(values.get(at).copied().unwrap_or(0)),
        }
    }
}

/// Samples of many metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Names of metrics: one for each row, or those that `index` points to.
    pub metrics: Vec<String>,
    /// For each row the place of its metric among the names.
    pub index: Option<Vec<u32>>,
    /// One for each row, or one for all.
    pub times: Vec<i64>,
    /// One for each row.
    pub values: Values,
}

impl<H: Host> Engine<H> {
    /// Takes one number in. Without a type it has the metric's own, and is a floating-point number
    /// when the metric is new.
    ///
    /// # Errors
    ///
    /// `Rejected` when the number is no integer and has to be one; as [`Engine::add`].
    pub fn add_number(
        &self,
        database: &str,
        metric: &str,
        time: impl Into<RowTime>,
        value: f64,
        value_type: Option<ValueType>,
    ) -> Result<()> {
        self.add_number_with(database, metric, time, value, value_type, AddOptions::default())
    }

    /// As [`add_number`](Self::add_number), by other rules.
    ///
    /// # Errors
    ///
    /// As [`add_number`](Self::add_number).
    pub fn add_number_with(
        &self,
        database: &str,
        metric: &str,
        time: impl Into<RowTime>,
        value: f64,
        value_type: Option<ValueType>,
        options: AddOptions,
    ) -> Result<()> {
        let (target, time) = (Target::Name(metric), time.into());
        let add = |value| {
            let database = self.create_database(database)?;
            database.add_row_with(Row { target, time, value }, options)
        };
        match value_type {
            Some(ValueType::I32) => integer(value).map_or_else(|| Err(no_integer(value)), add),
            Some(ValueType::F32) => add(single(value)),
            None => match (add(single(value)), integer(value)) {
                (Err(Error::Rejected(Rejection::TypeMismatch { .. })), Some(integer)) => {
                    add(integer)
                }
                (added, _) => added,
            },
        }
    }

    /// Takes a column of one metric in.
    ///
    /// # Errors
    ///
    /// `Rejected` when the columns differ in length; as [`Engine::create_database`] and
    /// [`Database::add_rows`](super::Database::add_rows).
    pub fn add_column(
        &self,
        database: &str,
        metric: &str,
        times: &[i64],
        values: &Values,
    ) -> Result<BatchReport> {
        self.add_column_with(database, metric, times, values, AddOptions::default())
    }

    /// As [`add_column`](Self::add_column), by other rules.
    ///
    /// # Errors
    ///
    /// As [`add_column`](Self::add_column).
    pub fn add_column_with(
        &self,
        database: &str,
        metric: &str,
        times: &[i64],
        values: &Values,
        options: AddOptions,
    ) -> Result<BatchReport> {
        same_length("times", times.len(), values.len())?;
        let database = self.create_database(database)?;
        let handle = database.metric(metric, values.value_type())?;
        let rows = times.iter().enumerate().map(|(at, &time)| Row {
            target: Target::Handle(handle),
            time: Timestamp(time),
            value: values.get(at),
        });
        database.add_rows_with(rows, options)
    }

    /// Takes rows of many metrics in.
    ///
    /// # Errors
    ///
    /// `Rejected` when the columns differ in length or an index has no name; as
    /// [`add_column`](Self::add_column).
    pub fn add_columns(&self, database: &str, rows: &Rows) -> Result<BatchReport> {
        self.add_columns_with(database, rows, AddOptions::default())
    }

    /// As [`add_columns`](Self::add_columns), by other rules.
    ///
    /// # Errors
    ///
    /// As [`add_columns`](Self::add_columns).
    pub fn add_columns_with(
        &self,
        database: &str,
        rows: &Rows,
        options: AddOptions,
    ) -> Result<BatchReport> {
        let Rows { metrics, index, times, values } = rows;
        let count = values.len();
        same_length("metrics", index.as_ref().map_or(metrics.len(), Vec::len), count)?;
        if times.len() != 1 {
            same_length("times", times.len(), count)?;
        }
        if let Some(&bad) = index.iter().flatten().find(|&&at| place(at) >= metrics.len()) {
            let names = metrics.len();
            return Err(
                Rejection::Invalid(format!("index {bad}: there are {names} metrics")).into()
            );
        }
        let database = self.create_database(database)?;
        // Names that are not allowed, or have another type, reject their rows and no others.
        let value_type = values.value_type();
        let handles: Vec<_> =
            metrics.iter().map(|name| database.metric(name, value_type).ok()).collect();
        let rows = (0..count).map(|at| {
            let metric = match index {
                Some(index) => index.get(at).copied().map_or(usize::MAX, place),
                None => at,
            };
            let name = metrics.get(metric).map(String::as_str).unwrap_or_default();
            let handle = handles.get(metric).copied().flatten();
            let time = times.get(at).or(times.first()).copied().unwrap_or_default();
            Row {
                target: handle.map_or(Target::Name(name), Target::Handle),
                time: Timestamp(time),
                value: values.get(at),
            }
        });
        database.add_rows_with(rows, options)
    }
}

fn place(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn same_length(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let detail = format!("{what}: {found} of them for {expected} values");
    Err(Rejection::Invalid(detail).into())
}

#[expect(clippy::cast_possible_truncation, reason = "values are kept in single precision")]
const fn single(value: f64) -> Value {
    Value::F32(value as f32)
}

/// The value as an integer, if it is one.
#[expect(clippy::cast_possible_truncation, clippy::float_cmp, reason = "the cast is compared")]
fn integer(value: f64) -> Option<Value> {
    let integer = value as i32;
    (f64::from(integer) == value).then_some(Value::I32(integer))
}

fn no_integer(value: f64) -> Error {
    Rejection::Invalid(format!("value {value}: expected an integer of 32 bits")).into()
}
