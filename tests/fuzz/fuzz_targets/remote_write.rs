//! Bodies of remote write: memory is bounded, and what was read survives being written and read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb::remote_write::{DecodeError, WriteRequest, decode};

const LIMIT: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let mut request = WriteRequest::default();
    let read = decode(bytes, LIMIT, |_, series| {
        request.timeseries.push(series);
        Ok::<(), DecodeError>(())
    });
    if read.is_err() {
        return;
    }
    let written = request.encode_block().expect("as long as what was read");
    let mut again = Vec::new();
    decode(&written, usize::MAX, |_, series| {
        again.push(series);
        Ok::<(), DecodeError>(())
    })
    .expect("what we write we read");
    assert_eq!(format!("{again:?}"), format!("{:?}", request.timeseries));
});
