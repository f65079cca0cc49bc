//! A server's process.

use crate::peer::{ADDRESS, Peer};
use reqwest::blocking::Client;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start, or to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) peer: Peer,
    pub(crate) client: Client,
    child: Child,
    directory: PathBuf,
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
}

impl Running {
    pub(crate) fn start(peer: Peer, directory: &Path) -> Result<Self, String> {
        let mut command = peer.command(directory)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let client = Client::builder().no_proxy().timeout(PATIENCE).build();
        let client = client.map_err(|error| error.to_string())?;
        let running = Self { peer, client, child, directory: directory.to_owned() };
        let began = Instant::now();
        while running.get(peer.health_path()).is_err() {
            if began.elapsed() > PATIENCE {
                return Err("it does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if let Some(path) = peer.preparation() {
            running.post(path, Vec::new())?;
        }
        Ok(running)
    }

    /// The body of an answer that says success.
    pub(crate) fn get(&self, path: &str) -> Result<Vec<u8>, String> {
        let answer = self.client.get(url(path)).send().map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer.bytes().map_err(|error| error.to_string())?.to_vec();
        if status.is_success() {
            Ok(body)
        } else {
            Err(format!("{path}: {status}: {}", String::from_utf8_lossy(&body)))
        }
    }

    /// Sends samples, or nothing.
    pub(crate) fn post(&self, path: &str, body: Vec<u8>) -> Result<(), String> {
        let mut request = self.client.post(url(path));
        if self.peer.form() == crate::peer::Form::RemoteWrite {
            request = request
                .header("content-encoding", "snappy")
                .header("content-type", "application/x-protobuf")
                .header("x-prometheus-remote-write-version", "0.1.0");
        }
        let answer = request.body(body).send().map_err(|error| error.to_string())?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(format!("{path}: {status}: {}", answer.text().unwrap_or_default()))
    }

    pub(crate) fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            number.unwrap_or(0) * 1024
        };
        Memory { resident: field("VmRSS:"), peak: field("VmHWM:") }
    }

    /// Stops it as a user would, and says how many bytes its files take.
    pub(crate) fn stop(mut self) -> Result<u64, String> {
        if let Some(path) = self.peer.settle_path() {
            self.get(path)?;
        }
        let id = self.child.id().to_string();
        let told = Command::new("kill").arg(&id).status().map_err(|error| error.to_string())?;
        let began = Instant::now();
        while told.success() && began.elapsed() < PATIENCE {
            if self.child.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Ok(bytes_in(&self.directory));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("it does not stop".into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn url(path: &str) -> String {
    format!("http://{ADDRESS}{path}")
}

/// Bytes of all files below a directory. Holes are no bytes.
fn bytes_in(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let of_entry = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => bytes_in(&entry.path()),
        Ok(about) => about.len().min(about.blocks() * 512),
        Err(_) => 0,
    };
    entries.flatten().map(of_entry).sum()
}
