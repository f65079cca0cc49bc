//! S2 blocks: two bytes of length, then a block to decode and content to encode.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::compress::{CodecId, Codecs};

fuzz_target!(|input: (u16, &[u8])| {
    let (decoded_len, bytes) = (usize::from(input.0), input.1);
    for id in [CodecId::S2, CodecId::S2Better] {
        let codec = Codecs::portable().get(id);
        let mut out = vec![7];
        match codec.decode(bytes, decoded_len, &mut out) {
            Ok(()) => assert_eq!(out.len(), 1 + decoded_len),
            Err(_) => assert_eq!(out, [7]),
        }
        let (mut block, mut back) = (vec![], vec![]);
        codec.encode(bytes, &mut block);
        codec.decode(&block, bytes.len(), &mut back).expect("what we write we read");
        assert_eq!(back, bytes);
    }
});
