//! Catalogs that were lost or put back from another day, beside files that are whole.

use nanotdb::catalog::file::decode;
use nanotdb::{Error, Store, Timestamp};
use nanotdb_tests::answers::{killed, open, open_read_only, root_with, streams};
use nanotdb_tests::fixtures::Fixture;
use nanotdb_tests::independent::{DataFile, Directory, Kind};
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

/// Ids that the files of a database use, as the second decoder finds them.
fn ids_in_use(root: &Path, database: &str) -> Vec<u16> {
    let directory = Directory::read(root).unwrap();
    let files = directory.databases[database].data.values();
    let ids: BTreeSet<u16> = files.flat_map(DataFile::records).map(|record| record.id).collect();
    ids.into_iter().collect()
}

/// Whatever layout a database has: without its catalog its samples are all there, under the ids that
/// they had; new metrics keep apart; and with their names the old ones are what they were.
#[test]
fn every_fixture_outlives_the_loss_of_its_catalog() {
    let mut tried = 0;
    for fixture in Fixture::all() {
        let copy = fixture.copy();
        // The logs are emptied, so that files alone speak of ids.
        if open(copy.path()).close().is_err() {
            continue;
        }
        let Ok(names) = open_read_only(copy.path()).databases() else { continue };
        // The engine's own metrics change whenever it closes.
        for name in names.into_iter().filter(|name| name != "internal") {
            let label = format!("{} {name}", fixture.name());
            let before = open_read_only(copy.path());
            let Ok(Ok(expected)) = before.database(&name).map(|db| streams(&db)) else { continue };
            let catalog = copy.path().join(&name).join("catalog.json");
            let Ok(bytes) = fs::read(&catalog) else { continue };
            let records = decode(&bytes).unwrap();
            drop(before);
            fs::write(&catalog, "").unwrap();

            let store = open(copy.path());
            let database = store.database(&name).unwrap();
            let lost = database.find_recovered().unwrap();
            assert_eq!(lost.len(), expected.len(), "{label}: {lost:?}");
            let found = streams(&database).unwrap();
            let points = |all: &nanotdb_tests::answers::Streams| -> usize {
                all.values().map(Vec::len).sum()
            };
            assert_eq!(points(&found), points(&expected), "{label}");
            let newest = found.values().flatten().map(|point| point.0).max().unwrap_or(START);
            if let Err(error) = database.add("one.more", Timestamp(newest), 1.5) {
                assert!(matches!(error, Error::Rejected(_)), "{label}: {error}");
            } else {
                let id = database.metric_info("one.more").unwrap().id;
                assert!(!lost.iter().any(|metric| metric.id == id), "{label}: {id}");
            }
            for record in records {
                if lost.iter().any(|metric| metric.id == record.id) {
                    database.name_metric(record.id, &record.name, record.value_type).unwrap();
                }
            }
            drop(database);
            store.close().unwrap();
            let again = open_read_only(copy.path());
            let mut after = streams(&again.database(&name).unwrap()).unwrap();
            after.remove("one.more");
            assert!(after == expected, "{label}: the samples are not what they were");
            tried += 1;
        }
    }
    assert!(tried > 10, "{tried}");
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
    assert_eq!(ids_in_use(copy.path(), "home"), [1, 2, 3, 4]);
    // What we wrote is as the reference writes it; all that is wrong is what was lost before.
    let problems = Directory::read(copy.path()).unwrap().problems();
    assert!(!problems.is_empty());
    for problem in problems {
        assert!(
            problem.kind == Kind::Damage && problem.what.contains("not in the catalog"),
            "{problem:?}"
        );
    }
}
