//! The program as a user runs it.

#[path = "cli/damage.rs"]
mod damage;

use nanotdb::{Database, OpenOptions, Store, Timestamp};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// What a run left behind.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_nanotdb"));
    program.env_remove("NANOTDB_ROOT").env_remove("CARGO_MANIFEST_DIR");
    program
}

/// Runs with these arguments, split at blanks, on a root; `input` is what it reads.
fn run_with(root: &Path, arguments: &str, input: &str) -> Ran {
    let mut child = program()
        .arg("--root")
        .arg(root)
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // A command that does not read closes the pipe: no failure.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran {
        code: output.status.code().expect("exits"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn run(root: &Path, arguments: &str) -> Ran {
    run_with(root, arguments, "")
}

/// The output of a run that succeeds and complains about nothing.
fn good(root: &Path, arguments: &str) -> String {
    let ran = run(root, arguments);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments}: {}", ran.out);
    ran.out
}

fn json(root: &Path, arguments: &str) -> Json {
    serde_json::from_str(&good(root, arguments)).expect("JSON")
}

/// The text with what differs from run to run replaced.
fn steady(text: &str, root: &Path) -> String {
    let text = text.replace(&root.display().to_string(), "$ROOT");
    let mut steady = String::new();
    for line in text.lines() {
        let line = match line.split_once("duration_ms=") {
            Some((before, _)) => format!("{before}duration_ms=N"),
            None => match (line.rfind('('), line.ends_with(" ms)")) {
                (Some(at), true) => format!("{}(N ms)", &line[..at]),
                _ => line.to_string(),
            },
        };
        steady.push_str(&line);
        steady.push('\n');
    }
    steady
}

const LINES: &str = "\
# a kitchen and a counter
home/kitchen.temp 21.5 1767225600000000000
home/kitchen.temp 22.25 1767225660000000000
home/kitchen.temp 24 1767225720000000000

home/door.opened 1i 1767225600000000000
home/door.opened 3i 1767225720500000000
";

/// A store with [`LINES`] in it.
fn store() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("data");
    good(&root, "init");
    let ran = run_with(&root, "import", LINES);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    (directory, root)
}

#[test]
fn the_tour() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("data");
    let shown = |arguments: &str| steady(&good(&root, arguments), &root);
    assert_eq!(shown("init"), "made a store in $ROOT\nsettings: $ROOT/engine.toml\n");
    assert_eq!(
        shown("init"),
        "$ROOT is a store already, nothing was changed\nsettings: $ROOT/engine.toml\n"
    );
    assert_eq!(
        steady(&run_with(&root, "import", LINES).out, &root),
        "imported 5 of 7 lines, 2 blank or comments, into home (N ms)\n"
    );
    assert_eq!(
        shown("query"),
        "\
metric        time (UTC)                      value
───────────────────────────────────────────────────
door.opened   2026-01-01 00:02:00.500             3
kitchen.temp  2026-01-01 00:02:00                24
rows=2 duration_ms=N
"
    );
    let range = "query --metric kitchen.temp --from 2026-01-01 --to 2026-01-01T00:01:00Z";
    assert_eq!(
        shown(&format!("{range} --format csv")),
        "\
metric,timestamp_ns,timestamp_utc,value_type,value
kitchen.temp,1767225600000000000,2026-01-01 00:00:00.000000000,float32,21.5
kitchen.temp,1767225660000000000,2026-01-01 00:01:00.000000000,float32,22.25
"
    );
    assert_eq!(
        shown(&format!("{range} --format lp")),
        "home/kitchen.temp 21.5 2026-01-01 00:00:00.000000000\n\
         home/kitchen.temp 22.25 2026-01-01 00:01:00.000000000\n"
    );
    assert_eq!(
        shown("query -m kitchen --from 2026-01-01 --to 2026-01-02 --aggregate min,avg --window 2m --format csv"),
        "\
metric,start_ns,start_utc,end_ns,end_utc,min,avg
kitchen.temp,1767225600000000000,2026-01-01 00:00:00.000000000,1767225720000000000,2026-01-01 00:02:00.000000000,21.5,21.875
kitchen.temp,1767225720000000000,2026-01-01 00:02:00.000000000,1767225840000000000,2026-01-01 00:04:00.000000000,24,24
"
    );
    assert!(shown("metrics").contains("door.opened   int32"));
    let built = json(&root, "build metric --verify --json");
    assert_eq!(built["partitions"][0]["partition"], "2026-01-01");
    assert_eq!((&built["partitions"][0]["points"], &built["verified"]), (&5.into(), &true.into()));
    assert!(shown("verify --db home").contains("everything is whole: 2 files"));
    assert!(shown("query -m kitchen --from 2026-01-01 --chart").contains("━━ kitchen.temp"));
}

#[test]
fn json_has_the_fields_of_the_reference() {
    let (_directory, root) = store();
    let report = json(&root, "query --json --from 2026-01-01 --to 2026-01-02 --db home -m door");
    assert_eq!(report["metric_regex"], "door");
    assert_eq!(report["start_ns"], 1_767_225_600_000_000_000_i64);
    assert_eq!((&report["row_count"], &report["output_format"]), (&2.into(), &"json".into()));
    let row = &report["rows"][1];
    assert_eq!(row["timestamp_ns"], 1_767_225_720_500_000_000_i64);
    assert_eq!(row["timestamp_utc"], "2026-01-01 00:02:00.500000000");
    assert_eq!((&row["value_type"], &row["value"]), (&"int32".into(), &3.into()));

    let report = json(
        &root,
        "query --json --start 0 --end 2026-01-02 -m kitchen.temp --aggregate max --window 1d",
    );
    let row = &report["rows"][0];
    assert_eq!((&row["aggregate"], &row["window"]), (&"max".into(), &"24h0m0s".into()));
    assert_eq!(row["timestamp_ns"], row["end_ns"]);
    assert_eq!(row["value"], 24.0);
}

