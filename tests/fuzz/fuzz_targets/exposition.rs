//! Lines of Prometheus' text format, in both forms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb::labels::Labels;
use nanotdb::server::exposition::{Form, parse};

fuzz_target!(|bytes: &[u8]| {
    let Ok(line) = core::str::from_utf8(bytes) else { return };
    for form in [Form::Prometheus, Form::OpenMetrics] {
        let Ok(Some(exposed)) = parse(line, form) else { continue };
        let metric = exposed.labels.metric();
        assert_eq!(Labels::of_metric(&metric).metric(), metric);
    }
});
