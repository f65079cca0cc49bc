//! The two servers.

use crate::data::{self, BEGIN, DATABASE};
use crate::http::{Reply, ask};
use nanotdb::labels::Labels;
use nanotdb::server::{Server, Settings};
use nanotdb::{Store, Timestamp};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long Prometheus may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server of each kind over the same series.
pub(crate) struct Pair {
    server: Option<Server>,
    store: Option<Store>,
    prometheus: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Pair {
    /// Starts both; nothing when Prometheus is not installed.
    pub(crate) fn start() -> Option<Self> {
        let is_needed = std::env::var_os("NANOTDB_REAL_PEERS").is_some_and(|value| value == "1");
        for program in ["prometheus", "promtool"] {
            let run = Command::new(program).arg("--version").output();
            if !run.is_ok_and(|run| run.status.success()) {
                assert!(!is_needed, "{program} is not on PATH, and NANOTDB_REAL_PEERS=1 needs it");
                println!("passed over: {program} is not on PATH");
                return None;
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let (prometheus, address) = start_prometheus(directory.path());
        let (store, server) = start_own(directory.path());
        let (server, store) = (Some(server), Some(store));
        Some(Self { server, store, prometheus, address, _directory: directory })
    }

    /// Both replies to a form.
    pub(crate) fn post(&self, path: &str, form: &str) -> (Reply, Reply) {
        self.both("POST", path, form)
    }

    /// Both replies to a query.
    pub(crate) fn get(&self, path: &str, form: &str) -> (Reply, Reply) {
        self.both("GET", path, form)
    }

    fn both(&self, method: &str, path: &str, form: &str) -> (Reply, Reply) {
        let path = format!("/api/v1/{path}");
        let ours = ask(self.own(), method, &path, form).unwrap();
        (ours, ask(self.address, method, &path, form).unwrap())
    }

    /// What `promtool query` prints of each, its lines sorted.
    pub(crate) fn promtool(&self, arguments: &[&str]) -> (Vec<String>, Vec<String>) {
        let of = |address: SocketAddr| {
            let url = format!("http://{address}");
            let (kind, rest) = arguments.split_first().unwrap();
            let (flags, rest): (Vec<&str>, Vec<&str>) =
                rest.iter().partition(|argument| argument.starts_with("--"));
            let mut command = Command::new("promtool");
            let run =
                command.args(["query", kind]).args(flags).arg(url).args(rest).output().unwrap();
            let errors = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "promtool query {arguments:?}: {errors}");
            let mut lines: Vec<String> =
                String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        (of(self.own()), of(self.address))
    }

    fn own(&self) -> SocketAddr {
        self.server.as_ref().unwrap().address()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = self.prometheus.kill();
        let _ = self.prometheus.wait();
        if let Some(server) = self.server.take() {
            server.stop();
        }
        if let Some(store) = self.store.take() {
            let _ = store.close();
        }
    }
}

fn start_own(directory: &Path) -> (Store, Server) {
    let root = directory.join("nanotdb");
    let store = Store::open(&root).unwrap();
    let database = store.create_database(DATABASE).unwrap();
    for series in data::all() {
        let metric = Labels::new(series.name, series.labels).metric();
        for (millis, value) in series.samples {
            let time = Timestamp((BEGIN * 1_000 + millis) * 1_000_000);
            database.add(&metric, time, value).unwrap();
        }
    }
    let mut settings = Settings::of_root(&root, store.settings()).unwrap();
    settings.listen = "127.0.0.1:0".into();
    let server = Server::start(store.engine(), settings).unwrap();
    (store, server)
}

fn start_prometheus(directory: &Path) -> (Child, SocketAddr) {
    let (text, blocks) = (directory.join("series.txt"), directory.join("blocks"));
    std::fs::write(&text, data::open_metrics()).unwrap();
    let mut load = Command::new("promtool");
    let load = load.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&text).arg(&blocks);
    let load = load.output().unwrap();
    assert!(load.status.success(), "{}", String::from_utf8_lossy(&load.stderr));
    let config = directory.join("prometheus.yml");
    std::fs::write(&config, "global: {}\n").unwrap();
    // A port that was free just now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", blocks.display()))
        .arg(format!("--web.listen-address={address}"))
        .args(["--storage.tsdb.retention.time=100y", "--log.level=error"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !ask(address, "GET", "/-/ready", "").is_ok_and(|reply| reply.status == 200) {
        assert!(began.elapsed() < PATIENCE, "prometheus did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    (child, address)
}