#[test]
fn numbers_that_json_lacks_are_strings() {
    let (_directory, root) = store();
    let lines = "home/odd NaN 1\nhome/odd -Inf 2\nhome/odd +Inf 3\n";
    assert_eq!(run_with(&root, "import --json", lines).code, 0);
    let report = json(&root, "query --json --from 1970-01-01 -m odd");
    let values: Vec<&Json> =
        report["rows"].as_array().unwrap().iter().map(|row| &row["value"]).collect();
    assert_eq!(values, [&Json::from("NaN"), &Json::from("-Inf"), &Json::from("+Inf")]);
}

#[test]
fn rejected_lines_are_named_and_the_others_kept() {
    let (_directory, root) = store();
    let lines = "home/a 1 10\nnonsense\nhome/a 2 5\nhome/kitchen.temp 3i 1767225800000000000\nhome/a 3 20\n";
    let ran = run_with(&root, "import --json", lines);
    assert_eq!(ran.code, 1);
    let named: Vec<&str> =
        ran.err.lines().filter_map(|line| line.split_once(':')).map(|l| l.0).collect();
    assert_eq!(named, ["line 2", "line 4"], "{}", ran.err);
    let report: Json = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["imported_lines"], &report["rejected_lines"]), (&3.into(), &2.into()));
    assert_eq!(report["databases_seen"], Json::from(vec!["home"]));

    let ran = run_with(&root, "import --max-errors 2", &"bad\n".repeat(9));
    assert_eq!(ran.err.lines().count(), 3);
    assert!(ran.err.contains("and 7 more rejected lines"), "{}", ran.err);
    assert!(ran.out.starts_with("imported 0 of 9 lines, 9 rejected"));

    let file = root.join("lines.lp");
    fs::write(&file, "other/x 1i 7\n").unwrap();
    let arguments = format!("import --db home {}", file.display());
    assert!(good(&root, &arguments).contains("imported 1 of 1 lines, into home"));
    assert!(run(&root, "import missing.lp").err.starts_with("error: open missing.lp: "));
}

#[test]
fn exports_come_back() {
    let (_directory, root) = store();
    let all = good(&root, "export");
    assert_eq!(all.lines().count(), 5);
    assert!(all.contains("home/door.opened 3i 2026-01-01 00:02:00.500000000\n"));
    assert!(
        good(&root, "export --peer").contains("home/door.opened 3 2026-01-01 00:02:00.500000000\n")
    );
    assert_eq!(good(&root, "export --metric kitchen.* --wildcard").lines().count(), 3);
    assert_eq!(good(&root, "export -m ^door --to 1767225600").lines().count(), 1);

    let file = root.join("all.lp");
    let report = json(&root, &format!("export --json --out {}", file.display()));
    assert_eq!((&report["lines"], &report["bytes"]), (&5.into(), &all.len().into()));
    assert_eq!(fs::read_to_string(&file).unwrap(), all);

    let copy = root.with_file_name("copy");
    good(&copy, "init");
    good(&copy, &format!("import {}", file.display()));
    assert_eq!(good(&copy, "export"), all);
}

#[test]
fn exit_codes() {
    let (_directory, root) = store();
    let cases = [
        ("query --db nowhere", 1, "database not found: nowhere"),
        ("query --db ../home", 1, ""),
        ("query --from 2026-01-02 --to 2026-01-01", 2, "the range ends"),
        ("query --from yesterday", 2, "expected 5m, 1d"),
        ("query --metric (", 2, "neither a metric nor a regular expression"),
        ("query --metric *", 2, "--wildcard"),
        ("query --aggregate mode --window 1m", 2, "unknown aggregate"),
        ("query --aggregate min", 2, "--window"),
        ("query --aggregate min --window 0s", 2, "longer than 0"),
        ("query --stride 0", 2, "--stride"),
        ("query -a min -w 1m --format lp", 2, "aggregates are none"),
        ("export --json", 2, "--out"),
        ("build metric --codec lz4", 2, "the reference cannot read lz4"),
        ("build metric --part 2026-13", 1, "invalid partition key"),
        ("build metric --part 2020-01-01", 1, "no samples"),
        ("inspect db --db nowhere", 1, "database not found"),
        ("nonsense", 2, "unrecognized subcommand"),
        ("", 2, "Usage"),
    ];
    for (arguments, code, message) in cases {
        let ran = run(&root, arguments);
        assert_eq!(ran.code, code, "{arguments}: {}", ran.err);
        assert!(ran.err.contains(message), "{arguments}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments}");
    }
    let nowhere = root.with_file_name("nowhere");
    for command in ["query", "import", "export", "verify", "metrics", "inspect db", "build metric"]
    {
        let ran = run(&nowhere, command);
        assert_eq!(ran.code, 1, "{command}");
        assert!(ran.err.contains("nanotdb init"), "{command}: {}", ran.err);
    }
    assert!(!nowhere.exists());
    assert_eq!(run(&root, "--help").code, 0);
    good(&root, "build metric --codec lz4 --allow-foreign-codec");
}

