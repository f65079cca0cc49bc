//! Log lines of a program without a subscriber of its own. Alone in its process: which events anybody
//! wants is remembered for all threads, and other tests open stores that nobody listens to.

use nanotdb::logging::Logging;
use nanotdb::settings::{LogLevel, LoggerSettings};
use nanotdb::{Store, Timestamp};
use std::path::Path;

fn read(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    // What differs from run to run is cut off: the time in front, durations at the end.
    let cut = |line: &str| {
        let line = line.split_once(" level=").unwrap().1;
        line.split(" took=").next().unwrap().to_owned()
    };
    text.lines().map(cut).collect()
}

#[test]
fn each_sink_takes_what_its_level_allows() {
    let directory = tempfile::tempdir().unwrap();
    let paths = ["info", "debug", "trace"].map(|name| directory.path().join(name));
    let levels = [LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let settings = paths
        .iter()
        .zip(levels)
        .map(|(path, level)| LoggerSettings { output: path.to_string_lossy().into_owned(), level });
    let logging = Logging::from_settings(&settings.collect::<Vec<_>>()).unwrap();
    let root = directory.path().join("store");
    std::fs::create_dir(&root).unwrap();
    let settings = "[stats]\nenabled = false\n[manifest_defaults.wal]\nskip_before = \"0s\"\n";
    std::fs::write(root.join("engine.toml"), settings).unwrap();
    tracing::subscriber::with_default(logging.subscriber(), || {
        let store = Store::open(&root).unwrap();
        let home = store.create_database("home").unwrap();
        home.add("a", Timestamp(10), 1.5).unwrap();
        home.add("a", Timestamp(9), 1.5).unwrap_err();
        store.close().unwrap();
    });
    let [info, debug, trace] = paths.map(|path| read(&path));
    assert_eq!(
        info,
        [
            r#"INFO msg="engine opened" databases=0 read_only=false"#,
            "INFO msg=\"database opened\" database=home wal=true replay_records=0 \
             replay_bytes=0 replayed=0 duplicates=0",
            r#"INFO msg="engine closed" failures=0"#,
        ]
    );
    assert!(debug.iter().any(|line| line.starts_with(
        r#"DEBUG msg="page flushed" database=home partition=1970-01-01 records=1 bytes="#
    )));
    assert!(debug.iter().any(|line| line.starts_with(r#"DEBUG msg="wal reset" database=home"#)));
    assert!(!debug.iter().any(|line| line.starts_with("TRACE")));
    let single: Vec<&String> = trace.iter().filter(|line| line.starts_with("TRACE")).collect();
    assert_eq!(
        single,
        [
            r#"TRACE msg="metric registered" database=home metric=a type=float32"#,
            r#"TRACE msg="sample ingested" database=home metric=a time_ns=10 value=1.5"#,
            "TRACE msg=\"sample rejected\" database=home reason=\"stale sample for a: \
             1970-01-01 00:00:00.000000009 is before its newest, \
             1970-01-01 00:00:00.000000010\"",
        ]
    );
}
