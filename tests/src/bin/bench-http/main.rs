//! Measures servers on the same workload, one after the other: ours, and others that are installed.
//!
//! Three questions: how fast samples come in, how long a query of a day takes while they do, and
//! what they take on disk and in memory. See `docs/BENCHMARKS.md`.
#![forbid(unsafe_code)]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with a few digits")]

mod bodies;
mod ingest;
mod peer;
mod process;
mod queries;

use peer::Peer;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str =
    "usage: bench-http [SERVER]... [--days N] [--rounds N] [--seconds N] [--dir PATH]

Measures nanotdb, nanotdb-influx, victoria-metrics, prometheus and influxdb, or those named.
`cargo build --release` must have built nanotdb; the others are Debian's packages.
  --days N     days of 84 metrics to send, 725,760 samples each (3)
  --rounds N   how often to measure each server (3)
  --seconds N  how long to query while samples come in (20)
  --dir PATH   where to work, on a real disk (beside this program)";

/// What to do.
#[derive(Debug)]
struct Plan {
    peers: Vec<Peer>,
    days: usize,
    rounds: usize,
    seconds: u64,
    directory: PathBuf,
}

fn main() -> ExitCode {
    let Some(plan) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!(
        "| server | samples/s in | day, idle ms | day p50 / p99 ms while 100 k/s come in | bytes/sample \
         | RSS / peak MiB |\n|---|--:|--:|--:|--:|--:|"
    );
    for round in 0..plan.rounds {
        for &peer in &plan.peers {
            match measure(peer, &plan) {
                Ok(line) => println!("{line}"),
                Err(problem) => eprintln!("{} (round {round}): {problem}", peer.name()),
            }
        }
    }
    ExitCode::SUCCESS
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Plan> {
    let directory = std::env::current_exe().ok()?.parent()?.to_path_buf();
    let mut plan = Plan { peers: Vec::new(), days: 3, rounds: 3, seconds: 20, directory };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--days" => plan.days = arguments.next()?.parse().ok()?,
            "--rounds" => plan.rounds = arguments.next()?.parse().ok()?,
            "--seconds" => plan.seconds = arguments.next()?.parse().ok()?,
            "--dir" => plan.directory = PathBuf::from(arguments.next()?),
            name => plan.peers.push(Peer::ALL.into_iter().find(|peer| peer.name() == name)?),
        }
    }
    if plan.peers.is_empty() {
        plan.peers = Peer::ALL.to_vec();
    }
    Some(plan)
}

/// Everything about one server, as a line of the table.
fn measure(peer: Peer, plan: &Plan) -> Result<String, String> {
    let scratch = tempfile::tempdir_in(&plan.directory).map_err(|error| error.to_string())?;
    let running = process::Running::start(peer, scratch.path())?;
    let sent = ingest::send(&running, plan.days)?;
    let idle = queries::idle(&running, &sent)?;
    let busy = queries::while_samples_come_in(&running, &sent, plan.seconds)?;
    let memory = running.memory();
    let samples = sent.samples + busy.samples;
    let disk = running.stop()?;
    Ok(format!(
        "| {} | {:.0} | {:.2} | {:.2} / {:.2} | {:.2} | {:.0} / {:.0} |",
        peer.name(),
        sent.rate(),
        idle,
        busy.p50,
        busy.p99,
        disk as f64 / samples as f64,
        memory.resident as f64 / 1_048_576.0,
        memory.peak as f64 / 1_048_576.0,
    ))
}
