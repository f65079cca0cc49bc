//! Questions.

use super::view::object;
use super::{Answer, Session, count};
use crate::error::{thrown, with_code};
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use js_sys::{Array, BigInt64Array, Float32Array, Float64Array, Int32Array, Reflect, Uint8Array};
use js_sys::{Object, Uint32Array};
use nanotdb_core::aggregate::{Aggregate, Arithmetic};
use nanotdb_core::engine::ExportOptions;
use nanotdb_core::error::Rejection;
use nanotdb_core::query::{AggregateQuery, Chart, ChartMethod, ChartQuery, Damaged};
use nanotdb_core::query::{RangeQuery, Series};
use nanotdb_core::view::{Metric, type_name};
use nanotdb_core::{Error, TimeRange, Timestamp, ValueType};
use wasm_bindgen::prelude::*;

#[expect(clippy::needless_pass_by_value, reason = "JavaScript hands over what it made")]
#[wasm_bindgen]
impl Session {
    /// The newest sample of a metric, if there is one.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Lenient::last`]; when nothing could be found in what can be read,
    /// and there is something that cannot.
    pub fn last(&self, database: &str, metric: &str) -> Answer<JsValue> {
        let database = self.database(database)?;
        let reading = database.lenient();
        let Some(sample) = reading.last(metric).map_err(thrown)? else {
            // Nothing can have a warning.
            return database.last(metric).map(|_| JsValue::UNDEFINED).map_err(thrown);
        };
        answer(
            &reading.damage(),
            &[
                ("time", js_sys::BigInt::from(sample.time.0).into()),
                ("value", sample.value.as_f64().into()),
                ("type", type_name(sample.value.value_type()).into()),
            ],
        )
    }

    /// The samples of metrics, with warnings of what could not be read.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Lenient::range_many`].
    pub fn query(
        &self,
        database: &str,
        metrics: Vec<String>,
        from: i64,
        to: i64,
        stride: f64,
    ) -> Answer<Array> {
        let database = self.database(database)?;
        let query = RangeQuery { range: range(from, to)?, stride: whole("stride", stride)? };
        let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
        let reading = database.lenient();
        let found = reading.range_many(&names, query).map_err(thrown)?;
        let damage = reading.damage();
        let known =
            if found.iter().any(Series::is_empty) { database.metrics() } else { Vec::new() };
        let answers = Array::new();
        for (name, series) in metrics.iter().zip(found) {
            // A metric without samples in the range still has its type.
            let own = known.iter().find(|metric| metric.name == *name);
            let value_type = own.map_or(series.value_type, |metric| metric.value_type);
            answers.push(&answer(
                &damage,
                &[
                    ("metric", name.into()),
                    ("type", type_name(value_type).into()),
                    ("times", BigInt64Array::from(series.times.as_slice()).into()),
                    ("values", column(value_type, &series.raws)),
                ],
            )?);
        }
        Ok(answers)
    }

    /// Windows of metrics, each with warnings of what could not be read.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Lenient::aggregate`].
    #[expect(clippy::too_many_arguments, reason = "JavaScript calls it, with plain values")]
    pub fn aggregate(
        &self,
        database: &str,
        metrics: Vec<String>,
        from: i64,
        to: i64,
        window_ns: i64,
        offset_ns: i64,
        aggregates: Vec<String>,
    ) -> Answer<Array> {
        let database = self.database(database)?;
        let parse = |name: &String| name.parse::<Aggregate>();
        let aggregates: Vec<Aggregate> = aggregates
            .iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map_err(|error| with_code("invalid", &error.to_string()))?;
        let query = AggregateQuery {
            range: range(from, to)?,
            window_ns,
            offset_ns,
            aggregates: &aggregates,
            arithmetic: Arithmetic::Exact,
        };
        let answers = Array::new();
        for name in &metrics {
            let mut starts = Vec::new();
            let mut columns = vec![Vec::new(); aggregates.len()];
            let reading = database.lenient();
            let found = reading.aggregate(name, &query, |bucket| {
                starts.push(bucket.start.0);
                for (column, &value) in columns.iter_mut().zip(&bucket.values) {
                    column.push(value);
                }
                ControlFlow::Continue(())
            });
            found.map_err(thrown)?;
            let values: Array =
                columns.iter().map(|column| Float64Array::from(column.as_slice())).collect();
            answers.push(&answer(
                &reading.damage(),
                &[
                    ("metric", name.into()),
                    ("times", BigInt64Array::from(starts.as_slice()).into()),
                    ("values", values.into()),
                ],
            )?);
        }
        Ok(answers)
    }

