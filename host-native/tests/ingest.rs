//! What other systems send to the server, as they send it.

use nanotdb::remote_write::{Histogram, Label, STALE_MARKER, Sample, TimeSeries, WriteRequest};
use nanotdb::server::{Server, Settings};
use nanotdb::{Store, Timestamp};
use reqwest::blocking::{Client, Response};
use reqwest::header::HeaderMap;
use serde_json::Value as Json;

struct Fixture {
    store: Store,
    server: Server,
    client: Client,
    _directory: tempfile::TempDir,
}

fn serve() -> Fixture {
    serve_with(None)
}

fn serve_with(token: Option<&str>) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let store = Store::open(&root).unwrap();
    let mut settings = Settings::of_root(&root, store.settings()).unwrap();
    settings.listen = "127.0.0.1:0".into();
    settings.token = token.map(Into::into);
    let server = Server::start(store.engine(), settings).unwrap();
    Fixture { store, server, client: Client::new(), _directory: directory }
}

/// An answer: status, headers, text.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_str(&self.text).expect("JSON")
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().unwrap() }
    }
}

impl Fixture {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    fn post(&self, path: &str, body: impl Into<reqwest::blocking::Body>) -> Answer {
        self.client.post(self.url(path)).body(body).send().unwrap().into()
    }

    fn post_with(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = self.client.post(self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().unwrap().into()
    }

    fn get(&self, path: &str) -> Answer {
        self.client.get(self.url(path)).send().unwrap().into()
    }

    /// All samples of a metric, times in nanoseconds.
    fn stored(&self, database: &str, metric: &str) -> Vec<(i64, f64)> {
        let database = self.store.database(database).unwrap();
        let series = database.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap();
        series.iter().map(|sample| (sample.time.0, sample.value.as_f64())).collect()
    }

    fn metrics(&self, database: &str) -> Vec<String> {
        let database = self.store.database(database).unwrap();
        database.metrics().into_iter().map(|metric| metric.name).collect()
    }
}

#[test]
fn influx_lines_become_metrics_with_labels() {
    let fixture = serve();
    let lines = "cpu,host=a\\ b,cpu=0 usage=0.5,count=3i,up=true,name=\"x\" 1000\n\
                 # comment\n\ncpu,cpu=0,host=a\\ b usage=0.75 2000\n";
    let answer = fixture.post("/write?db=home&precision=ms", lines);
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(answer.headers.contains_key("x-influxdb-version"));
    let names = ["cpu.count", "cpu.up", "cpu.usage"].map(|name| format!("{name};cpu=0;host=a%20b"));
    assert_eq!(fixture.metrics("home"), names);
    let usage = [(1_000_000_000, 0.5), (2_000_000_000, 0.75)];
    assert_eq!(fixture.stored("home", &names[2]), usage);

    // Sent again, as after a lost answer.
    assert_eq!(fixture.post("/write?db=home&precision=ms", lines).status, 204);
    assert_eq!(fixture.stored("home", &names[2]), usage);
}

#[test]
fn version_2_of_influx_names_a_bucket() {
    let fixture = serve();
    let answer = fixture.post("/api/v2/write?org=o&bucket=garden/autogen&precision=s", "t v=1 5");
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert_eq!(fixture.stored("garden", "t.v"), [(5_000_000_000, 1.0)]);
    assert_eq!(fixture.post("/api/v2/write", "t v=1 5").status, 204);
    assert_eq!(fixture.stored("metrics", "t.v"), [(5, 1.0)], "the database of who names none");
}

#[test]
fn a_partial_write_names_what_is_missing_and_keeps_the_rest() {
    let fixture = serve();
    let answer = fixture.post("/write?db=home", "a v=1 10\nb v= 10\na v=2 5\nc v=3 10");
    assert_eq!(answer.status, 400);
    let json = answer.json();
    let error = json["error"].as_str().unwrap();
    assert!(error.starts_with("partial write: line 2: column 5: expected a value"), "{error}");
    assert!(error.ends_with("(and 1 more) dropped=2"), "{error}");
    assert_eq!((&json["code"], &json["message"]), (&"invalid".into(), &json["error"]));
    assert_eq!((&json["data"]["imported"], &json["data"]["rejected"]), (&2.into(), &2.into()));
    assert_eq!(json["data"]["rejections"][1]["line"], 3);
    assert_eq!(fixture.stored("home", "c.v"), [(10, 3.0)]);

    for (path, text) in
        [("/write?db=home&precision=x", "precision"), ("/write?db=a%2Fb", "database name")]
    {
        let answer = fixture.post(path, "a v=1");
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json()["error"].as_str().unwrap().contains(text), "{}", answer.text);
    }
}

