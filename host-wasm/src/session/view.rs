//! Results as plain objects of JavaScript: counts are numbers, times `BigInt`s. What is in them, and
//! what other hosts show as well, is [`nanotdb_core::view`].

use super::Answer;
use crate::error::with_code;
use nanotdb_core::view::Count;
use serde::Serialize;
use wasm_bindgen::JsValue;

/// The object of a result. An `Option` that is empty becomes `undefined`.
pub(super) fn object(view: &impl Serialize) -> Answer<JsValue> {
    let serializer =
        serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(true);
    view.serialize(&serializer).map_err(|error| with_code("internal", &error.to_string()))
}

#[derive(Debug, Serialize)]
pub(super) struct RootReport {
    pub(super) databases: Vec<String>,
    pub(super) files: Count,
    pub(super) bytes: Count,
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoreStats {
    pub(super) version: String,
    pub(super) storage: &'static str,
    pub(super) databases: Vec<String>,
    pub(super) file_bytes: Count,
    pub(super) stored_bytes: Count,
    pub(super) memory_bytes: f64,
    pub(super) warnings: Vec<String>,
}
