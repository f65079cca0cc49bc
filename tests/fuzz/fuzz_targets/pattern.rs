//! Patterns: two texts, a pattern and a name; matching ends, whatever they are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::text::pattern::Pattern;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, name) = input;
    if let Ok(pattern) = Pattern::new(pattern) {
        let _ = pattern.matches(name);
    }
    if !name.contains(['*', '?', '[', ']', '\\']) {
        assert!(Pattern::new(name).is_ok_and(|pattern| pattern.matches(name)));
    }
});