#[test]
fn a_body_of_many_pieces_is_taken_as_it_comes() {
    use std::io::{Read, Write};
    let fixture = serve();
    let mut connection = std::net::TcpStream::connect(fixture.server.address()).unwrap();
    let head =
        "POST /write?db=home HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write_all(head.as_bytes()).unwrap();
    let line = |time: u32| format!("m,k=v f={time} {time}\n");
    let lines = (0..20_000).map(line).collect::<Vec<_>>().concat();
    for piece in lines.as_bytes().chunks(7001) {
        write!(connection, "{:x}\r\n", piece.len()).unwrap();
        connection.write_all(piece).unwrap();
        connection.write_all(b"\r\n").unwrap();
    }
    connection.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 204");
    assert_eq!(fixture.stored("home", "m.f;k=v").len(), 20_000);
}

#[test]
fn clients_of_influx_find_what_they_ask_before_they_write() {
    let fixture = serve();
    let ping = fixture.get("/ping");
    assert_eq!(ping.status, 204);
    assert!(ping.headers.contains_key("x-influxdb-version"));
    assert_eq!(fixture.client.head(fixture.url("/ping")).send().unwrap().status(), 204);

    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = b"q=CREATE+DATABASE+%22telegraf%22".to_vec();
    let answer = fixture.post_with("/query", &form, body);
    assert_eq!((answer.status, &answer.json()["results"][0]["statement_id"]), (200, &0.into()));
    assert_eq!(fixture.post("/query?q=CREATE%20DATABASE%20home", "").status, 200);
    let shown = fixture.get("/query?q=SHOW+DATABASES").json();
    let expected = serde_json::json!([["home"], ["telegraf"]]);
    assert_eq!(shown["results"][0]["series"][0]["values"], expected);
    let refused = fixture.get("/query?q=CREATE%20DATABASE%20x");
    assert_eq!(refused.status, 400, "a page of a stranger can make a browser get anything");
    assert_eq!(fixture.get("/query?q=SELECT%201").status, 400);
}

#[test]
fn text_of_prometheus_is_told_from_our_own() {
    let fixture = serve();
    let path = "/api/v1/import/prometheus?db=home";
    let text = "# HELP up It is.\n# TYPE up gauge\nup{job=\"a\"} 1 5000\nup{job=\"b\"} 0 5000\n";
    let answer = fixture.post(path, text);
    assert_eq!((answer.status, &answer.json()["data"]["imported"]), (200, &2.into()));
    let again = fixture.post(path, text).json();
    assert_eq!(
        (&again["data"]["imported"], &again["data"]["already_stored"]),
        (&0.into(), &2.into())
    );
    assert_eq!(fixture.stored("home", "up;job=a"), [(5_000_000_000, 1.0)]);

    let headers = [("content-type", "application/openmetrics-text; version=1.0.0")];
    let body = b"x_total{le=\"1\"} 7 5.25 # {t=\"1\"} 1\n# EOF\n".to_vec();
    assert_eq!(fixture.post_with(path, &headers, body).status, 200);
    assert_eq!(fixture.stored("home", "x_total;le=1"), [(5_250_000_000, 7.0)]);

    let ours = fixture.post("/api/v1/import/prometheus", "# ours\ngarden/soil 0.5 1970-01-01\n");
    assert_eq!((ours.status, &ours.json()["data"]["imported"]), (200, &1.into()), "{}", ours.text);
    assert_eq!(fixture.stored("garden", "soil"), [(0, 0.5)]);

    let wrong = fixture.post(path, "up 1 6000\nup{ 2\nup NaN 7000\n");
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.json()["data"]["rejections"][0]["line"], 2);
    assert_eq!(fixture.stored("home", "up").len(), 2);
}

const PROTOBUF: [(&str, &str); 3] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];

fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> TimeSeries {
    TimeSeries {
        labels: labels.iter().map(|(name, value)| Label::new(*name, *value)).collect(),
        samples: samples.iter().map(|&(timestamp, value)| Sample { value, timestamp }).collect(),
        histograms: vec![],
    }
}

fn message(timeseries: Vec<TimeSeries>) -> Vec<u8> {
    WriteRequest { timeseries, metadata: vec![] }.encode_block().unwrap()
}

