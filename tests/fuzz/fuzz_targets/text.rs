//! Timestamps, durations, floats: what parses survives being printed and parsed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::Timestamp;
use nanotdb_core::text::{duration, float};

fuzz_target!(|text: &str| {
    if let Ok(time) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
    }
    if let Ok(duration) = duration::parse_extended(text) {
        assert_eq!(duration::parse_extended(&duration.to_string()), Ok(duration));
    }
    if let Some(number) = float::parse_f32(text.as_bytes()) {
        let mut out = vec![];
        float::format_f32(&mut out, number);
        let again = float::parse_f32(&out).expect("what we print we parse");
        assert!(again.to_bits() == number.to_bits() || (again.is_nan() && number.is_nan()));
    }
});
