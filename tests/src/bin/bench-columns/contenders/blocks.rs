//! v2's layout, little-endian values or times, under compressors that know bytes only.

use super::Contender;
use crate::column::{Column, Decoded};
use core::cell::RefCell;
use nanotdb::codecs;
use nanotdb_core::compress::{BlockCodec, CodecId, Codecs};
use zstd::bulk::{Compressor, Decompressor};

/// A codec as files of ours use it.
#[derive(Debug)]
pub(super) struct Block {
    name: String,
    codec: &'static dyn BlockCodec,
}

/// What the native host has.
pub(super) fn native() -> impl Iterator<Item = Block> {
    let codecs = codecs::native();
    let block = move |id: CodecId| Block { name: format!("v2 {id}"), codec: codecs.get(id) };
    CodecId::ALL.into_iter().map(block)
}

/// What browsers have in its place.
pub(super) fn portable_zstd() -> Block {
    let codec = Codecs::portable().get(CodecId::ZstdFastest);
    Block { name: String::from("v2 zstd_fastest, portable"), codec }
}

impl Contender for Block {
    type Encoded = Vec<u8>;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn encode(&self, column: &Column, out: &mut Vec<u8>) {
        out.clear();
        self.codec.encode(&laid_out(column), out);
    }

    fn bytes(&self, encoded: &Vec<u8>) -> usize {
        encoded.len()
    }

    fn decode(&self, column: &Column, encoded: &Vec<u8>, out: &mut Decoded) {
        let mut bytes = Vec::new();
        self.codec.decode(encoded, column.len() * column.width(), &mut bytes).expect("our own");
        read(column, &bytes, out);
    }
}

/// libzstd at any level.
#[derive(Debug)]
pub(super) struct LibZstd {
    pub(super) level: i32,
}

thread_local! {
    static COMPRESSOR: RefCell<Compressor<'static>> = RefCell::new(Compressor::default());
    static DECOMPRESSOR: RefCell<Decompressor<'static>> = RefCell::new(Decompressor::default());
}

impl Contender for LibZstd {
    type Encoded = Vec<u8>;

    fn name(&self) -> String {
        format!("libzstd {}", self.level)
    }

    fn encode(&self, column: &Column, out: &mut Vec<u8>) {
        *out = COMPRESSOR.with_borrow_mut(|compressor| {
            compressor.set_compression_level(self.level).expect("a level");
            compressor.compress(&laid_out(column)).expect("room")
        });
    }

    fn bytes(&self, encoded: &Vec<u8>) -> usize {
        encoded.len()
    }

    fn decode(&self, column: &Column, encoded: &Vec<u8>, out: &mut Decoded) {
        let capacity = column.len() * column.width();
        let bytes = DECOMPRESSOR
            .with_borrow_mut(|decompressor| decompressor.decompress(encoded, capacity))
            .expect("our own");
        read(column, &bytes, out);
    }
}

fn laid_out(column: &Column) -> Vec<u8> {
    match (column, column.values()) {
        (Column::Times(times), _) => times.iter().flat_map(|time| time.to_le_bytes()).collect(),
        (_, Some((_, raws))) => raws.iter().flat_map(|raw| raw.to_le_bytes()).collect(),
        (_, None) => unreachable!("no times, so values"),
    }
}

fn read(column: &Column, bytes: &[u8], out: &mut Decoded) {
    if column.values().is_some() {
        out.raws.extend(bytes.as_chunks::<4>().0.iter().map(|raw| u32::from_le_bytes(*raw)));
    } else {
        out.times.extend(bytes.as_chunks::<8>().0.iter().map(|time| i64::from_le_bytes(*time)));
    }
}
