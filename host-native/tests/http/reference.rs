//! The reference's HTTP API, request by request: see `docs/HTTP.md`.

use crate::support::Served;
use serde_json::json;

/// 2026-01-01T00:00:00Z in seconds.
const NEW_YEAR: i64 = 1_767_225_600;

fn with_samples() -> Served {
    let served = Served::new();
    let lines: Vec<String> = (0..10_i64)
        .map(|minute| {
            let time = (NEW_YEAR + minute * 60) * 1_000_000_000;
            format!(
                "home/kitchen.temperature {minute}.5 {time}\nhome/door.count {minute}i {time}\n"
            )
        })
        .collect();
    served.import(&lines.concat());
    served
}

#[test]
fn health_is_bare() {
    let served = Served::new();
    for method in ["GET", "POST", "PUT"] {
        assert_eq!(served.method(method, "/health").text, "{\"status\":\"ok\"}\n");
    }
    assert_eq!(served.get("/ready").data(), json!("ready"));
}

#[test]
fn imports_text_and_json() {
    let served = Served::new();
    let text = "home/a 1\n\n# comment\nhome/b 2i 2026-01-01 00:00:00\n";
    assert_eq!(served.post("/api/v1/import", text).data(), json!({"imported": 2}));
    let body = json!({"lines": "home/c 3"}).to_string();
    let request = served.client().post(served.url("/api/v1/import"));
    let request = request.header("content-type", "application/json; charset=utf-8").body(body);
    let answer = crate::support::Answer::of(request.send().unwrap());
    assert_eq!(answer.text, "{\"status\":\"success\",\"data\":{\"imported\":1}}\n");
    assert_eq!(served.get("/api/v1/metrics?db=home").data()["result"], json!(["a", "b", "c"]));
    // The same handler, for lines that are the reference's.
    assert_eq!(
        served.post("/api/v1/import/prometheus", "home/d 1\n").data(),
        json!({"imported": 1})
    );
}

