//! Catalogs that were lost or put back from another day, beside files that are whole.

use nanotdb::{Store, Timestamp};
use nanotdb_tests::answers::{killed, open, root_with, streams};
use nanotdb_tests::independent::{DataFile, Directory};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600_000_000_000;
const DAY: i64 = 86_400_000_000_000;
const LOGGED: &str = "[wal]\nenabled = true\nskip_before = \"0s\"\n";

fn add(store: &Store, metric: &str, time: i64, value: f32) {
    store.database("home").unwrap().add(metric, Timestamp(time), value).unwrap();
}

/// Ids that the data files of a database use, as the second decoder finds them.
fn ids_in_use(root: &Path, database: &str) -> Vec<u16> {
    let directory = Directory::read(root).unwrap();
    let files = directory.databases[database].data.values();
    let ids: BTreeSet<u16> = files.flat_map(DataFile::records).map(|record| record.id).collect();
    ids.into_iter().collect()
}

#[test]
fn a_catalog_put_back_from_yesterday_mixes_nothing_up() {
    let root = root_with("", &[("home", LOGGED)]);
    let store = open(root.path());
    add(&store, "boiler", START, 60.0);
    store.close().unwrap();
    let catalog = root.path().join("home/catalog.json");
    let yesterday = fs::read(&catalog).unwrap();
    let store = open(root.path());
    add(&store, "freezer", START + DAY, -18.0);
    add(&store, "fridge", START + DAY, 4.0);
    store.close().unwrap();
    fs::write(&catalog, yesterday).unwrap();

    let store = open(root.path());
    let database = store.database("home").unwrap();
    let lost: Vec<u16> = database.open_report().recovered.iter().map(|m| m.id.get()).collect();
    assert_eq!(lost, [2, 3], "said at opening, from what the last run knew");
    add(&store, "oven", START + 2 * DAY, 200.0);
    assert_eq!(database.metric_info("oven").unwrap().id.get(), 4);
    assert_eq!(streams(&database).unwrap()["oven"].len(), 1);
    // Killed: the next one finds the same.
    let copy = killed(root.path());
    let after = open(copy.path());
    let database = after.database("home").unwrap();
    assert_eq!(database.open_report().recovered.len(), 2);
    assert_eq!(streams(&database).unwrap()["oven"].len(), 1);
    after.close().unwrap();
    // Id 1 is in a metric file: its day was sealed when the next began.
    assert_eq!(ids_in_use(copy.path(), "home"), [2, 3, 4]);
}
