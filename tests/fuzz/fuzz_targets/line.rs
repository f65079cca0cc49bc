//! Lines of samples: what parses survives being printed and parsed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::Timestamp;
use nanotdb_core::text::line::{self, Line};

fuzz_target!(|bytes: &[u8]| {
    let Ok(parsed) = Line::parse_bytes(bytes) else { return };
    let time = parsed.time.unwrap_or(Timestamp(0));
    let mut out = vec![];
    line::format_line(&mut out, parsed.database, parsed.metric, parsed.value, time);
    let again = Line::parse_bytes(&out).expect("what we print we parse");
    assert_eq!((again.database, again.metric), (parsed.database, parsed.metric));
    assert_eq!(again.time, Some(time));
    let is_nan = parsed.value.as_f64().is_nan() && again.value.as_f64().is_nan();
    assert!(is_nan || again.value == parsed.value);
});
