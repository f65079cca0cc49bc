//! Files written and read back with the crate's own reader.

use super::*;
use crate::{OpenOptions, Store};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::{Field, Row, RowAccessor};
use nanotdb_core::Timestamp;
use std::fs::{self, File};
use std::path::Path;

const DAY: i64 = 86_400_000_000_000;
const NEW_YEAR: i64 = 1_767_225_600_000_000_000;

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
struct Read {
    time: i64,
    metric: String,
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

fn of(row: &Row) -> Read {
    let text = |field: &Field| match field {
        Field::Str(text) => text.clone(),
        other => panic!("{other:?} is no text"),
    };
    let labels = row.get_map(3).unwrap().entries();
    Read {
        time: row.get_long(0).unwrap(),
        metric: row.get_string(1).unwrap().clone(),
        name: row.get_string(2).unwrap().clone(),
        labels: labels.iter().map(|(key, value)| (text(key), text(value))).collect(),
        value: row.get_double(4).unwrap(),
    }
}

fn read(path: &Path) -> Vec<Read> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    reader.get_row_iter(None).unwrap().map(|row| of(&row.unwrap())).collect()
}

fn destination(directory: &Path) -> Destination {
    Destination::new(directory.to_str().unwrap()).unwrap()
}

fn filled(root: &Path) -> Store {
    let store = Store::open(root).unwrap();
    let home = store.create_database("home").unwrap();
    for hour in 0..36 {
        let time = Timestamp(NEW_YEAR + hour * 3_600_000_000_000 + 1);
        let hour = i32::try_from(hour).unwrap();
        home.add("door.opened", time, hour + 16_777_217).unwrap();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        home.add("temp;floor=1;room=kitchen", time, 20.1_f32 + hour as f32).unwrap();
    }
    store
}

#[test]
fn every_sample_is_a_row_sorted_by_metric_and_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(&directory.path().join("store"));
    let home = store.database("home").unwrap();
    let lake = directory.path().join("lake");
    let written = export(&home, TimeRange::ALL, |_| true, &destination(&lake)).unwrap();
    let paths: Vec<(&str, u64)> = written.iter().map(|file| (&*file.path, file.rows)).collect();
    assert_eq!(
        paths,
        [
            ("db=home/date=2026-01-01/part-0.parquet", 48),
            ("db=home/date=2026-01-02/part-0.parquet", 24)
        ]
    );
    let mut found = Vec::new();
    for file in &written {
        let path = lake.join(&file.path);
        assert_eq!(fs::metadata(&path).unwrap().len(), file.bytes);
        let rows = read(&path);
        let order: Vec<(&str, i64)> = rows.iter().map(|row| (&*row.metric, row.time)).collect();
        assert!(order.is_sorted(), "{order:?}");
        found.extend(rows);
    }
    found.sort_by(|a, b| (&a.metric, a.time).cmp(&(&b.metric, b.time)));
    let mut expected = Vec::new();
    let series = [
        ("door.opened", "door.opened", vec![]),
        ("temp;floor=1;room=kitchen", "temp", vec![("floor", "1"), ("room", "kitchen")]),
    ];
    for (metric, name, labels) in series {
        let labels: Vec<(String, String)> =
            labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let samples = home.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap();
        expected.extend(samples.iter().map(|sample| Read {
            time: sample.time.0,
            metric: metric.to_owned(),
            name: name.to_owned(),
            labels: labels.clone(),
            value: sample.value.as_f64(),
        }));
    }
    assert_eq!(found, expected);
    assert!((found[0].value - 16_777_217.0).abs() < 0.1, "more than 24 bits are kept");
    store.close().unwrap();
}

#[test]
fn a_range_and_a_selection_leave_the_rest_out_and_no_empty_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(&directory.path().join("store"));
    let home = store.database("home").unwrap();
    let lake = directory.path().join("lake");
    let second = TimeRange { from: Timestamp(NEW_YEAR + DAY), to: Timestamp::MAX };
    let written = export(&home, second, |name| name == "door.opened", &destination(&lake)).unwrap();
    assert_eq!(written.len(), 1);
    assert_eq!(
        (written[0].path.as_str(), written[0].rows),
        ("db=home/date=2026-01-02/part-0.parquet", 12)
    );
    let none = export(&home, TimeRange::ALL, |_| false, &destination(&lake)).unwrap();
    assert_eq!(none, []);
    assert!(!lake.join("db=home/date=2026-01-01").exists());
    store.close().unwrap();
}

