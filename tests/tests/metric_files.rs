//! Metric files of version 3 here: what runs in a browser in `host-wasm/tests/metric_files.rs`.

use nanotdb_core::metric_file::conformance;

#[test]
fn columns_are_the_same_bytes_here() {
    assert_eq!(conformance::columns(), 183_733_572, "the browser's test has the same number");
}

#[test]
fn files_become_version_3_and_come_back() {
    conformance::conversions();
}

#[test]
fn builds_survive_crashes_at_every_step() {
    conformance::crashes();
}
