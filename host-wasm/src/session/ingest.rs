//! Samples on their way in.

use super::view::{AddReport, LinesReport, Rejected, RejectedLine, object};
use super::{Answer, Engine, Session, count};
use crate::error::{thrown, with_code};
use nanotdb_core::engine::{BatchReport, Importer, Row, Target};
use nanotdb_core::error::{Error, Rejection};
use nanotdb_core::{Timestamp, Value, ValueType};
use std::fmt;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Rejected rows that a report names.
const MAX_ROWS: usize = 100;

/// Rejected lines that a report names.
const MAX_LINES: usize = 1000;

#[wasm_bindgen]
impl Session {
    /// Takes one sample in. Without a type it has the metric's own, and `f32` for a new one.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Database::add`].
    pub fn add(
        &self,
        database: &str,
        metric: &str,
        value: f64,
        value_type: Option<String>,
        time: Option<i64>,
    ) -> Answer<()> {
        let engine = self.engine()?;
        let time = time.map_or_else(|| engine.now(), Timestamp);
        let add = |value| engine.add(database, metric, time, value);
        let added = match value_type.as_deref() {
            Some("i32") => integer(value).map_or_else(|| Err(no_integer(value)), add),
            Some("f32") => add(single(value)),
            Some(other) => Err(Rejection::Invalid(format!(
                "value type {other:?}: expected \"f32\" or \"i32\""
            ))
            .into()),
            None => match (add(single(value)), integer(value)) {
                (Err(Error::Rejected(Rejection::TypeMismatch { .. })), Some(integer)) => {
                    add(integer)
                }
                (added, _) => added,
            },
        };
        added.map_err(thrown)
    }

    /// Takes a column of one metric in.
    ///
    /// # Errors
    ///
    /// `invalid` when the columns differ in length; as
    /// [`nanotdb_core::engine::Database::add_rows`].
    #[wasm_bindgen(js_name = addColumns)]
    pub fn add_columns(
        &self,
        database: &str,
        metric: &str,
        times: &[i64],
        floats: Option<Vec<f32>>,
        ints: Option<Vec<i32>>,
    ) -> Answer<JsValue> {
        let values = Values::new(floats, ints)?;
        same_length("times", times.len(), values.len())?;
        let database = self.engine()?.create_database(database).map_err(thrown)?;
        let handle = database.metric(metric, values.value_type()).map_err(thrown)?;
        let rows = times.iter().enumerate().map(|(at, &time)| Row {
            target: Target::Handle(handle),
            time: Timestamp(time),
            value: values.get(at),
        });
        report(&database.add_rows(rows).map_err(thrown)?)
    }

    /// Takes rows of many metrics in.
    ///
    /// # Errors
    ///
    /// As [`add_columns`](Self::add_columns).
    #[wasm_bindgen(js_name = addRows)]
    pub fn add_rows(
        &self,
        database: &str,
        metrics: Vec<String>,
        index: Option<Vec<u32>>,
        times: &[i64],
        floats: Option<Vec<f32>>,
        ints: Option<Vec<i32>>,
    ) -> Answer<JsValue> {
        let values = Values::new(floats, ints)?;
        let rows = values.len();
        same_length("metrics", index.as_ref().map_or(metrics.len(), Vec::len), rows)?;
        if times.len() != 1 {
            same_length("times", times.len(), rows)?;
        }
        if let Some(&bad) = index.iter().flatten().find(|&&at| at as usize >= metrics.len()) {
            let count = metrics.len();
            let detail = format!("index {bad}: there are {count} metrics");
            return Err(with_code("invalid", &detail));
        }
        let database = self.engine()?.create_database(database).map_err(thrown)?;
        let value_type = values.value_type();
        // Names that are not allowed, or have another type, reject their rows and no others.
        let handles: Vec<_> =
            metrics.iter().map(|name| database.metric(name, value_type).ok()).collect();
        let rows = (0..rows).map(|at| {
            let metric = index
                .as_ref()
                .map_or(at, |index| index.get(at).map_or(usize::MAX, |&metric| metric as usize));
            let name = metrics.get(metric).map(String::as_str).unwrap_or_default();
            let handle = handles.get(metric).copied().flatten();
            let time = times.get(at).or(times.first()).copied().unwrap_or_default();
            Row {
                target: handle.map_or(Target::Name(name), Target::Handle),
                time: Timestamp(time),
                value: values.get(at),
            }
        });
        report(&database.add_rows(rows).map_err(thrown)?)
    }

