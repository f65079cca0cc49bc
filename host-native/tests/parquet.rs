//! Parquet files as others read them: `DuckDB`, and an object store that speaks S3.
//!
//! Both come as Python packages: `pip install duckdb 'moto[server]'`. Where they are not there the
//! tests say so and pass; with `NANOTDB_REAL_PEERS=1` they fail. `NANOTDB_PYTHON` names another
//! Python than `python3`.

use nanotdb::engine::{Row, Target};
use nanotdb::{Database, Store, Timestamp, Value};
use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const NEW_YEAR: i64 = 1_767_225_600_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn python() -> Command {
    let name = std::env::var_os("NANOTDB_PYTHON").unwrap_or_else(|| "python3".into());
    Command::new(name)
}

/// Whether Python has the module; without it a test can only pass where nobody insists.
fn has(module: &str) -> bool {
    let found = python().args(["-c", &format!("import {module}")]).output();
    let has = found.is_ok_and(|found| found.status.success());
    let insists = std::env::var_os("NANOTDB_REAL_PEERS").is_some_and(|value| value == "1");
    assert!(has || !insists, "python3 has no module {module}");
    if !has {
        eprintln!("not tested: python3 has no module {module}");
    }
    has
}

/// What a script prints, as JSON.
fn asked(script: &str, arguments: &[&str]) -> Json {
    let output = python().arg("-c").arg(script).args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs the program, which must succeed.
fn export(root: &Path, to: &str, environment: &[(&str, &str)]) -> Json {
    let output = Command::new(env!("CARGO_BIN_EXE_nanotdb"))
        .env_remove("NANOTDB_ROOT")
        .envs(environment.iter().copied())
        .arg("--root")
        .arg(root)
        .args(["export", "--format", "parquet", "--json", "--out", to])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*complaint), (Some(0), ""));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Two days of an integer, a float with labels, and extremes.
fn filled(root: &Path) {
    let store = Store::open(root).unwrap();
    let home = store.create_database("home").unwrap();
    let rows = |metric: &'static str, value: fn(i32) -> Value| {
        (0..20_000).map(move |index| Row {
            target: Target::Name(metric),
            time: Timestamp(NEW_YEAR + i64::from(index) * 7 * SECOND + 3),
            value: value(index),
        })
    };
    #[expect(clippy::cast_precision_loss, reason = "any float will do")]
    let wave = |index: i32| Value::F32((index as f32 * 0.01).sin());
    add(&home, rows("door.opened", |index| Value::I32(index * 100_003)));
    add(&home, rows("temp;floor=1;room=living%20room", wave));
    home.add("edge", Timestamp(NEW_YEAR), i32::MIN).unwrap();
    home.add("edge", Timestamp(NEW_YEAR + 1), i32::MAX).unwrap();
    store.close().unwrap();
}

fn add<'a>(database: &Database, rows: impl Iterator<Item = Row<'a>>) {
    let report = database.add_rows(rows).unwrap();
    assert!(report.rejected.is_empty(), "{:?}", report.rejected.first());
}

/// What the engine itself says of each metric and day, as the script below does.
fn expected(root: &Path) -> Json {
    let store = Store::open(root).unwrap();
    let home = store.database("home").unwrap();
    let mut rows = Vec::new();
    for metric in home.metrics() {
        for day in home.partitions() {
            let range = day.parse::<nanotdb::partition::Partition>().unwrap().range();
            let series = home.range(&metric.name, range.from, range.to).unwrap();
            let (Some(first), Some(last)) = (series.times.first(), series.times.last()) else {
                continue;
            };
            let sum = series.iter().map(|sample| sample.value.as_f64()).sum::<f64>();
            rows.push(json!([day, metric.name, series.len(), sum, first, last]));
        }
    }
    store.close().unwrap();
    Json::Array(rows)
}

const BY_DAY: &str = r#"
import duckdb, json, sys
rows = duckdb.sql("""
    select date::varchar as day, metric, count(*), sum(value), epoch_ns(min(time)), epoch_ns(max(time))
    from read_parquet('%s/*/*/*.parquet', hive_partitioning = 1)
    where db = 'home' group by all order by metric, day""" % sys.argv[1]).fetchall()
print(json.dumps(rows))
"#;

const BY_LABEL: &str = r#"
import duckdb, json, sys
rows = duckdb.sql("""
    select name, labels['room'], count(*), replace(typeof(any_value(time)), 'TZ', ''), typeof(any_value(value))
    from read_parquet('%s/*/*/*.parquet', hive_partitioning = 1)
    where labels['floor'] = '1' group by all""" % sys.argv[1]).fetchall()
