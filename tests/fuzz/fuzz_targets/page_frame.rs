//! Page frames: a page that decodes encodes to one that decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::compress::{CodecId, Codecs};
use nanotdb_core::page::{Columns, FrameHeader, Payload, frame};

fuzz_target!(|bytes: &[u8]| {
    let s2 = Codecs::portable().get(CodecId::S2);
    let decoded = |bytes: &[u8]| {
        let header = FrameHeader::decode(bytes).ok()?;
        let mut payload = Payload::default();
        header.decode_page(bytes, s2, &mut payload).ok()?;
        let mut columns = Columns::default();
        payload.copy_to(&mut columns);
        Some(columns)
    };
    if let Some(columns) = decoded(bytes) {
        let mut again = vec![];
        frame::encode(&columns, s2, &mut again);
        assert_eq!(decoded(&again), Some(columns));
    }
});