#[test]
fn what_is_only_in_the_log_is_exported_and_a_second_run_replaces_files() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let store = OpenOptions::default().background(false).open(&root).unwrap();
    let home = store.create_database("home").unwrap();
    let time = Timestamp(store.now().0 - 1);
    home.add("a", time, 1.0).unwrap();
    assert!(home.partitions().is_empty(), "nothing is in a file yet");
    let lake = directory.path().join("lake");
    let reading = OpenOptions::read_only().open(&root).unwrap();
    let seen = reading.database("home").unwrap();
    let first = export(&seen, TimeRange::ALL, |_| true, &destination(&lake)).unwrap();
    assert_eq!(first.len(), 1);
    home.add("a", Timestamp(time.0 + 1), 2.0).unwrap();
    let second = export(&home, TimeRange::ALL, |_| true, &destination(&lake)).unwrap();
    assert_eq!(second[0].path, first[0].path);
    assert_eq!(read(&lake.join(&second[0].path)).len(), 2);
    let directory = lake.join(&second[0].path);
    let files = fs::read_dir(directory.parent().unwrap()).unwrap().count();
    assert_eq!(files, 1, "no temporary file is left");
    store.close().unwrap();
}

#[test]
fn an_upload_that_is_dropped_leaves_the_old_file() {
    use std::io::Write;
    let lake = tempfile::tempdir().unwrap();
    let place = destination(lake.path());
    let path = ["a".to_owned(), "b.parquet".to_owned()];
    let mut whole = place.begin(&path).unwrap();
    whole.write_all(b"old").unwrap();
    assert!(!lake.path().join("a/b.parquet").exists(), "it appears at the end");
    assert_eq!(whole.finish().unwrap(), ("a/b.parquet".to_owned(), 3));
    let mut half = place.begin(&path).unwrap();
    half.write_all(&vec![1; 20 << 20]).unwrap();
    drop(half);
    assert_eq!(fs::read(lake.path().join("a/b.parquet")).unwrap(), b"old");
    assert_eq!(fs::read_dir(lake.path().join("a")).unwrap().count(), 1);
}

#[test]
fn large_partitions_make_several_row_groups() {
    let lake = tempfile::tempdir().unwrap();
    let partition: Partition = "forever".parse().unwrap();
    let path = ["big.parquet".to_owned()];
    let upload = destination(lake.path()).begin(&path).unwrap();
    let mut table = Table::new(upload, "home", partition).unwrap();
    let times: Vec<i64> = (0..100_000).map(|index| index * 1_000_000_000).collect();
    for metric in ["a", "b;x=1", "c", "d;x=1;y=2", "e", "f"] {
        table.add(metric, &times, (0..100_000).map(f64::from)).unwrap();
    }
    let written = table.finish().unwrap();
    assert_eq!(written.rows, 600_000);
    let file = File::open(lake.path().join("big.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let groups = reader.metadata().row_groups();
    let rows: Vec<i64> = groups.iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(rows, [262_144, 262_144, 75_712]);
    for group in groups {
        for column in [0, 1, 2, 5] {
            let statistics = group.column(column).statistics().unwrap();
            assert!(statistics.min_bytes_opt().is_some() && statistics.max_bytes_opt().is_some());
        }
    }
    let rows = read(&lake.path().join("big.parquet"));
    let last = rows.last().unwrap();
    assert_eq!((last.metric.as_str(), last.time), ("f", 99_999_000_000_000));
    let labelled = rows.iter().filter(|row| row.labels.len() == 2).count();
    assert_eq!(labelled, 100_000);
}

#[test]
fn destinations_that_are_none_are_named() {
    let refused = Destination::new("gs://bucket/x").unwrap_err().to_string();
    assert!(refused.contains("gs://bucket/x") && refused.contains("s3://"), "{refused}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let refused = Destination::new(path).unwrap_err().to_string();
    assert!(refused.contains(path), "{refused}");
}
