//! Catalog files: what decodes survives being written and read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::catalog::file;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(records) = file::decode(bytes) {
        let again = file::decode(&file::encode(&records)).expect("what we write we read");
        assert_eq!(format!("{again:?}"), format!("{records:?}"));
    }
});
