//! Samples on their way in.

use super::view::object;
use super::{Answer, Engine, Session};
use crate::error::{thrown, with_code};
use nanotdb_core::Timestamp;
use nanotdb_core::engine::{Importer, RowTime, Rows, Values};
use nanotdb_core::view::{AddReport, Rejections, value_type_named};
use std::fmt;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

#[expect(clippy::needless_pass_by_value, reason = "JavaScript hands over what it made")]
#[wasm_bindgen]
impl Session {
    /// Takes one sample in, of now without a time. Without a type it has the metric's own, and `f32` for a new one.
    ///
    /// # Errors
    ///
    /// As [`nanotdb_core::engine::Engine::add_number`].
    pub fn add(
        &self,
        database: &str,
        metric: &str,
        value: f64,
        value_type: Option<String>,
        time: Option<i64>,
    ) -> Answer<()> {
        let engine = self.engine()?;
        let time = RowTime::from(time.map(Timestamp));
        let value_type = value_type.as_deref().map(value_type_named).transpose().map_err(thrown)?;
        engine.add_number(database, metric, time, value, value_type).map_err(thrown)
    }

    /// Takes a column of one metric in.
    ///
    /// # Errors
    ///
    /// `invalid` when the columns differ in length; as
    /// [`nanotdb_core::engine::Engine::add_columns`].
    #[wasm_bindgen(js_name = addColumns)]
    pub fn add_columns(
        &self,
        database: &str,
        metric: &str,
        times: &[i64],
        floats: Option<Vec<f32>>,
        ints: Option<Vec<i32>>,
    ) -> Answer<JsValue> {
        let values = values(floats, ints)?;
        let report = self.engine()?.add_column(database, metric, times, &values);
        object(&AddReport::from(&report.map_err(thrown)?))
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
        times: Vec<i64>,
        floats: Option<Vec<f32>>,
        ints: Option<Vec<i32>>,
    ) -> Answer<JsValue> {
        let rows = Rows { metrics, index, times, values: values(floats, ints)? };
        let report = self.engine()?.add_columns(database, &rows).map_err(thrown)?;
        object(&AddReport::from(&report))
    }

    /// Begins to take lines in, into the databases they name or all into one.
    ///
    /// # Errors
    ///
    /// `closed`.
    #[wasm_bindgen(js_name = importLines)]
    pub fn import_lines(&self, database: Option<String>) -> Answer<LineImport> {
        let importer = Importer::new(self.engine()?, database.as_deref());
        Ok(LineImport { importer: Some(importer), rejections: Rejections::default() })
    }
}

/// Lines on their way in.
#[wasm_bindgen]
pub struct LineImport {
    importer: Option<Importer<Rc<Engine>>>,
    rejections: Rejections,
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
        importer.feed(text, &mut |line| rejections.note(line)).map_err(thrown)
    }

    /// Takes the last line and says what was done.
    ///
    /// # Errors
    ///
    /// As [`feed`](Self::feed).
    pub fn finish(&mut self) -> Answer<JsValue> {
        let rejections = &mut self.rejections;
        let importer = self.importer.take().ok_or_else(finished)?;
        let report = importer.finish(&mut |line| rejections.note(line)).map_err(thrown)?;
        object(&core::mem::take(&mut self.rejections).report(report))
    }
}

fn finished() -> JsValue {
    with_code("invalid", "the import of lines is finished")
}

/// The values of one of two arrays.
fn values(floats: Option<Vec<f32>>, ints: Option<Vec<i32>>) -> Answer<Values> {
    match (floats, ints) {
        (Some(floats), None) => Ok(Values::Floats(floats)),
        (None, Some(ints)) => Ok(Values::Ints(ints)),
        _ => Err(with_code("invalid", "values: expected a Float32Array or an Int32Array")),
    }
}
