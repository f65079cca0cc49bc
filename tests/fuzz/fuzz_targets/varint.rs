//! Variable-length integers: what decodes also encodes, to no more bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::codec::varint;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((value, len)) = varint::decode(bytes) {
        let mut out = vec![];
        varint::encode(value, &mut out);
        assert!(out.len() <= len);
        assert_eq!(varint::decode(&out), Ok((value, out.len())));
    }
});