#[test]
fn damage_is_found() {
    let (_directory, root) = store();
    let data = root.join("home/data-2026-01-01.dat");
    let mut bytes = fs::read(&data).unwrap();
    let last = bytes.len() - 5;
    bytes[last] ^= 0x40;
    fs::write(&data, bytes).unwrap();
    let ran = run(&root, "verify");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert!(ran.out.contains("DAMAGED") && ran.out.contains("there is damage"), "{}", ran.out);
    let report: Json = serde_json::from_str(&run(&root, "verify --json").out).unwrap();
    assert_eq!(report["is_whole"], false);
    assert_eq!(run(&root, "verify --db home").code, 1);
}

/// Every file below a directory and its bytes.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(snapshot(&path));
        } else {
            found.insert(path.clone(), fs::read(path).expect("a file"));
        }
    }
    found
}

fn writer(root: &Path) -> (Store, Arc<Database>) {
    let store = OpenOptions::default().background(false).open(root).expect("opens");
    let home = store.create_database("home").expect("opens");
    (store, home)
}

#[test]
fn readers_change_nothing_beside_a_writer() {
    let (_directory, root) = store();
    let (writing, home) = writer(&root);
    let now = writing.now();
    home.add("live", now, 7_i32).unwrap();
    let before = snapshot(&root);
    let readers = [
        "query",
        "query --from 2026-01-01 --format json",
        "query --from 2026-01-01 -a avg -w 1h",
        "export",
        "metrics --last",
        "verify",
        "inspect db --verbose",
        "inspect catalog",
        "inspect dat --verbose",
        "inspect metric --verbose",
        "inspect wal --verbose",
    ];
    for command in readers {
        good(&root, command);
    }
    assert_eq!(snapshot(&root), before);
    // What only the log has is seen.
    assert_eq!(json(&root, "query --json -m live")["rows"][0]["timestamp_ns"], now.0);
    assert!(good(&root, "inspect wal --verbose").contains("live"));

    for command in ["import", "build metric", "init"] {
        let ran = run_with(&root, command, LINES);
        assert_eq!(ran.code, 1, "{command}");
        assert!(ran.err.contains("lock"), "{command}: {}", ran.err);
    }
    drop(home);
    writing.close().unwrap();
    good(&root, "build metric --raw-ingest-action delete --verify --part 2026-01-01");
    assert_eq!(good(&root, "export --to 2026-01-02").lines().count(), 5);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let (_directory, root) = store();
    let (writing, home) = writer(&root);
    for second in 0..20_000 {
        home.add("many", Timestamp(second * 1_000_000_000), 0.5).unwrap();
    }
    drop(home);
    writing.close().unwrap();
    for command in ["export", "query --from 1970-01-01", "query --from 1970-01-01 --format csv"] {
        let mut child = program()
            .arg("--root")
            .arg(&root)
            .args(command.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut few = [0; 100];
        child.stdout.take().unwrap().read_exact(&mut few).unwrap(); // and is dropped
        let mut complaint = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        assert_eq!((child.wait().unwrap().code(), complaint.as_str()), (Some(0), ""), "{command}");
    }
}

#[test]
fn the_demo_runs_twice() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("demo");
    let first = good(&root, "demo --seconds 1");
    for part in
        ["241,920 samples", "Newest values", "cpu.busy_pct", "━━ avg", "metric file", "Now you"]
    {
        assert!(first.contains(part), "{part} is missing:\n{first}");
    }
    let second = good(&root, "demo --seconds 1");
    assert!(second.contains("Already there"), "{second}");
    good(&root, "verify");
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// Fields that are not compared: a clock, texts of errors, and how the verdict on an empty
/// catalog is put.
const OTHER: [&str; 3] = ["generated_at", "parse_error", "stop_reason"];

/// Everything the reference says must be said, and numbers must be equal as numbers.
fn assert_covers(ours: &Json, theirs: &Json, place: &str) {
    // Where a rollup job leaves a setting open, ours is the default that applies.
    if place.contains(".Jobs[") && (theirs.is_null() || theirs == "") {
        return;
    }
    match (ours, theirs) {
        (Json::Object(ours), Json::Object(theirs)) => {
            for (key, theirs) in theirs.iter().filter(|(key, _)| !OTHER.contains(&key.as_str())) {
                let ours = ours.get(key).unwrap_or_else(|| panic!("{place}.{key} is missing"));
                assert_covers(ours, theirs, &format!("{place}.{key}"));
            }
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{place}");
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                assert_covers(ours, theirs, &format!("{place}[{index}]"));
            }
        }
        (Json::Number(ours), Json::Number(theirs)) => {
            let equal = ours == theirs || ours.as_f64() == theirs.as_f64();
            assert!(equal, "{place}: {ours}, the reference has {theirs}");
        }
        _ => assert_eq!(ours, theirs, "{place}"),
    }
}