print(json.dumps(rows))
"#;

/// Equal but for the last digits of sums, which depend on the order of adding.
fn assert_alike(found: &Json, expected: &Json) {
    let (found, expected) = (found.as_array().unwrap(), expected.as_array().unwrap());
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        let sums = (found[3].as_f64().unwrap(), expected[3].as_f64().unwrap());
        assert!((sums.0 - sums.1).abs() <= 1e-9 * sums.1.abs().max(1.0), "{found} {expected}");
        for column in [0, 1, 2, 4, 5] {
            assert_eq!(found[column], expected[column], "{found} {expected}");
        }
    }
}

#[test]
fn duckdb_reads_what_the_engine_has() {
    if !has("duckdb") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    filled(&root);
    let lake = directory.path().join("lake");
    let lake = lake.to_str().unwrap();
    let report = export(&root, lake, &[]);
    assert_eq!(report["rows"], json!(40_002));
    assert_eq!(report["files"].as_array().unwrap().len(), 2);
    export(&root, lake, &[]); // replaces, doubles nothing
    assert_alike(&asked(BY_DAY, &[lake]), &expected(&root));
    assert_eq!(
        asked(BY_LABEL, &[lake]),
        json!([["temp", "living room", 20_000, "TIMESTAMP_NS", "DOUBLE"]])
    );
}

/// The object store, ended with the test.
struct Moto(Child);

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Moto {
    fn start() -> (Self, u16) {
        // Free a moment ago; nobody else is told of it.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = python();
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut moto = Self(child);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(moto.0.try_wait().unwrap().is_none(), "it ended");
            sleep(Duration::from_millis(50));
        }
        (moto, port)
    }
}

fn http(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let rest = "Host: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    write!(stream, "{request} HTTP/1.1\r\n{rest}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Fetches every object below the prefix into a folder and prints the keys with their tags; of an
/// object that came in several parts the tag says how many.
const FETCH: &str = r"
import json, os, re, sys, urllib.request
base, prefix, folder = sys.argv[1:]
listing = urllib.request.urlopen(base + '?list-type=2').read().decode()
found = []
for key, tag in re.findall(r'<Key>([^<]*)</Key>.*?<ETag>([^<]*)</ETag>', listing, re.S):
    assert key.startswith(prefix), key
    path = os.path.join(folder, key[len(prefix):])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(urllib.request.urlopen(base + '/' + key).read())
    found.append([key, tag.replace('&quot;', '').strip('\x22')])
print(json.dumps(found))
";

#[test]
fn an_object_store_gets_the_same_files_in_parts() {
    if !has("moto.server") || !has("duckdb") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    filled(&root);
    noise(&root, 2_000_000);
    let (_moto, port) = Moto::start();
    assert!(http(port, "PUT /lake").starts_with("HTTP/1.1 200"));
    let endpoint = format!("http://127.0.0.1:{port}");
    let environment = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ];
    let report = export(&root, "s3://lake/box/one", &environment);
    let folder = directory.path().join("fetched");
    let folder = folder.to_str().unwrap();
    let objects = asked(FETCH, &[&format!("{endpoint}/lake"), "box/one/", folder]);
    let objects = objects.as_array().unwrap();
    assert_eq!(objects.len(), report["files"].as_array().unwrap().len());
    let in_parts = objects.iter().any(|object| object[1].as_str().unwrap().ends_with("-2"));
    assert!(in_parts, "one file is larger than a part: {objects:?} {report}");
    assert_alike(&asked(BY_DAY, &[folder]), &expected(&root));
}

/// Adds a metric that hardly compresses.
fn noise(root: &Path, samples: i64) {
    let store = Store::open(root).unwrap();
    let home = store.database("home").unwrap();
    let mut state = 1_u32;
    let rows = (0..samples).map(|index| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Between 1 and 2, by the bits of the mantissa.
        let value = f32::from_bits(0x3f80_0000 | (state >> 9));
        let time = Timestamp(NEW_YEAR + index * 20_000_000);
        Row { target: Target::Name("noise"), time, value: Value::F32(value) }
    });
    add(&home, rows);
    store.close().unwrap();
}

#[test]
fn a_store_that_is_away_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    filled(&root);
    let output = Command::new(env!("CARGO_BIN_EXE_nanotdb"))
        .envs([("AWS_ENDPOINT", "http://127.0.0.1:9"), ("AWS_ACCESS_KEY_ID", "test")])
        .envs([("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")])
        .arg("--root")
        .arg(&root)
        .args(["export", "--format", "parquet", "--out", "s3://lake/x"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("s3://lake/x"), "{complaint}");
}
