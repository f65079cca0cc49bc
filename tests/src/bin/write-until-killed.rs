//! What the kill test kills: root, file for notes, number of the first sample, seed.

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, notes, first, seed] = arguments.as_slice() else {
        panic!("expected root, notes, first and seed, not {arguments:?}");
    };
    let notes = std::fs::File::options().write(true).open(notes).expect("the notes");
    let number = |text: &String| text.parse().expect("a number");
    let ended = nanotdb_tests::kill::write_until_killed(
        Path::new(root),
        &notes,
        number(first),
        number(seed),
    );
    panic!("the store gave up: {ended:?}");
}