#[test]
fn an_import_names_each_line_that_it_could_not_take_and_keeps_the_others() {
    let served = Served::new();
    let text = "home/a 1 5\nhome/a x 6\nhome/a 2 7\nhome/a 3 6\n../a 1 8\nhome/a 4 9\n";
    let answer = served.post("/api/v1/import", text);
    let (status, kind, error) = answer.error();
    assert_eq!((status, kind.as_str()), (400, "bad_data"));
    assert!(error.starts_with("line 2: "), "{error}");
    let data = &answer.json()["data"];
    assert_eq!((&data["imported"], &data["rejected"]), (&json!(3), &json!(3)));
    let named: Vec<i64> = data["rejections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["line"].as_i64().unwrap())
        .collect();
    assert_eq!(named, [2, 4, 5]);
    assert_eq!(
        data["rejections"][1]["reason"].as_str().unwrap().split(':').next(),
        Some("stale sample for a")
    );
    let kept = served.get("/api/v1/query_range?query=home/a&start=0");
    assert_eq!(kept.data()["result"][0]["values"].as_array().unwrap().len(), 3);
}

#[test]
fn an_import_that_is_no_json_or_no_utf8_is_refused() {
    let served = Served::new();
    let request = served.client().post(served.url("/api/v1/import"));
    let request = request.header("content-type", "application/json").body("{\"lines\":");
    assert_eq!(crate::support::Answer::of(request.send().unwrap()).error().0, 400);
    let answer = served.post("/api/v1/import", b"home/\xff 1\nhome/ok 1\n".to_vec());
    assert_eq!((answer.error().0, &answer.json()["data"]["imported"]), (400, &json!(1)));
}

#[test]
fn query_answers_with_the_newest_sample() {
    let served = with_samples();
    let expected = json!({
        "result": [{
            "metric": {"__name__": "kitchen.temperature", "db": "home"},
            "value": [NEW_YEAR + 540, "9.5"],
        }],
        "resultType": "vector",
    });
    assert_eq!(served.get("/api/v1/query?query=home/kitchen.temperature").data(), expected);
    assert_eq!(served.get("/api/v1/query?db=home&query=kitchen.temperature").data(), expected);
    assert_eq!(served.get("/api/v1/query?db=home").error().0, 400);
    assert_eq!(served.method("PUT", "/api/v1/query?db=home&query=door.count").error().0, 405);
}

#[test]
fn reading_what_does_not_exist_is_404_and_makes_nothing() {
    let served = with_samples();
    for path in [
        "/api/v1/query?db=nowhere&query=a",
        "/api/v1/query?db=home&query=nothing",
        "/api/v1/query_range?db=nowhere&query=a&start=0",
        "/api/v1/query_range?db=home&query=nothing&start=0",
        "/api/v1/metrics?db=nowhere",
        "/api/engine/database?db=nowhere",
        "/api/engine/files?db=nowhere",
        "/api/engine/runtime?db=nowhere",
    ] {
        let (status, kind, error) = served.get(path).error();
        assert_eq!((status, kind.as_str()), (404, "not_found"), "{path}: {error}");
    }
    assert_eq!(served.get("/api/v1/databases").data()["result"], json!(["home"]));
    assert_eq!(
        served.get("/api/v1/metrics?db=home").data()["result"],
        json!(["door.count", "kitchen.temperature"])
    );
    assert!(!served.root().join("nowhere").exists());
}

#[test]
fn d03_names_that_lead_elsewhere_are_refused() {
    let served = with_samples();
    for name in ["..%2Fhome", "..", "home%2F..%2Fhome", "%2Ftmp", "a%5Cb", "%00"] {
        for path in [
            format!("/api/v1/metrics?db={name}"),
            format!("/api/v1/query?db={name}&query=door.count"),
            format!("/api/engine/database?db={name}"),
            format!("/api/engine/files?db={name}"),
        ] {
            let status = served.get(&path).status;
            assert!(status == 400 || status == 404, "{path}: {status}");
        }
    }
}

#[test]
fn query_range_answers_with_samples() {
    let served = with_samples();
    let path = format!(
        "/api/v1/query_range?query=home/door.count&start={NEW_YEAR}&end={}",
        NEW_YEAR + 120
    );
    let expected = json!({
        "result": [{
            "metric": {"__name__": "door.count", "db": "home"},
            "values": [[NEW_YEAR, "0"], [NEW_YEAR + 60, "1"], [NEW_YEAR + 120, "2"]],
        }],
        "resultType": "matrix",
    });
    assert_eq!(served.get(&path).data(), expected);
    let none = format!("/api/v1/query_range?query=home/door.count&start={}", NEW_YEAR + 9999);
    assert_eq!(served.get(&none).data(), json!({"result": [], "resultType": "matrix"}));
}

#[test]
fn times_are_read_in_every_form() {
    let served = with_samples();
    for start in [
        "1767226080",
        "1767226080.0",
        "1767226080000",
        "1767226080000000000",
        "2026-01-01T00:08:00Z",
        "2026-01-01T01:08:00%2B01:00",
        "2026-01-01%2000:08:00",
    ] {
        let path = format!("/api/v1/query_range?query=home/door.count&start={start}");
        let values = served.get(&path).data()["result"][0]["values"].as_array().unwrap().len();
        assert_eq!(values, 2, "{start}");
    }
    for wrong in ["", "&start=soon", "&start=5&end=4"] {
        let path = format!("/api/v1/query_range?query=home/door.count{wrong}");
        assert_eq!(served.get(&path).error().0, 400, "{wrong}");
    }
}

#[test]
fn windows_have_the_reference_s_labels_and_their_ends() {
    let served = with_samples();
    let path = format!(
        "/api/v1/query_range?query=home/door.count&start={NEW_YEAR}&end={}&aggregate=max,count&window=5m",
        NEW_YEAR + 3600
    );
    let label = |aggregate: &str| json!({"__name__": "door.count", "aggregate": aggregate, "db": "home", "window": "5m0s"});
    let expected = json!({
        "result": [
            {"metric": label("max"), "values": [[NEW_YEAR + 300, "4"], [NEW_YEAR + 600, "9"]]},
            {"metric": label("count"), "values": [[NEW_YEAR + 300, "5"], [NEW_YEAR + 600, "5"]]},
        ],
        "resultType": "matrix",
    });
    assert_eq!(served.get(&path).data(), expected);

    let stepped = format!("/api/v1/query_range?query=home/door.count&start={NEW_YEAR}&step=300");
    let found = served.get(&stepped).data();
    assert_eq!(found["result"][0]["metric"], label("avg"));
    assert_eq!(found["result"][0]["values"][0], json!([NEW_YEAR + 300, "2"]));
    // D-24: days and weeks.
    let days = path.replace("window=5m", "window=1d");
    assert_eq!(served.get(&days).data()["result"][0]["metric"]["window"], "24h0m0s");
    for wrong in [
        "&aggregate=max",
        "&window=5m",
        "&aggregate=x&window=5m",
        "&aggregate=max&window=0s",
        "&step=-1",
    ] {
        let path = format!("/api/v1/query_range?query=home/door.count&start=0{wrong}");
        assert_eq!(served.get(&path).error().0, 400, "{wrong}");
    }
}

#[test]
fn listings_have_the_reference_s_fields() {
    let served = with_samples();
    let aggregates = served.get("/api/v1/aggregates").data();
    assert_eq!(
        (&aggregates["default"], &aggregates["resultType"]),
        (&json!("avg"), &json!("aggregates"))
    );
    assert_eq!(aggregates["result"].as_array().unwrap().len(), 11);
    let databases = |query: &str| served.get(&format!("/api/v1/databases{query}")).data();
    assert_eq!(databases(""), json!({"result": ["home"], "resultType": "databases"}));
    assert_eq!(served.get("/api/v1/databases?include_internal=maybe").error().0, 400);
    let details = served.get("/api/v1/metrics?db=home&details=true").data();
    let expected = json!([
        {"name": "door.count", "id": 2, "type": "int32"},
        {"name": "kitchen.temperature", "id": 1, "type": "float32"},
    ]);
    assert_eq!((&details["result"], &details["db"]), (&expected, &json!("home")));
    for wrong in
        ["lineage=rollups", "details=1&lineage=all", "details=1&lineage=rollups&max_hops=6"]
    {
        assert_eq!(
            served.get(&format!("/api/v1/metrics?db=home&{wrong}")).error().0,
            400,
            "{wrong}"
        );
    }
}

#[test]
fn rollups_are_followed_and_computed_anew() {
    let served = with_samples();
    let manifest = served.root().join("home/manifest.toml");
    let mut text = std::fs::read_to_string(&manifest).unwrap();
    let at = text.find("[rollups]").expect("a table of rollups");
    text.truncate(at);
    text.push_str(
        "[rollups]\nenabled = true\n[[rollups.jobs]]\nid = \"five\"\nsource_metric = \"door.count\"\n\
         interval = \"5m\"\naggregates = [\"max\"]\ndestination_db = \"five\"\n\
         destination_metric_prefix = \"door\"\n",
    );
    let scratch = served.stop();
    std::fs::write(scratch.path().join("home/manifest.toml"), text).unwrap();
    let served = Served::on(scratch, |_| ());
    let done = served.post("/api/v1/rollup/backfill", r#"{"source_db":"home"}"#).data();
    assert_eq!(done["resultType"], "rollup_backfill");
    assert_eq!(done["result"]["destination_databases"], json!(["five"]));
    assert_eq!(
        served.get("/api/v1/query?query=five/door.max").data()["result"][0]["value"][1],
        "9"
    );
    let lineage = served.get("/api/v1/metrics?db=home&details=1&lineage=rollups").data();
    let expected = json!({
        "downstream": [{
            "hop": 1, "job_id": "five", "interval": "5m0s", "aggregate": "max", "db": "five",
            "metric": "door.max",
        }],
        "truncated": false,
        "max_hops": 1,
    });
    assert_eq!(lineage["result"][0]["rollups"], expected);
    assert_eq!(served.post("/api/v1/rollup/backfill", "{").error().0, 400);
    assert_eq!(served.post("/api/v1/rollup/backfill", r#"{"source_db":"no"}"#).error().0, 404);
    assert_eq!(served.post("/api/v1/rollup/backfill", "").status, 200);
}

#[test]
fn other_methods_are_405() {
    let served = with_samples();
    for (method, path) in [
        ("GET", "/api/v1/import"),
        ("PUT", "/api/v1/query_range"),
        ("POST", "/api/v1/aggregates"),
        ("POST", "/api/v1/databases"),
        ("PUT", "/api/v1/metrics"),
        ("GET", "/api/v1/rollup/backfill"),
        ("POST", "/api/engine/overview"),
        ("POST", "/api/engine/database"),
        ("POST", "/api/engine/files"),
        ("POST", "/api/engine/runtime"),
        ("GET", "/api/engine/compact_metric"),
        ("GET", "/api/engine/recompact"),
    ] {
        let (status, kind, _) = served.method(method, path).error();
        assert_eq!((status, kind.as_str()), (405, "bad_data"), "{method} {path}");
    }
    assert_eq!(served.get("/api/v1/nothing").error().0, 404);
}

#[test]
fn answers_are_no_markup() {
    let served = Served::new();
    served.import("home/<script>&alert 1\n");
    let text = served.get("/api/v1/metrics?db=home").text;
    assert!(text.contains("\\u003cscript\\u003e\\u0026alert"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["data"]["result"], json!(["<script>&alert"]));
}

#[test]
fn what_was_sent_is_there_after_a_stop() {
    let served = with_samples();
    let again = Served::on(served.stop(), |_| ());
    let path = "/api/v1/query_range?query=home/door.count&start=0";
    assert_eq!(again.get(path).data()["result"][0]["values"].as_array().unwrap().len(), 10);
}
