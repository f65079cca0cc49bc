//! InfluxDB's lines: nothing panics, and what is a point has a name that is a metric's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb::labels::Labels;
use nanotdb::server::influx::{Precision, parse};

fuzz_target!(|bytes: &[u8]| {
    let Ok(line) = core::str::from_utf8(bytes) else { return };
    let Ok(Some(point)) = parse(line, Precision::default()) else { return };
    assert!(line.starts_with(point.series));
    let tags = point.tags.iter().map(|(key, value)| (&**key, &**value));
    let labels = Labels::new(&*point.measurement, tags);
    let metric = labels.metric();
    assert!(!metric.contains(|c: char| c.is_whitespace() || c.is_control()));
    assert_eq!(Labels::of_metric(&metric).metric(), metric);
});
