//! The `pco` crate, which knows numbers: what size is possible.

use super::Contender;
use crate::column::{Column, Decoded};
use pco::ChunkConfig;
use pco::standalone::{simple_compress_into, simple_decompress_into};

#[derive(Debug)]
pub(super) struct Pco;

impl Contender for Pco {
    type Encoded = Vec<u8>;

    fn name(&self) -> String {
        String::from(super::ORACLE)
    }

    fn encode(&self, column: &Column, out: &mut Vec<u8>) {
        out.clear();
        let config = ChunkConfig::default();
        let written = match column {
            Column::Floats { values, .. } => simple_compress_into(values, &config, &mut *out),
            Column::Integers { values, .. } => simple_compress_into(values, &config, &mut *out),
            Column::Times(times) => simple_compress_into(times, &config, &mut *out),
        };
        written.expect("room");
    }

    fn bytes(&self, encoded: &Vec<u8>) -> usize {
        encoded.len()
    }

    fn decode(&self, column: &Column, encoded: &Vec<u8>, out: &mut Decoded) {
        let len = column.len();
        let progress = match column {
            Column::Floats { .. } => {
                out.floats.resize(len, 0.0);
                simple_decompress_into(encoded.as_slice(), &mut out.floats)
            }
            Column::Integers { .. } => {
                out.integers.resize(len, 0);
                simple_decompress_into(encoded.as_slice(), &mut out.integers)
            }
            Column::Times(_) => {
                out.times.resize(len, 0);
                simple_decompress_into(encoded.as_slice(), &mut out.times)
            }
        };
        assert!(progress.expect("its own").finished);
    }
}