#[test]
fn remote_writes_are_stored_once() {
    let fixture = serve();
    let stale = f64::from_bits(STALE_MARKER);
    let body = message(vec![
        series(&[("__name__", "up"), ("job", "a b")], &[(1000, 1.0), (2000, 0.0), (3000, stale)]),
        series(&[("__name__", "n")], &[(1000, f64::NAN)]),
    ]);
    for _ in 0..2 {
        let answer = fixture.post_with("/api/v1/write?db=prom", &PROTOBUF, body.clone());
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    }
    assert_eq!(fixture.post_with("/api/v1/write", &PROTOBUF, body).status, 204);
    for database in ["prom", "metrics"] {
        let up = fixture.stored(database, "up;job=a%20b");
        assert_eq!(up[..2], [(1_000_000_000, 1.0), (2_000_000_000, 0.0)]);
        assert!(
            up.len() == 3 && up[2].1.is_nan(),
            "what does not know the marker sees NaN: {up:?}"
        );
        assert!(fixture.stored(database, "n")[0].1.is_nan());
    }
}

#[test]
fn a_stale_marker_ends_its_series_until_the_next_sample() {
    let fixture = serve();
    let (start, stale) = (1_700_000_000_000, f64::from_bits(STALE_MARKER));
    let labels = [("__name__", "up"), ("job", "a")];
    let samples =
        [(start, 1.0), (start + 15_000, 1.0), (start + 30_000, stale), (start + 60_000, 2.0)];
    for samples in samples.chunks(1) {
        let body = message(vec![series(&labels, samples)]);
        let status = fixture.post_with("/api/v1/write?db=prom", &PROTOBUF, body).status;
        assert_eq!(status, 204);
    }
    let ask = |query: &str, after: i64| {
        let time = start / 1000 + after;
        let path = format!("/prometheus/api/v1/query?query={query}&time={time}");
        let json = fixture.get(&path).json();
        json["data"]["result"].as_array().unwrap().iter().map(|r| r["value"][1].clone()).collect()
    };
    let found = |query: &str, after: i64| -> Vec<serde_json::Value> { ask(query, after) };
    assert_eq!(found("up", 29), ["1"]);
    for query in ["up", "count(up)", "timestamp(up)"] {
        assert!(found(query, 30).is_empty() && found(query, 59).is_empty(), "{query}");
    }
    assert_eq!(found("up", 60), ["2"]);
    // The marker was not measured.
    assert_eq!(found("count_over_time(up[1m])", 45), ["2"]);
    assert_eq!(found("max_over_time(up[2m])", 61), ["2"]);
}

#[test]
fn a_stale_marker_of_integers_is_passed_over() {
    let fixture = serve();
    assert_eq!(fixture.post("/api/v1/import", "prom/n 5i 1700000000000000000").status, 200);
    let marker = [(1_700_000_015_000, f64::from_bits(STALE_MARKER))];
    let body = message(vec![series(&[("__name__", "n")], &marker)]);
    assert_eq!(fixture.post_with("/api/v1/write?db=prom", &PROTOBUF, body).status, 204);
    assert_eq!(fixture.stored("prom", "n"), [(1_700_000_000_000_000_000, 5.0)]);
}

#[test]
fn what_can_never_be_stored_is_refused_and_the_rest_stays() {
    let fixture = serve();
    let mut histogram = series(&[("__name__", "h")], &[]);
    histogram.histograms.push(Histogram {});
    let body = message(vec![
        series(&[("__name__", "a")], &[(2000, 1.0), (1000, 2.0)]),
        series(&[("job", "a")], &[(1000, 1.0)]),
        histogram,
        series(&[("__name__", "b")], &[(i64::MAX, 1.0), (5000, 1e300), (6000, 1.0)]),
    ]);
    let answer = fixture.post_with("/api/v1/write?db=prom", &PROTOBUF, body);
    assert_eq!(answer.status, 400);
    let json = answer.json();
    assert!(json["error"].as_str().unwrap().starts_with("series 1: stale sample for a"), "{json}");
    let rejections = json["data"]["rejections"].as_array().unwrap();
    let places: Vec<i64> = rejections.iter().map(|r| r["series"].as_i64().unwrap()).collect();
    assert_eq!((places, &json["data"]["imported"]), (vec![1, 2, 3, 4, 4], &2.into()));
    assert_eq!(fixture.stored("prom", "b"), [(6_000_000_000, 1.0)]);
}

