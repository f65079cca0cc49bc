//! Metric files of version 3 in a browser: what runs natively in `tests/tests/metric_files.rs`.
#![cfg(target_arch = "wasm32")]

use nanotdb_core::metric_file::conformance;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn columns_are_the_same_bytes_here() {
    assert_eq!(conformance::columns(), 183_733_572);
}

#[wasm_bindgen_test]
fn files_become_version_3_and_come_back() {
    conformance::conversions();
}

#[wasm_bindgen_test]
fn builds_survive_crashes_at_every_step() {
    conformance::crashes();
}