#[test]
fn inspections_say_what_the_reference_says() {
    let mut compared = 0;
    for fixture in [
        "01-partition-day",
        "09-crash-wal-with-names",
        "10-crash-wal-mixed",
        "16-v2-time-shapes",
        "25-multi-db-with-stats",
        "40-nanocli-import",
    ] {
        let fixture = fixtures().join(fixture);
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        copy(&fixture.join("root"), &root);
        for entry in fs::read_dir(fixture.join("nanocli")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let Some(subject) = name.strip_suffix(".json.txt") else { continue };
            let (what, database) = subject.trim_start_matches("inspect-").split_once('.').unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let text = text.replace("$ROOT", &root.display().to_string());
            // An empty catalog is an error to the reference's inspection.
            let Ok(theirs) = serde_json::from_str::<Json>(&text) else { continue };
            let verbose = if what == "db" { "" } else { "--verbose" };
            let ours = json(&root, &format!("inspect {what} --db {database} --json {verbose}"));
            assert_covers(&ours, &theirs, &format!("{}: {subject}", fixture.display()));
            compared += 1;
        }
    }
    assert!(compared >= 40, "{compared}");
}

#[test]
fn what_opening_noticed_is_said() {
    let (_directory, root) = store();
    good(&root, "init --db home");
    assert_eq!(run_with(&root, "import -", "home/a 1i 1000\nhome/a 2i 2000\n").err, "");
    let home = root.join("home");
    let mut log = fs::read(home.join("home.wal")).expect("a log");
    log.splice(0..0, [7; 300]);
    fs::write(home.join("home.wal"), log).expect("written");
    let manifest = home.join("manifest.toml");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    fs::write(&manifest, text.replace("[page]", "[page]\nmax_record = 5")).expect("written");
    let data = home.join("data-1970-01-01.dat");
    let mut bytes = fs::read(&data).expect("a data file");
    bytes.extend([1; 10]);
    fs::write(&data, bytes).expect("written");
    let ran = run_with(&root, "import -", "home/a 3i 3000\n");
    assert_eq!(ran.code, 0);
    let notes: Vec<&str> = ran.err.lines().collect();
    assert_eq!(notes.len(), 3, "{}", ran.err);
    assert!(notes[0].contains("page.max_record: did you mean max_records?"), "{}", notes[0]);
    assert!(notes[1].contains("home.wal: 300 bytes at 0"), "{}", notes[1]);
    assert!(notes[2].contains("data-1970-01-01.dat: 10 bytes at"), "{}", notes[2]);
    good(&root, "verify");
}

/// A store whose database `prod` has many small pages.
fn prod_with(bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("root");
    copy(&fixtures().join("24-recompacted/root"), &root);
    fs::write(root.join("prod/data-2026-05-03.dat"), bytes).expect("written");
    (directory, root)
}

fn small_pages() -> Vec<u8> {
    fs::read(fixtures().join("24-recompacted/before.dat")).expect("a fixture")
}

#[test]
fn compact_writes_pages_anew() {
    let (_directory, root) = prod_with(&small_pages());
    let before = good(&root, "export --db prod");
    // What is only in the log is written first.
    assert_eq!(run_with(&root, "import", "prod/a 7i 2026-05-03 23:00\n").code, 0);
    let report = json(&root, "compact --db prod --part 2026-05-03 --json");
    let path = root.join("prod/data-2026-05-03.dat").display().to_string();
    for (name, expected) in [
        ("database", Json::from("prod")),
        ("part", "2026-05-03".into()),
        ("path", path.into()),
        ("old_frames", 41.into()),
        ("new_frames", 2.into()),
        ("old_records", 801.into()),
        ("new_records", 801.into()),
    ] {
        assert_eq!(report[name], expected, "{name}");
    }
    assert!(report["old_bytes"].as_u64() > report["new_bytes"].as_u64(), "{report}");
    assert!(report["duration_ms"].is_u64());
    let after = good(&root, "export --db prod");
    assert_eq!(after, format!("{before}prod/a 7i 2026-05-03 23:00:00.000000000\n"));
    let shown = steady(&good(&root, "compact --db prod --part 2026-05-03"), &root);
    assert!(
        shown.starts_with("compacted $ROOT/prod/data-2026-05-03.dat: 801 samples\n"),
        "{shown}"
    );
    for (arguments, code, says) in [
        ("compact --db prod --part 2026-05", 1, "YYYY-MM-DD"),
        ("compact --db prod --part 2020-01-01", 1, "no data file"),
        ("compact --db prod", 2, "--part"),
        ("compact --db nobody --part 2026-05-03", 1, "nobody"),
    ] {
        let ran = run(&root, arguments);
        assert_eq!(ran.code, code, "{arguments}: {}", ran.err);
        assert!(ran.err.contains(says), "{arguments}: {}", ran.err);
    }
}