#[test]
fn only_version_1_of_remote_write_is_taken() {
    let fixture = serve();
    let body = message(vec![series(&[("__name__", "up")], &[(1000, 1.0)])]);
    let status = |name: &str, value: &str, body: &[u8]| {
        let mut headers = PROTOBUF;
        for header in &mut headers {
            if header.0 == name {
                header.1 = value;
            }
        }
        fixture.post_with("/api/v1/write", &headers, body.to_vec()).status
    };
    let second = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    let first = "application/x-protobuf;proto=prometheus.WriteRequest";
    assert_eq!(status("content-type", second, &body), 415);
    assert_eq!(status("content-type", "text/plain", &body), 415);
    assert_eq!(status("content-encoding", "zstd", &body), 415);
    assert_eq!(status("x-prometheus-remote-write-version", "2.0.0", &body), 415);
    assert_eq!(status("", "", b"no message"), 400);
    // 1 GB is declared.
    assert_eq!(status("", "", &[0x80, 0x80, 0x80, 0x80, 0x04, 0]), 400);
    assert!(fixture.store.databases().unwrap().is_empty(), "nothing was stored so far");
    assert_eq!(status("content-type", first, &body), 204);
}

#[test]
fn a_store_that_cannot_write_is_to_be_asked_again() {
    let fixture = serve();
    assert_eq!(fixture.post("/write?db=home", "a v=1 1").status, 204);
    assert!(fixture.store.engine().close().is_ok());
    let body = message(vec![series(&[("__name__", "up")], &[(1000, 1.0)])]);
    let answers = [
        fixture.post("/write?db=home", "a v=1 2"),
        fixture.post("/api/v1/import/prometheus?db=home", "a 1\n"),
        fixture.post_with("/api/v1/write?db=home", &PROTOBUF, body),
    ];
    for answer in answers {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.headers.contains_key("retry-after"));
    }
}

#[test]
fn lines_that_would_need_more_than_they_are_worth_are_refused_as_a_whole() {
    let fixture = serve();
    let fields = (0..50_000).map(|n| format!("f{n}=1,")).collect::<Vec<_>>().concat();
    let line = format!("{} {fields}g=1 1\nok v=1 1\n", "m".repeat(300_000));
    let answer = fixture.post("/write?db=home", line);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["data"]["rejected"], 1, "one line, not each of its fields");
    assert_eq!(fixture.metrics("home"), ["ok.v"]);
    let labels: Vec<String> = (0..1000).map(|n| format!("l{n:04}")).collect();
    let labels: Vec<(&str, &str)> = labels.iter().rev().map(|name| (name.as_str(), "x")).collect();
    let body = message(vec![
        series(&[&[("__name__", "m")], &labels[..]].concat(), &[(1, 1.0)]),
        series(&[("__name__", &"n".repeat(300))], &[(1, 1.0), (2, 1.0)]),
    ]);
    let answer = fixture.post_with("/api/v1/write?db=home", &PROTOBUF, body);
    assert_eq!((answer.status, &answer.json()["data"]["rejected"]), (400, &2.into()));
}

#[test]
fn every_path_asks_for_the_token() {
    let fixture = serve_with(Some("secret"));
    let body = message(vec![series(&[("__name__", "up")], &[(1000, 1.0)])]);
    for path in ["/write", "/api/v2/write", "/query", "/api/v1/import/prometheus", "/api/v1/write"]
    {
        assert_eq!(fixture.post_with(path, &PROTOBUF[..1], body.clone()).status, 401, "{path}");
    }
    let borne = [PROTOBUF[0], PROTOBUF[1], ("authorization", "Bearer secret")];
    assert_eq!(fixture.post_with("/api/v1/write", &borne, body).status, 204);
    let borne = [("authorization", "Token secret")];
    assert_eq!(fixture.post_with("/api/v2/write", &borne, b"m f=1 1".to_vec()).status, 204);
}

#[test]
fn compressed_lines_are_read() {
    use std::io::Write;
    let fixture = serve();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"m f=1 1\nm f=2 2\n").unwrap();
    let body = gzip.finish().unwrap();
    let headers = [("content-encoding", "gzip")];
    assert_eq!(fixture.post_with("/write?db=home", &headers, body).status, 204);
    assert_eq!(fixture.stored("home", "m.f"), [(1, 1.0), (2, 2.0)]);
}

#[test]
fn every_member_of_a_gzip_body_is_read() {
    use std::io::Write;
    let fixture = serve();
    let gzip = |text: &str| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    for (path, first, second, metrics) in [
        ("/write?db=home", "a f=1 1\n", "b f=2 2\n", ["a.f", "b.f"]),
        ("/api/v1/import?db=home", "x/c 1 1\n", "x/d 2 2\n", ["c", "d"]),
        ("/api/v1/import/prometheus?db=home", "e 1 1000\n", "f 2 2000\n", ["e", "f"]),
        ("/api/store/lines?db=home", "x/g 1 1\n", "x/h 2 2\n", ["g", "h"]),
    ] {
        let body = [gzip(first), gzip(second)].concat();
        for encoding in ["gzip", "GZIP", "x-gzip"] {
            let headers = [("content-encoding", encoding)];
            let answer = fixture.post_with(path, &headers, body.clone());
            assert!(answer.status < 300, "{path} {encoding}: {}", answer.status);
        }
        for metric in metrics {
            assert!(!fixture.stored("home", metric).is_empty(), "{path}: {metric}");
        }
        let followed = [body, b"no gzip".to_vec()].concat();
        let answer = fixture.post_with(path, &[("content-encoding", "gzip")], followed);
        assert_eq!(answer.status, 400, "{path}");
    }
}

