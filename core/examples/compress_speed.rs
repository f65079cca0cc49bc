//! Prints how fast and how small the block codecs are on one day of 84 metrics.
//!
//! Run with `cargo run --release -p nanotdb-core --example compress_speed [shape [substring]]`.

extern crate alloc;

#[path = "../src/compress/w84.rs"]
mod w84;

use nanotdb_core::compress::s2::S2;
use nanotdb_core::compress::{BlockCodec, CodecId, Codecs};
use std::time::Instant;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let chosen = |name: &str| wanted.first().is_none_or(|shape| name == shape);
    for (name, shape) in [
        ("regular", w84::Shape::Regular),
        ("jitter", w84::Shape::Jitter),
        ("stagger", w84::Shape::Stagger),
    ] {
        if !chosen(name) {
            continue;
        }
        let rows = w84::day(shape);
        report(&format!("{name} pages"), &w84::pages(&rows));
        let values: Vec<_> = (0..84).map(|metric| w84::values(&rows, metric)).collect();
        report(&format!("{name} value vectors"), &values);
        let times: Vec<_> = (0..84).map(|metric| w84::times(&rows, metric)).collect();
        report(&format!("{name} time vectors"), &times);
    }
}

fn report(what: &str, inputs: &[Vec<u8>]) {
    let part = std::env::args().nth(2).unwrap_or_default();
    if !what.contains(&part) {
        return;
    }
    let total: usize = inputs.iter().map(Vec::len).sum();
    println!("{what}: {} of {} bytes", inputs.len(), total / inputs.len());
    for codec in CodecId::ALL.map(|id| Codecs::portable().get(id)) {
        let (mut out, mut blocks) = (Vec::new(), Vec::new());
        let encode = best_rate(total, || {
            blocks.clear();
            for input in inputs {
                out.clear();
                codec.encode(input, &mut out);
                blocks.push(out.clone());
            }
        });
        let decode = best_rate(total, || {
            for (block, input) in blocks.iter().zip(inputs) {
                out.clear();
                codec.decode(block, input.len(), &mut out).expect("own block");
            }
        });
        line(codec.id(), &blocks, encode, decode);
    }
    oracle("minlz", total, inputs, minlz::s2::encode);
    oracle("minlz better", total, inputs, minlz::s2::encode_better);
}

fn oracle(name: &str, total: usize, inputs: &[Vec<u8>], encode: fn(&[u8]) -> Vec<u8>) {
    let mut blocks = Vec::new();
    let rate = best_rate(total, || blocks = inputs.iter().map(|i| encode(i)).collect());
    let mut out = vec![0; inputs[0].len()];
    let decode = best_rate(total, || {
        for (block, input) in blocks.iter().zip(inputs) {
            minlz::s2::decode_into(&mut out[..input.len()], block).expect("own block");
        }
    });
    let ours = best_rate(total, || {
        let mut out = Vec::new();
        for (block, input) in blocks.iter().zip(inputs) {
            out.clear();
            S2.decode(block, input.len(), &mut out).expect("valid block");
        }
    });
    line(name, &blocks, rate, decode);
    println!("    its blocks decoded by us: {ours:.0} MB/s");
}

fn line(name: impl core::fmt::Debug, blocks: &[Vec<u8>], encode: f64, decode: f64) {
    let bytes: usize = blocks.iter().map(Vec::len).sum();
    println!("  {name:?}: {bytes} bytes, encode {encode:.0} MB/s, decode {decode:.0} MB/s");
}

/// Megabytes a second, the best of several runs.
#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn best_rate(bytes: usize, mut run: impl FnMut()) -> f64 {
    let fastest = (0..9)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min);
    bytes as f64 / fastest / 1e6
}
