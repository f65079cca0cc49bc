//! `/api/engine/…` and `/metrics`.

use crate::support::Served;
use serde_json::{Value as Json, json};

fn keys(object: &Json) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A database with a closed partition, and one with samples in memory.
fn with_partitions() -> Served {
    let served = Served::new();
    served.import("home/a 1 2020-01-01 10:00:00\nhome/b 2i 2020-01-01 10:00:01\n");
    served.store().flush().unwrap();
    served.import("home/a 3 2020-01-02 10:00:00\nhome/a nan 2020-01-02 10:00:01\n");
    served
}

#[test]
fn overview_has_every_database_and_the_settings() {
    let served = with_partitions();
    let found = served.get("/api/engine/overview").data();
    assert_eq!(found["resultType"], "engine_overview");
    let home = &found["result"][0];
    let expected = [
        "name",
        "metric_count",
        "manifest",
        "stats",
        "open_pages",
        "data_files",
        "data_bytes",
        "wal_files",
        "wal_bytes",
        "active",
        "runtime",
    ];
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(keys(home), expected);
    assert_eq!(
        (&home["name"], &home["metric_count"], &home["data_files"]),
        (&json!("home"), &json!(2), &json!(1))
    );
    assert_eq!((&home["open_pages"], &home["active"]), (&json!(1), &json!(true)));
    assert_eq!(home["manifest"]["rollups"]["Enabled"], json!(false));
    assert_eq!(home["stats"]["DataFile"]["FlushCount"], json!(1));
    assert!(home["stats"]["WAL"]["LastFsyncAt"].as_str().unwrap().len() >= 20);
    assert_eq!(found["settings"]["wal_fsync_policy"], "segment");
    assert_eq!(keys(&found["settings"]).len(), 21);
}

#[test]
fn a_database_has_its_metrics_with_their_newest_samples() {
    let served = with_partitions();
    let found = served.get("/api/engine/database?db=home").data();
    let metrics = &found["result"]["metrics"];
    // D-18: a value that JSON lacks is a text, and the answer is not empty.
    assert_eq!((&metrics[0]["name"], &metrics[0]["last_value"]), (&json!("a"), &json!("NaN")));
    assert_eq!((&metrics[1]["name"], &metrics[1]["last_value"]), (&json!("b"), &json!(2)));
    assert_eq!(metrics[1]["last_timestamp"], "2020-01-01 10:00:01.000000000");
    assert_eq!(served.get("/api/engine/database").error().0, 400);
}

#[test]
fn files_are_listed_with_the_pages_of_one() {
    let served = with_partitions();
    let found = served.get("/api/engine/files?db=home").data()["result"].clone();
    let file = &found["data"][0];
    assert_eq!(
        (&file["part"], &file["records"], &file["active"]),
        (&json!("2020-01-01"), &json!(2), &json!(false))
    );
    assert_eq!(file["pages"][0]["records"], 2);
    assert_eq!(found["record_preview"]["total"], found["wal"][0]["records"]);
    let path = file["path"].as_str().unwrap();
    assert!(std::path::Path::new(path).is_file(), "{path}");
    let selected = format!("/api/engine/files?db=home&data_file={path}");
    assert_eq!(served.get(&selected).data()["result"]["data"][0]["pages"][0]["index"], 0);
    let elsewhere = "/api/engine/files?db=home&data_file=/etc/passwd";
    assert_eq!(served.get(elsewhere).error().0, 404);
}

#[test]
fn runtime_tells_of_one_database_or_of_all() {
    let served = with_partitions();
    let one = served.get("/api/engine/runtime?db=home").data();
    assert_eq!(one["result"]["runtime"]["open_pages"][0]["day"], "2020-01-02");
    assert_eq!(one["resultType"], "engine_runtime");
    let all = served.get("/api/engine/runtime").data()["result"].clone();
    assert_eq!((&all["database_count"], &all["active_database_count"]), (&json!(1), &json!(1)));
    assert_eq!(all["open_pages"][0]["database"], "home");
    assert!(all["process"]["num_cpu"].as_u64().unwrap() > 0);
}

#[test]
fn d18_a_preview_shows_values_that_json_lacks() {
    let served = Served::new();
    // Of now, so that the log takes them.
    served.import("home/a nan\nhome/a +inf\nhome/a 1.5\n");
    let preview = served.get("/api/engine/runtime?db=home").data()["result"]["wal_preview"].clone();
    let values: Vec<&Json> =
        preview["first"].as_array().unwrap().iter().map(|r| &r["value"]).collect();
    assert_eq!(values, [&json!("NaN"), &json!("+Inf"), &json!(1.5)]);
    assert_eq!(preview["first"][0]["metric_name"], "a");
}

#[test]
fn closed_partitions_are_compacted_and_others_are_not() {
    let served = with_partitions();
    let ask = |path: &str, db: &str, part: &str| {
        served.post(path, json!({"db": db, "part": part}).to_string())
    };
    for path in ["/api/engine/recompact", "/api/engine/compact_metric"] {
        assert_eq!(ask(path, "home", "2020-01-02").error().0, 409, "{path}");
        assert_eq!(ask(path, "home", "2019-01-01").error().0, 404, "{path}");
        assert_eq!(ask(path, "nowhere", "2020-01-01").error().0, 404, "{path}");
        assert_eq!(ask(path, "home", "2020-01").error().0, 400, "{path}");
        assert_eq!(ask(path, "home", "../x").error().0, 400, "{path}");
        assert_eq!(ask(path, "", "2020-01-01").error().0, 400, "{path}");
        assert_eq!(served.post(path, "{}").error().0, 400, "{path}");
        assert_eq!(served.post(path, "no").error().0, 400, "{path}");
    }
    let done = ask("/api/engine/recompact", "home", "2020-01-01").data();
    assert_eq!(
        (&done["resultType"], &done["result"]["new_records"]),
        (&json!("engine_recompact"), &json!(2))
    );
    let done = ask("/api/engine/compact_metric", "home", "2020-01-01").data();
    assert_eq!(done["resultType"], "engine_compact_metric");
    assert!(done["result"]["metric_path"].as_str().unwrap().ends_with("metric-2020-01-01.dat"));
    let files = served.get("/api/engine/files?db=home").data()["result"].clone();
    assert_eq!(
        (&files["metric"][0]["points"], &files["metric"][0]["distinct_metrics"]),
        (&json!(2), &json!(2))
    );
}

#[test]
fn prometheus_can_scrape_it() {
    let served = with_partitions();
    served.post("/api/v1/import", "bad\n");
    let answer = served.get("/metrics");
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let value = |name: &str| {
        let line = answer.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {}", answer.text)).parse::<u64>().unwrap()
    };
    assert_eq!(value("nanotdb_samples_total{db=\"home\"}"), 4);
    assert_eq!(value("nanotdb_metrics{db=\"home\"}"), 2);
    assert_eq!(value("nanotdb_http_samples_accepted_total"), 4);
    assert_eq!(value("nanotdb_http_samples_rejected_total"), 1);
    assert_eq!(value("nanotdb_writable{db=\"home\"}"), 1);
    for line in answer.text.lines().filter(|line| !line.starts_with('#')) {
        assert!(
            line.starts_with("nanotdb_") && line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(),
            "{line}"
        );
    }
}
