//! Real processes killed while they write, chain after chain: embedded, and over HTTP.
//!
//! `NANOTDB_KILLS` sets how many; a full run has 200 embedded, and 300 over HTTP, 100 for each
//! durability profile.
#![cfg(unix)]

use nanotdb_core::settings::{Durability, EngineSettings, FsyncPolicy};
use nanotdb_tests::kill;
use nanotdb_tests::random::Random;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Kills on one root.
const CHAIN: u64 = 20;

/// Writes from this sample on until it is killed; returns up to which it was acknowledged.
type Write = fn(&Path, &Path, u64, &mut Random) -> u64;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    kill_many(60, "embedded", write_embedded);
}

#[test]
fn what_was_acknowledged_over_http_survives_a_kill() {
    kill_many(60, "over HTTP", write_over_http);
}

fn kill_many(kills: u64, how: &str, write: Write) {
    let wanted = std::env::var("NANOTDB_KILLS").ok();
    let kills = wanted.map_or(kills, |kills| kills.parse().expect("NANOTDB_KILLS is a number"));
    let (mut acknowledged, mut kept) = (0, 0);
    for number in 0..kills.div_ceil(CHAIN) {
        let length = CHAIN.min(kills - number * CHAIN);
        let (of_this, kept_of_this) = chain(number, length, write);
        (acknowledged, kept) = (acknowledged + of_this, kept + kept_of_this);
    }
    println!("{kills} kills {how}: {acknowledged} samples acknowledged, {kept} found");
}

/// Returns how many samples were acknowledged, and how many found in the end.
fn chain(number: u64, length: u64, write: Write) -> (u64, u64) {
    let scratch = tempfile::tempdir().unwrap();
    let (root, notes) = (scratch.path().join("root"), scratch.path().join("notes"));
    let settings = settings(number);
    std::fs::create_dir(&root).unwrap();
    // The server takes what is written as live, and its times are years after the clock.
    let text = settings.to_toml() + "\n[clock]\nmax_future = \"0s\"\n";
    std::fs::write(root.join("engine.toml"), text).unwrap();
    let mut random = Random::new(number);
    let (mut must, mut next, mut acknowledged) = (Vec::new(), 0_u64, 0);
    for link in 0..length {
        let at = format!("chain {number} ({}), kill {link}", settings.durability);
        std::fs::write(&notes, next.to_le_bytes()).unwrap();
        let end = write(&root, &notes, next, &mut random);
        acknowledged += end - next;
        let index = |number: u64| usize::try_from(number).unwrap();
        must.resize(index(next), false);
        must.resize(index(end), true);
        // Sometimes the next process is the first to write after the kill.
        let found = match kill::found(&root, random.one_in(2)) {
            Err(error) if error.contains("database not found") && end == 0 => continue,
            found => found.unwrap_or_else(|error| panic!("{at}: {error}")),
        };
        let lost = (0..must.len()).find(|&n| must[n] && found.get(n) != Some(&true));
        assert_eq!(lost, None, "{at}: of {end} acknowledged samples one is lost");
        next = end.max(found.len() as u64);
        must = found;
    }
    let found = kill::found(&root, false).unwrap_or_else(|error| panic!("chain {number}: {error}"));
    assert!(found == must, "chain {number}: closing changes nothing");
    (acknowledged, found.iter().filter(|found| **found).count() as u64)
}

fn settings(number: u64) -> EngineSettings {
    let mut settings = EngineSettings::fresh();
    let profiles = [Durability::Strict, Durability::Balanced, Durability::Throughput];
    settings.durability = profiles[usize::try_from(number % 3).unwrap()];
    if number % 4 == 3 {
        settings.wal.fsync_policy = FsyncPolicy::Always;
    }
    if number % 5 == 4 {
        settings.wal.max_segment_size = 200_000;
    }
    if number % 2 == 1 {
        settings.manifest_defaults.page_max_records = 300;
    }
    settings
}

/// Lets the process write for a moment. Some are killed while they still open the store.
fn write_embedded(root: &Path, notes: &Path, first: u64, random: &mut Random) -> u64 {
    let mut process = Command::new(env!("CARGO_BIN_EXE_write-until-killed"))
        .args([root, notes])
        .args([first.to_string(), random.next().to_string()])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    if !random.one_in(6) {
        while kill::acknowledged(notes) == Some(first) && start.elapsed().as_secs() < 30 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    std::thread::sleep(Duration::from_micros(random.below(80_000)));
    assert_eq!(process.try_wait().unwrap(), None, "it has to be killed");
    process.kill().unwrap(); // SIGKILL
    process.wait().unwrap();
    kill::acknowledged(notes).unwrap()
}

/// Sends batches one after the other; the server is killed by another thread meanwhile.
fn write_over_http(root: &Path, _: &Path, first: u64, random: &mut Random) -> u64 {
    let mut process = Command::new(env!("CARGO_BIN_EXE_serve-until-killed"))
        .arg(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let url = format!("http://{}/api/v1/import", address.trim());
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let life = Duration::from_micros(random.below(120_000));
    let mut next = first;
    std::thread::scope(|scope| {
        let killer = scope.spawn(move || {
            std::thread::sleep(life);
            process.kill().unwrap(); // SIGKILL
            process.wait().unwrap();
        });
        loop {
            let most = if random.one_in(4) { 6000 } else { 300 };
            let end = next + 1 + random.below(most);
            let Ok(answer) = client.post(&url).body(kill::lines(next..end)).send() else { break };
            assert_eq!(answer.status(), 200, "{:?}", answer.text());
            next = end;
        }
        killer.join().unwrap();
    });
    next
}