/// Paths that take samples without a time, with a line for each and its metric.
const UNDATED: [(&str, &str, &str); 4] = [
    ("/write?db=race", "doorbell,room=hall rings=1", "doorbell.rings;room=hall"),
    ("/api/v1/import/prometheus?db=race", "bell{a=\"b\"} 1", "bell;a=b"),
    ("/api/v1/import", "race/plain 1", "plain"),
    ("/api/store/add?db=race&metric=one&value=1", "", "one"),
];

#[test]
fn samples_without_a_time_that_come_at_once_are_all_taken_in_order() {
    let fixture = serve();
    for (path, line, metric) in UNDATED {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let answer = fixture.post(path, line);
                        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text);
                    }
                });
            }
        });
        let stored = fixture.stored("race", metric);
        assert_eq!(stored.len(), 200, "{path}");
        assert!(stored.is_sorted_by_key(|(time, _)| *time), "{path}");
    }
}

#[test]
fn all_samples_without_a_time_of_a_request_have_the_same() {
    let fixture = serve();
    let line = |n: u32| format!("m,n={} v={n}\n", n % 7);
    let lines = (0..10_000).map(line).collect::<Vec<_>>().concat();
    assert_eq!(fixture.post("/write?db=home", lines).status, 204);
    let mut times: Vec<i64> =
        (0..7).flat_map(|n| fixture.stored("home", &format!("m.v;n={n}"))).map(|s| s.0).collect();
    assert_eq!(times.len(), 10_000);
    times.dedup();
    assert_eq!(times.len(), 1);
}

#[test]
fn a_sample_too_far_in_the_future_is_refused_on_every_path_and_the_rest_is_kept() {
    const DAY: i64 = 24 * 3600;
    let fixture = serve();
    let now = fixture.store.now().0 / 1_000_000_000;
    let far = now + 33 * DAY;
    let says_why = |answer: &Answer, status: u16, path: &str| {
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        for part in ["768h0m0s", "clock.max_future", "of the future"] {
            assert!(answer.text.contains(part), "{path}: {part}: {}", answer.text);
        }
    };
    let lines = format!("t v=1 {now}\nt v=2 {far}\nt v=3 {}\n", now + 10);
    let answer = fixture.post("/write?db=esp&precision=s", lines);
    says_why(&answer, 400, "/write");
    assert_eq!(answer.json()["data"]["imported"], 2, "{}", answer.text);
    assert!(answer.text.contains("partial write: line 2:"), "{}", answer.text);
    let seconds = |samples: Vec<(i64, f64)>| -> Vec<i64> {
        samples.into_iter().map(|(time, _)| time / 1_000_000_000 - now).collect()
    };
    assert_eq!(seconds(fixture.stored("esp", "t.v")), [0, 10]);
    let soon = format!("t v=4 {}", now + 31 * DAY);
    assert_eq!(fixture.post("/write?db=esp&precision=s", soon).status, 204, "a forecast");

    assert_eq!(fixture.post("/api/v1/import/prometheus?db=esp", "up 1\n").status, 200);
    let text = format!("up 2 {far}000\n");
    says_why(&fixture.post("/api/v1/import/prometheus?db=esp", text), 400, "exposition");
    let lines = format!("esp/own 1 {far}000000000\nesp/own 2 {now}000000000\n");
    says_why(&fixture.post("/api/v1/import", lines), 400, "own lines");
    assert_eq!(seconds(fixture.stored("esp", "own")), [0]);

    let body = message(vec![series(&[("__name__", "remote")], &[(far * 1000, 1.0)])]);
    says_why(&fixture.post("/api/v1/write?db=esp", body), 400, "remote write");

    let path = format!("/api/store/add?db=esp&metric=one&value=1&time={far}000000000");
    let answer = fixture.post(&path, "");
    says_why(&answer, 400, "store");
    assert_eq!(answer.json()["code"], "clock");
    let metrics = fixture.metrics("esp");
    assert!(metrics.iter().all(|name| name != "one" && name != "remote"), "{metrics:?}");
}
