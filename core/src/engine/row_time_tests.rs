//! Samples without a time, and samples of the future.

use super::testing::LocalHost;
use super::*;
use crate::error::{Error, Rejection};
use crate::query::RangeQuery;
use crate::storage::{FileName, MemoryStorage, Storage};
use crate::types::{TimeRange, Timestamp, Value};
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;
const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;

fn local(settings: &str) -> Local {
    let host = LocalHost::new(MemoryStorage::new);
    let name = FileName::new("engine.toml").unwrap();
    host.root_directory().replace(&name, settings.as_bytes()).unwrap();
    host
}

fn open(host: &Local) -> (Engine<Local>, Arc<Database<Local>>) {
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let database = engine.create_database("home").unwrap();
    (engine, database)
}

fn times(database: &Database<Local>, metric: &str) -> Vec<i64> {
    let series = database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap();
    series.iter().map(|sample| sample.time.0).collect()
}

fn undated(metric: &str) -> Row<'_, RowTime> {
    Row { target: Target::Name(metric), time: RowTime::Now, value: Value::I32(1) }
}

fn live(database: &Database<Local>, metric: &str, time: i64) -> crate::error::Result<()> {
    let target = Target::Name(metric);
    let row = Row { target, time: Timestamp(time), value: Value::I32(1) };
    database.add_row_with(row, AddOptions::LIVE)
}

#[test]
fn a_sample_without_a_time_is_of_when_it_is_stored() {
    let host = local("");
    let (engine, database) = open(&host);
    database.add("a", RowTime::Now, 1).unwrap();
    host.clock.set(Timestamp(START + 5));
    engine.add("home", "a", RowTime::Now, 2).unwrap();
    host.clock.set(Timestamp(START + 7));
    engine.add_number("home", "a", RowTime::Now, 3.0, None).unwrap();
    engine.add_line("home/b 4").unwrap();
    engine.add_lines("home/b 5\nhome/b 6\n", |line| panic!("{line:?}")).unwrap();
    let handle = database.metric("a", crate::types::ValueType::I32).unwrap();
    host.clock.set(Timestamp(START + 9));
    database.add_to(handle, RowTime::Now, 4).unwrap();
    assert_eq!(times(&database, "a"), [START, START + 5, START + 7, START + 9]);
    assert_eq!(times(&database, "b"), [START + 7; 3]);
}

#[test]
fn all_samples_without_a_time_of_one_request_have_one_time() {
    let host = local("");
    let (_engine, database) = open(&host);
    let options = AddOptions { undated: Some(Timestamp(START - 3)), ..AddOptions::LIVE };
    database.add_rows_with([undated("a"), undated("b")], options).unwrap();
    host.clock.set(Timestamp(START + HOUR));
    // A second piece of the request: another one stored a sample of `b` meanwhile.
    database.add("b", RowTime::Now, 1).unwrap();
    let report = database.add_rows_with([undated("a"), undated("b")], options).unwrap();
    assert_eq!((report.accepted, report.clock_behind), (2, 0), "{report:?}");
    assert_eq!(times(&database, "a"), [START - 3; 2]);
    assert_eq!(times(&database, "b"), [START - 3, START + HOUR, START + HOUR]);
}

#[test]
fn samples_without_a_time_go_on_after_the_clock_was_set_back() {
    let host = local("");
    let (engine, database) = open(&host);
    database.add("a", RowTime::Now, 1).unwrap();
    host.clock.set(Timestamp(START - HOUR));
    let report = database.add_rows([undated("a"), undated("b")]).unwrap();
    assert_eq!((report.accepted, report.clock_behind), (2, 1), "{report:?}");
    assert_eq!(times(&database, "a"), [START, START]);
    assert_eq!(times(&database, "b"), [START - HOUR]);

    // The newest sample is looked up where nothing is known of it since the start.
    engine.close().unwrap();
    let (_engine, database) = open(&host);
    let report = database.add_rows([undated("a"), undated("b")]).unwrap();
    assert_eq!((report.accepted, report.clock_behind), (2, 1), "{report:?}");
    assert_eq!(times(&database, "a"), [START; 3]);

    host.clock.set(Timestamp(START + 1));
    database.add("a", RowTime::Now, 1).unwrap();
    assert_eq!(times(&database, "a"), [START, START, START, START + 1]);
}