#[test]
fn recover_saves_what_is_intact() {
    let sound = small_pages();
    let mut damaged = sound.clone();
    damaged.splice(150..150, [0xa5; 1000]);
    damaged[1100] ^= 1; // in the second page
    let (directory, root) = prod_with(&damaged);
    // The database need not open.
    fs::write(root.join("prod/catalog.json"), "no catalog").unwrap();
    assert_eq!(run(&root, "query --db prod").code, 1);
    let report = json(&root, "recover --db prod --part 2026-05-03 --out saved/p.dat --json");
    for (name, expected) in [
        ("database", Json::from("prod")),
        ("part", "2026-05-03".into()),
        ("source_path", root.join("prod/data-2026-05-03.dat").display().to_string().into()),
        ("output_path", root.join("saved/p.dat").display().to_string().into()),
        ("source_bytes", damaged.len().into()),
        ("output_bytes", sound.len().into()),
        ("recovered_frames", 40.into()),
        ("recovered_records", 800.into()),
        ("skipped_bytes", 1000.into()),
        ("rejected_frames", 0.into()),
        ("first_accepted_offset", 0.into()),
    ] {
        assert_eq!(report[name], expected, "{name}: {report}");
    }
    assert!(report["last_accepted_offset"].is_u64() && report["duration_ms"].is_u64());
    assert_eq!(fs::read(root.join("saved/p.dat")).unwrap(), sound);
    assert_eq!(fs::read(root.join("prod/data-2026-05-03.dat")).unwrap(), damaged);

    let elsewhere = directory.path().join("elsewhere.dat");
    let recover = format!("recover --db prod --part 2026-05-03 --out {}", elsewhere.display());
    assert!(good(&root, &recover).starts_with("recovered 800 samples in 40 pages"));
    assert_eq!(fs::read(&elsewhere).unwrap(), sound);
    for (out, says) in [
        ("prod/data-2026-05-03.dat", "the damaged file itself"),
        ("prod/data-2026-05-04.dat", "files of this name"),
        ("prod/catalog.json", "files of this name"),
        ("prod", "directory"),
    ] {
        let ran = run(&root, &format!("recover --db prod --part 2026-05-03 --out {out}"));
        assert_eq!(ran.code, 2, "{out}: {}", ran.err);
        assert!(ran.err.contains(says), "{out}: {}", ran.err);
    }
    // Where nothing is intact, an older output stays.
    fs::write(root.join("prod/data-2026-05-03.dat"), [7; 5000]).unwrap();
    let ran = run(&root, &recover);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("no intact page"), "{}", ran.err);
    assert_eq!(fs::read(&elsewhere).unwrap(), sound);
    assert!(!directory.path().join("elsewhere.dat.tmp").exists());
}

#[cfg(unix)]
#[test]
fn recover_writes_to_devices_and_does_not_replace_them() {
    let (_directory, root) = prod_with(&small_pages());
    let ran = run(&root, "recover --db prod --part 2026-05-03 --out /dev/null");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!Path::new("/dev/null").is_file());
}

#[test]
fn recover_warns_of_samples_in_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    copy(&fixtures().join("10-crash-wal-mixed/root"), &root);
    let data = fs::read_dir(root.join("prod")).unwrap().flatten().map(|entry| entry.file_name());
    let mut keys = data.filter_map(|name| Some(name.to_str()?.strip_prefix("data-")?.to_owned()));
    let key = keys.next().unwrap();
    let key = key.trim_end_matches(".dat");
    let ran = run(&root, &format!("recover --db prod --part {key} --out saved.dat"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("prod.wal holds samples"), "{}", ran.err);
}

#[test]
fn importing_again_adds_what_is_missing() {
    let (_directory, root) = store();
    let whole = "new/a 20.5 2026-11-01 00:00:00\nnew/a 21.5 2026-11-01 00:10:00\n\
                 new/a 21.5 2026-11-01 00:10:00\nnew/a 22.5 2026-11-01 00:20:00\n";
    // Cut within a line: after the value, after the day, after the minute.
    for cut in [41, 53, 56, 58, 59] {
        let ran = run_with(&root, "import", &whole[..cut]);
        assert_eq!(ran.code, 1);
        assert!(ran.err.starts_with("line 2: the last line has no line end"), "{}", ran.err);
    }
    assert_eq!(good(&root, "export --db new").lines().count(), 1);
    assert!(run_with(&root, "import", whole).out.starts_with("imported 3 of 4 lines, 1 already"));
    let exported = good(&root, "export --db new");
    for lines in [whole, &exported, whole.trim_end()] {
        let ran = run_with(&root, "import", lines);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.starts_with("imported 0 of 4 lines, 4 already there"), "{}", ran.out);
    }
    assert_eq!(good(&root, "export --db new"), exported);
}

#[test]
fn an_import_keeps_no_log() {
    let (_directory, root) = store();
    let old_and_new = "fresh/a 1 2020-01-01\nfresh/a 2\n";
    assert_eq!(run_with(&root, "import", old_and_new).code, 0);
    assert!(!root.join("fresh/fresh.wal").exists() && !root.join("fresh/fresh.late.wal").exists());
    assert_eq!(good(&root, "export --db fresh").lines().count(), 2);
}

#[test]
fn exports_of_single_partitions() {
    let (_directory, root) = store();
    let lines = "home/a 1i 2026-01-02 12:00\nhome/a 2i 2026-01-03 12:00\nhome/a 3i 2026-01-04\n";
    assert_eq!(run_with(&root, "import", lines).code, 0);
    // Samples in a metric file only, and in pages set aside.
    good(&root, "build metric --part 2026-01-02 --raw-ingest-action delete");
    good(&root, "build metric --part 2026-01-03 --raw-ingest-action rename");
    fs::remove_file(root.join("home/metric-2026-01-03.dat")).unwrap();
    let two = "home/a 1i 2026-01-02 12:00:00.000000000\nhome/a 2i 2026-01-03 12:00:00.000000000\n";
    assert_eq!(good(&root, "export --parts 2026-01-03,2026-01-02"), two);
    assert_eq!(good(&root, "export --part 2026-01-02 --part 2026-01-03 --part 2026-01-02"), two);
    assert_eq!(
        good(&root, "export --parts 2026-01-01,2026-01-02 -m a"),
        two.lines().next().unwrap().to_owned() + "\n"
    );
    assert_eq!(good(&root, "export --part 2026-01-04 --to 2026-01-03"), "");
    assert_eq!(good(&root, "export").lines().count(), 8);
    for (arguments, code, says) in [
        ("export --part 2026-01", 2, "YYYY-MM-DD"),
        ("export --part 2026-02-01", 1, "no file of partition 2026-02-01"),
    ] {
        let ran = run(&root, arguments);
        assert_eq!(ran.code, code, "{arguments}: {}", ran.err);
        assert!(ran.err.contains(says), "{arguments}: {}", ran.err);
    }
}

