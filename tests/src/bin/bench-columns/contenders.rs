//! What is measured against what.

mod blocks;
mod ours;
mod parquet;
mod pco;

use crate::Options;
use crate::column::{Column, Decoded};
use crate::sets::Set;
use std::fmt::Debug;
use std::hint::black_box;

/// A way to encode a column.
trait Contender: Debug {
    /// What encoding makes; its memory is used again.
    type Encoded: Default;

    fn name(&self) -> String;

    fn encode(&self, column: &Column, out: &mut Self::Encoded);

    /// What would have to be stored, without what says where it is, of what type and how long.
    fn bytes(&self, encoded: &Self::Encoded) -> usize;

    /// Decodes into `out`, which is empty. Of `column` it looks at type and length only.
    fn decode(&self, column: &Column, encoded: &Self::Encoded, out: &mut Decoded);
}

/// A contender on a set.
pub(crate) trait Case {
    fn name(&self) -> String;
    fn encode(&mut self);
    fn decode(&mut self);
    /// Panics unless every column decodes to what it was.
    fn check(&mut self);
    fn bytes(&self) -> usize;
}

/// The baseline of sizes.
pub(crate) const BASELINE: &str = "v2 zstd_fastest";
/// The other one.
pub(crate) const ORACLE: &str = "pco";

/// All contenders that are asked for.
pub(crate) fn cases<'s>(set: &'s Set, options: &Options) -> Vec<Box<dyn Case + 's>> {
    let mut cases: Vec<Box<dyn Case + 's>> = vec![
        Of::case(set, ours::Ours { verified: false }),
        Of::case(set, ours::Ours { verified: true }),
    ];
    cases.extend(blocks::native().map(|block| Of::case(set, block)));
    cases.push(Of::case(set, blocks::portable_zstd()));
    cases.push(Of::case(set, pco::Pco));
    cases.push(Of::case(set, blocks::LibZstd { level: 1 }));
    cases.push(Of::case(set, blocks::LibZstd { level: 19 }));
    cases.push(Of::case(set, parquet::Parquet));
    cases.retain(|case| options.wants_contender(&case.name()));
    cases
}

struct Of<'s, C: Contender> {
    columns: &'s [Column],
    contender: C,
    encoded: Vec<C::Encoded>,
    decoded: Decoded,
}

impl<'s, C: Contender + 's> Of<'s, C> {
    fn case(set: &'s Set, contender: C) -> Box<dyn Case + 's> {
        let columns = set.columns.as_slice();
        let encoded = columns.iter().map(|_| C::Encoded::default()).collect();
        Box::new(Self { columns, contender, encoded, decoded: Decoded::default() })
    }
}

impl<C: Contender> Case for Of<'_, C> {
    fn name(&self) -> String {
        self.contender.name()
    }

    fn encode(&mut self) {
        for (column, encoded) in self.columns.iter().zip(&mut self.encoded) {
            self.contender.encode(black_box(column), encoded);
            black_box(encoded);
        }
    }

    fn decode(&mut self) {
        for (column, encoded) in self.columns.iter().zip(&self.encoded) {
            self.decoded.clear();
            self.contender.decode(column, black_box(encoded), &mut self.decoded);
            black_box(&mut self.decoded);
        }
    }

    fn check(&mut self) {
        for (index, (column, encoded)) in self.columns.iter().zip(&self.encoded).enumerate() {
            self.decoded.clear();
            self.contender.decode(column, encoded, &mut self.decoded);
            assert!(self.decoded.is(column), "{}: column {index} differs", self.name());
        }
    }

    fn bytes(&self) -> usize {
        self.encoded.iter().map(|encoded| self.contender.bytes(encoded)).sum()
    }
}
