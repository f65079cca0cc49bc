//! Engine settings: what parses survives being written and parsed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::settings::EngineSettings;

fuzz_target!(|text: &str| {
    if let Ok((settings, _)) = EngineSettings::parse(text, "engine.toml") {
        let written = settings.to_toml();
        let (again, _) =
            EngineSettings::parse(&written, "engine.toml").expect("what we write we read");
        assert_eq!(again.to_toml(), written);
    }
});
