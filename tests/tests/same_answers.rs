//! What every host must answer about the reference's directories: `tests/fixtures/answers.txt` has
//! a line for each of them, and the browser's tests compare themselves with it, too.
//!
//! `NANOTDB_WRITE_ANSWERS=1` writes the file anew, and then its changes are for a person to judge.

use nanotdb_core::codec::checksum::crc32;
use nanotdb_core::engine::testing::answers;
use nanotdb_tests::answers::open;
use nanotdb_tests::fixtures::Fixture;
use std::path::Path;

#[test]
fn native_answers_are_those_of_every_host() {
    let mut text = String::new();
    for fixture in Fixture::all() {
        let root = fixture.copy();
        let store = open(root.path());
        let lines = answers(store.engine()).join("\n");
        let count = lines.lines().count();
        assert!(count > 0, "{}: no answers", fixture.name());
        text += &format!("{} {count} {:08x}\n", fixture.name(), crc32(lines.as_bytes()));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/answers.txt");
    if std::env::var_os("NANOTDB_WRITE_ANSWERS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}
