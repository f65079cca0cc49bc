//! The register of deviations, D-01 to D-25: each has a test that names it.

use std::fs;
use std::path::Path;

/// Every `fn d01_…` in the Rust sources below a directory.
fn named(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            if !entry.ends_with("target") {
                named(&entry, found);
            }
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn d"));
            found.extend(names.map(|name| name.trim_start_matches('_').to_owned()));
        }
    }
}

#[test]
fn every_deviation_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for part in ["core/src", "host-native", "tests/tests"] {
        named(&root.join(part), &mut found);
    }
    // D-24 is of the server, but for durations in days and weeks.
    let missing: Vec<u32> = (1..=25)
        .filter(|number| !found.iter().any(|name| name.starts_with(&format!("{number:02}_"))))
        .collect();
    assert_eq!(missing, [0; 0], "of {} tests", found.len());
}
