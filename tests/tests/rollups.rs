//! The reference's rollups, made by us: what it wrote, value for value.

use nanotdb::rollup::checkpoint;
use nanotdb::{OpenOptions, Store};
use nanotdb_tests::answers::export;
use nanotdb_tests::fixtures::Fixture;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn open(root: &Path) -> Store {
    OpenOptions::default().background(false).open(root).unwrap()
}

/// The lines of some databases, in no order, as the reference exports them.
fn lines(store: &Store, databases: &[&str]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for database in databases {
        let text = export(&store.database(database).unwrap(), false).unwrap();
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}

fn expected(fixture: &Fixture, databases: &[&str]) -> BTreeSet<String> {
    let text = fixture.expected_export().unwrap();
    let wanted = |line: &&str| databases.iter().any(|db| line.starts_with(&format!("{db}/")));
    text.lines().filter(wanted).map(str::to_owned).collect()
}

/// The reference never writes the last period of a metric, for want of a later sample; what is
/// asked for by hand has it, and nothing else beyond the reference's.
fn assert_but_for_last_periods(store: &Store, fixture: &Fixture, databases: &[&str]) {
    let (found, expected) = (lines(store, databases), expected(fixture, databases));
    let missing: Vec<_> = expected.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let metric = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let mut extra = BTreeSet::new();
    for line in found.difference(&expected) {
        assert!(extra.insert(metric(line)), "{line}: one period of a metric, not more");
    }
    assert!(!extra.is_empty());
}

fn remove(root: &Path, databases: &[&str], checkpoints: &[&str]) {
    for database in databases {
        fs::remove_dir_all(root.join(database)).unwrap();
    }
    for file in checkpoints {
        fs::remove_file(root.join(file)).unwrap();
    }
}

#[test]
fn a_backfill_makes_what_the_reference_made() {
    let fixture = Fixture::load("21-rollups");
    let copy = fixture.copy();
    let destinations = ["src_1h", "src_30m"];
    remove(copy.path(), &destinations, &["src/rollup.checkpoints.log"]);
    let store = open(copy.path());
    let report = store.backfill_rollups(&["src"]).unwrap();
    assert_eq!(report.problems, [""; 0]);
    assert_eq!(report.destination_databases, destinations);
    assert_eq!(report.source_databases, ["src"]);
    assert_but_for_last_periods(&store, &fixture, &destinations);
    let written = fs::read(copy.path().join("src/rollup.checkpoints.log")).unwrap();
    let theirs: String = fixture.expected.extra("checkpoints");
    assert_eq!(checkpoint::parse(&written), checkpoint::parse(theirs.as_bytes()));
}

#[test]
fn a_backfill_over_the_reference_s_own_adds_last_periods_alone() {
    for name in ["21-rollups", "23-rollups-chained"] {
        let fixture = Fixture::load(name);
        let copy = fixture.copy();
        let store = open(copy.path());
        let report = store.backfill_rollups(&[]).unwrap();
        assert!(report.samples > 0);
        assert_eq!(report.problems, [""; 0], "{name}");
        let destinations: Vec<&str> =
            report.destination_databases.iter().map(String::as_str).collect();
        assert_but_for_last_periods(&store, &fixture, &destinations);
        let again = store.backfill_rollups(&[]).unwrap();
        assert_eq!(again.rebuilt_partitions, [""; 0], "{name}");
    }
}

#[test]
fn runs_make_what_a_backfill_makes() {
    let fixture = Fixture::load("21-rollups");
    let copy = fixture.copy();
    let destinations = ["src_1h", "src_30m"];
    remove(copy.path(), &destinations, &["src/rollup.checkpoints.log"]);
    let store = open(copy.path());
    let run = store.run_rollups("src").unwrap();
    assert_eq!(run.problems, [""; 0]);
    assert_eq!(run.samples, 64 + 80);
    assert_eq!(lines(&store, &destinations), expected(&fixture, &destinations));
    assert_eq!(store.run_rollups("src").unwrap().samples, 0);
}

#[test]
fn chains_are_filled_hop_by_hop() {
    let fixture = Fixture::load("23-rollups-chained");
    let copy = fixture.copy();
    remove(copy.path(), &["daily"], &["hourly/rollup.checkpoints.log", "src/cp.log"]);
    for file in ["hourly.wal", "catalog.json"] {
        fs::remove_file(copy.path().join("hourly").join(file)).unwrap();
    }
    for file in fs::read_dir(copy.path().join("hourly")).unwrap().map(|entry| entry.unwrap().path())
    {
        if file.extension().is_some_and(|extension| extension == "dat") {
            fs::remove_file(file).unwrap();
        }
    }
    let store = open(copy.path());
    let report = store.backfill_rollups(&[]).unwrap();
    assert_eq!(report.problems, [""; 0]);
    assert_eq!(report.source_databases, ["src", "hourly"]);
    assert_but_for_last_periods(&store, &fixture, &["daily", "hourly"]);
}

/// The reference's automatic rollups never advance while a metric's last sample is in an open
/// page: after four days it had written nothing.
#[test]
fn d12_rollups_advance_by_themselves() {
    let fixture = Fixture::load("22-rollups-automatic");
    let copy = fixture.copy();
    let store = open(copy.path());
    store.database("src").unwrap();
    assert_eq!(expected(&fixture, &["src_1h", "src_30m"]).len(), 0, "the reference's");
    let tick = store.tick().unwrap();
    assert_eq!(tick.rollups.len(), 1);
    assert_eq!(tick.rollups[0].problems, [""; 0]);
    assert!(tick.rollups[0].samples > 500, "{:?}", tick.rollups[0].samples);
    let made = lines(&store, &["src_1h", "src_30m"]);
    // The fixture is older than the clock is believed to jump, so a tick takes no metric for silent
    // yet; somebody who asks for it gets the last periods, too.
    assert_eq!(store.backfill_rollups(&[]).unwrap().problems, [""; 0]);
    let found = lines(&store, &["src_1h", "src_30m"]);
    let new: Vec<_> = found.difference(&made).collect();
    assert!(made.is_subset(&found), "a backfill comes to the same");
    let metrics: BTreeSet<&str> = new.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(metrics.len(), new.len(), "one period of a metric, not more: {new:?}");
    assert!(!new.is_empty());
}