#[test]
fn a_newest_sample_too_far_ahead_of_the_clock_is_named_with_what_removes_it() {
    let host = local("");
    let (_engine, database) = open(&host);
    database.add("a", Timestamp(START + 32 * DAY), 1).unwrap();
    database.add("a", RowTime::Now, 1).unwrap();
    database.add("b", Timestamp(START + 32 * DAY + 1), 1).unwrap();
    let refused = database.add("b", RowTime::Now, 1).unwrap_err();
    assert!(matches!(refused, Error::Rejected(Rejection::ClockBehind { .. })), "{refused}");
    let text = refused.to_string();
    for part in ["for b", "768h0m0s", "clock.max_future", "nanotdb delete", "2026-01-01"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(database.last("b").unwrap().unwrap().time.0, START + 32 * DAY + 1);

    let host = local("[clock]\nmax_future = \"0s\"\n");
    let (_engine, database) = open(&host);
    database.add("b", Timestamp::MAX, 1).unwrap();
    database.add("b", RowTime::Now, 1).unwrap();
    assert_eq!(times(&database, "b"), [i64::MAX; 2]);
}

#[test]
fn a_live_sample_too_far_in_the_future_is_refused_by_name_and_changes_nothing() {
    let host = local("");
    let (_engine, database) = open(&host);
    live(&database, "a", START + 32 * DAY).unwrap();
    let refused = live(&database, "b", START + 32 * DAY + 1).unwrap_err();
    assert!(matches!(refused, Error::Rejected(Rejection::TooFarAhead { .. })), "{refused}");
    let text = refused.to_string();
    let parts =
        ["for b", "2026-02-02 00:00:00.000000001", "768h0m0s", "clock.max_future", "2026-01-01"];
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(database.metric_info("b").is_none(), "a refused sample makes no metric");

    let handle = database.metric("b", crate::types::ValueType::I32).unwrap();
    let row =
        |time| Row { target: Target::Handle(handle), time: Timestamp(time), value: Value::I32(1) };
    let rows = vec![row(START), row(START + 33 * DAY), row(START + 1)];
    let report = database.add_rows_with(rows, AddOptions::LIVE).unwrap();
    assert_eq!(report.accepted, 2);
    assert!(
        matches!(&report.rejected[..], [(1, Rejection::TooFarAhead { metric, .. })] if metric == "b"),
        "{report:?}"
    );
    assert_eq!(times(&database, "b"), [START, START + 1]);
}

#[test]
fn the_library_the_log_and_imports_have_no_future_to_refuse() {
    let host = local("");
    let far = START + 3650 * DAY;
    {
        let (engine, database) = open(&host);
        database.add("a", Timestamp(far), 1).unwrap();
        engine.add_lines("home/b 1 2036-01-01 00:00:00\n", |line| panic!("{line:?}")).unwrap();
        // No close: the log is replayed.
    }
    let (_engine, database) = open(&host);
    assert_eq!(times(&database, "a"), [far]);
    assert_eq!(times(&database, "b").len(), 1);
}

#[test]
fn live_lines_and_columns_keep_to_the_limit() {
    let host = local("[clock]\nmax_future = \"1h\"\n");
    let (engine, database) = open(&host);
    let mut refused = vec![];
    let mut importer = Importer::new(&engine, None).with_options(AddOptions::LIVE);
    importer
        .feed(b"home/a 1 2026-01-01 01:00:01\nhome/a 2 2026-01-01 01:00:00\n", &mut |line| {
            refused.push(line);
        })
        .unwrap();
    assert_eq!((refused.len(), refused[0].number), (1, 1), "{refused:?}");
    assert!(refused[0].reason.contains("more than 1h0m0s (clock.max_future)"), "{refused:?}");

    let times_of = [START, START + 2 * HOUR];
    let values = Values::Ints(vec![1, 2]);
    let live = AddOptions::LIVE;
    let report = engine.add_column_with("home", "c", &times_of, &values, live).unwrap();
    assert_eq!((report.accepted, report.rejected.len()), (1, 1));
    let rows = Rows {
        metrics: vec!["d".to_string()],
        index: Some(vec![0, 0]),
        times: times_of.to_vec(),
        values,
    };
    let report = engine.add_columns_with("home", &rows, live).unwrap();
    assert_eq!((report.accepted, report.rejected.len()), (1, 1));
    let number = engine.add_number_with("home", "e", Timestamp(START + 2 * HOUR), 1.0, None, live);
    assert!(matches!(number, Err(Error::Rejected(Rejection::TooFarAhead { .. }))), "{number:?}");
    assert_eq!(times(&database, "a"), [START + HOUR]);
}

#[test]
fn a_clock_that_is_behind_refuses_no_future() {
    // A gateway starts in 1970, its sensors know the time.
    let host = local("");
    host.clock.set(Timestamp(60_000_000_000));
    let (engine, database) = open(&host);
    live(&database, "a", START).unwrap();
    live(&database, "a", START + 200 * DAY).unwrap();
    engine.close().unwrap();

    // The clock is plausible, but more than the limit behind what is stored: in a file or not.
    host.clock.set(Timestamp(START + DAY));
    let (_engine, database) = open(&host);
    live(&database, "a", START + 250 * DAY).unwrap();
    assert_eq!(database.future_limit().latest(), Timestamp::MAX);

    // It has caught up.
    host.clock.set(Timestamp(START + 251 * DAY));
    assert!(live(&database, "b", START + 300 * DAY).is_err());
    // Samples within the limit do not move it.
    live(&database, "b", START + 280 * DAY).unwrap();
    assert!(live(&database, "b", START + 300 * DAY).is_err());
    database.flush().unwrap();
    assert!(live(&database, "b", START + 300 * DAY).is_err());
}
