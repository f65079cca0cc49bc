//! `nanotdb_core::column`.

use super::Contender;
use crate::column::{Column, Decoded};
use nanotdb_core::column::{Encoded, MAX_POINTS, times, values};

/// Heads and blocks; `verified` as files are written, decoded again and compared.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) verified: bool,
}

impl Contender for Ours {
    /// One for each [`MAX_POINTS`].
    type Encoded = Vec<Encoded>;

    fn name(&self) -> String {
        String::from(if self.verified { "v3 verified" } else { "v3" })
    }

    fn encode(&self, column: &Column, out: &mut Vec<Encoded>) {
        out.resize(column.len().div_ceil(MAX_POINTS), Encoded::default());
        match (column, column.values()) {
            (Column::Times(all), _) => {
                for (part, out) in all.chunks(MAX_POINTS).zip(&mut *out) {
                    times::encode(part, out);
                }
            }
            (_, Some((value_type, raws))) => {
                for (part, out) in raws.chunks(MAX_POINTS).zip(&mut *out) {
                    values::encode(value_type, part, out);
                }
            }
            (_, None) => unreachable!("no times, so values"),
        }
        if self.verified {
            let mut decoded = Decoded::default();
            self.decode(column, out, &mut decoded);
            assert!(decoded.is(column));
        }
    }

    /// Files also have a length and a checksum for each block.
    fn bytes(&self, encoded: &Vec<Encoded>) -> usize {
        encoded.iter().map(|part| part.head.len() + part.body.len()).sum()
    }

    fn decode(&self, column: &Column, encoded: &Vec<Encoded>, out: &mut Decoded) {
        let mut left = column.len();
        out.raws.reserve(column.values().map_or(0, |(_, raws)| raws.len()));
        for part in encoded {
            let points = left.min(MAX_POINTS);
            left -= points;
            match column.values() {
                None => {
                    let decoder = times::Decoder::new(&part.head, points).expect("our own");
                    for (index, block) in part.blocks().enumerate() {
                        decoder.block(index, block, &mut out.times).expect("our own");
                    }
                }
                Some((value_type, _)) => {
                    let decoder = values::Decoder::new(&part.head, value_type, points);
                    let decoder = decoder.expect("our own");
                    for (index, block) in part.blocks().enumerate() {
                        decoder.block(index, block, &mut out.raws).expect("our own");
                    }
                }
            }
        }
    }
}