/// The layouts and lengths of the metric files, as `inspect metric` finds them.
fn layouts(root: &Path) -> Vec<(u64, u64)> {
    let found = json(root, "inspect metric --json");
    let files = found["files"].as_array().unwrap().iter();
    files.map(|file| (file["version"].as_u64().unwrap(), file["bytes"].as_u64().unwrap())).collect()
}

#[test]
fn metric_files_change_their_layout_and_nothing_else() {
    let (_directory, root) = store();
    let mut rows = String::new();
    for n in 0..20_000_i64 {
        let time = 1_767_225_600_000_000_000 + n * 10_000_000_000;
        writeln!(rows, "home/walk {}.{:02} {time}\nhome/count {n}i {time}", n % 7, n % 100)
            .unwrap();
    }
    assert_eq!(run_with(&root, "import", &rows).code, 0);
    good(&root, "build metric --raw-ingest-action keep");
    let exported = good(&root, "export --db home");
    let raw: Vec<PathBuf> = data_files(&root);
    let before: Vec<Vec<u8>> = raw.iter().map(|path| fs::read(path).unwrap()).collect();
    let v2 = layouts(&root);
    assert_eq!(v2.iter().map(|file| file.0).collect::<Vec<_>>(), [2, 2, 2]);

    let one = json(&root, "convert --part 2026-01-02 --format v3 --json");
    assert_eq!((&one["partition_count"], &one["converted_count"]), (&1.into(), &1.into()));
    assert_eq!(one["partitions"][0]["old_format"], "v2");
    assert_eq!(one["partitions"][0]["points"], 2 * 8640);
    let mixed = layouts(&root);
    assert_eq!(mixed.iter().map(|file| file.0).collect::<Vec<_>>(), [2, 3, 2]);
    assert_eq!(
        (one["old_bytes"].as_u64(), one["new_bytes"].as_u64()),
        (Some(v2[1].1), Some(mixed[1].1))
    );
    assert!(mixed[1].1 < v2[1].1, "{mixed:?} {v2:?}");
    assert_eq!(good(&root, "export --db home"), exported);

    let all = steady(&good(&root, "convert --format v3"), &root);
    assert!(all.contains("was so already"), "{all}");
    assert!(
        all.contains("2 of 3 metric files converted to v3, each compared bit for bit"),
        "{all}"
    );
    assert_eq!(good(&root, "export --db home"), exported);
    assert!(good(&root, "verify").contains("same as its raw pages"));
    let checked = json(&root, "verify --json");
    let files = checked["databases"][0]["files"].as_array().unwrap();
    assert_eq!(files.iter().filter(|file| file["version"] == 3).count(), 3, "{checked}");

    let shown = good(&root, "inspect metric --verbose");
    assert!(shown.contains("bytes/point") && shown.contains("encoding"), "{shown}");
    let detail = json(&root, "inspect metric --verbose --json");
    let frame = &detail["files"][1]["frames_detail"][0];
    let column = &frame["encoding"];
    assert!(column["numbers"].is_string() && column["body"].is_string(), "{frame}");
    assert_eq!(column["point_count"], frame["point_count"]);
    assert!(frame["bytes_per_point"].as_f64().unwrap() < 4.2, "{frame}");
    assert_eq!(detail["files"][0]["times_detail"].as_array().unwrap().len(), 3);
    assert!(detail["files"][0].get("scan_error").is_none(), "{detail}");

    good(&root, "convert --format v2");
    assert_eq!(layouts(&root), v2, "as if it had never been anything else");
    assert_eq!(good(&root, "export --db home"), exported);
    let after: Vec<Vec<u8>> = raw.iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!((data_files(&root), after), (raw, before), "raw pages stay");
    for (arguments, code, complaint) in [
        ("convert", 2, "--format"),
        ("convert --format v4", 2, "[possible values: v1, v2, v3]"),
        ("convert --format v2 --codec lz4", 2, "the reference cannot read lz4"),
        ("convert --format v3 --part 2020-01-01", 1, "2020-01-01 has no metric file"),
        ("convert --format v3 --part 2020-01", 1, "YYYY-MM-DD"),
    ] {
        let ran = run(&root, arguments);
        assert_eq!(ran.code, code, "{arguments}: {}", ran.err);
        assert!(ran.err.contains(complaint), "{arguments}: {}", ran.err);
    }
    good(&root, "convert --format v3 --codec lz4"); // which v3 has no use for
}

fn data_files(root: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(root.join("home")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("data-"))
        .collect();
    files.sort();
    files
}

