//! Columns of values in WebAssembly, for `bench/columns.js` to measure: nothing around them.

use nanotdb_core::ValueType;
use nanotdb_core::column::{ColumnError, Encoded, values};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Columns, as they are and encoded.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Columns {
    columns: Vec<Column>,
    decoded: Vec<u32>,
}

#[derive(Debug)]
struct Column {
    value_type: ValueType,
    raws: Vec<u32>,
    encoded: Encoded,
}

#[wasm_bindgen]
impl Columns {
    /// No columns.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a column of integers, or of floats' bits.
    pub fn add(&mut self, is_integer: bool, raws: Vec<u32>) {
        let value_type = if is_integer { ValueType::I32 } else { ValueType::F32 };
        self.columns.push(Column { value_type, raws, encoded: Encoded::default() });
    }

    /// Encodes all columns; returns how many bytes they take.
    pub fn encode(&mut self) -> usize {
        let bytes = self.columns.iter_mut().map(|column| {
            values::encode(column.value_type, &column.raws, &mut column.encoded);
            column.encoded.head.len() + column.encoded.body.len()
        });
        bytes.sum()
    }

    /// Decodes all columns.
    ///
    /// # Errors
    ///
    /// When they cannot be: [`encode`](Self::encode) comes first.
    pub fn decode(&mut self) -> Result<(), JsError> {
        self.columns.iter().try_for_each(|column| Ok(column.decode(&mut self.decoded)?))
    }

    /// Whether all columns are decoded to what they were.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn are_restored(&mut self) -> Result<bool, JsError> {
        for column in &self.columns {
            column.decode(&mut self.decoded)?;
            if self.decoded != column.raws {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Column {
    fn decode(&self, out: &mut Vec<u32>) -> Result<(), ColumnError> {
        out.clear();
        let decoder = values::Decoder::new(&self.encoded.head, self.value_type, self.raws.len())?;
        let mut blocks = self.encoded.blocks().enumerate();
        blocks.try_for_each(|(index, block)| decoder.block(index, block, out))
    }
}
