//! What a damaged store still gives, and what a failed export leaves alone.

use super::{good, json, run, run_with};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Nine sealed days and two more, two samples each; the file of the fifth has no bytes.
fn with_a_damaged_day() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    good(&root, "init");
    let lines: String = (18..=28)
        .flat_map(|day| [1, 2].map(|hour| format!("home/t {day} 2026-11-{day} 0{hour}:00:00\n")))
        .collect();
    assert_eq!(run_with(&root, "import -", &lines).code, 0);
    fs::write(root.join("home/metric-2026-11-22.dat"), "").unwrap();
    (directory, root)
}

const NAMED: &str = "error: home/metric-2026-11-22.dat: damaged at byte 0: ";

#[test]
fn a_damaged_day_hides_no_other_from_export_and_query() {
    let (directory, root) = with_a_damaged_day();
    let ran = run(&root, "export --db home");
    assert_eq!((ran.code, ran.out.lines().count()), (1, 20), "{}", ran.err);
    assert!(ran.err.starts_with(NAMED), "{}", ran.err);
    let asked = "query --db home --metric t --from 2026-11-01 --to 2026-11-30";
    for (more, rows) in [("--format csv", 21), ("--format lp", 20)] {
        let ran = run(&root, &format!("{asked} {more}"));
        assert_eq!((ran.code, ran.out.lines().count()), (1, rows), "{}", ran.err);
        assert!(ran.err.starts_with(NAMED), "{}", ran.err);
    }
    let ran = run(&root, &format!("{asked} --json"));
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["row_count"]), (1, &20.into()));
    assert!(report["warnings"][0].as_str().unwrap().contains("metric-2026-11-22.dat"));
    let ran = run(&root, &format!("{asked} -a count -w 1d --format csv"));
    assert_eq!((ran.code, ran.out.lines().count()), (1, 11), "{}", ran.err);
    // What does not need the file is as ever.
    good(&root, "query --db home --metric t");
    good(&root, "query --db home --metric t --from 2026-11-23 --to 2026-11-30");
    drop(directory);
}

#[test]
fn an_export_that_lacks_something_replaces_no_file_and_makes_a_new_one() {
    let (directory, root) = with_a_damaged_day();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("old.lp"), "what was there\n").unwrap();
    let ran = run(&root, &format!("export --db home --out {}", at("old.lp").display()));
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(NAMED) && ran.err.contains("stays as it was"), "{}", ran.err);
    assert_eq!(fs::read_to_string(at("old.lp")).unwrap(), "what was there\n");
    let ran = run(&root, &format!("export --db home --out {}", at("new.lp").display()));
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_eq!(fs::read_to_string(at("new.lp")).unwrap().lines().count(), 20);
    // A leftover of a killed run is cleaned by the next one.
    fs::write(at("third.lp.tmp"), "half").unwrap();
    fs::remove_file(root.join("home/metric-2026-11-22.dat")).unwrap();
    good(&root, &format!("export --db home --out {}", at("third.lp").display()));
    assert_eq!(names(directory.path()), ["new.lp", "old.lp", "root", "third.lp"]);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn verify_tells_what_cannot_be_opened_from_damage() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, root) = with_a_damaged_day();
    let report = |root: &Path| -> serde_json::Value {
        let ran = run(root, "verify --json");
        assert_eq!(ran.code, 1, "{}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    };
    let file = |report: &serde_json::Value, name: &str| -> serde_json::Value {
        let files = report["databases"][0]["files"].as_array().unwrap().clone();
        files.into_iter().find(|file| file["file"] == name).unwrap()
    };
    let whole = json(&root, "metrics --json --db home");
    assert_eq!(whole["count"], 1);
    let damaged = file(&report(&root), "metric-2026-11-22.dat");
    assert_eq!(damaged["problems"].as_array().unwrap().len(), 1);
    assert!(damaged.get("unread").is_none());
    let secret = root.join("home/metric-2026-11-19.dat");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&secret).is_ok() {
        return; // whoever runs this may read everything
    }
    let unread = file(&report(&root), "metric-2026-11-19.dat");
    assert_eq!(unread["problems"].as_array().unwrap().len(), 0);
    assert!(unread["unread"].as_str().unwrap().contains("metric-2026-11-19.dat"));
}
