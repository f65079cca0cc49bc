//! Prints how many lines per second are read and written, to tune `text::line` in release builds.

use core::hint::black_box;
use nanotdb_core::text::line::{Line, format_line};
use nanotdb_core::{Timestamp, Value};
use std::time::Instant;

const LINES: u32 = 1_000_000;
const ROUNDS: u32 = 5;

fn main() {
    let lines = |value: fn(u32) -> String| -> Vec<String> {
        let line = |i| {
            format!(
                "bench/host01.gauge.m30 {} {}",
                value(i),
                1_767_225_600_000_000_000_u64 + u64::from(i)
            )
        };
        (0..LINES).map(line).collect()
    };
    read("gauge of 2 decimals", &lines(|i| format!("{}.{:02}", 10 + i % 90, i % 100)));
    read("gauge of 24 bits", &lines(|i| format!("{}", f32::from_bits(0x41c8_0000 + i * 7))));
    read("integer", &lines(|i| format!("{i}i")));
    let dated = |i: u32| {
        format!(
            "bench/host01.gauge.m30 25.13 {}",
            Timestamp(1_767_225_600_000_000_000 + i64::from(i))
        )
    };
    read("dated", &(0..LINES).map(dated).collect::<Vec<_>>());

    write("gauge of 2 decimals", |i| Value::F32(f32::from(i.to_le_bytes()[0]) / 100.0));
    write("gauge of 24 bits", |i| Value::F32(f32::from_bits(0x41c8_0000 + i.unsigned_abs() * 7)));
    write("integer", Value::I32);
}

fn read(what: &str, lines: &[String]) {
    report("read", what, || {
        for line in lines {
            let _ = black_box(Line::parse_bytes(black_box(line.as_bytes())));
        }
    });
}

fn write(what: &str, value: fn(i32) -> Value) {
    let mut out = Vec::new();
    report("write", what, || {
        for (i, time) in (0..LINES.cast_signed()).zip(1_767_225_600_000_000_000..) {
            out.clear();
            format_line(&mut out, "bench", "host01.gauge.m30", value(i), Timestamp(time));
            black_box(&out);
        }
    });
}

/// The best of some rounds: the others shared the processor.
fn report(direction: &str, what: &str, mut round: impl FnMut()) {
    let seconds = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    println!("{direction:<6}{what:<22}{:6.2} M lines/s", f64::from(LINES) / seconds / 1e6);
}
