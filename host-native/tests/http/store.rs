//! What the program's own pages ask.

use crate::support::Served;
use serde_json::{Value as Json, json};

/// A frame of a header and columns, each filled up to 8 bytes.
fn frame(header: &Json, columns: &[Vec<u8>]) -> Vec<u8> {
    let header = header.to_string();
    let mut bytes = u32::try_from(header.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend([0; 4]);
    for part in std::iter::once(header.as_bytes()).chain(columns.iter().map(Vec::as_slice)) {
        bytes.extend(part);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

fn bytes_of<const N: usize>(numbers: &[[u8; N]]) -> Vec<u8> {
    numbers.concat()
}

#[test]
fn columns_come_back_as_they_went() {
    let served = Served::new();
    let times = bytes_of(&[1_i64, 2, 1 << 60].map(i64::to_le_bytes));
    let values = bytes_of(&[1.5_f32, f32::NAN, -0.0].map(f32::to_le_bytes));
    let header = json!([{ "metric": "m", "type": "f32", "rows": 3 }]);
    let sent = frame(&header, &[times.clone(), values.clone()]);
    let report = served.post("/api/store/columns?db=home", sent).data();
    assert_eq!(report, json!({ "accepted": 3.0, "rejected": 0.0, "rejections": [] }));
    let url = served.url("/api/store/query?db=home&metric=m&metric=none");
    let answer = served.client().get(url).send().unwrap().bytes().unwrap();
    let header =
        r#"[{"metric":"m","type":"f32","rows":3.0},{"metric":"none","type":"f32","rows":0.0}]"#;
    let len = u32::try_from(header.len()).unwrap();
    assert_eq!(answer.get(..4).unwrap(), len.to_le_bytes());
    assert_eq!(answer.get(8..8 + header.len()).unwrap(), header.as_bytes());
    let columns = (8 + header.len()).next_multiple_of(8);
    assert_eq!(answer.get(columns..columns + 24).unwrap(), times);
    assert_eq!(answer.get(columns + 24..columns + 36).unwrap(), values);
}

#[test]
fn a_chart_is_the_extremes_of_each_pixel() {
    let served = Served::new();
    let second = 1_000_000_000_i64;
    let times: Vec<[u8; 8]> = (0..20).map(|at| (at * second).to_le_bytes()).collect();
    let values = [0, 7, -3, 2, 2, 2, 2, 2, 2, 1, 4, 4, 4, 4, 4, 4, 4, 9, 8, 5_i32];
    let header = json!([{ "metric": "m", "type": "i32", "rows": 20 }]);
    let columns = [bytes_of(&times), bytes_of(&values.map(i32::to_le_bytes))];
    served.post("/api/store/columns?db=home", frame(&header, &columns)).data();
    let to = 20 * second - 1;
    let ask = |method: &str| {
        let path = format!("/api/store/chart?db=home&metric=m&from=0&to={to}&points=2{method}");
        served.client().get(served.url(&path)).send().unwrap().bytes().unwrap()
    };
    let check = |answer: &[u8], kept: &[usize]| {
        let rows = kept.len();
        let header = format!(r#"[{{"metric":"m","type":"i32","rows":{rows}.0,"slack":"0"}}]"#);
        assert_eq!(answer.get(8..8 + header.len()).unwrap(), header.as_bytes());
        let columns = (8 + header.len()).next_multiple_of(8);
        let own: Vec<[u8; 8]> = kept.iter().map(|&at| times[at]).collect();
        assert_eq!(answer.get(columns..columns + 8 * rows).unwrap(), bytes_of(&own));
        let own: Vec<[u8; 4]> = kept.iter().map(|&at| values[at].to_le_bytes()).collect();
        let columns = columns + 8 * rows;
        assert_eq!(answer.get(columns..columns + 4 * rows).unwrap(), bytes_of(&own));
    };
    check(&ask(""), &[0, 1, 2, 9, 10, 17, 19]);
    check(&ask("&method=lttb"), &[0, 19]);
}

#[test]
fn rows_have_one_time_or_one_each() {
    let served = Served::new();
    let header = json!({
        "metrics": ["a", "b"], "type": "i32", "rows": 3, "times": 1, "index": true
    });
    let time = bytes_of(&[7_i64.to_le_bytes()]);
    let index = bytes_of(&[0_u32, 1, 0].map(u32::to_le_bytes));
    let values = bytes_of(&[1_i32, 2, 3].map(i32::to_le_bytes));
    let sent = frame(&header, &[time, index, values]);
    assert_eq!(served.post("/api/store/rows?db=home", sent).data()["accepted"], 3.0);
    let last = served.get("/api/store/last?db=home&metric=a").data();
    assert_eq!(last, json!({ "time": "7", "value": 3.0, "type": "i32" }));
}

#[test]
fn metric_files_are_converted_and_shown() {
    let served = Served::new();
    let lines: String = (0..2000).fold(String::new(), |lines, second| {
        let time = 1_577_836_800_000_000_000_i64 + second * 1_000_000_000;
        lines + &format!("home/m {second}.5 {time}\nhome/n {second}i {time}\n")
    });
    served.import(&lines);
    let part = "db=home&partition=2020-01-01";
    let post = |path: &str| served.post(&format!("/api/store/{path}"), "");
    assert_eq!(post(&format!("build?{part}")).data()["format"], "v2");
    let before = served.get("/api/store/lines?db=home").text;
    let done = post(&format!("convert?{part}&format=v3")).data();
    assert_eq!((&done["oldFormat"], &done["newFormat"]), (&json!("v2"), &json!("v3")));
    assert_eq!((&done["points"], &done["converted"]), (&json!(4000.0), &json!(true)));
    assert_eq!(served.get("/api/store/lines?db=home").text, before);
    let partitions = served.get("/api/store/partitions?db=home").data();
    let files = partitions[0]["files"].as_array().unwrap();
    let metric = files.iter().find(|file| file["kind"] == "metric").unwrap();
    assert_eq!((&metric["format"], &metric["bytes"]), (&json!("v3"), &done["newBytes"]));
    let file = served.get("/api/store/inspect-file?db=home&file=metric-2020-01-01.dat").data();
    assert_eq!(
        (&file["format"], file["frames"].as_array().unwrap().len()),
        (&json!("metric v3"), 2)
    );
    for frame in file["frames"].as_array().unwrap() {
        assert_eq!(frame["encoding"]["samples"], frame["samples"], "{frame}");
        assert!(frame["encoding"]["spanNs"].is_string(), "{frame}");
    }
    assert_eq!(file["times"][0]["samples"], json!(2000.0));
    let listed = served.get("/api/engine/files?db=home").data();
    assert_eq!(listed["result"]["metric"][0]["version"], json!(3), "{listed}");
    assert_eq!(post(&format!("convert?{part}&format=v2&codec=s2")).data()["newFormat"], "v2");
    let code = |path: String| post(&path).json()["code"].clone();
    assert_eq!(code(format!("convert?{part}&format=v4")), "invalid");
    assert_eq!(code(format!("convert?{part}&format=v2&codec=zip")), "invalid");
    assert_eq!(code(String::from("convert?db=home&partition=2020-01-02&format=v2")), "invalid");
    assert_eq!(served.get("/api/store/lines?db=home").text, before);
}

#[test]
fn failures_have_the_codes_of_the_package() {
    let served = Served::new();
    served.import("home/m 1 2026-01-01 00:00:00");
    let code = |path: &str| served.get(path).json()["code"].clone();
    assert_eq!(code("/api/store/metrics?db=none"), "unknown-database");
    assert_eq!(code("/api/store/query?db=home&metric=m&from=2&to=1"), "invalid-range");
    assert_eq!(code("/api/store/query?db=home&metric=m&stride=0"), "invalid");
    assert_eq!(code("/api/store/aggregate?db=home&metric=m&window=soon&aggregate=avg"), "invalid");
    assert_eq!(code("/api/store/chart?db=home&metric=m"), "invalid");
    assert_eq!(code("/api/store/chart?db=home&metric=m&points=0"), "invalid");
    assert_eq!(code("/api/store/chart?db=home&metric=m&points=100000"), "invalid");
    assert_eq!(code("/api/store/chart?db=home&metric=m&points=9&method=x"), "invalid");
    assert_eq!(code("/api/store/inspect-file?db=home&file=manifest.toml"), "invalid");
    let stale = served.post("/api/store/add?db=home&metric=m&value=1&time=1", "");
    assert_eq!((stale.status, stale.json()["code"].clone()), (400, json!("stale")));
    for body in [&b""[..], b"\xff\xff\xff\xff", b"\x02\0\0\0\0\0\0\0[]"] {
        let status = served.post("/api/store/rows?db=home", body.to_vec()).status;
        assert_eq!(status, 400);
    }
}

#[test]
fn a_dashboard_is_kept_with_the_one_before() {
    let served = Served::new();
    let usual = served.get("/api/dashboard-config");
    assert_eq!(usual.header("nanotdb-dashboard"), "default");
    let put = |text: &str| {
        let url = served.url("/api/dashboard-config");
        let response = served.client().put(url).body(text.to_owned()).send().unwrap();
        serde_json::from_str::<Json>(&response.text().unwrap()).unwrap()
    };
    assert_eq!(put("{}")["ok"], false);
    assert!(!served.root().join("dashboard.json").exists());
    assert_eq!(put(&usual.text)["backup_path"], Json::Null);
    let again = put(&usual.text.replace("This machine", "That one"));
    let backup = again["backup_path"].as_str().unwrap();
    let kept = std::fs::read_to_string(served.root().join(backup)).unwrap();
    assert_eq!(kept, usual.text);
    assert!(served.get("/api/dashboard-config").text.contains("\"title\": \"That one\""));
}
