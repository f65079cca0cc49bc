//! A damaged file: what it alone holds is missing, the answer says so, and everything else is there.

use crate::support::Served;
use serde_json::{Value as Json, json};
use std::fs;
use tempfile::TempDir;

/// Nine sealed days and two more of `t` and `u`, two samples each; the metric file of the fifth day
/// has no bytes.
fn damaged() -> Served {
    let served = Served::new();
    for day in 18..=28 {
        let line =
            |hour: u32, metric: &str| format!("home/{metric} {day} 2026-11-{day} 0{hour}:00:00\n");
        let lines: String = [1, 2].map(|hour| line(hour, "t") + &line(hour, "u")).concat();
        served.import(&lines);
    }
    served.import("whole/t 1 2026-11-22 01:00:00\n");
    let scratch = served.stop();
    damage(&scratch, "metric-2026-11-22.dat");
    Served::on(scratch, |_| ())
}

fn damage(scratch: &TempDir, file: &str) {
    let path = scratch.path().join("home").join(file);
    assert!(path.exists(), "{file}");
    fs::write(path, "").unwrap();
}

const NAMED: &str = "home/metric-2026-11-22.dat: damaged at byte 0: ";

/// Its only warning, which names file and offset.
fn warned(answer: &Json) {
    let warnings = answer["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{answer}");
    assert!(warnings[0].as_str().unwrap().contains(NAMED), "{answer}");
}

#[test]
fn our_queries_answer_around_it_with_a_warning() {
    let served = damaged();
    let asked = "/api/v1/query_range?query=home/t&start=2026-11-01&end=2026-11-30";
    let answer = served.get(asked);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    warned(&json);
    let values = json["data"]["result"][0]["values"].as_array().unwrap();
    assert_eq!(values.len(), 20, "ten days of two samples");
    let json = served.get(&format!("{asked}&aggregate=count&window=1d")).json();
    warned(&json);
    assert_eq!(json["status"], "success");
    // What does not need the file is as ever.
    for whole in [
        "/api/v1/query_range?query=home/t&start=2026-11-23&end=2026-11-30",
        "/api/v1/query?query=home/t",
        "/api/v1/query_range?query=whole/t&start=2026-11-01&end=2026-11-30",
    ] {
        let json = served.get(whole).json();
        assert_eq!((&json["status"], json.get("warnings")), (&json!("success"), None), "{whole}");
    }
}

#[test]
fn prometheus_queries_answer_around_it_with_its_warnings() {
    let served = damaged();
    let asked = "/prometheus/api/v1/query_range?query=count_over_time(t%7Bdb%3D%22home%22%7D%5B1d%5D)\
                 &start=2026-11-19T00:00:00Z&end=2026-11-28T00:00:00Z&step=1d";
    // Its answers end without a line end.
    let of = |path: &str| -> Json { serde_json::from_str(&served.get(path).text).unwrap() };
    let json = of(asked);
    assert_eq!(json["status"], "success", "{json}");
    warned(&json);
    let times = json["data"]["result"][0]["values"].as_array().unwrap().len();
    assert_eq!(times, 9, "every day but the fifth: {json}");
    let json = of("/prometheus/api/v1/query?query=u&time=2026-11-24T02:00:00Z");
    assert_eq!((&json["status"], json.get("warnings")), (&json!("success"), None), "{json}");
}

#[test]
fn lines_and_columns_say_it_where_they_can() {
    let served = damaged();
    let answer = served.get("/api/store/query?db=home&metric=t");
    let header: Json = serde_json::from_str(answer.header("nanotdb-warnings")).unwrap();
    assert!(header[0].as_str().unwrap().contains(NAMED), "{header}");
    let newest = served.get("/api/store/last?db=home&metric=t");
    assert_eq!((newest.status, newest.header("nanotdb-warnings")), (200, ""));
}

#[test]
fn a_delete_names_the_partition_that_it_cannot_write_anew_and_does_the_others() {
    let served = damaged();
    let answer = served.method("DELETE", "/api/v1/metrics?db=home&metric=t&start=2026-11-01");
    assert_eq!(answer.status, 500, "{}", answer.text);
    let json = answer.json();
    assert!(json["error"].as_str().unwrap().contains("2026-11-22 stays as it was"), "{json}");
    assert_eq!(json["data"]["refused"][0]["partition"], "2026-11-22", "{json}");
    assert_eq!(json["data"]["samples"], 20, "{json}");
    let json =
        served.get("/api/v1/query_range?query=home/u&start=2026-11-01&end=2026-11-30").json();
    assert_eq!(json["data"]["result"][0]["values"].as_array().unwrap().len(), 20);
}
