//! The real Prometheus and `VictoriaMetrics`, both ways. Where they are not installed these tests
//! do nothing, unless `NANOTDB_REAL_PEERS=1` says that they must be.

use nanotdb::labels::Labels;
use nanotdb::server::{Server, Settings};
use nanotdb::{Store, Timestamp};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// How long something may take that normally takes a moment.
const PATIENCE: Duration = Duration::from_secs(90);

/// Samples by series; times in milliseconds, values by their bits as 32-bit floats.
type Samples = BTreeMap<String, Vec<(i64, u32)>>;

fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|path| path.join(name)).find(|path| path.is_file());
    let must = std::env::var("NANOTDB_REAL_PEERS").is_ok_and(|value| value == "1");
    assert!(found.is_some() || !must, "{name} is not on PATH, and NANOTDB_REAL_PEERS=1");
    if found.is_none() {
        eprintln!("{name} is not installed: nothing is tested");
    }
    found
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Running {
    Running(
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks again until there is an answer that will do.
fn until<T>(what: &str, mut try_it: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = try_it() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn get(url: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let url = reqwest::Url::parse_with_params(url, parameters).unwrap();
    let response = reqwest::blocking::get(url).ok()?;
    response.status().is_success().then(|| response.text().ok())?
}

fn prometheus(binary: &Path, directory: &Path, port: u16, config: &str) -> Running {
    std::fs::write(directory.join("prometheus.yml"), config).unwrap();
    let running = start(
        Command::new(binary)
            .arg(format!("--config.file={}", directory.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--web.enable-remote-write-receiver"),
    );
    until("prometheus", || get(&format!("http://127.0.0.1:{port}/-/ready"), &[]));
    running
}

fn key(labels: &serde_json::Map<String, Json>) -> String {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let pairs = labels.iter().filter(|(key, _)| *key != "__name__");
    Labels::new(text(&labels["__name__"]), pairs.map(|(key, value)| (key.clone(), text(value))))
        .metric()
}

#[expect(clippy::cast_possible_truncation, reason = "as the store has it")]
fn bits(number: f64) -> u32 {
    let number = number as f32;
    if number.is_nan() { f32::NAN.to_bits() } else { number.to_bits() }
}

/// What Prometheus holds of the last hour: an instant query for a range shows samples as they are.
fn held_by_prometheus(port: u16, selector: &str) -> Samples {
    let url = format!("http://127.0.0.1:{port}/api/v1/query");
    let text = get(&url, &[("query", &format!("{selector}[1h]"))]).unwrap();
    let json: Json = serde_json::from_str(&text).unwrap();
    let sample = |pair: &Json| {
        let time = pair[0].as_f64().unwrap() * 1000.0;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this century")]
        let millis = time.round() as i64;
        (millis, bits(pair[1].as_str().unwrap().parse().unwrap()))
    };
    let series = json["data"]["result"].as_array().unwrap().iter();
    series
        .map(|series| {
            let values = series["values"].as_array().unwrap().iter().map(sample).collect();
            (key(series["metric"].as_object().unwrap()), values)
        })
        .collect()
}

fn held_by_victoria(port: u16) -> Samples {
    let base = format!("http://127.0.0.1:{port}");
    get(&format!("{base}/internal/force_flush"), &[]);
    let text = get(&format!("{base}/api/v1/export"), &[("match[]", "{db!=\"\"}")]).unwrap();
    // What it prints is nearly JSON.
    let text = text.replace("+Inf", "\"inf\"").replace("-Inf", "\"-inf\"");
    let series = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    series
        .map(|series| {
            let times = series["timestamps"].as_array().unwrap().iter();
            let values = series["values"].as_array().unwrap().iter();
            let samples = times.zip(values).map(|(time, value)| {
                let number = match value {
                    Json::Number(number) => number.as_f64().unwrap(),
                    Json::String(text) => text.parse().unwrap(),
                    _ => f64::NAN,
                };
                (time.as_i64().unwrap(), bits(number))
            });
            (key(series["metric"].as_object().unwrap()), samples.collect())
        })
        .collect()
}

/// A store with metrics of every kind, still open: most of it is only in its log.
struct Source {
    directory: TempDir,
    store: Store,
    begin: i64,
    expected: Samples,
}

/// Metrics, and the series that they become.
const METRICS: [(&str, &str); 3] = [
    ("kitchen.temperature", "kitchen_temperature;db=home;site=s1"),
    ("requests_total;code=200;path=/a%20b", "requests_total;code=200;db=home;path=/a%20b;site=s1"),
    ("door", "door;db=home;site=s1"),
];

impl Source {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let begin = i64::try_from(now).unwrap() * 1000 - 600_000;
        Self { directory, store, begin, expected: Samples::new() }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// Adds samples, a tenth of a second apart, to every metric.
    #[expect(clippy::cast_precision_loss, reason = "any numbers will do")]
    fn add(&mut self, range: core::ops::Range<i32>) {
        let home = self.store.create_database("home").unwrap();
        for number in range {
            let millis = self.begin + i64::from(number) * 100;
            for (metric, series) in METRICS {
                let time = Timestamp(millis * 1_000_000);
                let value = (number as f32 * 0.37).sin() * 1e3;
                let stored = match (metric, number % 97) {
                    ("door", _) => {
                        home.add(metric, time, number).unwrap();
                        number as f32
                    }
                    (_, 13) => f32::INFINITY,
                    _ => value,
                };
                if metric != "door" {
                    home.add(metric, time, stored).unwrap();
                }
                let list = self.expected.entry(series.to_owned()).or_default();
                list.push((millis, stored.to_bits()));
            }
        }
    }

    fn forward(&self, url: &str, more: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nanotdb"));
        command
            .arg("--root")
            .arg(self.root())
            .args(["forward", "--url", url, "--label", "site=s1"]);
        command.args(more.split_whitespace());
        command
    }

    /// Sends all that is there, and returns what was printed.
    fn forward_once(&self, url: &str, more: &str) -> String {
        let ran = self.forward(url, &format!("--once {more}")).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(ran.stdout), text(ran.stderr));
        assert!(ran.status.success() && err.is_empty(), "{out}{err}");
        out
    }
}

#[test]
fn prometheus_gets_every_sample() {
    let Some(binary) = installed("prometheus") else { return };
    let mut source = Source::new();
    let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
    let url = format!("http://127.0.0.1:{port}/api/v1/write");
    let running = prometheus(&binary, directory.path(), port, "{}");
    source.add(0..1500);
    let said = source.forward_once(&url, "--from 1d");
    assert!(said.starts_with("sent 4,500 samples to http://127.0.0.1:"), "{said}");
    assert_eq!(held_by_prometheus(port, "{db=\"home\"}"), source.expected);

    // The receiver goes, samples come in, the forwarder starts, the receiver comes back.
    drop(running);
    source.add(1500..2000);
    let _forwarder = start(&mut source.forward(&url, "--interval 1s"));
    source.add(2000..2100);
    std::thread::sleep(Duration::from_secs(1));
    let _running = prometheus(&binary, directory.path(), port, "{}");
    source.add(2100..2500);
    until("everything arrives", || {
        let held = held_by_prometheus(port, "{db=\"home\"}");
        (held.values().map(Vec::len).sum::<usize>() >= 7500).then_some(())
    });
    assert_eq!(held_by_prometheus(port, "{db=\"home\"}"), source.expected);
}

#[test]
fn victoria_metrics_gets_every_sample() {
    let Some(binary) = installed("victoria-metrics") else { return };
    let mut source = Source::new();
    let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
    let _running = start(
        Command::new(binary)
            .arg(format!("-storageDataPath={}", directory.path().join("data").display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}")),
    );
    until("victoria-metrics", || get(&format!("http://127.0.0.1:{port}/health"), &[]));
    let url = format!("http://127.0.0.1:{port}/api/v1/write");
    source.add(0..1500);
    source.forward_once(&url, "--from 1d");
    source.add(1500..1800);
    let said = source.forward_once(&url, "");
    assert!(said.starts_with("sent 900 samples"), "{said}");
    let count = |samples: &Samples| samples.values().map(Vec::len).sum::<usize>();
    let held = until("everything is searchable", || {
        let held = held_by_victoria(port);
        (count(&held) >= count(&source.expected)).then_some(held)
    });
    assert_eq!(held, source.expected);
}

/// A server of ours on a new store.
fn serve() -> (TempDir, Store, Server) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let store = Store::open(&root).unwrap();
    let mut settings = Settings::of_root(&root, store.settings()).unwrap();
    settings.listen = "127.0.0.1:0".into();
    let server = Server::start(store.engine(), settings).unwrap();
    (directory, store, server)
}

fn held_by_us(store: &Store, database: &str) -> Samples {
    let Ok(database) = store.database(database) else { return Samples::new() };
    let metrics = database.metrics().into_iter();
    metrics
        .map(|metric| {
            let series = database.range(&metric.name, Timestamp::MIN, Timestamp::MAX).unwrap();
            let samples = series.iter().map(|s| (s.time.0 / 1_000_000, bits(s.value.as_f64())));
            (metric.name, samples.collect())
        })
        .collect()
}

#[test]
fn another_store_of_ours_gets_every_sample() {
    let (_directory, store, server) = serve();
    let mut source = Source::new();
    source.add(0..1500);
    let url = format!("http://{}/api/v1/write?db=copy", server.address());
    source.forward_once(&url, "--from 1d");
    source.add(1500..1600);
    source.forward_once(&url, "");
    assert_eq!(held_by_us(&store, "copy"), source.expected);
}

#[test]
fn what_prometheus_writes_is_stored() {
    let Some(binary) = installed("prometheus") else { return };
    let (_directory, store, server) = serve();
    let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
    let config = format!(
        "global: {{ scrape_interval: 1s }}\n\
         scrape_configs: [{{ job_name: self, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}] }}]\n\
         remote_write: [{{ url: 'http://{}/api/v1/write?db=prom', queue_config: {{ batch_send_deadline: 1s }} }}]\n",
        server.address()
    );
    let _running = prometheus(&binary, directory.path(), port, &config);
    let up = "up;instance=127.0.0.1:".to_owned() + &port.to_string() + ";job=self";
    until("five scrapes", || {
        let held = held_by_us(&store, "prom");
        held.get(&up).is_some_and(|samples| samples.len() >= 5).then_some(())
    });
    let ours = held_by_us(&store, "prom");
    let theirs = held_by_prometheus(port, "{job=\"self\"}");
    assert!(ours.len() > 200, "{} series", ours.len());
    for (series, samples) in &ours {
        // They go on scraping; what we have is the beginning of what they have.
        let theirs = theirs.get(series).unwrap_or_else(|| panic!("{series} is not theirs"));
        let beginning = theirs.get(..samples.len());
        assert_eq!(Some(samples.as_slice()), beginning, "{series}");
    }
}