#[test]
fn the_settings_name_the_layout() {
    let (_directory, root) = store();
    let settings = root.join("engine.toml");
    let text = fs::read_to_string(&settings).unwrap();
    assert!(!text.contains("format"), "a new store's files are the reference's");
    fs::write(&settings, text.replace("[metrics]", "[metrics]\n  format = \"v3\"")).unwrap();
    assert_eq!(json(&root, "build metric --json")["format"], "v3");
    assert_eq!(layouts(&root)[0].0, 3);
    assert_eq!(json(&root, "build metric --format v2 --json")["partition_count"], 0);
    assert_eq!(json(&root, "build metric --format v2 --part 2026-01-01 --json")["format"], "v2");
    assert_eq!(layouts(&root)[0].0, 2);
    fs::write(&settings, text.replace("[metrics]", "[metrics]\n  format = \"3\"")).unwrap();
    let ran = run(&root, "metrics");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("metrics.format = \"3\": expected v1, v2 or v3"), "{}", ran.err);
    assert!(ran.err.contains("engine.toml: line "), "{}", ran.err);
}

#[test]
fn csv_exports_become_lines() {
    let directory = tempfile::tempdir().unwrap();
    let (dir, root) = (directory.path().join("csv"), directory.path().join("none"));
    fs::create_dir(&dir).unwrap();
    let put = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
    put(
        "power.csv",
        "metric,sensor,value,ts\nWatt used,kitchen 1,12,2000\n,\"hall, east\",7,1000\n",
    );
    put("temp.CSV", "m,s,v,t,more\ntemp,,21.5,1000,x\ntemp,,22,2000\n");
    put("state.csv", "m,s,v,t\non,a,1.4,1500\n");
    put("off.csv", "m,s,v,t\nbroken\n");
    put("notes.txt", "nothing");
    let meta = directory.path().join("meta.json");
    let rules = r#"{"metrics": {"off": {"enabled": false},
        "state": {"metric": "home/state", "value_type": "int", "scale": 10, "append_sensor": false}}}"#;
    fs::write(&meta, rules).unwrap();
    let out = directory.path().join("deep/er/out.lp");
    let base = format!("--in-dir {} --out {} --db home", dir.display(), out.display());
    let convert = format!("csv2lp {base} --meta {} --json", meta.display());
    let report = json(&root, &convert);
    for (name, expected) in [
        ("input_dir", Json::from(dir.display().to_string())),
        ("output_file", out.display().to_string().into()),
        ("database", "home".into()),
        ("metadata_file", meta.display().to_string().into()),
        ("append_mode", false.into()),
        ("files_seen", 4.into()),
        ("files_included", 3.into()),
        ("files_skipped", 1.into()),
        ("rows_written", 5.into()),
    ] {
        assert_eq!(report[name], expected, "{name}");
    }
    let lines = "\
home/power.hall_east 7i 1000000000
home/temp 21.5 1000000000
home/home/state 14i 1500000000
home/Watt_used.kitchen_1 12i 2000000000
home/temp 22 2000000000
";
    assert_eq!(fs::read_to_string(&out).unwrap(), lines);
    // The output is what import takes.
    let data = directory.path().join("data");
    good(&data, "init");
    assert_eq!(run_with(&data, "import", lines).err, "");

    put("temp.CSV", "m,s,v,t\ntemp,,21.5,2000\ntemp,,23.25,3000\n");
    let convert = convert.replace("csv2lp", "csv2nlp") + " --append";
    assert_eq!(json(&root, &convert)["rows_written"], 1);
    assert_eq!(json(&root, &convert)["rows_written"], 0);
    let lines = format!("{lines}home/temp 23.25 3000000000\n");
    assert_eq!(fs::read_to_string(&out).unwrap(), lines);

    // What is wrong is named, and changes nothing.
    for (text, says) in [
        ("m,s,v,t\ntemp,,1,5000\ntemp,,x,6000\n", "temp.CSV, line 3: \"x\" is no number"),
        ("m,s,v,t\ntemp,,1\n", "line 2: found 3 columns"),
        ("m,s,v,t\ntemp,,1,1e3\n", "line 2: \"1e3\""),
        ("m,s,v,t\ntemp,,1,9223372036855\n", "beyond"),
    ] {
        put("temp.CSV", text);
        let ran = run(&root, &convert);
        assert_eq!(ran.code, 1, "{text}");
        assert!(ran.err.contains(says), "{text}: {}", ran.err);
    }
    let ran = run(&root, &format!("csv2lp {base}"));
    assert!(ran.err.contains("off.csv, line 2: found 1 columns"), "{}", ran.err);
    assert_eq!(run(&root, &convert.replace("--db home", "--db ../x")).code, 2);
    assert_eq!(fs::read_to_string(&out).unwrap(), lines);
    assert!(!root.exists(), "no store is needed");
}

