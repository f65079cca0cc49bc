//! Expressions: whatever is asked, nothing panics and no stack runs over.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb::server::promql::formatted;

fuzz_target!(|bytes: &[u8]| {
    let Ok(query) = core::str::from_utf8(bytes) else { return };
    let _ = formatted(query);
});
