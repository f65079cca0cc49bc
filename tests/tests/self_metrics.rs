//! The engine's own metrics beside those of the reference.

use nanotdb::settings::INTERNAL;
use nanotdb::{OpenOptions, Timestamp};
use nanotdb_core::catalog;
use nanotdb_tests::fixtures::Fixture;
use std::collections::BTreeSet;
use std::fs;

/// What the reference says of itself and we do not: Go's garbage collector, its heap and its
/// goroutines. Our host measures `rss_bytes` and `threads` where the system tells.
const LEFT_OUT: [&str; 11] = [
    "nanotdb/runtime/goroutines",
    "nanotdb/runtime/heap_alloc_bytes",
    "nanotdb/runtime/heap_idle_bytes",
    "nanotdb/runtime/heap_inuse_bytes",
    "nanotdb/runtime/heap_objects",
    "nanotdb/runtime/last_gc_pause_ns",
    "nanotdb/runtime/last_gc_unix_ns",
    "nanotdb/runtime/next_gc_bytes",
    "nanotdb/runtime/num_gc",
    "nanotdb/runtime/stack_inuse_bytes",
    "nanotdb/runtime/sys_bytes",
];

#[test]
fn every_metric_of_the_references_own_is_here_but_for_those_of_go() {
    let fixture = Fixture::load("25");
    let catalog = fs::read(fixture.root().join("internal/catalog.json")).unwrap();
    let reference: BTreeSet<String> =
        catalog::file::decode(&catalog).unwrap().into_iter().map(|record| record.name).collect();

    let directory = tempfile::tempdir().unwrap();
    fs::copy(fixture.root().join("engine.toml"), directory.path().join("engine.toml")).unwrap();
    let store = OpenOptions::default().background(false).open(directory.path()).unwrap();
    for name in ["prod", "dev", "late"] {
        let database = store.create_database(name).unwrap();
        for second in 0..120 {
            database.add("a", Timestamp(second * 1_000_000_000), 0.5).unwrap();
        }
    }
    // Its first page of these is counted in the last of them, which closing writes.
    store.tick().unwrap();
    store.close().unwrap();

    let store = OpenOptions::read_only().open(directory.path()).unwrap();
    let ours: BTreeSet<String> =
        store.database(INTERNAL).unwrap().metrics().into_iter().map(|info| info.name).collect();
    let missing: Vec<&str> = reference.difference(&ours).map(String::as_str).collect();
    assert_eq!(missing, LEFT_OUT);
}