/// A power cut or a full disk has left `catalog.json` empty, and samples keep coming in.
#[test]
fn lost_names_are_told_and_given_back() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("root");
    good(&root, "init");
    let lines = "home/boiler 60 2026-11-20 08:00:00\nhome/freezer -18i 2026-11-20 08:00:00\n";
    assert_eq!(run_with(&root, "import -", lines).code, 0);
    let catalog = root.join("home/catalog.json");
    fs::write(&catalog, "").unwrap();

    let ran = run_with(&root, "import -", "home/freezer -20i 2026-11-29 08:00:00\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("recovered.1, recovered.2"), "{}", ran.err);
    let range = "query --db home --from 2026-11-01 --format csv -m";
    let freezer = run(&root, &format!("{range} freezer")).out;
    assert!(freezer.contains(",-20") && !freezer.contains(",60"), "{freezer}");
    let lost = run(&root, &format!("{range} recovered.2")).out;
    assert!(lost.contains(",-18"), "{lost}");

    let verified = run(&root, "verify");
    assert_eq!(verified.code, 1);
    assert!(
        verified.out.contains("catalog.json: metric id 1 has samples and no name"),
        "{}",
        verified.out
    );
    let inspected = run(&root, "inspect catalog --db home --json").out;
    let inspected: Json = serde_json::from_str(&inspected).unwrap();
    assert_eq!(inspected["count"], 1);
    assert_eq!(inspected["recovered"][0]["name"], "recovered.1");
    let refused = run_with(&root, "import -", "home/recovered.1 1 2026-11-29 08:00:00\n");
    assert!(refused.err.contains("nanotdb catalog set --id 1"), "{}{}", refused.out, refused.err);

    for (arguments, code, expected) in [
        ("--id 1 --name freezer --type float32", 1, "is taken by metric id 3"),
        ("--id 3 --name x --type float32", 1, "metric id 3 is freezer"),
        ("--id 9 --name x --type float32", 1, "nothing has metric id 9"),
        ("--id 0 --name x --type float32", 2, "0 is not in 1..=65535"),
        ("--id 1 --name x --type double", 2, "int32"),
    ] {
        let ran = run(&root, &format!("catalog set {arguments}"));
        assert_eq!(ran.code, code, "{arguments}: {}", ran.err);
        assert!(ran.err.contains(expected), "{arguments}: {}", ran.err);
    }
    let ran = run(&root, "catalog set --id 1 --name boiler --type float32");
    assert_eq!((ran.code, ran.out.as_str()), (0, "metric id 1 of home is boiler now, float32\n"));
    assert!(ran.err.contains("kept as recovered.2"), "what is left: {}", ran.err);
    good(&root, "catalog set --db home --id 2 --name freezer.before --type int32");
    assert!(good(&root, &format!("{range} boiler")).contains(",60"));
    assert!(good(&root, "verify").contains("everything is whole"));

    // Nobody else may have the store meanwhile.
    fs::write(&catalog, "").unwrap();
    let store = OpenOptions::default().open(&root).unwrap();
    let ran = run(&root, "catalog set --db home --id 1 --name boiler --type float32");
    assert_eq!(ran.code, 1, "{}", ran.out);
    drop(store);
    assert_eq!(fs::read(&catalog).unwrap(), b"", "nothing was written");
}

/// Lets a database's samples expire after a day, and condenses them by the hour before.
fn expire_and_roll_up(root: &Path, database: &str) {
    let path = root.join(database).join("manifest.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text
        .replace("retention_days = 30", "retention_days = 1")
        .replace("retention_action = \"keep\"", "retention_action = \"delete\"")
        .replace("[rollups]\n  enabled = false", "[rollups]\n  enabled = true");
    let job = "  [[rollups.jobs]]\n    id = \"all\"\n    source_pattern = \"*\"\n    \
               interval = \"1h\"\n    aggregates = [\"avg\"]\n    destination_db = \"hourly\"\n";
    fs::write(&path, format!("{text}{job}")).unwrap();
}

#[test]
fn an_import_of_old_data_rolls_it_up_and_says_what_will_expire() {
    let (_directory, root) = store();
    expire_and_roll_up(&root, "home");
    // These are of another day than those that were there, which have expired, too.
    let old = "home/door.opened 5i 2026-01-02 10:05:00\nhome/door.opened 7i 2026-01-02 10:25:00\n";
    let ran = run_with(&root, "import", old);
    let note = "note: home: 2 samples are older than retention_days = 1 and will expire\n";
    assert_eq!((ran.code, ran.err.as_str()), (0, note));
    assert_eq!(data_files(&root), [root.join("home/data-2026-01-02.dat")]);
    let hourly = "hourly/door.opened.avg 2 2026-01-01 00:00:00.000000000\n\
                  hourly/kitchen.temp.avg 22.583334 2026-01-01 00:00:00.000000000\n\
                  hourly/door.opened.avg 6 2026-01-02 10:00:00.000000000\n";
    let mut found: Vec<String> =
        good(&root, "export --db hourly").lines().map(str::to_owned).collect();
    let mut expected: Vec<String> = hourly.lines().map(str::to_owned).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(good(&root, "retention --db home").contains("2026-01-02"));
    assert_eq!(good(&root, "export --db home"), "");
    assert_eq!(good(&root, "export --db hourly").lines().count(), 3);
}

#[test]
fn retention_says_what_waits_for_rollups() {
    let (_directory, root) = store();
    let text = "hourly/door.opened.avg 1i 2026-01-01 00:00:00\n";
    assert_eq!(run_with(&root, "import", text).code, 0);
    expire_and_roll_up(&root, "home");
    let path = root.join("home/manifest.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    let waits = manifest.replace("[retention]\n", "[retention]\n  rollup_wait = \"876000h\"\n");
    fs::write(&path, waits).unwrap();
    let ran = run(&root, "retention --db home");
    assert_eq!(ran.code, 1, "{ran:?}");
    let waits = "2026-01-01 has expired and waits for rollups: all::door.opened: ";
    assert!(ran.out.contains(waits), "{ran:?}");
    assert_eq!(good(&root, "export --db home").lines().count(), 5);
    fs::write(&path, manifest).unwrap();
    let ran = run(&root, "retention --db home");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("2026-01-01 goes before rollups have read it: "), "{ran:?}");
    assert_eq!(good(&root, "export --db home"), "");
}
