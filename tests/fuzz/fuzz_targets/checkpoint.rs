//! Checkpoints: what is read is written so that it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::rollup::checkpoint;

fuzz_target!(|bytes: &[u8]| {
    let checkpoints = checkpoint::parse(bytes);
    assert_eq!(checkpoint::parse(&checkpoint::encode(&checkpoints)), checkpoints);
});