    /// The samples of metrics that charts of so many pixels need, by the method of this name, each
    /// with warnings of what could not be read.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Lenient::chart`].
    pub fn chart(
        &self,
        database: &str,
        metrics: Vec<String>,
        from: i64,
        to: i64,
        points: f64,
        method: &str,
    ) -> Answer<Array> {
        let database = self.database(database)?;
        let method = method.parse::<ChartMethod>();
        let query = ChartQuery {
            range: range(from, to)?,
            points: whole("points", points)?,
            method: method.map_err(|error| with_code("invalid", &error.to_string()))?,
        };
        let answers = Array::new();
        for name in &metrics {
            let reading = database.lenient();
            let Chart { series, slack_ns } = reading.chart(name, &query).map_err(thrown)?;
            answers.push(&answer(
                &reading.damage(),
                &[
                    ("metric", name.into()),
                    ("type", type_name(series.value_type).into()),
                    ("times", BigInt64Array::from(series.times.as_slice()).into()),
                    ("values", column(series.value_type, &series.raws)),
                    ("slack", js_sys::BigInt::from(slack_ns).into()),
                ],
            )?);
        }
        Ok(answers)
    }

    /// All metrics of a database, by name.
    ///
    /// # Errors
    ///
    /// `unknown-database`, or why it does not open.
    pub fn metrics(&self, database: &str) -> Answer<JsValue> {
        let metrics = self.database(database)?.metrics().into_iter();
        object(&metrics.map(Metric::from).collect::<Vec<_>>())
    }

    /// Names of all databases, sorted.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn databases(&self) -> Answer<Vec<String>> {
        self.engine()?.databases().map_err(thrown)
    }

    /// Hands the samples of a range on as lines, in pieces, and returns how many there were.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Database::export_metrics`].
    #[wasm_bindgen(js_name = exportLines)]
    pub fn export_lines(
        &self,
        database: &str,
        from: i64,
        to: i64,
        metrics: Option<Vec<String>>,
        sink: &js_sys::Function,
    ) -> Answer<f64> {
        let options = ExportOptions { range: range(from, to)?, ..ExportOptions::default() };
        let wanted = |name: &str| {
            metrics.as_ref().is_none_or(|metrics| metrics.iter().any(|metric| metric == name))
        };
        let mut refused = None;
        let lines = self.database(database)?.export_metrics(options, wanted, |text| {
            let chunk = Uint8Array::from(text);
            sink.call1(&JsValue::UNDEFINED, &chunk).map(drop).map_err(|error| {
                refused = Some(error);
                Error::Rejected(Rejection::Invalid("the reader stopped".to_owned()))
            })
        });
        match (lines, refused) {
            (_, Some(error)) => Err(error),
            (lines, None) => lines.map(count).map_err(thrown),
        }
    }
}

pub(super) fn range(from: i64, to: i64) -> Answer<TimeRange> {
    let (from, to) = (Timestamp(from), Timestamp(to));
    TimeRange::new(from, to).ok_or_else(|| thrown(Rejection::InvalidRange { from, to }))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just before")]
fn whole(what: &str, number: f64) -> Answer<NonZeroUsize> {
    let is_whole = number >= 1.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
    let whole = if is_whole { NonZeroUsize::new(number as usize) } else { None };
    let expected = || format!("{what}: expected an integer of at least 1");
    whole.ok_or_else(|| with_code("invalid", &expected()))
}

/// A column as JavaScript has it: the bits are the same, only the array's type differs.
fn column(value_type: ValueType, raws: &[u32]) -> JsValue {
    let bits = Uint32Array::from(raws).buffer();
    match value_type {
        ValueType::F32 => Float32Array::new(&bits).into(),
        ValueType::I32 => Int32Array::new(&bits).into(),
    }
}

/// Places that are named; of more, how many there are is said.
const MAX_NAMED: usize = 20;

/// An answer, and what it lacks if that could not be read.
fn answer(damage: &[Damaged], fields: &[(&str, JsValue)]) -> Answer<JsValue> {
    let object = Object::new();
    if !damage.is_empty() {
        let warnings: Array =
            damage.iter().take(MAX_NAMED).map(|place| JsValue::from(place.to_string())).collect();
        if let Some(more) = damage.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
            warnings.push(&format!("and {more} more places").into());
        }
        Reflect::set(&object, &"warnings".into(), &warnings)?;
    }
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object.into())
}