    /// Begins to take lines in, into the databases they name or all into one.
    ///
    /// # Errors
    ///
    /// `closed`.
    #[wasm_bindgen(js_name = importLines)]
    pub fn import_lines(&self, database: Option<String>) -> Answer<LineImport> {
        let importer = Importer::new(self.engine()?, database.as_deref());
        Ok(LineImport { importer: Some(importer), rejections: Vec::new() })
    }
}

/// Lines on their way in.
#[wasm_bindgen]
pub struct LineImport {
    importer: Option<Importer<Rc<Engine>>>,
    rejections: Vec<RejectedLine>,
}

impl fmt::Debug for LineImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineImport").field("rejections", &self.rejections).finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl LineImport {
    /// Takes the next piece of text, which may end anywhere.
    ///
    /// # Errors
    ///
    /// Only those that stop all later writes.
    pub fn feed(&mut self, text: &[u8]) -> Answer<()> {
        let rejections = &mut self.rejections;
        let importer = self.importer.as_mut().ok_or_else(finished)?;
        importer.feed(text, &mut |line| note(rejections, line)).map_err(thrown)
    }

    /// Takes the last line and says what was done.
    ///
    /// # Errors
    ///
    /// As [`feed`](Self::feed).
    pub fn finish(&mut self) -> Answer<JsValue> {
        let rejections = &mut self.rejections;
        let importer = self.importer.take().ok_or_else(finished)?;
        let report = importer.finish(&mut |line| note(rejections, line)).map_err(thrown)?;
        object(&LinesReport {
            total_lines: count(report.total_lines),
            imported_lines: count(report.imported_lines),
            skipped_lines: count(report.skipped_lines),
            rejected_lines: count(report.rejected_lines),
            rejections: core::mem::take(&mut self.rejections),
            databases: report.databases.into_iter().collect(),
        })
    }
}

fn note(rejections: &mut Vec<RejectedLine>, line: nanotdb_core::engine::RejectedLine) {
    if rejections.len() < MAX_LINES {
        rejections.push(RejectedLine { line: count(line.number), reason: line.reason });
    }
}

fn finished() -> JsValue {
    with_code("invalid", "the import of lines is finished")
}

/// Values of one type.
enum Values {
    Floats(Vec<f32>),
    Ints(Vec<i32>),
}

impl Values {
    fn new(floats: Option<Vec<f32>>, ints: Option<Vec<i32>>) -> Answer<Self> {
        match (floats, ints) {
            (Some(floats), None) => Ok(Self::Floats(floats)),
            (None, Some(ints)) => Ok(Self::Ints(ints)),
            _ => Err(with_code("invalid", "values: expected a Float32Array or an Int32Array")),
        }
    }

    const fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Ints(values) => values.len(),
        }
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

fn same_length(what: &str, found: usize, expected: usize) -> Answer<()> {
    if found == expected {
        return Ok(());
    }
    let detail = format!("{what}: {found} of them for {expected} values");
    Err(with_code("invalid", &detail))
}

fn report(batch: &BatchReport) -> Answer<JsValue> {
    let rejected = |(row, rejection): &(usize, Rejection)| Rejected {
        row: count(*row),
        reason: rejection.to_string(),
    };
    object(&AddReport {
        accepted: count(batch.accepted),
        rejected: count(batch.rejected.len()),
        rejections: batch.rejected.iter().take(MAX_ROWS).map(rejected).collect(),
    })
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
