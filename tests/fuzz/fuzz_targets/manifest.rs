//! Database settings: what parses survives being written and parsed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::settings::DatabaseSettings;

fuzz_target!(|text: &str| {
    let defaults = DatabaseSettings::fresh();
    if let Ok((settings, _)) = DatabaseSettings::parse(text, "manifest.toml", &defaults) {
        let written = settings.to_toml();
        let again = DatabaseSettings::parse(&written, "manifest.toml", &defaults);
        let (again, _) = again.expect("what we write we read");
        assert_eq!(again.to_toml(), written);
    }
});
